// Making elements. Text only ever becomes text: nothing here, or anywhere in these scripts, parses HTML.

export const SVG = "http://www.w3.org/2000/svg";

export function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const empty = (node) => node.replaceChildren();

export function button(label, title, onclick, attributes) {
  return el("button", { type: "button", title, "aria-label": title, onclick, ...attributes }, label);
}

// A list of choices of which one is on, such as Both | Forward | Backward.
export function segments(name, choices, onchoose) {
  const buttons = choices.map(([value, label, title]) =>
    button(label, title || label, () => onchoose(value), { "data-value": value, "aria-pressed": "false" }),
  );
  const node = el("div", { class: "segments", role: "group", "aria-label": name }, buttons);
  node.show = (chosen) =>
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.value === chosen)));
  return node;
}

export function selectBox(name, choices, onchoose) {
  const node = el(
    "select",
    { "aria-label": name, title: name, onchange: () => onchoose(node.value) },
    choices.map(([value, label]) => el("option", { value }, label)),
  );
  return node;
}

// A notice where there is nothing to show: what is missing, and how to get it.
export const notice = (title, hint, code) =>
  el("div", { class: "notice" }, el("strong", {}, title), hint && el("p", {}, hint), code && el("code", {}, code));

// Puts a tip below the mouse, or above it where there is no room, so that all of it is in the window.
export function placeTip(tip, { clientX, clientY }) {
  const space = 8,
    below = clientY + 14,
    { offsetWidth, offsetHeight } = tip,
    isLow = below + offsetHeight + space > innerHeight;
  tip.style.left = `${Math.max(space, Math.min(clientX + 12, innerWidth - offsetWidth - space))}px`;
  tip.style.top = `${Math.max(space, isLow ? clientY - offsetHeight - space : below)}px`;
}

// A window over the page, which Escape, a click beside it and its button close.
export function dialog(name, ...content) {
  const node = el("dialog", { class: "help", "aria-label": name, onclose: () => node.remove(), onclick: (event) => event.target === node && node.close(), onkeydown: ({ key }) => key === "Escape" && node.close() });
  node.append(el("div", {}, button("×", "close (Esc)", () => node.close(), { class: "close" }), ...content));
  document.body.append(node);
  node.showModal();
  return node;
}

// A list of keys: pairs of keys and what they do, and a sentence below.
export const showKeys = (keys, note) =>
  dialog("keys", el("h2", {}, "Keys"), el("dl", {}, keys.map(([pressed, what]) => el("div", {}, el("dt", {}, pressed.split("  ").map((key) => el("kbd", {}, key))), el("dd", {}, what)))), el("p", {}, note));

// Runs `work` once before the next picture, however often it is asked for until then.
export function batched(work) {
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

// Signs drawn as paths: fonts differ in which signs they have.
const ICONS = {
  save: "M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
  side: "M2.5 3h11v10h-11zM10 3v10",
  clock: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3.2l2.2 1.3",
  up: "M8 13V3.5M4.5 7 8 3.5 11.5 7",
  down: "M8 3v9.5M4.5 9 8 12.5 11.5 9",
  theme: "M8 2.5a5.5 5.5 0 1 0 .01 0M8 2.5v11",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  fold: "M4 2.5h8M4 13.5h8M8 3.5v3M8 12.5v-3M6 5.2l2 2 2-2M6 10.8l2-2 2 2",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
};

export const icon = (name) =>
  svg("svg", { viewBox: "0 0 16 16", width: 15, height: 15, class: "icon", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
