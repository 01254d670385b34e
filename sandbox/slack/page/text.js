// Slack's three ways to write text: mrkdwn, markdown and rich_text, each made into nodes.

import { h, link } from "/page/dom.js";
import { emoji } from "/page/emoji.js";

let directory = { people: {}, channels: {} };

// Who and what <@U…> and <#C…> stand for.
export function knowNames(state) {
  directory = { people: {}, channels: {} };
  for (const person of state.people) directory.people[person.id] = person.name;
  directory.people[state.app.user] = state.app.name;
  for (const room of state.channels) directory.channels[room.id] = room.name;
}

export function nameOf(user) {
  return directory.people[user] || user;
}

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function mrkdwn(text) {
  const out = [];
  String(text ?? "").split(/```/).forEach((part, index) => {
    if (index % 2) out.push(h("pre", {}, unescape(part.replace(/^\n/, ""))));
    else out.push(...quotedLines(part));
  });
  return out;
}

function quotedLines(text) {
  const out = [];
  let quote = [];
  let plain = [];
  const flush = () => {
    if (quote.length) out.push(h("blockquote", {}, inline(quote.join("\n"))));
    if (plain.length) out.push(...inline(plain.join("\n")));
    quote = [];
    plain = [];
  };
  for (const line of text.split("\n")) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted ? plain.length : quote.length) flush();
    (quoted ? quote : plain).push(quoted ? quoted[1] : line);
  }
  flush();
  return out;
}

const SPANS = [
  [/^`([^`\n]+)`/, (m) => h("code", {}, unescape(m[1]))],
  [/^<([^<>\n]+)>/, (m) => reference(m[1])],
  [/^\*(\S(?:[^*\n]*\S)?)\*(?![\w*])/, (m) => h("strong", {}, inline(m[1]))],
  [/^_(\S(?:[^_\n]*\S)?)_(?![\w_])/, (m) => h("em", {}, inline(m[1]))],
  [/^~(\S(?:[^~\n]*\S)?)~(?![\w~])/, (m) => h("s", {}, inline(m[1]))],
  [/^:([a-z0-9_+-]+):/, (m) => emoji(m[1])],
];

function inline(text, spans = SPANS) {
  const out = [];
  let plain = "";
  let position = 0;
  while (position < text.length) {
    const rest = text.slice(position);
    const before = position ? text[position - 1] : " ";
    const opening = /[*_~`<:[!]/.test(rest[0]) && !(/[*_~]/.test(rest[0]) && /\w/.test(before));
    const hit = opening && spans.map(([pattern, make]) => [rest.match(pattern), make]).find(([match]) => match);
    const node = hit ? hit[1](hit[0]) : null;
    if (node) {
      if (plain) out.push(unescape(plain));
      plain = "";
      out.push(node);
      position += hit[0][0].length;
    } else {
      plain += rest[0];
      position += 1;
    }
  }
  if (plain) out.push(unescape(plain));
  return out;
}

function reference(inside) {
  const [target, label] = splitOnce(inside, "|");
  if (target.startsWith("@")) return h("span.mention", {}, "@" + nameOf(target.slice(1)));
  if (target.startsWith("#")) return h("span.mention", {}, "#" + (directory.channels[target.slice(1)] || label || "channel"));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return h("span.mention", {}, "@" + (label || target.slice(1).split("^")[0]));
  const address = unescape(target);
  return link(address, label ? unescape(label) : address);
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function date(target, fallback) {
  const [, seconds, format = "", address] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (!Number.isFinite(at.getTime())) return unescape(fallback);
  const show = (options) => at.toLocaleString(undefined, options);
  const long = { year: "numeric", month: "long", day: "numeric" };
  const formats = {
    date_num: () => at.toISOString().slice(0, 10),
    date_slash: () => show({ dateStyle: "short" }),
    date_long: () => show({ weekday: "long", ...long }),
    date_short: () => show({ year: "numeric", month: "short", day: "numeric" }),
    date: () => show(long),
    time_secs: () => show({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    time: () => show({ hour: "2-digit", minute: "2-digit" }),
    ago: () => show({ dateStyle: "medium", timeStyle: "short" }),
  };
  const text = format.replace(/\{(\w+?)(_pretty)?\}/g, (whole, name) => (formats[name] ? formats[name]() : whole));
  const time = h("time", { datetime: at.toISOString(), title: at.toString() }, unescape(text || fallback));
  return address ? link(address, time) : time;
}

export function plainText(text) {
  return String(text ?? "").split(/(:[a-z0-9_+-]+:)/).map((part) => {
    const known = part.match(/^:([a-z0-9_+-]+):$/);
    return (known && emoji(known[1])) || part;
  });
}

export function textObject(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plainText(object.text);
}

export function readable(object) {
  return object ? object.text : "";
}

// -- rich_text -------------------------------------------------------------------------------------------------------

export function richText(block) {
  return (block.elements || []).map((element) => {
    const inner = () => (element.elements || []).map(richPiece);
    if (element.type === "rich_text_preformatted") return h("pre", {}, inner());
    if (element.type === "rich_text_quote") return h("blockquote", {}, inner());
    if (element.type === "rich_text_list") return richList(element);
    return h("p.rich", {}, inner());
  });
}

function richList(element) {
  const items = (element.elements || []).map((item) => h("li", {}, (item.elements || []).map(richPiece)));
  const list = h(element.style === "ordered" ? "ol" : "ul", { start: (element.offset || 0) + 1 }, items);
  if (element.indent) list.classList.add(`indent-${Math.min(element.indent, 4)}`);
  return list;
}

function richPiece(piece) {
  const makers = {
    text: () => piece.text,
    link: () => link(piece.url, piece.text || piece.url),
    user: () => h("span.mention", {}, "@" + nameOf(piece.user_id)),
    channel: () => h("span.mention", {}, "#" + (directory.channels[piece.channel_id] || piece.channel_id)),
    broadcast: () => h("span.mention", {}, "@" + piece.range),
    emoji: () => emoji(piece.name) || `:${piece.name}:`,
    date: () => date(`!date^${piece.timestamp}^${piece.format || ""}`, piece.fallback || ""),
    color: () => h("code", {}, piece.value),
  };
  let node = (makers[piece.type] || (() => piece.text || ""))();
  const style = piece.style || {};
  if (style.code) node = h("code", {}, node);
  if (style.bold) node = h("strong", {}, node);
  if (style.italic) node = h("em", {}, node);
  if (style.strike) node = h("s", {}, node);
  return node;
}

// -- markdown --------------------------------------------------------------------------------------------------------

const MARKDOWN_SPANS = [
  [/^`([^`\n]+)`/, (m) => h("code", {}, m[1])],
  [/^!?\[([^\]\n]*)\]\(([^)\s]+)\)/, (m) => link(m[2], m[1])],
  [/^<(https?:[^<>\s]+)>/, (m) => link(m[1], m[1])],
  [/^\*\*(\S(?:[^\n]*?\S)?)\*\*/, (m) => h("strong", {}, inline(m[1], MARKDOWN_SPANS))],
  [/^~~(\S(?:[^\n]*?\S)?)~~/, (m) => h("s", {}, inline(m[1], MARKDOWN_SPANS))],
  [/^\*(\S(?:[^*\n]*\S)?)\*/, (m) => h("em", {}, inline(m[1], MARKDOWN_SPANS))],
  [/^_(\S(?:[^_\n]*\S)?)_(?!\w)/, (m) => h("em", {}, inline(m[1], MARKDOWN_SPANS))],
  [/^:([a-z0-9_+-]+):/, (m) => emoji(m[1])],
];

export function markdown(text) {
  const lines = String(text ?? "").replaceAll("\r", "").split("\n");
  const out = [];
  while (lines.length) out.push(...markdownBlock(lines));
  return out;
}

const span = (text) => inline(text, MARKDOWN_SPANS);
const takeWhile = (lines, test) => {
  const taken = [];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
};

function markdownBlock(lines) {
  const line = lines[0];
  if (!line.trim()) return lines.shift() && [];
  if (line.startsWith("```")) {
    lines.shift();
    const code = takeWhile(lines, (one) => !one.startsWith("```"));
    lines.shift();
    return [h("pre", {}, code.join("\n"))];
  }
  const heading = line.match(/^(#{1,6}) +(.*)$/);
  if (heading) return lines.shift() && [h("h4", {}, span(heading[2]))];
  if (/^ *(?:-{3,}|\*{3,})$/.test(line)) return lines.shift() && [h("hr")];
  if (line.startsWith(">")) {
    const quoted = takeWhile(lines, (one) => one.startsWith(">"));
    return [h("blockquote", {}, span(quoted.map((one) => one.replace(/^> ?/, "")).join("\n")))];
  }
  if (/^ *\|/.test(line) && /^ *\|[ :|-]+$/.test(lines[1] || "")) return [markdownTable(lines)];
  for (const [pattern, tag] of [[/^ *[-*+] +/, "ul"], [/^ *\d+[.)] +/, "ol"]]) {
    if (!pattern.test(line)) continue;
    return [h(tag, {}, takeWhile(lines, (one) => pattern.test(one)).map((one) => h("li", {}, span(one.replace(pattern, "")))))];
  }
  const starts = /^(?:```|#{1,6} |>| *[-*+] | *\d+[.)] | *\|)/;
  const paragraph = [lines.shift(), ...takeWhile(lines, (one) => one.trim() && !starts.test(one))];
  return [h("p", {}, span(paragraph.join("\n")))];
}

function markdownTable(lines) {
  const rows = takeWhile(lines, (one) => /^ *\|/.test(one)).map((one) => one.trim().replace(/^\||\|$/g, "").split("|"));
  const cells = (row, tag) => h("tr", {}, row.map((cell) => h(tag, {}, span(cell.trim()))));
  const [head, , ...body] = rows;
  return h("div.scroll", {}, h("table.grid", {}, h("thead", {}, cells(head, "th")), h("tbody", {}, body.map((row) => cells(row, "td")))));
}
