// The people to act as, the rooms they are in, and the state of the wire.

import { h, redraw } from "/page/dom.js";

export function initials(name) {
  return name.split(/\s+/).map((word) => word[0] || "").slice(0, 2).join("").toUpperCase();
}

export function avatar(state, user, size = "") {
  if (user === state.app.user) return h(`span.avatar.app${size}`, { "aria-hidden": "true" }, state.app.name[0]);
  const index = state.people.findIndex((person) => person.id === user);
  const person = state.people[index];
  return h(`span.avatar.p${Math.max(index, 0) % 4}${size}`, { "aria-hidden": "true" }, person ? initials(person.name) : "?");
}

export function drawPeople(state, choose) {
  const box = document.getElementById("people");
  redraw(box, [state.me, state.people, state.unread_of], () => state.people.map((person) => {
    const mine = person.id === state.me;
    const waiting = mine ? 0 : state.unread_of[person.id] || 0;
    return h("button.person", { type: "button", "aria-pressed": String(mine), onclick: () => choose(person.id) },
      avatar(state, person.id),
      h("span.person-text", {}, h("span.person-name", {}, person.name), h("span.person-title", {}, person.title)),
      waiting > 0 && h("span.badge", { title: `${waiting} unread` }, String(waiting)));
  }));
}

export function drawRooms(state, current, choose) {
  const entry = (room) => {
    const chosen = room.id === current;
    const unread = chosen ? 0 : room.unread;
    return h(unread ? "button.entry.unread" : "button.entry", { type: "button", "aria-current": chosen ? "page" : null, onclick: () => choose(room.id) },
      room.kind === "channel" ? h("span.hash", { "aria-hidden": "true" }, "#") : avatar(state, state.app.user, ".small"),
      h("span.entry-name", {}, room.name),
      unread > 0 && h("span.badge", { "aria-label": `${unread} unread` }, String(unread)));
  };
  const group = (title, kind) => {
    const rooms = state.rooms.filter((room) => room.kind === kind);
    return rooms.length ? [h("h2", {}, title), h("div.entries", {}, rooms.map(entry))] : [];
  };
  const shown = state.rooms.map((room) => [room.id, room.unread, room.id === current]);
  redraw(document.getElementById("rooms"), [state.me, shown], () => [group("Channels", "channel"), group("Apps", "direct")]);
}

export function drawWire(state) {
  const { total, failed, waiting } = state.deliveries;
  const text = state.app_url
    ? `${total} request${total === 1 ? "" : "s"} sent to the app${waiting ? `, ${waiting} waiting` : ""}${failed ? `, ${failed} not acknowledged` : ""}.`
    : "No app is connected: nothing will answer.";
  const wire = document.getElementById("wire");
  wire.classList.toggle("trouble", failed > 0 || !state.app_url);
  wire.textContent = text + " Nothing here is kept.";
}
