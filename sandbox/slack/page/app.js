// The page: fetches what one person sees, draws it, and asks again when the workspace has changed.

import { complain, get, post, toast } from "/page/api.js";
import { blocks } from "/page/blocks.js";
import { h, redraw } from "/page/dom.js";
import { showModal } from "/page/modal.js";
import { newPlace } from "/page/place.js";
import { drawPeople, drawRooms, drawWire } from "/page/rooms.js";
import { knowNames } from "/page/text.js";
import { drawMessages, drawPrompts } from "/page/thread.js";

const at = (id) => document.getElementById(id);
const here = { user: "", room: "", tab: "messages", target: "" };
const drafts = new Map();
let state = null;
let noticed = -1;
let drawnHome = "";

// -- where one is: #U…/C…, with /home or the ts of a message; #C…/ts for a link to a message -------------------------

function readAddress() {
  const [first = "", second = "", third = ""] = decodeURIComponent(location.hash.slice(1)).split("/");
  if (/^[CD]/.test(first)) [here.room, here.target] = [first, second];
  else if (first) {
    [here.user, here.room, here.tab] = [first, second || here.room, third === "home" ? "home" : "messages"];
    here.target = /^\d/.test(third) ? third : "";
  }
}

function writeAddress() {
  const address = `#${here.user}/${here.room}${here.tab === "home" ? "/home" : ""}`;
  if (location.hash !== address) history.replaceState(null, "", address);
}

function settle() {
  if (!state.rooms.some((room) => room.id === here.room)) {
    const wasDirect = here.room.startsWith("D");
    const direct = state.rooms.find((room) => room.kind === "direct");
    here.room = ((wasDirect || !here.room) && direct ? direct : state.rooms[0]).id;
  }
  const room = state.rooms.find((one) => one.id === here.room);
  if (room.kind !== "direct") here.tab = "messages";
  return room;
}

// -- drawing ---------------------------------------------------------------------------------------------------------

function draw() {
  const room = settle();
  knowNames(state);
  const me = state.people.find((person) => person.id === state.me);
  document.title = `Sandbox Slack: ${room.kind === "channel" ? "#" : ""}${room.name} as ${me.name}`;
  at("team").textContent = state.team.name;
  drawPeople(state, choosePerson);
  drawRooms(state, room.id, chooseRoom);
  drawWire(state);
  drawHead(room);
  const home = here.tab === "home";
  for (const id of ["messages", "prompts", "composer"]) at(id).hidden = home;
  at("home").hidden = !home;
  if (home) drawHome();
  else drawConversation(room);
  showModal(state);
  showNotices();
  writeAddress();
}

function drawHead(room) {
  const tab = (name, text) => h("button.tab", { type: "button", "aria-pressed": String(here.tab === name), onclick: () => chooseTab(name) }, text);
  const others = room.members.length;
  redraw(at("room"), [room.id, here.tab, others], () => [
    h("h1", {}, room.kind === "channel" ? `# ${room.name}` : room.name),
    h("p", {}, room.kind === "channel" ? `${room.topic}${room.topic ? " · " : ""}${others} members` : "Your conversation with the app"),
    room.kind === "direct" && h("div.tabs", {}, tab("home", "Home"), tab("messages", "Messages")),
  ]);
}

function drawConversation(room) {
  const box = at("messages");
  const version = `${state.me}/${room.id}`;
  const fresh = box.dataset.version !== version;
  const atEnd = fresh || box.scrollHeight - box.scrollTop - box.clientHeight < 120;
  drawMessages(box, state, room, draw);
  drawPrompts(at("prompts"), room, say);
  if (fresh) {
    const draft = at("draft");
    drafts.set(box.dataset.version, draft.value);
    draft.value = drafts.get(version) || "";
    const name = room.kind === "channel" ? `Message #${room.name}` : `Message ${room.name}`;
    draft.placeholder = name;
    at("draft-label").textContent = name;
    grow();
  }
  box.dataset.version = version;
  const target = here.target && document.getElementById(`m${here.target}`);
  if (target) {
    target.scrollIntoView({ block: "center" });
    here.target = "";
  } else if (atEnd) box.scrollTop = box.scrollHeight;
  if (room.unread > 0 && document.visibilityState === "visible") post("open", { user: state.me, channel: room.id });
}

function drawHome() {
  const version = JSON.stringify([state.me, state.home && state.home.hash]);
  if (drawnHome === version) return;
  drawnHome = version;
  const view = state.home;
  at("home").replaceChildren(...(view ? blocks(view.blocks, newPlace(state, { view_id: view.id })).filter(Boolean) : [h("p.empty", {}, `${state.app.name} has not put anything here yet.`)]));
}

function showNotices() {
  const newest = state.notices.length ? state.notices[state.notices.length - 1].id : 0;
  if (noticed >= 0) for (const one of state.notices) if (one.id > noticed) toast(one.text);
  noticed = Math.max(newest, noticed, 0);
}

// -- what the person does --------------------------------------------------------------------------------------------

async function choosePerson(user) {
  here.user = user;
  await refresh();
  tellApp();
}

// Slack tells the app that someone looks at it, whichever way they came.
function tellApp() {
  const room = state.rooms.find((one) => one.id === here.room);
  if (room.kind === "direct") post("open", { user: state.me, tab: here.tab });
}

function chooseRoom(room) {
  here.room = room;
  here.tab = "messages";
  draw();
  tellApp();
}

function chooseTab(tab) {
  here.tab = tab;
  draw();
  tellApp();
}

async function say(text) {
  const answer = await post("say", { user: state.me, channel: here.room, text });
  if (answer.error) complain(answer);
  return !answer.error;
}

function grow() {
  const draft = at("draft");
  draft.rows = Math.min(Math.max(draft.value.split("\n").length, 1), 8);
}

at("draft").addEventListener("input", grow);
at("draft").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("composer").requestSubmit();
});
at("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("draft").value;
  if (!text.trim()) return;
  at("draft").value = "";
  grow();
  if (!(await say(text))) at("draft").value = text;
});

// -- light and dark --------------------------------------------------------------------------------------------------

const THEMES = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

function theme(name) {
  document.documentElement.dataset.theme = name;
  at("theme").textContent = THEMES[name];
  localStorage.setItem("theme", name);
}

at("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  theme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
});
at("about-open").addEventListener("click", () => at("about").showModal());

// -- the loop --------------------------------------------------------------------------------------------------------

function links() {
  for (const [id, address] of [["audit-link", state.links.audit], ["docs-link", state.links.docs]]) {
    at(id).hidden = !address;
    if (address && /^https?:/.test(address)) at(id).href = address;
  }
  at("docs-row").hidden = !state.links.docs;
}

async function refresh() {
  let next = here.user ? await get(`state?user=${encodeURIComponent(here.user)}`) : null;
  if (!next || next.error) {
    const everything = await get("state");
    here.user = everything.people[0].id;
    next = await get(`state?user=${encodeURIComponent(here.user)}`);
  }
  if (next.me !== here.user) return;
  state = next;
  links();
  draw();
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function run() {
  theme(THEMES[localStorage.getItem("theme")] ? localStorage.getItem("theme") : "auto");
  readAddress();
  let told = false;
  for (;;) {
    try {
      await refresh();
      if (!told) tellApp();
      told = true;
      at("offline").hidden = true;
      await get(`changes?after=${state.revision}&seconds=20`);
      await pause(60);
    } catch {
      at("offline").hidden = false;
      await pause(2000);
    }
  }
}

window.addEventListener("hashchange", () => {
  readAddress();
  refresh();
});
document.addEventListener("visibilitychange", () => state && draw());
run();
