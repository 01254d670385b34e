// Messages and their threads. A message that did not change keeps its element, and with it what was opened or typed.

import { complain, post } from "/page/api.js";
import { blocks } from "/page/blocks.js";
import { h } from "/page/dom.js";
import { emoji } from "/page/emoji.js";
import { newPlace } from "/page/place.js";
import { avatar } from "/page/rooms.js";
import { mrkdwn, nameOf, textObject } from "/page/text.js";

const SHOWN_REPLIES = 3;
const kept = new Map();
const opened = new Set();

export function drawMessages(box, state, room, redraw) {
  const roots = room.messages.filter((message) => !isReply(message));
  const replies = Map.groupBy ? Map.groupBy(room.messages.filter(isReply), (m) => m.thread_ts) : group(room.messages.filter(isReply));
  const parts = [];
  let day = "";
  for (const root of roots) {
    const today = new Date(Number(root.ts) * 1000).toLocaleDateString(undefined, { weekday: "long", month: "long", day: "numeric" });
    if (today !== day) parts.push(keyed(`day-${today}`, today, () => h("h3.day", {}, today)));
    day = today;
    parts.push(drawThread(state, room, root, replies.get(root.ts) || [], redraw));
  }
  if (!roots.length) parts.push(keyed("empty", state.me + room.id, () => emptyRoom(state, room)));
  place(box, parts);
}

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

function group(messages) {
  const out = new Map();
  for (const one of messages) out.set(one.thread_ts, [...(out.get(one.thread_ts) || []), one]);
  return out;
}

// Puts the elements in order, moving only what is out of place.
function place(box, parts) {
  parts.forEach((part, index) => {
    if (box.children[index] !== part) box.insertBefore(part, box.children[index] || null);
  });
  while (box.children.length > parts.length) box.lastChild.remove();
}

function keyed(key, version, make) {
  const old = kept.get(key);
  if (old && old.version === version) return old.node;
  const node = make();
  kept.set(key, { version, node });
  return node;
}

function emptyRoom(state, room) {
  if (room.kind !== "direct") return h("div.empty", {}, h("strong", {}, `# ${room.name}`), h("p", {}, room.topic), h("p", {}, "Nothing has been said here yet."));
  const me = state.people.find((person) => person.id === state.me);
  return h("div.empty", {},
    h("strong", {}, `You are ${me.name}${me.title ? ", " + me.title.toLowerCase() : ""}`),
    h("p", {}, `Ask ${room.name} something below. What it proposes appears in the channels; choose another person at the top to act as them.`));
}

function drawThread(state, room, root, replies, redraw) {
  const key = `${state.me}/${room.id}/${root.ts}`;
  const thread = keyed(`thread-${key}`, "", () => h("article.thread", {}, h("div.root"), h("div.replies")));
  const status = room.statuses.find((one) => one.thread_ts === root.ts);
  const session = room.sessions.find((one) => one.thread_ts === root.ts);
  const direct = room.kind === "direct";
  const all = direct || opened.has(key) || replies.length <= SHOWN_REPLIES + 1;
  const hidden = all ? [] : replies.slice(0, -SHOWN_REPLIES);
  const show = () => {
    opened.add(key);
    redraw();
  };
  place(thread.firstChild, [drawMessage(state, room, root, session)]);
  const below = [
    hidden.length && keyed(`more-${key}`, hidden.length, () => h("button.quiet.more", { type: "button", onclick: show }, `Show ${hidden.length} earlier replies`)),
    ...(all ? replies : replies.slice(-SHOWN_REPLIES)).map((reply) => drawMessage(state, room, reply)),
    (status || session?.status === "processing") && keyed(`status-${key}`, JSON.stringify([status, session, state.can_stop]), () => statusLine(state, room, root, status, session)),
    !root.is_ephemeral && keyed(`reply-${key}`, "", () => replyBox(state, room, root)),
  ].filter(Boolean);
  place(thread.lastChild, below);
  thread.classList.toggle("has-replies", replies.length > 0 || Boolean(status) || session?.status === "processing");
  return thread;
}

// Slack's own words for a session that is at work, where the app gave none; its stop button, where the app hears of it.
function statusLine(state, room, root, status, session) {
  const text = status ? status.loading_messages[0] || status.status : "is working…";
  const stop = async () => complain(await post("stop", { user: state.me, channel: room.id, thread_ts: root.ts }));
  return h("div.status", {},
    h("p", { role: "status" }, h("span.dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${state.app.name} ${text}`),
    session?.status === "processing" && state.can_stop && h("button.quiet.stop", { type: "button", onclick: stop }, "Stop"));
}

function drawMessage(state, room, message, session) {
  const version = JSON.stringify([message, session, state.me]);
  return keyed(`message-${state.me}-${room.id}-${message.ts}-${Boolean(message.is_ephemeral)}`, version, () => {
    const where = newPlace(state, { channel: room.id, ts: message.ts });
    const node = h(message.is_ephemeral ? "div.message.ephemeral" : "div.message", { id: `m${message.ts}` },
      avatar(state, message.user),
      h("div.message-main", {},
        h("p.message-head", {},
          h("strong", {}, message.username || nameOf(message.user)),
          message.bot_id && h("span.tag", {}, "App"),
          clock(message.ts),
          message.edited && !message.blocks && h("span.edited", { title: new Date(Number(message.edited.ts) * 1000).toLocaleString() }, "edited"),
          session && h(`span.session.${session.status}`, {}, [session.title, SESSIONS[session.status]].filter(Boolean).join(" · ")),
          message.is_ephemeral && h("span.only-you", {}, "Only visible to you"),
          !message.is_ephemeral && shortcuts(state, room, message)),
        content(message, where),
        reactions(message)));
    return node;
  });
}

// The app's own entries in the menu of a message.
function shortcuts(state, room, message) {
  const offered = (state.shortcuts || []).filter((one) => one.type === "message");
  if (!offered.length) return null;
  const menu = h("details.menu.shortcuts");
  const use = (one) => async () => {
    menu.open = false;
    complain(await post("shortcut", { user: state.me, callback_id: one.callback_id, channel: room.id, ts: message.ts }));
  };
  menu.append(
    h("summary", { "aria-label": "Shortcuts for this message", title: "Shortcuts" }, "•••"),
    h("div.menu-items", {}, offered.map((one) => h("button", { type: "button", title: one.description, onclick: use(one) }, `${one.name} · ${state.app.name}`))),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
  return menu;
}

const SESSIONS = { processing: "working", active: "", suspended: "waits for a decision", closed: "done" };

function content(message, where) {
  const attached = (message.attachments || []).map((one) =>
    h("div.attachment", {}, one.pretext && h("p", {}, mrkdwn(one.pretext)), one.title && h("strong", {}, one.title), one.text && h("div.text", {}, mrkdwn(one.text)), blocks(one.blocks, where)));
  const body = message.blocks ? blocks(message.blocks, where) : [h("div.text", {}, mrkdwn(message.text))];
  const files = (message.files || []).map((one) => h("p.file", {}, h("a", { href: one.url_private, download: one.name }, one.title), h("span", {}, ` ${one.filetype.toUpperCase()}, ${one.size} bytes`)));
  return h("div.content", {}, body, attached, files);
}

function reactions(message) {
  if (!message.reactions) return null;
  return h("p.reactions", {}, message.reactions.map((one) =>
    h("span.reaction", { title: one.users.map(nameOf).join(", ") }, emoji(one.name) || `:${one.name}:`, ` ${one.count}`)));
}

function clock(ts) {
  const at = new Date(Number(ts) * 1000);
  const text = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, text);
}

function replyBox(state, room, root) {
  const box = h("div.reply");
  const open = () => {
    const input = h("textarea", { rows: "1", "aria-label": "Reply in this thread", placeholder: "Reply in this thread" });
    const send = async (event) => {
      event.preventDefault();
      if (!input.value.trim()) return;
      const answer = await post("say", { user: state.me, channel: room.id, text: input.value, thread_ts: root.ts });
      if (answer.error) complain(answer);
      else input.value = "";
    };
    const form = h("form.reply-form", { onsubmit: send }, input, h("button.primary", { type: "submit" }, "Reply"));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
    });
    box.replaceChildren(form);
    input.focus();
  };
  const close = () => box.replaceChildren(h("button.quiet", { type: "button", onclick: open }, "Reply in thread"));
  close();
  return box;
}

export function drawPrompts(box, room, say) {
  const given = room.kind === "direct" && room.prompts;
  const version = JSON.stringify(given || null);
  if (box.dataset.version === version) return;
  box.dataset.version = version;
  box.replaceChildren(...(given ? [
    given.title && h("span.prompts-title", {}, given.title),
    ...given.prompts.map((one) => h("button", { type: "button", title: one.message, onclick: () => say(one.message) }, textObject({ type: "plain_text", text: one.title }))),
  ].filter(Boolean) : []));
}
