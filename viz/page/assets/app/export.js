// The graph as a file: SVG, PNG, or the data as JSON.

import { boxElement, edgeElement, frameElement, headElement, markers, rect, textAt } from "../graph/boxes.js";
import { themeNow } from "../graph/colours.js";
import { FONT, textWidth } from "../graph/sizes.js";
import { clean } from "../recording/formatting.js";
import { SVG, el, icon, svg } from "./dom.js";
import { describe } from "./toolbar.js";

export function makeExportMenu(viewer) {
  const entry = ([kind, label]) => el("button", { type: "button", role: "menuitem", onclick: () => exportAs(viewer, kind, (menu.open = false)) }, label),
    kinds = [["svg", "SVG picture"], ["png", "PNG picture"], ["json", "JSON data"]],
    menu = el("details", { class: "menu" }, el("summary", { title: "save as a file", "aria-label": "save as a file" }, icon("save")), el("div", { role: "menu" }, kinds.map(entry)));
  document.addEventListener("pointerdown", (event) => (menu.open &&= menu.contains(event.target)));
  return menu;
}

async function exportAs(viewer, kind) {
  const name = clean(viewer.data.title, 60).replace(/[^\p{L}\p{N}._-]+/gu, "_") || "recording";
  try {
    const text = { json: () => JSON.stringify(viewer.data), svg: () => svgText(viewer) }[kind],
      content = text ? new Blob([text()], { type: kind === "json" ? "application/json" : "image/svg+xml" }) : await pngOf(viewer);
    save(content, `${name}.${kind}`);
  } catch (error) {
    viewer.toolbar.warn(String(error.message || error));
  }
}

function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// All of the scene, seen or not, as one drawing with title and legend.
function svgText(viewer) {
  const { scene, model, state } = viewer,
    theme = themeNow(),
    top = 64;
  const w = Math.ceil(scene.width - scene.left),
    h = Math.ceil(scene.height + top),
    middle = w / 2;
  const width = Math.max(w, textWidth(viewer.toolbar.title.textContent, 16, true) + 40, 260);
  const swatches = [...viewer.legend.children].map((each) => [
    each.querySelector("svg")?.firstChild.cloneNode(), // a note has none
    each.textContent,
  ]);
  let x = Math.max(12, middle - swatches.reduce((sum, [, text]) => sum + textWidth(text, 10) + 40, 0) / 2);
  const legend = swatches.flatMap(([sign, text]) => {
    const at = x;
    x += textWidth(text, 10) + 40;
    return [
      sign && svg("g", { transform: `translate(${at} 46)` }, sign),
      textAt(text, at + (sign ? 22 : 0), 56, 10, theme.ink, "start"),
    ];
  });
  const full = Math.max(width, x);
  const all = [...scene.frames.values()],
    drawn = [all.map((frame) => frameElement(frame, theme)), scene.edges.map((edge) => edgeElement(edge, theme, model)), all.map((frame) => headElement(frame, theme)), [...scene.nodes.values()].map((each) => boxElement(each, theme, scene))],
    title = viewer.toolbar.title.textContent,
    caption = [model.stepName(state.step), describe(viewer)].filter(Boolean).join("  ·  ");
  const node = svg(
    "svg",
    { xmlns: SVG, width: full, height: h, viewBox: `0 0 ${full} ${h}`, "font-family": FONT.replace(/'/g, "") },
    svg("title", { text: title }),
    markers(theme),
    rect(0, 0, full, h, 0, theme.page, "none", 0),
    textAt(title, full / 2, 20, 15, theme.ink, "middle", true),
    textAt(caption, full / 2, 38, 11, theme.muted, "middle"),
    ...legend,
    svg("g", { transform: `translate(${(full - w) / 2 - scene.left} ${top})` }, drawn),
  );
  for (const each of node.querySelectorAll(".toggle")) each.remove(); // nothing opens in a picture
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(node)}`;
}

const MOST_PIXELS = 16000;

async function pngOf(viewer) {
  const text = svgText(viewer),
    image = new Image();
  const [, w, h] = /width="([\d.]+)" height="([\d.]+)"/.exec(text).map(Number);
  const scale = Math.min(2, MOST_PIXELS / w, MOST_PIXELS / h);
  if (scale < 0.25) throw new Error("too large for a PNG: close some layers, or save as SVG");
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = el("canvas", { width: Math.round(w * scale), height: Math.round(h * scale) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no PNG"))), "image/png"),
  );
}
