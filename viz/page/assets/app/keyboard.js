// Keys, and the list of them.

import { COLOURINGS, themeName } from "../graph/colours.js";
import { middleOf } from "../graph/routes.js";
import { filmOf } from "../panels/film.js";
import { partnersOf } from "../recording/lineage.js";
import { showKeys } from "./dom.js";
import { VIEWS } from "./state.js";

const KEYS = [
  ["/", "search; Enter goes to what was found, and leads back to the graph"],
  ["g  G", "the next, the previous of what was found (also F3)"],
  ["↑ ↓ ← →", "walk along the arrows of the graph, or the bars of the timeline"],
  ["Enter", "open or close what is selected"],
  ["Esc", "close lists; forget what was searched for; select nothing"],
  ["b", "from a forward op to its backward op, and back"],
  ["a  d", "what stands out: ancestors, descendants"],
  ["p", "the critical path: the longest chain by time"],
  ["n", "the first NaN or infinity"],
  ["[  ]", "the step before, the next step"],
  ["m", "times: the median of the steps (the faster of two), or this step's"],
  ["+  −", "open a level more, a level less"],
  ["z  x", "zoom in, zoom out (also Ctrl+wheel)"],
  ["0  9", "fit all; back to a readable size, with what is selected in the middle"],
  ["f", "show equal parts once, ×N, or each"],
  ["v  c", "next direction, next colours"],
  ["1 … 8", "tabs below the graph"],
  ["k  ,  .", "a step's film: play or pause, back, forward"],
  ["`  \\", "show or hide: tabs, side panel"],
  ["t", "light or dark"],
  ["?", "this list"],
];

export function listenToKeys(viewer) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !viewer.model || viewer.root.hidden || document.querySelector("dialog")) return;
    const typing = event.target.closest && event.target.closest("input, select, textarea, [contenteditable]");
    if (typing && !(event.key === "Escape")) return;
    const inGraph =
      event.target === document.body || (event.target.closest(".stage") && !event.target.closest("button"));
    const action = ACTIONS[event.key];
    if (!action || (event.key === "F3" && !viewer.state.query) || (GRAPH_KEYS.has(event.key) && !inGraph)) return;
    event.preventDefault();
    action(viewer, event);
  });
}

const GRAPH_KEYS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter"]);

const ACTIONS = {
  "/": ({ toolbar: { search } }) => (search.input.focus(), search.input.select()), // to be written over
  g: ({ toolbar: { search } }) => search.chooseNext(1),
  G: ({ toolbar: { search } }) => search.chooseNext(-1),
  F3: ({ toolbar: { search } }, { shiftKey }) => search.chooseNext(shiftKey ? -1 : 1),
  "?": () => showHelp(),
  ArrowDown: (viewer) => step(viewer, 0, 1),
  ArrowUp: (viewer) => step(viewer, 0, -1),
  ArrowRight: (viewer) => step(viewer, 1, 0),
  ArrowLeft: (viewer) => step(viewer, -1, 0),
  Enter: (viewer) =>
    viewer
      .nodesOf(viewer.state.selected)
      .slice(0, 1)
      .forEach((id) => viewer.toggle(id)),
  Escape: (viewer) => {
    if (viewer.state.lineage) viewer.setLineage(viewer.state.lineage);
    else if (!viewer.toolbar.search.clear()) viewer.select(null);
  },
  b: (viewer) => goToPartner(viewer),
  a: (viewer) => viewer.setLineage("ancestors"),
  d: (viewer) => viewer.setLineage("descendants"),
  p: (viewer) => viewer.setLineage("critical"),
  n: (viewer) => viewer.goToFlaw(),
  "[": (viewer) => viewer.toolbar.steps.move(-1),
  "]": (viewer) => viewer.toolbar.steps.move(1),
  m: (viewer) => viewer.setTimes(viewer.state.times === "step" ? "median" : "step"),
  "+": (viewer) => viewer.changeDepth(1),
  "=": (viewer) => viewer.changeDepth(1),
  "-": (viewer) => viewer.changeDepth(-1),
  z: (viewer) => viewer.canvas.zoom(1.3),
  x: (viewer) => viewer.canvas.zoom(1 / 1.3),
  0: (viewer) => viewer.canvas.fit(true, true),
  9: (viewer) => viewer.canvas.read(true),
  f: (viewer) => viewer.setFold(!viewer.state.fold),
  v: (viewer) => viewer.setView(VIEWS[(VIEWS.indexOf(viewer.state.view) + 1) % VIEWS.length]),
  c: (viewer) => {
    const possible = COLOURINGS.map(([mode]) => mode).filter((mode) => viewer.canColour(mode) === true);
    viewer.setColour(possible[(possible.indexOf(viewer.state.color) + 1) % possible.length]);
  },
  t: (viewer) => viewer.setTheme(themeName() === "dark" ? "light" : "dark"),
  k: (viewer) => filmOf(viewer) && (viewer.dock.choose("film"), filmOf(viewer).toggle()),
  ",": (viewer) => filmOf(viewer) && (viewer.dock.choose("film"), filmOf(viewer).move(-1)),
  ".": (viewer) => filmOf(viewer) && (viewer.dock.choose("film"), filmOf(viewer).move(1)),
  "`": (viewer) => viewer.dock.setOpen(!viewer.state.dock),
  "\\": (viewer) => viewer.panel.toggle(),
};
for (let i = 1; i < 9; i += 1) {
  ACTIONS[i] = (viewer) => {
    const ids = [...viewer.dock.tabs.keys()].filter((id) => !viewer.dock.tabs.get(id).tab.hidden);
    if (ids[i - 1]) viewer.dock.choose(ids[i - 1]);
  };
}

// To the neighbour in a direction: along an arrow where one leads there, else to the nearest box.
function step(viewer, dx, dy) {
  const { scene } = viewer,
    [id] = viewer.nodesOf(viewer.state.selected),
    from = id && (scene.nodes.get(id) || scene.frames.get(id));
  if (!from) {
    const [first] = [...scene.nodes.values()].sort((a, b) => a.y - b.y || a.x - b.x);
    if (first) viewer.selectNode(first.id);
  } else {
    const joined = new Set(scene.edges.flatMap((e) => (e.tail === id ? [e.head] : e.head === id ? [e.tail] : [])));
    const [fx, fy] = middleOf(from);
    let best = null,
      least = Infinity;
    for (const node of scene.nodes.values()) {
      const [x, y] = middleOf(node),
        along = dx ? (x - fx) * dx : (y - fy) * dy,
        aside = Math.abs(dx ? y - fy : x - fx);
      if (node.id === id || along <= 4) continue;
      const far = along + aside * 2.5 + (joined.has(node.id) ? 0 : 400);
      if (far < least) [best, least] = [node.id, far];
    }
    if (best) viewer.selectNode(best);
  }
  const [now] = viewer.nodesOf(viewer.state.selected);
  if (now) viewer.canvas.reveal([now]);
}

function goToPartner(viewer) {
  const partners = [...partnersOf(viewer.model, viewer.opsOf(viewer.state.selected))];
  if (!partners.length) {
    viewer.toolbar.warn("nothing selected that has a partner in the other direction");
    return;
  }
  if (viewer.state.view !== "both") viewer.setView("both");
  const box = closedBeside(viewer);
  if (!box) {
    viewer.select({ kind: "op", id: partners[0] });
    return;
  }
  viewer.selectNode(box.id);
  viewer.canvas.reveal([box.id]);
}

// The box of the other direction of the closed layer that is selected; undefined where none is.
function closedBeside(viewer) {
  const [box] = viewer.nodesOf(viewer.state.selected).map((id) => viewer.scene.nodes.get(id));
  if (box?.kind !== "scope") return undefined;
  return [...viewer.scene.nodes.values()].find(({ id, kind, key }) => kind === "scope" && key === box.key && id !== box.id);
}

export const showHelp = () =>
  showKeys(KEYS, "Drag to move, Ctrl+wheel to zoom, double-click to open and close. The address keeps what you see: copy it to share the view.");
