// What differs between two steps of the recording that is shown, in the form that viz/compare writes for two recordings.
// That values differ goes without saying, as weights change from step to step: the sizes of gradients are told.

import { el, selectBox } from "../app/dom.js";
import { Changes, signed } from "../panels/changes.js";
import { learningRateOf, optimizerOf, settingText } from "../panels/settings.js";
import { numeral, percent } from "./formatting.js";
import { gradientSizes, gradientText } from "./gradient_sizes.js";
import { placeOfWeight } from "./weights.js";

// The changes since another step, null while none is chosen; they are kept, as the graph is made anew more often.
export function changesSince(viewer) {
  const { model, state } = viewer,
    { compared, step } = state;
  if (compared === null || compared === step || !viewer.places.includes(compared)) return null;
  const [a, b] = viewer.stepChanges?.pair ?? [];
  if (a !== compared || b !== step || viewer.stepChanges.model !== model) {
    const changes = new Changes(model, stepChanges(model, compared, step));
    viewer.stepChanges = Object.assign(changes, { pair: [compared, step] });
  }
  return viewer.stepChanges;
}

// Compares with another step from now on, or with none (null). Times are those of the step then, as the other one's are, and
// boxes that ran the same have the colours of how much longer or shorter that took.
export function compareWith(viewer, step) {
  const { state } = viewer;
  viewer.timesBefore = state.compared === null ? state.times : viewer.timesBefore;
  state.compared = step;
  viewer.difference = changesSince(viewer);
  if (viewer.difference) state.tab = "changes";
  if (["diff", "slower"].includes(state.color) && !viewer.difference) state.color = "op";
  viewer.setTimes(viewer.difference ? "step" : viewer.timesBefore ?? state.times);
  viewer.toolbar.show();
  if (viewer.difference) viewer.setColour(viewer.difference.firstOp !== null || !viewer.difference.took.size ? "diff" : "slower");
  else viewer.repaint();
  if (viewer.difference) viewer.dock.setOpen(true);
  else viewer.dock.refresh();
  viewer.update();
}

// The steps with which the shown one can be compared: none where another recording is.
export const comparableWith = ({ state, places, data }) => (data.diff || state.step === null ? [] : places.filter((step) => step !== null && step !== state.step));

// A choice of the other step; nothing where there is none.
export function chooseCompared(viewer) {
  const { model, state } = viewer,
    others = comparableWith(viewer);
  if (!others.length) return null;
  const choices = [["", "no other step"], ...others.map((step) => [String(step), model.stepName(step).replace(/ of \S+/, "")])],
    node = selectBox("another step, to compare this one with", choices, (value) => compareWith(viewer, value ? Number(value) : null));
  node.value = viewer.difference ? String(state.compared) : "";
  return state.compared === state.step ? [node, el("div", {}, "others are compared with this one")] : node;
}

function stepChanges(model, a, b) {
  const before = opsByKey(model, a),
    after = opsByKey(model, b),
    pairs = [...before].filter(([key]) => after.has(key)).map(([key, op]) => [op, after.get(key)]),
    added = [...after].filter(([key]) => !before.has(key)).map(([, op]) => opChange(model, "added", op)),
    ops = [...removedOps(model, before, after), ...added, ...changedOps(model, pairs)],
    [settings, weights] = [changedRates(model, pairs), changedGradients(model, a, b)];
  return {
    ...{ a: model.stepName(a), b: model.stepName(b), isOfSteps: true, different: true, first: null, notes: [], compared: {} },
    ...{ ops, settings, weights, tensors: changedInputs(model, pairs), times: pairs.map(([op, other]) => [other.id, op.took]) },
    layers: costsOf(model, before, after, (op) => model.placeOf(op)),
    kinds: costsOf(model, before, after, (op) => model.titleOf(op)),
  };
}

// The ops of a step: each by its place, its name, and how many alike came before it.
function opsByKey(model, step) {
  const found = new Map(),
    counts = new Map();
  for (const op of model.ops.filter((each) => each.step === step)) {
    const alike = [model.ownerOf(op), op.name, op.phase].join("\n"),
      count = counts.get(alike) || 0;
    counts.set(alike, count + 1);
    found.set(`${alike}\n${count}`, op);
  }
  return found;
}

const opChange = (model, kind, op, rest) => ({
  ...{ kind, a: null, b: op.id, op: model.titleOf(op), phase: op.phase, what: [], source: model.lineOf(op)?.place ?? "", layer: model.ownerOf(op).replaceAll(" / ", "/") },
  ...rest,
});

// Ops of the other step alone, each before the op of this one that it would stand before.
function removedOps(model, before, after) {
  const found = [];
  let next = null;
  for (const [key, op] of [...before].reverse()) {
    if (after.has(key)) next = after.get(key).id;
    else found.unshift(opChange(model, "removed", op, { a: op.id, b: null, before: next }));
  }
  return found;
}

function changedOps(model, pairs) {
  const labels = (ids) => ids.map((id) => model.tensors[id].label).join(", ");
  return pairs.flatMap(([a, b]) => {
    const sides = [["input", a.inputs, b.inputs], ["output", a.outputs, b.outputs]].map(([name, old, now]) => [name, labels(old), labels(now)]),
      what = sides.filter(([, old, now]) => old !== now).map(([name, old, now]) => `${name} ${old} → ${now}`);
    return what.length ? [opChange(model, "changed", b, { a: a.id, what })] : [];
  });
}

// What was given from outside in another shape or type: by an op that reads it, and the place among its inputs.
function changedInputs(model, pairs) {
  const isGiven = ({ id, producer }) => producer === null && !model.variables.has(id);
  return pairs.flatMap(([a, b]) => {
    const sides = b.inputs.map((id, at) => [model.tensors[a.inputs[at] ?? id], model.tensors[id], at]);
    return sides.filter(([old, now]) => isGiven(old) && isGiven(now) && old.label !== now.label).map(([old, now, at]) => [b.id, at, "changed", `${old.label} → ${now.label}`]);
  });
}

// The learning rates that changed.
function changedRates(model, pairs) {
  const told = pairs.map((pair) => pair.map((op) => optimizerOf(model, op))).filter(([a, b]) => a && b).map(([a, b]) => {
    const [old, now] = [a, b].map((scope) => settingText(learningRateOf(scope) ?? null));
    return old === now ? "" : `${model.titleOfCall(b, [])}: learning rate ${old} → ${now}`;
  });
  return [...new Set(told)].filter(Boolean);
}

// How large the gradients of weights were in each of the two steps, where that was measured.
function changedGradients(model, a, b) {
  const found = [],
    sides = [a, b].map((step) => new Set(model.ops.filter((op) => op.step === step).map(({ id }) => id)));
  for (const id of new Set(model.variables.values())) {
    const [old, now] = sides.map((here) => gradientText(model, [id], here)),
      [before, after] = sides.map((here) => gradientSizes(model, [id], here));
    if (model.tensors[id].role !== "parameter" || !old || !now) continue;
    found.push({ kind: "|gradient|", place: placeOfWeight(model, id).whole, a: old, b: now, delta: before.length === after.length ? after.map(({ size }, i) => grown(before[i].size, size)).filter(Boolean).join("; ") : "" });
  }
  return found;
}

// By how much a size is larger than before, and that as a share of it; "" where one of them isn't a number.
function grown(before, now) {
  const more = now - before;
  return Number.isFinite(more) ? `${signed(more, numeral)}${before ? ` (${signed(more / before, percent)})` : ""}` : "";
}

// Time and memory by what a function says of ops, what differs most first.
function costsOf(model, before, after, nameOf) {
  const found = new Map();
  for (const [side, ops] of [["a", before], ["b", after]])
    for (const op of ops.values()) {
      const name = nameOf(op).replaceAll(" / ", "/");
      if (!found.has(name)) found.set(name, { name, time_a: 0, time_b: 0, memory_a: 0, memory_b: 0 });
      found.get(name)[`time_${side}`] += op.took;
      found.get(name)[`memory_${side}`] += op.made;
    }
  const apart = ({ time_a: old, time_b: now }) => Math.abs(now - old);
  return [...found.values()].sort((x, y) => apart(y) - apart(x));
}
