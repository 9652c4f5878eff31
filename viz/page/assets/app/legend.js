// What stands below the graph: what its colours mean, and of which steps its times are.

import { themeNow } from "../graph/colours.js";
import { holds } from "../graph/titles.js";
import { lengthOfCriticalPath } from "../panels/times.js";
import { button, el, svg } from "./dom.js";

export function showLegend(viewer, legend) {
  const swatches = [...legend, ...linkSign(viewer.scene, legend)].map(([ground, text, line, dashed]) =>
    el("span", { class: ground === null ? "swatch line" : "swatch" }, svg("svg", { width: 16, height: 12, "aria-hidden": "true" }, colourSign(ground, line, dashed)), text),
  );
  const { timesOf } = viewer.selection, // which nothing else says where the numbers are
    note = timesOf ? [el("span", { class: "note" }, `times: ${timesOf}`)] : [];
  viewer.legend.replaceChildren(...swatches, ...note);
  showPanelHint(viewer);
}

// While the side panel waits for the first box that is chosen, a line that says so, and opens it, too.
export function showPanelHint({ legend, opensPanel, panel }) {
  legend.querySelector(".panel-hint")?.remove();
  if (opensPanel) legend.append(button("click a box to see what it is", "show the side panel (\\)", () => panel.setOpen(true), { class: "link panel-hint", "aria-label": null }));
}

// Before it, how long the critical path is while that stands out.
export function showPathLength(viewer) {
  const { pathLength, legend, state } = viewer;
  pathLength.textContent = state.lineage === "critical" ? lengthOfCriticalPath(viewer) : "";
  if (pathLength.textContent) legend.prepend(pathLength);
  else pathLength.remove();
}

// Brings its beginning into sight, where nothing of it is.
export function revealPath({ canvas, scene }) {
  const seen = canvas.window(),
    boxes = [...canvas.marks.lineage].map((id) => scene.nodes.get(id)).filter((box) => box?.ops.length && box.lane === "forward");
  if (boxes.length && !boxes.some((box) => holds(seen, box))) canvas.reveal([boxes.reduce((a, b) => (b.y < a.y ? b : a)).id]);
}

// Its ops in the side panel, which are there while nothing is selected.
export function showPath(viewer) {
  viewer.select(null);
  viewer.panel.setOpen(true);
  viewer.panel.body.querySelector(".bars").closest("section").scrollIntoView();
}

// A small box, dashed like those of what comes from outside; without a ground, a line, dashed between an op and its gradient.
const colourSign = (ground, line, dashed) =>
  ground === null
    ? svg("path", { d: "M0 6h16", stroke: line, ...(dashed ? { "stroke-dasharray": "4 3" } : { "stroke-width": 1.4 }) })
    : svg("rect", { ...{ x: 1, y: 1, width: 14, height: 10, rx: 2 }, fill: ground, stroke: line || themeNow().frame, ...(dashed ? { "stroke-dasharray": "3 2" } : {}) });

// As viz/picture/legend.py says it.
const linkSign = ({ edges }, legend) =>
  legend.length > 1 && edges.some(({ kind }) => kind === "link") ? [[null, "an op and its gradient", themeNow().lines.link, true]] : [];
