// Talks to the sandbox, and shows what it refuses.

import { h } from "/page/dom.js";

async function answerOf(response) {
  const answer = await response.json().catch(() => ({ ok: false, error: "no_answer", why: "the sandbox gave no usable answer" }));
  return { ...answer, status: response.status };
}

export async function post(path, body) {
  try {
    const headers = { "content-type": "application/json" };
    return await answerOf(await fetch(`/sandbox/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
  } catch {
    return { ok: false, error: "offline", why: "the sandbox does not answer" };
  }
}

export async function get(path) {
  return answerOf(await fetch(`/sandbox/${path}`));
}

export function toast(text, kind = "warning") {
  const box = document.getElementById("toasts");
  const note = h(`div.toast.${kind}`, {}, h("span", {}, text), h("button.quiet", { type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, "✕"));
  box.append(note);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => note.remove(), 12000);
}

// A refusal of the sandbox itself. That the app did not respond comes as a notice instead.
export function complain(answer) {
  if (answer.why) toast(answer.why[0].toUpperCase() + answer.why.slice(1) + ".");
}

// Asks for a button's own confirmation; resolves to true or false.
export function confirmed(confirm, textObject, readable) {
  const dialog = document.getElementById("confirm");
  return new Promise((resolve) => {
    const end = (yes) => () => {
      dialog.close();
      resolve(yes);
    };
    dialog.replaceChildren(
      h("h2", { id: "confirm-title" }, readable(confirm.title)),
      h("div.text", {}, textObject(confirm.text)),
      h("div.dialog-actions", {},
        h("button", { type: "button", onclick: end(false) }, readable(confirm.deny)),
        h(`button.${confirm.style || "primary"}`, { type: "button", onclick: end(true) }, readable(confirm.confirm))),
    );
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
  });
}
