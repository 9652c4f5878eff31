// Where NaN and infinity went. Where they came from is in the data.

import { amount, clean } from "./formatting.js";

// Is more known of a tensor's elements than their norm, which is all that is taken of updated weights?
export const isMeasured = (tensor) => tensor.stats !== null && (tensor.stats.min !== null || flawsOf(tensor) > 0);
export const flawsOf = (tensor) => (tensor.stats ? tensor.stats.nan + tensor.stats.inf : 0);
// How many elements aren't finite, in words.
function flawsText(nan, inf) {
  const kinds = [nan && `${amount(nan)} NaN`, inf && `${amount(inf)} infinite`].filter(Boolean).join(" and ");
  return `${kinds} ${nan + inf === 1 ? "element" : "elements"}`;
}
const isFlawed = (model, id) => flawsOf(model.tensors[id]) > 0;

// What came from outside with NaN or infinity, in words; null where the first op made them.
export function cameInSo({ culprit, flaw }) {
  if (!culprit) return null;
  const { role, name } = culprit,
    kind = ["parameter", "frozen", "state"].includes(role) ? "weight" : role === "input" ? "input" : "data",
    given = name || flaw.inputNames[flaw.inputs.indexOf(culprit.id)] || "";
  return `the ${kind} ${clean(given, 60)} held ${flawsText(culprit.stats.nan, culprit.stats.inf)} when it came to `;
}

// What an op has to do with the beginning of NaN or infinity; null where nothing.
export function flawText(model, op) {
  if (op === model.flaw && model.culprit) return `NaN or infinity came in here: ${cameInSo(model)}${clean(op.name, 40)}.`;
  if (!model.origins.has(op.id)) return null;
  const made = op.outputs.map((t) => model.tensors[t].stats).filter(Boolean),
    [nan, inf] = ["nan", "inf"].map((kind) => made.reduce((sum, stats) => sum + stats[kind], 0));
  return `${flawsText(nan, inf)} ${nan + inf === 1 ? "arises" : "arise"} here: all inputs are finite.`;
}

// The ops that passed the flaw on from `op`, itself first.
export function flawPath(model, op) {
  const found = new Set([op.id]),
    waiting = [op.id];
  while (waiting.length) {
    for (const made of model.ops[waiting.pop()].outputs) {
      if (!isFlawed(model, made)) continue;
      for (const reader of model.readers[made]) {
        if (found.has(reader) || !model.ops[reader].outputs.some((i) => isFlawed(model, i))) continue;
        found.add(reader);
        waiting.push(reader);
      }
    }
  }
  return found;
}
