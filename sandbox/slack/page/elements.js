// What can be pressed or filled in. A place says where an element is: who looks, and what a press there does.

import { h, link } from "/page/dom.js";
import { plainText, readable, textObject } from "/page/text.js";

const visible = (element, place) => !Array.isArray(element.visible_to_user_ids) || element.visible_to_user_ids.includes(place.me);

export function element(block, one, place) {
  if (!visible(one, place)) return null;
  const make = MAKERS[one.type];
  return make ? make(block, one, place) : h("span.unknown", {}, `(${one.type} is not drawn here)`);
}

function pressing(block, one, place) {
  return async (event, value) => {
    const target = event.currentTarget;
    target.setAttribute("aria-busy", "true");
    await place.press(block, one, value);
    target.removeAttribute("aria-busy");
  };
}

function button(block, one, place) {
  const press = pressing(block, one, place);
  const label = { "aria-label": one.accessibility_label, type: "button" };
  const style = one.style ? `.${one.style}` : "";
  if (!one.url) return h(`button${style}`, { ...label, onclick: (event) => press(event) }, textObject(one.text));
  const anchor = link(one.url, textObject(one.text), h("span", { "aria-hidden": "true" }, " ↗"));
  anchor.classList.add("button", ...(one.style ? [one.style] : []));
  if (one.accessibility_label) anchor.setAttribute("aria-label", one.accessibility_label);
  anchor.addEventListener("click", (event) => press(event));
  return anchor;
}

function iconButton(block, one, place) {
  const press = pressing(block, one, place);
  return h("button.icon", { type: "button", onclick: (event) => press(event) }, textObject(one.text));
}

function overflow(block, one, place) {
  const press = pressing(block, one, place);
  const menu = h("details.menu");
  const choose = (option) => (event) => {
    menu.open = false;
    press(event, option.value);
  };
  menu.append(
    h("summary", { "aria-label": "More actions" }, "•••"),
    h("div.menu-items", {}, one.options.map((option) => h("button", { type: "button", onclick: choose(option) }, textObject(option.text)))),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
  return menu;
}

function feedback(block, one, place) {
  const press = pressing(block, one, place);
  return ["positive_button", "negative_button"].map((key) =>
    h("button.icon", { type: "button", "aria-label": one[key].accessibility_label, onclick: (event) => press(event, one[key].value) }, textObject(one[key].text)));
}

const NAMED = (one) => one.placeholder && readable(one.placeholder);

function select(block, one, place) {
  const many = one.type.startsWith("multi_");
  const initial = many ? (one.initial_options || []).map((o) => o.value) : one.initial_option && one.initial_option.value;
  const option = (o) => h("option", { value: o.value, selected: many ? initial.includes(o.value) : o.value === initial }, readable(o.text));
  const groups = (one.option_groups || []).map((group) => h("optgroup", { label: readable(group.label) }, group.options.map(option)));
  const empty = many ? [] : [h("option", { value: "" }, NAMED(one) || "Choose…")];
  const box = h("select", { multiple: many, "aria-label": NAMED(one) || one.action_id }, empty, groups, (one.options || []).map(option));
  return field(block, one, place, box, () => (many ? [...box.selectedOptions].map((o) => o.value) : box.value));
}

function peopleSelect(block, one, place) {
  const people = one.type.includes("user") ? place.people : place.channels;
  const initial = one.initial_user || one.initial_channel || one.initial_conversation;
  const options = people.map((p) => h("option", { value: p.id, selected: p.id === initial }, p.name));
  const box = h("select", { "aria-label": NAMED(one) || one.action_id }, h("option", { value: "" }, NAMED(one) || "Choose…"), options);
  return field(block, one, place, box, () => box.value);
}

function choices(block, one, place) {
  const radio = one.type === "radio_buttons";
  const initial = radio ? [one.initial_option && one.initial_option.value] : (one.initial_options || []).map((o) => o.value);
  const name = `${block.block_id}-${one.action_id}-${place.id}`;
  const boxes = one.options.map((option) => {
    const input = h("input", { type: radio ? "radio" : "checkbox", name, value: option.value, checked: initial.includes(option.value) });
    return h("label.choice", {}, input, h("span", {}, textObject(option.text), option.description && h("small", {}, textObject(option.description))));
  });
  const group = h("div.choices", { role: radio ? "radiogroup" : "group" }, boxes);
  const read = () => {
    const chosen = [...group.querySelectorAll("input:checked")].map((input) => input.value);
    return radio ? chosen[0] || "" : chosen;
  };
  return field(block, one, place, group, read);
}

const TYPES = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local", email_text_input: "email", url_text_input: "url", number_input: "number" };

function textInput(block, one, place) {
  const attributes = {
    placeholder: NAMED(one), maxlength: one.max_length && String(one.max_length), "aria-label": block.label ? null : NAMED(one) || one.action_id,
  };
  const value = one.initial_value || one.initial_date || one.initial_time || "";
  const box = one.multiline ? h("textarea", { ...attributes, rows: 4 }) : h("input", { ...attributes, type: TYPES[one.type] || "text" });
  box.value = value;
  return field(block, one, place, box, () => (one.type === "datetimepicker" && box.value ? Math.floor(new Date(box.value) / 1000) : box.value));
}

// Registers an element's value with its place; outside an input block, a change is an action of its own.
function field(block, one, place, box, read) {
  place.values[block.block_id] = { ...place.values[block.block_id], [one.action_id]: read };
  if (block.type !== "input" || block.dispatch_action) {
    const press = pressing(block, one, place);
    box.addEventListener("change", (event) => press(event, read()));
  }
  return box;
}

const MAKERS = {
  button, overflow, feedback_buttons: feedback, icon_button: iconButton, plain_text_input: textInput,
  static_select: select, multi_static_select: select, external_select: select,
  users_select: peopleSelect, multi_users_select: peopleSelect, conversations_select: peopleSelect, channels_select: peopleSelect,
  checkboxes: choices, radio_buttons: choices,
  datepicker: textInput, timepicker: textInput, datetimepicker: textInput,
  email_text_input: textInput, url_text_input: textInput, number_input: textInput,
};

export function collect(place) {
  const out = {};
  for (const [block, actions] of Object.entries(place.values)) {
    out[block] = Object.fromEntries(Object.entries(actions).map(([name, read]) => [name, read()]));
  }
  return out;
}

export const label = (object) => plainText(readable(object));
