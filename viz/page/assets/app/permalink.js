// What the reader sees, in the address: it survives a reload and can be sent to others who have the file.

import { COLOURINGS } from "../graph/colours.js";
import { partsOf } from "../panels/parts.js";
import { changesSince } from "../recording/step_changes.js";
import { TIMES } from "../recording/usual_times.js";
import { nodesOfSelected, opsOfCall, selectionOfCall, selectionOfNode } from "./chosen.js";
import { VIEWS } from "./state.js";

export function writeHash(viewer) {
  if (!viewer.model || viewer.readingHash) return;
  const { state, canvas } = viewer,
    parts = new URLSearchParams();
  if (viewer.places.length > 1) parts.set("step", state.step === null ? "outside" : String(viewer.model.steps[state.step].number));
  if (viewer.difference?.pair) parts.set("compared", String(viewer.model.steps[state.compared].number));
  if (state.view !== "both") parts.set("view", state.view);
  if (state.color !== "op") parts.set("color", state.color);
  if (state.times !== "median") parts.set("times", state.times);
  if (!state.fold) parts.set("fold", "no");
  if (state.unfolded.size) parts.set("unfold", JSON.stringify([...state.unfolded]));
  if (state.lineage) parts.set("lineage", state.lineage);
  if (state.tab !== "timeline") parts.set("tab", state.tab);
  const selected = keyOfSelection(viewer);
  if (selected) parts.set("sel", selected);
  if (state.open) parts.set("open", openText(viewer));
  const { x, y, scale } = canvas.view;
  parts.set("at", [x, y].map(Math.round).concat(scale.toFixed(3)).join(","));
  viewer.hash = `#${parts}`;
  try {
    history.replaceState(null, "", viewer.hash);
  } catch {
    viewer.noAddress = true; // inside a notebook's frame there is no address to keep
  }
}

const keysOf = ({ blocks, opening }) => [...blocks.keys(), ...opening.keys()];

// Blocks by their number in the tree, then fused ops, as runs: names would be far too long.
function openText({ index, open }) {
  const keys = keysOf(index),
    runs = [];
  keys.forEach((key, i) => {
    if (!open.has(key)) return;
    const last = runs[runs.length - 1];
    if (last && last[1] === i - 1) last[1] = i;
    else runs.push([i, i]);
  });
  return runs.map(([a, b]) => (a === b ? a : `${a}-${b}`)).join(".");
}

function openFromText({ index }, text) {
  const keys = keysOf(index),
    found = new Set();
  for (const run of text.split(".").filter(Boolean)) {
    const [a, b = a] = run.split("-").map(Number);
    for (let i = a; i <= b && i < keys.length; i += 1) found.add(keys[i]);
  }
  return found;
}

function keysFrom(text) {
  try {
    return new Set(JSON.parse(text || "[]"));
  } catch {
    return new Set(); // not an address that this page made
  }
}

// Does what the address says; false where it says nothing.
export function applyHash(viewer) {
  const text = location.hash.slice(1);
  if (!text || `#${text}` === viewer.hash || !viewer.model) return false;
  const parts = new URLSearchParams(text),
    { state } = viewer;
  viewer.readingHash = true;
  const step = parts.get("step");
  const wanted = step === null ? state.step : step === "outside" ? null : viewer.model.steps.findIndex(({ number }) => number === Number(step));
  if (viewer.places.includes(wanted)) state.step = wanted;
  const compared = viewer.model.steps.findIndex(({ number }) => parts.has("compared") && number === Number(parts.get("compared")));
  state.compared = compared < 0 ? null : compared;
  if (!viewer.data.diff) viewer.difference = changesSince(viewer); // before what is chosen below
  state.view = VIEWS.includes(parts.get("view")) ? parts.get("view") : "both";
  const mode = COLOURINGS.some(([name]) => name === parts.get("color")) ? parts.get("color") : "op";
  state.color = viewer.canColour(mode) === true ? mode : "op";
  state.times = TIMES.includes(parts.get("times")) ? parts.get("times") : "median";
  state.fold = parts.get("fold") !== "no";
  state.unfolded = keysFrom(parts.get("unfold"));
  state.lineage = parts.get("lineage");
  state.open = null;
  viewer.rebuild();
  if (parts.has("open")) {
    state.open = viewer.open = openFromText(viewer, parts.get("open"));
    viewer.draw();
  }
  if (parts.get("tab") && viewer.dock.tabs.has(parts.get("tab"))) {
    state.tab = parts.get("tab");
    viewer.dock.setOpen(true); // it is closed at first on a narrow page, also in a frame
  }
  const at = (parts.get("at") || "").split(",").map(Number);
  if (at.length === 3 && at.every(Number.isFinite) && at[2] > 0)
    viewer.canvas.setView({ x: at[0], y: at[1], scale: at[2] });
  else viewer.canvas.fit();
  state.selected = parts.has("sel") ? selectionOfKey(viewer, parts.get("sel")) : null;
  if (state.selected && viewer.opensPanel) viewer.panel.setOpen(true);
  if (state.selected && !parts.has("at")) viewer.reveal(state.selected);
  viewer.canvas.showIfUnseen(viewer.nodesOf(state.selected)[0]); // where the window is another than the sender's
  viewer.readingHash = false;
  viewer.toolbar.show();
  viewer.update();
  viewer.dock.refresh();
  return true;
}

// A name for what is selected that also fits the next recording of the same program: for ops the layer, the op's
// name, and which of the ops of this name there.
export function keyOfSelection(viewer) {
  return keyOf(viewer, viewer.state.selected);
}

function keyOf(viewer, selected) {
  if (!selected || !viewer.index) return null;
  if (selected.pass !== undefined) return `back:${viewer.index.blocks.get(selected.key).back.findIndex(({ pass }) => pass === selected.pass)}:${selected.key}`;
  if (selected.kind === "scope") {
    const parts = selected.call === undefined ? [] : partsOf(viewer, viewer.index.blocks.get(selected.key)),
      number = selected.round ?? parts.findIndex(({ scope }) => scope?.id === selected.call);
    return number < 0 ? `scope:${selected.key}` : `equal:${number}:${selected.key}`;
  }
  if (selected.kind === "ops" && selected.call !== undefined)
    return `call:${viewer.model.titleOfCall(viewer.model.scopes[selected.call], selected.ids)}`;
  if (selected.kind === "ops" || selected.kind === "tensors")
    return `box:${keyOf(viewer, { ...selected, kind: selected.kind.slice(0, -1) })}`;
  if (selected.kind === "tensor") {
    const { name, producer } = viewer.model.tensors[selected.id],
      kind = viewer.model.variables.has(selected.id) ? "weight" : producer === null ? "input" : "";
    return name && kind ? `${kind}:${name.slice(0, 200)}` : `tensor:${selected.id}`;
  }
  const alike = alikeOps(viewer, viewer.model.ops[selected.id]);
  const op = viewer.model.ops[selected.id];
  const part = selected.kind === "part" ? `part:${selected.number}:` : "";
  return `${part}op:${alike.indexOf(op.id)}:${op.phase}:${op.name.slice(0, 60)}:${viewer.model.path(op.scope)}`;
}

function alikeOps({ model, selection }, { name, phase, scope }) {
  const path = model.path(scope);
  return selection.ops
    .filter((op) => op.name === name && op.phase === phase && model.path(op.scope) === path)
    .map((op) => op.id);
}

export function selectionOfKey(viewer, key) {
  const [kind, ...rest] = key.split(":"),
    name = rest.join(":"),
    { model } = viewer;
  if (kind === "scope") return viewer.index.blocks.has(name) ? { kind, key: name } : null;
  if (kind === "back") {
    const key = rest.slice(1).join(":"),
      block = viewer.index.blocks.get(key),
      back = viewer.selection.backward ? block?.back[rest[0]] : undefined; // each step has passes of its own
    return block ? { kind: "scope", key, ...(back && { pass: back.pass }) } : null;
  }
  if (kind === "equal") {
    const key = rest.slice(1).join(":"),
      block = viewer.index.blocks.get(key);
    return block ? (partsOf(viewer, block)[rest[0]]?.selected ?? { kind: "scope", key }) : null;
  }
  if (kind === "call") {
    const calls = new Set(viewer.selection.ops.flatMap((op) => model.ancestors(op.scope)));
    const found = [...calls].find((scope) => model.titleOfCall(scope, opsOfCall(viewer, scope)) === name);
    return found ? selectionOfCall(viewer, found) : null;
  }
  if (kind === "box") {
    const one = selectionOfKey(viewer, name),
      [box] = one ? nodesOfSelected(viewer, one).map((id) => viewer.scene.nodes.get(id)) : [];
    return box && box.kind !== "scope" ? selectionOfNode(box) : one;
  }
  if (kind === "tensor") return model.tensors[Number(name)] ? { kind, id: Number(name) } : null;
  if (kind === "input") {
    const isIt = (id) => model.tensors[id].producer === null && model.tensors[id].name.slice(0, 200) === name,
      found = viewer.selection.ops.flatMap(({ inputs }) => inputs).find(isIt);
    return found === undefined ? null : { kind: "tensor", id: found };
  }
  if (kind === "weight") {
    const found = [...new Set(model.variables.values())].find((id) => model.tensors[id].name.slice(0, 200) === name);
    return found === undefined ? null : { kind: "tensor", id: found };
  }
  if (kind === "part") {
    const op = selectionOfKey(viewer, rest.slice(1).join(":")),
      parts = op && op.kind === "op" ? model.partsOf(model.ops[op.id]) : [];
    return parts[rest[0]] ? { kind, id: op.id, number: Number(rest[0]) } : op;
  }
  const [number, phase, op, ...path] = rest,
    wanted = path.join(":");
  const alike = viewer.selection.ops.filter((each) => each.phase === phase && each.name.slice(0, 60) === op && model.path(each.scope) === wanted);
  const found = alike[Number(number)] || alike[0];
  return found ? { kind: "op", id: found.id } : null;
}
