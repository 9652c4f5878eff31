// Where a block, or what a box stands for, is: the frames around it as they are drawn, of which one may stand for several.

import { inCommon } from "./several.js";

// The frames from the outermost to the one with a key: layers, lines of code and equal parts; or groups of neighbours, too.
export function framesTo({ blocks, parents }, key, withGroups = false) {
  const found = [];
  for (let at = key; at; at = parents.get(at)) found.unshift(blocks.get(at));
  return found.filter(({ kind, title, isChain }) => title && (withGroups ? !isChain : kind !== "group"));
}

const nameInPath = ({ scope, repeats, names, title }) => (scope && repeats === 1 && names.length < 2 ? scope.label : title);

export const pathTo = (index, key, withGroups) => framesTo(index, key, withGroups).map(nameInPath).join(" / ");

// The same, each to click on.
export function linksTo(details, key, withGroups) {
  const frames = framesTo(details.viewer.index, key, withGroups);
  return frames.flatMap((block, i) => [i ? " / " : "", details.link(nameInPath(block), { kind: "scope", key: block.key })]);
}

// The innermost block around all of these ops, where that is one; "" else.
export const keyAround = ({ around }, ids) => inCommon(ids.map((id) => around.get(id) ?? ""));

// Is an op of a direction that is shown? Updates of weights go with the gradients.
export const isInView = ({ state }, { phase }) => state.view === "both" || (state.view === "forward") === !["backward", "update"].includes(phase);

// Where a box is, in words: of one that stands for several ops the frames around all of them.
export function placeOfBox({ index, model }, { key, ops, main }) {
  if (index.blocks.has(key)) return pathTo(index, index.parents.get(key), !index.blocks.get(key).scope);
  const places = () => inCommon(ops.map((id) => model.placeOf(model.ops[id])));
  return ops.length > 1 ? pathTo(index, keyAround(index, ops)) || places() : model.ownerOf(model.ops[main ?? ops[0]], false);
}

// That of the box of some weights; "" for other tensors.
export function keyAroundWeights(viewer, ids) {
  return ids.every((id) => viewer.model.variables.has(id)) ? keyAround(viewer.index, ids.map((id) => viewer.opOfTensor(id))) : "";
}

// A cast that is shown with another op has no box: what is beyond it reads, or has made, what it casts.
const isUnseenCast = ({ index, model }, id) => model.ops[id].name === "cast" && Boolean(index.rows.get(id)?.riders.includes(id));

export function makerSeen(viewer, id) {
  const { ops, tensors } = viewer.model,
    from = isUnseenCast(viewer, id) ? tensors[ops[id].inputs[0]].producer : null;
  return from === null ? id : makerSeen(viewer, from);
}

export const readersSeen = (viewer, tensors) =>
  tensors.flatMap((t) => viewer.model.readers[t]).flatMap((id) => (isUnseenCast(viewer, id) ? readersSeen(viewer, viewer.model.ops[id].outputs) : [id]));
