// How large gradients are, as far as that is known: that of a tensor with NaN is NaN, and where the gradient of a tensor
// that several ops read arrives in parts, only the sizes of these are known: they don't add up to that of the sum.

import { flawsOf } from "./flaws.js";
import { amount, numeral } from "./formatting.js";
import { push } from "./selection.js";

export const MOST_PARTS = 4; // told one by one

export const sizeOfGradient = ({ stats }) => (stats.nan ? NaN : stats.inf || typeof stats.l2 === "string" ? Infinity : stats.l2);
export const sizeWord = (size) => (Number.isNaN(size) ? "NaN" : size === Infinity ? "infinite" : numeral(size));
// NaN wins over infinity, which it doesn't in Math.hypot.
export const sizeTogether = (sizes) => (sizes.some(Number.isNaN) ? NaN : Math.hypot(...sizes));

// The gradients of some tensors in some ops, a Set: of each pass that came to them, {pass, size, text}. The size is that of
// all of them together, undefined where one arrives in parts.
export function gradientSizes(model, ids, here) {
  const passes = new Map();
  for (const id of ids) for (const [pass, found] of model.gradientsByPass(id, here)) push(passes, pass, found.map(sizeOfGradient));
  return [...passes].map(([pass, sizes]) => {
    const size = sizes.every(({ length }) => length === 1) ? sizeTogether(sizes.flat()) : undefined,
      inParts = ids.length === 1 ? partsText(sizes[0]) : "in parts",
      text = size === undefined ? inParts : sizeWord(size);
    return { size, text: passes.size > 1 && pass ? `${text} ${pass}` : text };
  });
}

function partsText(sizes) {
  const more = sizes.length > MOST_PARTS ? ", …" : "";
  return `${amount(sizes.length)} parts: ${sizes.slice(0, MOST_PARTS).map(sizeWord).join(", ")}${more}`;
}

// The same in words; null where none was measured.
export const gradientText = (model, ids, here) => gradientSizes(model, ids, here).map(({ text }) => text).join("; ") || null;

// A weight's gradient by the weight, null where one of them isn't known.
export function ratioText(model, id, here) {
  const [found, ...more] = model.gradientsByPass(id, here).values();
  if (!found || more.length || found.length > 1) return null;
  const weight = model.tensors[found[0].gradientOf],
    norm = flawsOf(weight) ? null : model.norm(weight),
    ratio = sizeOfGradient(found[0]) / norm;
  return norm && Number.isFinite(ratio) ? numeral(ratio) : null;
}
