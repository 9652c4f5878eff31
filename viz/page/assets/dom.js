// Making elements. Text only ever becomes text: nothing here, or anywhere in these scripts, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const empty = (node) => node.replaceChildren();

function button(label, title, onclick, attributes) {
  return el("button", { type: "button", title, "aria-label": title, onclick, ...attributes }, label);
}

// A list of choices of which one is on, such as Both | Forward | Backward.
function segments(name, choices, onchoose) {
  const buttons = choices.map(([value, label, title]) =>
    button(label, title || label, () => onchoose(value), { "data-value": value, "aria-pressed": "false" }));
  const node = el("div", { class: "segments", role: "group", "aria-label": name }, buttons);
  node.show = (chosen) => buttons.forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.value === chosen)));
  return node;
}

function selectBox(name, choices, onchoose) {
  const node = el("select", { "aria-label": name, title: name, onchange: () => onchoose(node.value) },
    choices.map(([value, label]) => el("option", { value }, label)));
  return node;
}

// A notice where there is nothing to show: what is missing, and how to get it.
const notice = (title, hint, code) =>
  el("div", { class: "notice" }, el("strong", {}, title), hint && el("p", {}, hint), code && el("code", {}, code));

// Runs `work` once before the next picture, however often it is asked for until then.
function batched(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
