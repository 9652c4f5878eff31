// What can be selected: an op, a part of a fused one, a layer, a tensor, and what several of these are in one box or bar.

import { partSelected, partsOf } from "../panels/parts.js";
import { isBlock, opsIn } from "../recording/blocks.js";
import { standIns } from "../recording/stand_ins.js";
import { updatesOfState } from "../recording/weights.js";
import { keyOfSelection, selectionOfKey } from "./permalink.js";

// What a click on a box selects: all that it stands for.
export function selectionOfNode(node) {
  const several = (kind, ids) => ({ kind: ids.length > 1 ? `${kind}s` : kind, id: ids[0], ids, node: node.id });
  if (node.kind === "parameter") return several("tensor", node.variables);
  if (node.kind === "input" || node.kind === "gradient") return several("tensor", node.tensors ?? [node.tensor]);
  if (node.kind === "scope") return { kind: "scope", key: node.key, node: node.id, pass: node.pass };
  if (node.part !== undefined) return { kind: "part", id: node.main, number: node.part };
  return several("op", node.ops);
}

// What is selected, if that is one of the equal parts that a block shows, alone; undefined else.
export const equalPart = (selected, key) => (selected?.kind === "scope" && selected.key === key && (selected.call ?? selected.round) !== undefined ? selected : undefined);

// What shows a call: its block or that of an equal one; of one that has none, such as a pass for gradients, its ops.
export function selectionOfCall(viewer, scope) {
  const block = [...viewer.index.blocks.values()].find((each) => each.scope === scope);
  if (block) return { kind: "scope", key: block.key, ...(partsOf(viewer, block).length ? { call: scope.id } : {}) };
  if (standIns(viewer).has(scope.id)) return { kind: "scope", key: standIns(viewer).get(scope.id), call: scope.id };
  const ids = opsOfCall(viewer, scope);
  return ids.length ? { kind: "ops", id: ids[0], ids, call: scope.id } : viewer.state.selected;
}

// The call of a layer that is selected, by its bar or by a block that shows no other; null where there is none.
function callSelected(viewer) {
  const { selected } = viewer.state,
    { model, index } = viewer;
  if (selected?.kind !== "scope") return null;
  if (selected.call !== undefined) return model.scopes[selected.call];
  if (selected.round !== undefined) return null;
  const block = index.blocks.get(selected.key);
  return block?.scope && !partsOf(viewer, block).length ? block.scope : null;
}

export function opsOfCall({ model, selection }, scope) {
  const inside = new Map([[null, false]]); // most ops are in few scopes
  const isIn = (id) => {
    if (!inside.has(id)) inside.set(id, id === scope.id || isIn(model.scopes[id].parent));
    return inside.get(id);
  };
  return selection.ops.filter((op) => isIn(op.scope)).map(({ id }) => id);
}

// The boxes (or frames) that show what is selected.
export function nodesOfSelected(viewer, selected) {
  const { scene, index } = viewer;
  if (!selected) return [];
  if (selected.kind === "ops" || selected.kind === "tensors") {
    const kind = selected.kind.slice(0, -1),
      own = (id) => (kind === "op" ? nodesOfSelected(viewer, { kind, id }) : boxOfTensor(viewer, id));
    return [...new Set(selected.ids.flatMap(own))];
  }
  if (selected.kind === "op") {
    if (scene.partNodes.has(selected.id)) return [`frame:${index.rows.get(selected.id).key}`];
    const found = scene.nodeOf.get(selected.id);
    return found ? [found] : [];
  }
  if (selected.kind === "part") {
    const ids = scene.partNodes.get(selected.id);
    return ids ? [ids[selected.number]] : nodesOfSelected(viewer, { kind: "op", id: selected.id });
  }
  if (selected.kind === "scope") {
    const isBack = ({ key, pass }) => key === selected.key && pass === selected.pass,
      back = selected.pass === undefined ? null : [...scene.nodes.values()].find(isBack);
    if (back) return [back.id];
    for (let key = selected.key; key; key = index.parents.get(key)) {
      const found = [`frame:${key}`, `box:${key}`].filter((id) => scene.nodes.has(id) || (key === selected.key && scene.frames.has(id)));
      if (found.length) return found; // of what isn't drawn, the closed box that it is in
    }
    return [];
  }
  const own = boxOfTensor(viewer, selected.id),
    reader = own.length ? undefined : scene.nodeOf.get(viewer.opOfTensor(selected.id)); // what has no box is in that of its reader
  return reader === undefined ? own : [reader];
}

// The closed blocks that something is in, and of a part its op. What updates weights has a box beside a closed layer.
export function closedAround(viewer, selected, op) {
  const { index, model, open, scene } = viewer,
    row = selected.kind === "part" ? index.rows.get(op) : null,
    keys = row ? [row.key] : [],
    boxes = op !== null && model.ops[op].phase === "update" ? viewer.nodesOf(selected) : [];
  if (boxes.length && boxes.every((id) => scene.nodes.get(id)?.kind === "update")) return [];
  for (let at = op === null ? index.parents.get(selected.key) : index.around.get(op); at; at = index.parents.get(at)) keys.push(at);
  return keys.filter((key) => !open.has(key));
}

// The box of a weight, of what made a tensor, or of what came from outside; none for what is in another's box.
function boxOfTensor({ scene, model }, tensor) {
  const variable = model.variables.get(tensor),
    found = variable !== undefined ? scene.weightNode.get(variable) : scene.nodeOf.get(model.tensors[tensor].producer);
  return [found ?? scene.constants.get(tensor) ?? `in${tensor}`].filter((id) => scene.nodes.has(id));
}

// The ops of what is selected; of tensors, those that made and read them.
export function opsOfSelected(viewer, selected) {
  const { index, model, selection } = viewer;
  if (!selected) return [];
  if (selected.kind === "ops") return selected.ids;
  if (selected.kind === "op" || selected.kind === "part") return [selected.id];
  if (selected.kind === "scope") {
    const block = index.blocks.get(selected.key),
      back = selected.pass === undefined ? undefined : block?.back.find(({ pass }) => pass === selected.pass);
    if (back) return back.ops;
    return partSelected(viewer, selected)?.ownOps ?? (block ? opsIn(block) : []);
  }
  const found = (selected.ids ?? [selected.id]).flatMap((id) => model.versionsOf(id)).flatMap((id) => [model.tensors[id].producer, ...model.readers[id], ...updatesOfState(model, id)]);
  return [...new Set(found)].filter((op) => selection.here.has(op));
}

// What is selected before equal parts are drawn otherwise, and what tells it then; of all of some parts, or what these became
// of them, `all`.
export function chosenBefore(viewer) {
  const { selected } = viewer.state,
    block = selected?.kind === "scope" && (selected.call ?? selected.round ?? selected.pass) === undefined ? viewer.index.blocks.get(selected.key) : undefined,
    isAll = block && partsOf(viewer, block).length > 0,
    all = isAll ? selected : viewer.chosenFrom?.to === selected ? viewer.chosenFrom.all : null;
  return { selected, all, call: callSelected(viewer), key: keyOfSelection(viewer), op: viewer.opsOf(selected)[0] };
}

// The same after that: all parts go over to the first of them, and back to all, if nothing else was chosen since; what is no
// layer goes over to the group of its part.
export function chosenAfter(viewer, { selected, all, call, key, op }) {
  const { blocks } = viewer.index,
    isGone = selected?.kind === "scope" && !blocks.has(selected.key),
    isBack = all && all !== selected && blocks.has(all.key) && partsOf(viewer, blocks.get(all.key)).length > 0,
    other = () => (isGone ? partOrAll(viewer, selected) : null) ?? (call ? selectionOfCall(viewer, call) : key ? selectionOfKey(viewer, key) : null),
    found = isBack ? all : other() ?? (selected && op !== undefined ? { kind: "op", id: op } : null);
  viewer.chosenFrom = all && found !== all ? { all, to: found } : null;
  return found;
}

// Of a part that is a group while parts are drawn one by one, and of what shows all of them once.
function partOrAll({ selection, index }, { key, round = 0 }) {
  for (const { folded, parts } of selection.blocks.filter(({ kind }) => kind === "run")) {
    const blocks = parts.filter(isBlock),
      at = blocks.findIndex((part) => part.key === key);
    if (folded.kind !== "repeat" || blocks.length !== folded.repeats) continue; // calls of layers are found as such
    if (folded.key === key && index.blocks.has(blocks[round]?.key)) return { kind: "scope", key: blocks[round].key };
    if (at >= 0 && index.blocks.has(folded.key)) return { kind: "scope", key: folded.key, round: at };
  }
  return null;
}

// The boxes of parts that are drawn one by one, none of which is open.
export function boxesOfParts(viewer, key) {
  const run = viewer.selection.blocks.find((block) => block.kind === "run" && block.key === key),
    parts = run && !isFoldedNow(viewer, run) ? run.parts.filter(isBlock) : [];
  return parts.some((part) => viewer.open.has(part.key)) ? [] : parts.flatMap((part) => viewer.nodesOf({ kind: "scope", key: part.key }));
}

export const isFoldedNow = ({ state }, { key }) => state.fold && !state.unfolded.has(key);
