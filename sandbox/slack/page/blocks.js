// Draws blocks as Slack would.

import { chart } from "/page/charts.js";
import { h, picture } from "/page/dom.js";
import { element, label } from "/page/elements.js";
import { dataTable, table } from "/page/tables.js";
import { markdown, richText, textObject } from "/page/text.js";

export function blocks(list, place) {
  return (list || []).map((block) => {
    try {
      return draw(block, place);
    } catch (error) {
      return h("p.unknown", {}, `(this ${block.type} block could not be drawn: ${error.message})`);
    }
  });
}

function draw(block, place) {
  const make = BLOCKS[block.type];
  if (!make) return h("p.unknown", {}, `(${block.type} blocks are not drawn here)`);
  const node = make(block, place);
  if (node && node.dataset) node.dataset.block = block.block_id;
  return node;
}

const elements = (block, list, place) => list.map((one) => element(block, one, place)).flat().filter(Boolean);

function section(block, place) {
  const accessory = block.accessory && (block.accessory.type === "image"
    ? picture(block.accessory.image_url, block.accessory.alt_text, "accessory")
    : element(block, block.accessory, place));
  return h("div.section", {},
    h("div.section-text", {},
      block.text && h("div.text", {}, textObject(block.text)),
      block.fields && h("div.fields", {}, block.fields.map((one) => h("div.text", {}, textObject(one))))),
    accessory && h("div.section-side", {}, accessory));
}

function context(block) {
  return h("div.context", {}, block.elements.map((one) =>
    one.type === "image" ? picture(one.image_url, one.alt_text, "context-image") : h("span.text", {}, textObject(one))));
}

function actions(block, place) {
  const shown = elements(block, block.elements, place);
  return shown.length ? h("div.actions", {}, shown) : null;
}

function image(block) {
  return h("figure.image", {}, block.title && h("figcaption", {}, label(block.title)), picture(block.image_url, block.alt_text, "image-block"));
}

function input(block, place) {
  const control = element(block, block.element, place);
  const problem = h("p.problem", { role: "alert" });
  const grouped = control && control.classList.contains("choices");
  const name = h(grouped ? "legend" : "span.label", {}, label(block.label), block.optional && h("span.optional", {}, " (optional)"));
  const hint = block.hint && h("p.hint", {}, label(block.hint));
  if (grouped) return h("fieldset.input", {}, name, control, hint, problem);
  return h("div.input", {}, h("label", {}, name, control), hint, problem);
}

function card(block, place) {
  return h("article.card", {},
    block.hero_image && picture(block.hero_image.image_url, block.hero_image.alt_text, "hero"),
    h("div.card-head", {},
      block.icon && picture(block.icon.image_url, block.icon.alt_text, "card-icon"),
      h("div", {},
        block.title && h("div.card-title", {}, textObject(block.title)),
        block.subtitle && h("div.card-subtitle", {}, textObject(block.subtitle)))),
    block.body && h("div.text", {}, textObject(block.body)),
    block.subtext && h("div.card-subtitle", {}, textObject(block.subtext)),
    block.actions && h("div.actions", {}, elements(block, block.actions, place)));
}

function container(block, place) {
  const title = block.rich_text_title ? richText(block.rich_text_title) : label(block.title);
  const head = [h("span.container-title", {}, title), block.subtitle && h("span.card-subtitle", {}, textObject(block.subtitle))];
  const inner = h("div.container-body", {}, blocks(block.child_blocks, place));
  const width = `w-${block.width || "standard"}`;
  if (!block.is_collapsible) return h(`section.container.${width}`, {}, h("div.container-head", {}, head), inner);
  return h(`details.container.${width}`, { open: !block.default_collapsed }, h("summary.container-head", {}, head), inner);
}

const SIGNS = { pending: "○", in_progress: "◐", complete: "●", error: "✕" };

function task(block) {
  const status = block.status || "pending";
  return h(`div.task.${status}`, {},
    h("span.sign", { "aria-hidden": "true" }, SIGNS[status]),
    h("span", {}, block.title, h("small", {}, ` ${status.replace("_", " ")}`)),
    block.output && h("div.task-output", {}, typeof block.output === "string" ? block.output : richText(block.output)));
}

const BLOCKS = {
  section, context, actions, image, input, card, container, table,
  context_actions: actions,
  data_table: dataTable,
  data_visualization: chart,
  header: (block) => h("h3.header", {}, label(block.text)),
  divider: () => h("hr"),
  markdown: (block) => h("div.markdown", {}, markdown(block.text)),
  rich_text: (block) => h("div.text", {}, richText(block)),
  carousel: (block, place) => h("div.carousel", { tabindex: "0", role: "region", "aria-label": "Cards" }, blocks(block.elements, place)),
  alert: (block) => h(`div.alert.${block.level || "default"}`, { role: "note" }, textObject(block.text)),
  plan: (block) => h("div.plan", {}, h("strong", {}, block.title), (block.tasks || []).map(task)),
  task_card: task,
};
