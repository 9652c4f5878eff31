// The time that the tabs below the graph show, the same for all of them: from the start of the first op or layer of the
// shown step to the end of the last one, or the part of it that the reader has zoomed to. It is counted from its start.

import { clean, seconds } from "../recording/formatting.js";
import { nameAlone } from "../recording/model.js";
import { isWeight } from "../recording/weights.js";
import { ticks } from "./charts.js";

const SHORTEST = 200, // nanoseconds
  MUCH_BETWEEN = 0.25; // of the time between ops, in one place

class Period {
  constructor(first, last) {
    Object.assign(this, { first, last: Math.max(last, first + 1) });
    this.showAll();
  }

  get span() {
    return this.to - this.from;
  }

  showAll() {
    [this.from, this.to] = [this.first, this.last];
  }

  move(by) {
    const { span } = this,
      from = Math.max(this.first - span / 2, Math.min(this.last - span / 2, this.from + by));
    [this.from, this.to] = [from, from + span];
  }

  zoom(factor, time) {
    const span = Math.max(SHORTEST, Math.min(this.last - this.first, this.span * factor)),
      ratio = span / this.span;
    this.from = Math.max(this.first, time - (time - this.from) * ratio);
    this.to = Math.min(this.last, this.from + span);
    this.from = Math.max(this.first, this.to - span);
  }

  // What stands below an axis of this width: places from its left, and what they are called.
  ticks(width, apart) {
    const times = ticks(this.from - this.first, this.to - this.first, width / apart),
      words = wordsOfTimes(times);
    return times.map((at, i) => [((at + this.first - this.from) / this.span) * width, words[i]]);
  }
}

// What equally spaced times are called: in one unit, with as many digits as tell each from the next.
function wordsOfTimes(times) {
  const most = Math.max(...times.map(Math.abs)),
    apart = times.length > 1 ? times[1] - times[0] : most,
    [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]].find(([least]) => most >= least) ?? [1, "ns"],
    digits = Math.max(0, Math.ceil(-Math.log10(apart / size) - 1e-9));
  return times.map((at) => (at === 0 ? "0" : `${(at / size).toFixed(times.length > 1 ? digits : 2)} ${unit}`));
}

// Of the step that is shown. One that was recorded without times has that of its ops, or of the memory.
export function periodOf(model, step) {
  const span = model.views.get(step)?.span;
  if (span) return new Period(...span);
  const ends = model.data.memory.flatMap(([, , start, end]) => [start, end ?? start]);
  return new Period(0, Math.max(1, model.data.meta.duration || 0, ...ends));
}

// That a tab shows one step, where the graph tells of several; else "".
export function stepAlone({ model, state, selection }) {
  return !selection.medianSteps ? "" : model.steps.length < 2 ? "this step alone" : nameAlone(model, state.step); // the live page names it above
}

// The one of a viewer: what the reader has zoomed to stays while the same step is shown.
export function shownPeriod(viewer) {
  const { model } = viewer,
    { step } = viewer.state;
  if (!viewer.timed || viewer.timed.model !== model || viewer.timed.step !== step)
    viewer.timed = { model, step, period: periodOf(model, step) };
  return viewer.timed.period;
}

// How long all of the recording took, as everywhere; of several steps, how long what is shown did.
export function tookText({ data, model, places, state }) {
  const span = model.views.get(state.step)?.span,
    what = state.step === null ? "what is shown" : "this step";
  return data.took && span && places.length > 1 ? `${data.took}; ${what} took ${seconds(span[1] - span[0])}` : data.took;
}

// The stretches of the shown step in which no op ran, on any thread, each with the op before it and the one after it.
export function gapsOfOps(viewer) {
  const { model, state } = viewer;
  shownPeriod(viewer);
  return (viewer.timed.gaps ??= gapsOfStep(model, state.step, model.views.get(state.step)?.span));
}

function gapsOfStep(model, step, span) {
  if (!span || !model.hasTimes) return [];
  const found = [],
    isOfStep = (op) => !model.steps.length || op.step === step,
    ran = model.ops.filter((op) => isOfStep(op) && op.start !== null && op.end !== null).sort((a, b) => a.start - b.start);
  let [until, before] = [span[0], null];
  for (const op of ran) {
    if (op.start > until) found.push({ start: until, end: op.start, before, after: op });
    if (op.end >= until) [until, before] = [op.end, op];
  }
  if (span[1] > until) found.push({ start: until, end: span[1], before, after: null });
  return found;
}

// What of the step's time was in no op, and where most of that was, if it was much at once.
export function betweenOpsText(viewer) {
  const { model } = viewer,
    gaps = gapsOfOps(viewer),
    lengthOf = ({ start, end }) => end - start,
    sum = gaps.reduce((all, gap) => all + lengthOf(gap), 0),
    longest = gaps.reduce((best, gap) => (best && lengthOf(best) >= lengthOf(gap) ? best : gap), null),
    isMuch = longest?.after && lengthOf(longest) >= MUCH_BETWEEN * sum && gaps.length > 2;
  return sum ? `${seconds(sum)}${isMuch ? `, ${seconds(lengthOf(longest))} of it before ${clean(model.titleOf(longest.after), 40)}` : ""}` : null;
}

// Says of a tensor that an op of another step made which one that is: "from step 1"; "" else. Weights, and what optimizers
// keep, are of all steps; of what comes from outside, one array may have the rows of several.
export function stepWords({ model, state }, tensor) {
  if (tensor.producer === null || !model.steps.length || isWeight(model, tensor)) return "";
  const { step } = model.ops[tensor.producer];
  return step === state.step ? "" : `from ${model.stepName(step).replace(/ of [^ ]*$/, "")}`;
}
