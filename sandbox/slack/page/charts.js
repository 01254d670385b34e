// data_visualization as inline SVG: line, area, bar and pie, each with a legend and the same figures as a table.

import { h, s } from "/page/dom.js";

const WIDTH = 560;
const HEIGHT = 240;
const EDGE = { left: 56, right: 12, top: 12, bottom: 44 };

const full = (value) => Number(value).toLocaleString(undefined, { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });

export function chart(block) {
  const data = block.chart || {};
  const summary = `${block.title}: ${data.type} chart`;
  const drawing = data.type === "pie" ? pie(data, summary) : plot(data, summary);
  const names = data.type === "pie" ? data.segments.map((one) => `${one.label} (${full(one.value)})`) : data.series.map((one) => one.name);
  return h("figure.chart", {},
    h("figcaption", {}, block.title),
    drawing,
    h("ul.legend", {}, names.map((name, index) => h("li", {}, h(`span.swatch.c${index % 6}`), name))),
    h("details", {}, h("summary", {}, "Show as a table"), figures(data)),
  );
}

function figures(data) {
  const head = data.type === "pie" ? ["", "Value"] : ["", ...data.series.map((one) => one.name)];
  const rows = data.type === "pie"
    ? data.segments.map((one) => [one.label, full(one.value)])
    : data.axis_config.categories.map((name) => [name, ...data.series.map((one) => full(valueAt(one, name)))]);
  return h("div.scroll", {}, h("table.grid", {},
    h("thead", {}, h("tr", {}, head.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, index) => (index ? h("td.number", {}, cell) : h("th", { scope: "row" }, cell)))))),
  ));
}

const valueAt = (series, name) => (series.data.find((point) => point.label === name) || { value: 0 }).value;

function steps(least, most) {
  const rough = (most - least || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const out = [];
  for (let at = Math.floor(least / step) * step; at < most + step; at += step) out.push(at);
  return out;
}

function plot(data, summary) {
  const names = data.axis_config.categories;
  const values = data.series.flatMap((one) => names.map((name) => valueAt(one, name)));
  const ticks = steps(Math.min(0, ...values), Math.max(...values, 0));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const slot = (WIDTH - EDGE.left - EDGE.right) / names.length;
  const x = (index) => EDGE.left + slot * (index + 0.5);
  const y = (value) => EDGE.top + ((high - value) / (high - low || 1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const every = Math.ceil(names.length / 10);
  const place = { names, slot, x, y };
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${summary}, ${names[0]} to ${names[names.length - 1]}` },
    ticks.map((tick) => [
      s("line", { class: "rule", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick), y2: y(tick) }),
      s("text", { class: "tick", x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, short.format(tick)),
    ]),
    names.map((name, index) => index % every === 0 && s("text", { class: "tick", x: x(index), y: HEIGHT - EDGE.bottom + 17, "text-anchor": "middle" }, name)),
    data.axis_config.x_label && s("text", { class: "axis", x: (EDGE.left + WIDTH) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, data.axis_config.x_label),
    data.axis_config.y_label && s("text", { class: "axis", transform: `translate(12 ${(HEIGHT - EDGE.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, data.axis_config.y_label),
    data.type === "bar" ? bars(data, place) : lines(data, place),
  );
}

function bars(data, { names, slot, x, y }) {
  const width = Math.min((slot * 0.76) / data.series.length, 46);
  return data.series.flatMap((one, number) => names.map((name, index) => {
    const value = valueAt(one, name);
    const left = x(index) - (width * data.series.length) / 2 + number * width;
    const [top, bottom] = [Math.min(y(value), y(0)), Math.max(y(value), y(0))];
    return s("rect", { class: `bar c${number % 6}`, x: left + 1, y: top, width: width - 2, height: Math.max(bottom - top, 0.5), rx: 2 },
      s("title", {}, `${one.name}, ${name}: ${full(value)}`));
  }));
}

function lines(data, { names, x, y }) {
  return data.series.flatMap((one, number) => {
    const points = names.map((name, index) => [x(index), y(valueAt(one, name))]);
    const path = points.map(([px, py], index) => `${index ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
    const floor = `L${points[points.length - 1][0].toFixed(1)} ${y(0)}L${points[0][0].toFixed(1)} ${y(0)}Z`;
    return [
      data.type === "area" && s("path", { class: `area c${number % 6}`, d: path + floor }),
      s("path", { class: `line c${number % 6} d${number % 6}`, d: path }),
      ...points.map(([cx, cy], index) => s("circle", { class: `dot c${number % 6}`, cx, cy, r: 3 },
        s("title", {}, `${one.name}, ${names[index]}: ${full(valueAt(one, names[index]))}`))),
    ];
  });
}

function pie(data, summary) {
  const total = data.segments.reduce((sum, one) => sum + one.value, 0) || 1;
  const [cx, cy, r] = [WIDTH / 2, HEIGHT / 2, HEIGHT / 2 - 12];
  let angle = -Math.PI / 2;
  const at = (turn) => `${(cx + r * Math.cos(turn)).toFixed(1)} ${(cy + r * Math.sin(turn)).toFixed(1)}`;
  const slices = data.segments.map((one, number) => {
    const share = Math.min(one.value / total, 0.99999);
    const from = angle;
    angle += share * 2 * Math.PI;
    const d = `M${cx} ${cy}L${at(from)}A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${at(angle)}Z`;
    return s("path", { class: `slice c${number % 6}`, d }, s("title", {}, `${one.label}: ${full(one.value)} (${(share * 100).toFixed(1)} %)`));
  });
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary }, slices);
}
