// What ops took in the steps that ran them. Usual is the median; of two steps it is the time of the one that was faster
// altogether, which is the first of them, see viz/page/usual_times.py. Of several ops it is the sum of these, so that times
// of parts add up to that of the whole, while the least and most are those of whole steps.

import { amount, seconds } from "./formatting.js";
import { push } from "./selection.js";

const ALONE = []; // the steps of what ran in one alone

// For each row of times the numbers of the steps, one list for all rows that share it, with the times in them.
export function usualTimes({ steps, times }) {
  return times.map(([number, median, ...row]) => ({ steps: steps[number], times: row, median }));
}

// Which times boxes, layers and lists tell of ops that ran in several steps: medians, or those of the step that is shown.
export const TIMES = ["median", "step"];

export function tellTimes(model, times) {
  model.tellsStep = times === "step";
  for (const op of model.ops) op.duration = op.usual && !model.tellsStep ? op.usual.median : op.took;
}

// What ops took together in each of the steps that ran them, of those that ran in the same steps: pairs of these steps
// and the sums.
function sumsOfSteps(ops) {
  const found = new Map();
  for (const { usual, took } of ops) {
    const steps = usual ? usual.steps : ALONE,
      times = usual ? usual.times : [took],
      sums = found.get(steps);
    if (sums) for (let i = 0; i < times.length; i += 1) sums[i] += times[i];
    else found.set(steps, [...times]);
  }
  return [...found];
}

export const tookOf = (ops) => ops.reduce((sum, { took }) => sum + took, 0);
export const usualTime = (ops) => ops.reduce((sum, { usual, took }) => sum + (usual ? usual.median : took), 0);

// The least and most that ops took together in a step, and in which; null for those that didn't run in the same steps.
export function rangeOf(ops) {
  const found = sumsOfSteps(ops);
  if (found.length !== 1 || found[0][1].length < 2) return null;
  const [[, times]] = found;
  return { least: Math.min(...times), most: Math.max(...times) };
}

// What ops took, as it is told.
export const toldTime = (model, ops) => (model.tellsStep ? tookOf(ops) : usualTime(ops));
export const timeOf = (model, ids) => toldTime(model, ids.map((id) => model.ops[id]));

const TIME = "{time}"; // stands for a time in what boxes say: see viz/page/tree_columns.py

// What a box says, with the time that is told of its ops.
export const retimed = (model, text, ids) => (text.includes(TIME) ? text.replace(TIME, seconds(timeOf(model, ids))) : text);

// In how many steps the ops of one ran, of which boxes, layers and lists tell the medians; 0 where it ran alone.
export const stepsOfMedians = (ops) => ops.reduce((most, { usual }) => Math.max(most, usual ? usual.steps.length : 0), 0);
export const usualWord = (steps) => (steps > 2 ? "median" : "faster");
export const medianOf = (steps) => `${usualWord(steps)} of ${amount(steps)} steps`;
export const ofUsual = (steps) => (steps > 2 ? "" : "of the ") + medianOf(steps); // behind a time

// Which of two steps was the faster, where that is one of the recording; undefined else. The live page keeps one of them.
export function fasterOf({ steps: recorded }, ops) {
  const steps = ops.find(({ usual }) => usual)?.usual.steps ?? [];
  return steps.length === 2 && recorded.length > 1 && steps.every((step) => step < recorded.length) ? steps[0] : undefined;
}

// Are these some of the updates that ran as one pass, but not all? Then their times are shares of its time, by size.
const isShare = ({ updatePasses }, ops) =>
  updatePasses.some(([from, to]) => {
    const count = ops.filter(({ id }) => id >= from && id < to).length;
    return count > 0 && count < to - from;
  });

// Ops, each by itself, but for updates that ran as one pass: these together.
export function passesOf({ updatePasses }, ops) {
  const found = new Map();
  for (const op of ops) push(found, updatePasses.find(([from, to]) => op.id >= from && op.id < to) ?? op, op);
  return [...found.values()];
}

export const durationOf = (ops) => ops.reduce((sum, { duration }) => sum + duration, 0);

// The same in words, behind a time.
export const shareWord = (model, ops) => (isShare(model, ops) ? " (share)" : "");

// What the ops of a box took in several steps, first that which the box shows: the median, or what it took in this step.
export function timesOf(model, ops) {
  const steps = stepsOfMedians(ops),
    range = rangeOf(ops),
    told = usualTime(ops),
    isWithin = range && range.least <= told && told <= range.most, // each step may have been held up, in other ops
    ends = isWithin ? ` (${seconds(range.least)} … ${seconds(range.most)})` : "",
    share = shareWord(model, ops);
  if (!steps) return "";
  const usual = `${seconds(told)}${share}`,
    took = `${seconds(tookOf(ops))}${share}`;
  return model.tellsStep ? `time: ${took} in this step; ${usual}, ${ofUsual(steps)}${ends}` : `time: ${usual}, ${ofUsual(steps)}${ends}; in this step ${took}`;
}
