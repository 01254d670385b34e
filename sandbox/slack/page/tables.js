// table and data_table; the latter sorts by a click on a column's name and turns pages.

import { h } from "/page/dom.js";
import { plainText, richText } from "/page/text.js";

const isNumber = (cell) => cell && cell.type === "raw_number";
const key = (cell) => (isNumber(cell) ? cell.value : String((cell && cell.text) || ""));

function content(cell) {
  if (!cell) return [];
  return cell.type === "rich_text" ? richText(cell) : plainText(cell.text);
}

export function table(block) {
  const settings = block.column_settings || [];
  const align = (index) => ((settings[index] || {}).align === "right" ? "td.number" : "td");
  const [head, ...rows] = block.rows;
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": "Table" }, h("table.grid", {},
    h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, content(cell))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, index) => h(isNumber(cell) ? "td.number" : align(index), {}, content(cell)))))),
  ));
}

export function dataTable(block) {
  const [head, ...rows] = block.rows;
  const size = block.page_size || 5;
  const header = block.row_header_column_index || 0;
  const view = { sort: null, down: false, page: 0 };
  const box = h("div.data-table");
  const draw = () => {
    const pages = Math.max(Math.ceil(rows.length / size), 1);
    const shown = sorted(rows, view).slice(view.page * size, (view.page + 1) * size);
    box.replaceChildren(
      h("div.scroll", { tabindex: "0", role: "region", "aria-label": block.caption }, h("table.grid", {},
        h("caption", {}, block.caption),
        h("thead", {}, h("tr", {}, head.map((cell, index) => columnName(cell, index, rows, view, draw)))),
        h("tbody", {}, shown.map((row) => h("tr", {}, row.map((cell, index) => dataCell(cell, index === header))))),
      )),
      ...(pages > 1 ? [pager(view, pages, rows.length, draw)] : []),
    );
  };
  draw();
  return box;
}

function dataCell(cell, isHeader) {
  const attributes = isHeader ? { scope: "row" } : {};
  return h((isHeader ? "th" : "td") + (isNumber(cell) ? ".number" : ""), attributes, content(cell));
}

function columnName(cell, index, rows, view, draw) {
  const sorting = view.sort === index ? (view.down ? "descending" : "ascending") : "none";
  const press = () => {
    view.down = view.sort === index ? !view.down : isNumber(rows[0] && rows[0][index]);
    view.sort = index;
    view.page = 0;
    draw();
  };
  const arrow = { ascending: " ▲", descending: " ▼", none: "" }[sorting];
  const numeric = rows.length && rows.every((row) => isNumber(row[index]));
  return h(numeric ? "th.number" : "th", { scope: "col", "aria-sort": sorting },
    h("button.sort", { type: "button", onclick: press }, content(cell), h("span", { "aria-hidden": "true" }, arrow)));
}

function sorted(rows, { sort, down }) {
  if (sort === null) return rows;
  const compare = (a, b) => {
    const [left, right] = [key(a[sort]), key(b[sort])];
    if (typeof left === "number" && typeof right === "number") return left - right;
    return String(left).localeCompare(String(right), undefined, { numeric: true });
  };
  return [...rows].sort((a, b) => (down ? -compare(a, b) : compare(a, b)));
}

function pager(view, pages, count, draw) {
  const turn = (by) => () => { view.page += by; draw(); };
  return h("div.pager", {},
    h("button", { type: "button", disabled: view.page === 0, onclick: turn(-1) }, "Previous"),
    h("span", {}, `Page ${view.page + 1} of ${pages}, ${count} rows`),
    h("button", { type: "button", disabled: view.page >= pages - 1, onclick: turn(1) }, "Next"));
}
