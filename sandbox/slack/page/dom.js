// Builds elements. Text only ever enters the page as text nodes, so that what people and tags say is never markup.

export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat(Infinity).filter(Boolean));
  return element;
}

// An address that may be followed; anything but a web or mail address is not one.
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(address, ...label) {
  const safe = safeAddress(address);
  if (!safe) return h("span.dead-link", { title: "Not a web address" }, ...label);
  return h("a", { href: safe, target: "_blank", rel: "noopener noreferrer" }, ...label);
}

// Pictures come from this machine only; the content policy would refuse others anyway.
export function picture(address, alt, className) {
  const safe = safeAddress(address);
  const local = safe && ["127.0.0.1", "localhost"].includes(new URL(safe).hostname);
  if (local) return h(`img.${className}`, { src: safe, alt, loading: "lazy" });
  const name = h(`span.${className}.no-picture`, { role: "img", "aria-label": alt }, alt || "picture");
  return safe ? link(safe, name) : name;
}

// Redraws a box only when what it shows has changed, and gives the keyboard's focus back to what had it.
export function redraw(box, shown, make) {
  const version = JSON.stringify(shown);
  if (box.dataset.version === version) return;
  box.dataset.version = version;
  const focused = box.contains(document.activeElement) ? [...box.querySelectorAll("button")].indexOf(document.activeElement) : -1;
  box.replaceChildren(...make().flat(Infinity).filter(Boolean));
  const again = focused >= 0 && box.querySelectorAll("button")[focused];
  if (again) again.focus();
}
