// The modal in front of the person. What was typed stays when the app answers with errors.

import { complain, post } from "/page/api.js";
import { blocks } from "/page/blocks.js";
import { h } from "/page/dom.js";
import { collect } from "/page/elements.js";
import { newPlace } from "/page/place.js";
import { readable } from "/page/text.js";

const dialog = document.getElementById("modal");
let shown = "";

export function showModal(state) {
  const view = state.modal;
  if (!view) {
    shown = "";
    if (dialog.open) dialog.close();
    return;
  }
  if (shown !== view.id + view.hash + state.me) build(state, view);
  shown = view.id + view.hash + state.me;
  showErrors(view.errors);
  if (!dialog.open) dialog.showModal();
}

function build(state, view) {
  const place = newPlace(state, { view_id: view.id });
  const close = async () => complain(await post("close", { user: state.me, view_id: view.id }));
  const submit = async (event) => {
    event.preventDefault();
    const button = event.submitter || form.querySelector(".primary");
    button.setAttribute("aria-busy", "true");
    const answer = await post("submit", { user: state.me, view_id: view.id, values: collect(place) });
    button.removeAttribute("aria-busy");
    if (answer.error) complain(answer);
  };
  const form = h("form", { onsubmit: submit, novalidate: true },
    h("header.modal-head", {},
      h("h2", { id: "modal-title" }, readable(view.title)),
      h("button.quiet", { type: "button", "aria-label": "Close", onclick: close }, "✕")),
    h("div.modal-body", {}, blocks(view.blocks, place)),
    h("footer.dialog-actions", {},
      h("button", { type: "button", onclick: close }, view.close ? readable(view.close) : "Close"),
      view.submit && h("button.primary", { type: "submit" }, readable(view.submit))));
  dialog.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  dialog.replaceChildren(form);
  const first = dialog.querySelector(".modal-body input, .modal-body textarea, .modal-body select");
  if (first) first.autofocus = true;
}

function showErrors(errors) {
  for (const block of dialog.querySelectorAll(".input")) {
    const text = (errors || {})[block.dataset.block] || "";
    const problem = block.querySelector(".problem");
    if (problem && problem.textContent !== text) problem.textContent = text;
    block.classList.toggle("has-problem", Boolean(text));
  }
}
