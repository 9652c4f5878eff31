// What names weights wherever they are listed: the path of the layer that reads one, as boxes tell it, and its name within
// that. What an optimizer keeps of a weight is "momentum of kernel", of the optimizer and the weight's layer.

import { push } from "./selection.js";

// {path, name, whole, scope} of a weight, in any of its versions, or of an optimizer's state.
export function placeOfWeight(model, id) {
  const known = (model.weightPlaces ??= new Map()),
    first = model.variables.get(id) ?? id;
  if (!known.has(first)) {
    const { role, name } = model.tensors[first],
      { path, name: own, scope = null, weight = null } = role === "optimizer state" ? placeOfState(model, name) : placeInLayers(model, first, name);
    known.set(first, { path, name: own, scope, weight, whole: [path, own].filter(Boolean).join(" / ") });
  }
  return known.get(first);
}

export const isWeight = (model, { id, role }) => model.variables.has(id) || role === "optimizer state";

const framed = (parts) => parts.join(" / ");

// The innermost call around an op that reads it whose name begins its own; of one that has no path the first reader.
function placeInLayers(model, id, name) {
  const parts = name.split("/"),
    readers = readersOfWeights(model).get(id) || [];
  for (const { home } of readers) {
    const calls = model.ancestors(home).filter(({ label }) => label);
    for (let from = 0; from < calls.length; from += 1) {
      const within = partsWithin(calls.slice(from), parts);
      if (within) return { path: model.path(calls[from].id), name: framed(within), scope: calls[from].id };
    }
  }
  if (parts.length > 1 || !readers.length) return { path: framed(parts.slice(0, -1)), name: parts.at(-1) };
  return { path: model.placeOf(readers[0]), name, scope: model.path(readers[0].home) ? readers[0].home : null };
}

// What of a name stands behind that of some calls, innermost first; null where it is no name of what is in them.
function partsWithin(calls, parts) {
  const frames = calls.map(({ shown }) => shown).reverse();
  for (let from = 0; from < frames.length; from += 1) {
    const rest = frames.slice(from);
    if (rest.length < parts.length && rest.every((name, i) => name === parts[i])) return parts.slice(rest.length);
  }
  return null;
}

// The ops that read each weight, by its first version: those of the forward pass, where there are any.
function readersOfWeights(model) {
  if (model.weightReaders) return model.weightReaders;
  const found = (model.weightReaders = new Map());
  for (const isWanted of [({ phase }) => phase === "forward", () => true]) {
    const known = new Set(found.keys());
    for (const op of model.ops.filter(isWanted))
      for (const tensor of op.inputs) {
        const first = model.variables.get(tensor);
        if (first !== undefined && !known.has(first)) push(found, first, op);
      }
  }
  return found;
}

// Its name is that of the optimizer, and behind it the weight's in one word with what is kept of it.
function placeOfState(model, name) {
  const [optimizer, ...rest] = name.split("/"),
    kept = rest.join("_"),
    weights = weightsInOneWord(model);
  for (let at = kept.lastIndexOf("_"); at > 0; at = kept.lastIndexOf("_", at - 1)) {
    const weight = weights.get(kept.slice(0, at)) ?? null;
    if (weight === null) continue;
    const of = placeOfWeight(model, weight);
    return { path: [optimizer, of.path].filter(Boolean).join("  ·  "), name: `${kept.slice(at + 1)} of ${of.name}`, weight };
  }
  return rest.length ? { path: optimizer, name: framed(rest) } : { path: "", name };
}

// The ops that bring what an optimizer keeps of a weight up to date: those that change the weight. None for other tensors.
export function updatesOfState(model, id) {
  const { weight } = model.tensors[id].role === "optimizer state" ? placeOfWeight(model, id) : { weight: null },
    made = weight === null ? [] : model.versionsOf(weight).map((each) => model.tensors[each].producer);
  return made.filter((op) => op !== null && model.ops[op].phase === "update");
}

// Null for a name that several weights have.
function weightsInOneWord(model) {
  if (model.weightsByWord) return model.weightsByWord;
  const found = (model.weightsByWord = new Map());
  for (const id of new Set(model.variables.values())) {
    const word = model.tensors[id].name.replaceAll("/", "_");
    found.set(word, found.has(word) ? null : id);
  }
  return found;
}
