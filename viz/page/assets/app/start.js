// The beginning: reads the data in the page, shows it, and offers `eagerflowViewer`, the only global name.

import { themeName } from "../graph/colours.js";
import { notice } from "./dom.js";
import { Viewer } from "./viewer.js";

// The data in the page: JSON, packed when it is large.
async function embedded() {
  const node = document.getElementById("recording");
  if (!node) return null;
  const content = JSON.parse(node.textContent);
  if (node.dataset.packed !== "gzip") return content;
  return new Response(new Blob([bytesOf(content)]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

// A loop: to make them of the text by a function for each letter takes a second for 13 MB.
function bytesOf(base64) {
  const letters = atob(base64),
    found = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) found[i] = letters.charCodeAt(i);
  return found;
}

// Columns whose integers are differences to the one before, or in the row before: see viz/page/document.py.
function summed(value) {
  if (Array.isArray(value)) return value.map(summed);
  if (value === null || typeof value !== "object") return value;
  const { differences, rows } = value;
  if (!differences) return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, summed(each)]));
  const last = new Array(typeof rows === "number" ? rows : 1).fill(0),
    flat = differences.map((by, i) => (by === null ? null : (last[i % last.length] += by)));
  if (rows === undefined) return flat;
  const lengths = Array.isArray(rows) ? rows : new Array(flat.length / rows).fill(rows);
  let at = 0;
  return lengths.map((length) => flat.slice(at, (at += length)));
}

// In a notebook's frame, "dark" or "light" as the notebook is, where that is known: the frame's height tells it, and
// nothing else can. See `Page` in viz/page/document.py.
function themeOfFrame() {
  if (location.href !== "about:srcdoc") return null;
  return innerHeight > 726 ? "dark" : innerHeight < 710 ? "light" : null;
}

let themeAround = themeOfFrame();
if (themeAround) document.documentElement.dataset.theme = themeAround;
const viewer = new Viewer();
addEventListener("resize", () => {
  if (themeOfFrame() !== themeAround) viewer.setTheme((themeAround = themeOfFrame()));
});
window.eagerflowViewer = {
  // Shows other data of the same kind; keeps what is open, selected and in sight.
  show: (data) => viewer.show(data),
  // Adds a tab below the graph, or replaces the one of this id; `onshow` is called when it comes into sight.
  addTab: (id, title, element, onshow, owner) => viewer.dock.add(id, title, element, onshow, owner),
  openTab: (id) => viewer.dock.choose(id),
  select: (id) => viewer.select({ kind: "op", id }),
  get theme() {
    return themeName();
  },
  set theme(name) {
    viewer.setTheme(name);
  },
  get data() {
    return viewer.data;
  },
  get timings() {
    return viewer.timings;
  },
  get state() {
    return viewer.state;
  },
  viewer,
  ready: null,
};
window.eagerflowViewer.ready = embedded()
  .then((data) => {
    for (const name of data?.differences ?? []) data[name] = summed(data[name]);
    if (data) viewer.show(data);
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  })
  .catch((error) => {
    viewer.message.hidden = false;
    viewer.message.replaceChildren(
      notice("The recording can't be shown", String(error.message || error), "Write the page again with this version of viz."),
    );
    document.documentElement.dataset.ready = "failed";
  });
