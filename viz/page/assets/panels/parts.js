// The equal parts that one block shows, each by itself: which ops are its own, and what it is called.

import { el } from "../app/dom.js";
import { rowsIn } from "../recording/blocks.js";
import { amount, clean, counted, seconds } from "../recording/formatting.js";
import { standIns } from "../recording/stand_ins.js";
import { timeOf } from "../recording/usual_times.js";
import { framesTo } from "./places.js";

// In order of execution; none of a block that shows but one. Calls of layers have their scope, other parts only ops.
export function partsOf(viewer, block) {
  const { index } = viewer;
  index.equalParts ??= new Map();
  if (!index.equalParts.has(block.key)) index.equalParts.set(block.key, block.scope ? callsShownBy(viewer, block) : roundsShownBy(viewer, block));
  return index.equalParts.get(block.key);
}

function callsShownBy(viewer, block) {
  const { model } = viewer,
    others = [...standIns(viewer)].filter(([, key]) => key === block.key).map(([id]) => id);
  if (!others.length) return [];
  const calls = [block.scope.id, ...others].sort((a, b) => a - b),
    found = new Map(calls.map((id) => [id, { scope: model.scopes[id], ownOps: [], backOps: [] }]));
  for (const [which, ids] of [["ownOps", block.ownOps], ["backOps", block.backOps]]) {
    for (const id of ids) {
      const call = model.ancestors(model.ops[id].home).find((scope) => found.has(scope.id));
      if (call) found.get(call.id)[which].push(id);
    }
  }
  const labels = apart(calls.map((id) => model.path(id)));
  return calls.map((id, i) => ({ ...found.get(id), label: labels[i], selected: { kind: "scope", key: block.key, call: id } }));
}

// Of equal neighbours that are no layer: what their names and places say.
function roundsShownBy({ model, index }, block) {
  const count = countOfRounds(index, block),
    { names } = block;
  if (block.repeats < 2) return [];
  return Array.from({ length: count }, (_, i) => {
    const label = names.length && names.length % count === 0 ? shareOf(names, count, i).join(", ") : `part ${i + 1}`;
    return { scope: null, ...roundOf(model, block, count, i), label, selected: { kind: "scope", key: block.key, round: i } };
  });
}

// How many equal parts a block shows that is no layer.
const countOfRounds = (index, { key }) => framesTo(index, key).reduce((all, { repeats }) => all * repeats, 1);
const shareOf = (all, count, i) => (all.length % count ? [] : all.slice((i * all.length) / count, ((i + 1) * all.length) / count));

// The ops of one of them.
function roundOf(model, block, count, i) {
  const back = new Set(block.backOps),
    ownOps = rowsIn(block).flatMap(({ ops, riders }) => [...shareOf(ops, count, i), ...shareOf(riders, count, i)]);
  return { ownOps, backOps: ownOps.flatMap((id) => model.backwardOf[id]).filter((id) => back.has(id)) };
}

// How many equal parts a block stands for, also where a frame around it shows them once.
export const countOfParts = (viewer, block) => partsOf(viewer, block).length || (block.scope ? 1 : countOfRounds(viewer.index, block));

// The first of the equal parts that a block shows; of one that shows but one, the block itself.
export function firstPart(viewer, block) {
  const [part] = partsOf(viewer, block),
    count = block.scope || part ? 1 : countOfRounds(viewer.index, block);
  return part ?? (count > 1 ? { scope: null, ...roundOf(viewer.model, block, count, 0) } : block);
}

// Paths from where they part.
function apart(paths) {
  const frames = paths.map((path) => path.split(" / ")),
    [first] = frames;
  let same = 0;
  while (same < first.length - 1 && frames.every((each) => each[same] === first[same])) same += 1;
  return frames.map((each) => each.slice(same).join(" / "));
}

// The part that is selected by itself, as a block; undefined where all are, or there is but one.
export function partSelected(viewer, { key, call, round }) {
  const block = call === undefined && round === undefined ? undefined : viewer.index.blocks.get(key),
    parts = block ? partsOf(viewer, block) : [],
    found = call === undefined ? parts[round] : parts.find(({ scope }) => scope?.id === call);
  if (!found) return undefined;
  const made = blockOfPart(viewer.model, found),
    share = block.params / parts.length; // of equal parts that are no layer
  return { ...made, params: found.scope || !Number.isInteger(share) ? made.params : share, key };
}

function blockOfPart(model, { scope, label, ownOps, backOps }) {
  const ops = ownOps.map((id) => model.ops[id]),
    sum = (values) => values.reduce((all, value) => all + value, 0),
    made = ops.flatMap(({ outputs }) => outputs).map((id) => model.tensors[id]);
  return {
    ...{ scope, ownOps, backOps, title: scope?.label ?? label, params: scope?.params, back: [] },
    figures: {
      ...{ ops: ownOps.length, backwardOps: backOps.length, forward: timeOf(model, ownOps), backward: timeOf(model, backOps) },
      flops: sum(ops.filter(({ phase }) => phase === "forward").map(({ flops }) => flops || 0)),
      activations: sum(made.filter(({ role }) => role === "activation").map(({ nbytes }) => nbytes)),
    },
  };
}

// The parts of a block with what tells them apart: each leads to itself alone.
export function listOfParts(details, block) {
  const { model, viewer } = details,
    parts = partsOf(viewer, block),
    params = parts.map(({ scope }) => scope?.params ?? null),
    differ = new Set(params).size > 1;
  return details.list(
    `${amount(parts.length)} equal parts`,
    parts.map((part, i) => [
      details.link(clean(part.label, 60), part.selected, "this part alone"),
      el("b", {}, spentText(details, part)),
      differ && params[i] !== null ? el("span", {}, counted(params[i], "parameter")) : null,
    ]),
  );
}

function spentText({ model, viewer }, { ownOps, backOps }) {
  const times = [["→", ownOps], ...(viewer.selection.backward ? [["←", backOps]] : [])].map(([arrow, ids]) => [arrow, timeOf(model, ids)]);
  return times.filter(([, time]) => time).map(([arrow, time]) => `${arrow} ${seconds(time)}`).join("   ");
}
