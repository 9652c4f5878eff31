// What the side panel says of the time of ops and of a layer: usually, and in the step that is shown.

import { el } from "../app/dom.js";
import { counted, percent, seconds } from "../recording/formatting.js";
import { criticalPath } from "../recording/lineage.js";
import { nameAlone, nameShort } from "../recording/model.js";
import { fasterOf, ofUsual, rangeOf, shareWord, stepsOfMedians, timeOf, toldTime, tookOf, usualTime, usualWord } from "../recording/usual_times.js";

export function timesOfOps(ops, viewer) {
  const { model, selection } = viewer,
    share = shareWord(model, ops),
    shown = (time) => `${seconds(time)}${share}`,
    time = toldTime(model, ops),
    told = time ? `${shown(time)}  (${percent(time / (selection.time || 1))} of ${wholeOf(viewer)})` : null,
    ofPass = ["share", share && time ? "of one pass over several weights, by size" : null],
    steps = stepsOfMedians(ops),
    range = rangeOf(ops);
  if (!steps) return [["time", told], ofPass, wholeTime(viewer)];
  const alone = model.tellsStep,
    faster = fasterOf(model, selection.ops),
    isSame = faster === ops[0].step, // of two steps the one that was the faster altogether is shown
    beside = !alone ? ["in this step", shown(tookOf(ops))] : faster === undefined ? [usualWord(steps), `${shown(usualTime(ops))}, of ${counted(steps, "step")}`] : [`in ${nameShort(model, faster)}`, `${shown(usualTime(ops))}; that step was the faster altogether`];
  return [
    ["time", told && `${told}, ${alone ? nameAlone(model, ops[0].step) : selection.faster === undefined ? `${ops.length > 1 && steps > 2 ? "each op's " : ""}${ofUsual(steps)}` : `in ${selection.timesOf}`}`],
    ofPass,
    isSame ? ["", ""] : beside,
    ["range", range && `${seconds(range.least)} … ${seconds(range.most)}${share}`],
    wholeTime(viewer),
  ];
}

// What percentages of time are of, and how long that took in ops: as the page tells it, so that parts and whole compare.
export const wholeOf = ({ model, state }) => (!model.steps.length ? "all that ran" : state.step === null ? "all outside of steps" : "the step");
export const wholeTime = (viewer) => [wholeOf(viewer), viewer.selection.time ? `${seconds(viewer.selection.time)} in ops${isOfMedians(viewer) ? ", by medians" : ""}` : null];

// Are times told as medians of several steps?
const isOfMedians = ({ model, selection }) => selection.medianSteps > 2 && !model.tellsStep;

// How many ops the critical path has, how long they took, and which share of the whole that is: below 100 %, the rest
// could run at the same time as these.
export function lengthOfCriticalPath(viewer) {
  const { model, selection } = viewer,
    path = [...criticalPath(model, selection.ops)],
    time = timeOf(model, path);
  if (!time) return "";
  return `critical path: ${counted(path.length, "op")}, ${seconds(time)}, ${percent(time / (selection.time || 1))} of ${wholeOf(viewer)}`;
}

// Below what its ops took, forward and backward: of which steps that is, what they took in this one, the least and most
// in one.
export function timesOfLayer(viewer, block) {
  const { model, selection } = viewer,
    { timesOf, backward } = selection,
    both = [["→", block.ownOps], ...(backward && block.backOps.length ? [["←", block.backOps]] : [])].map(([arrow, ids]) => [arrow, ids.map((id) => model.ops[id])]),
    inStep = both.map(([arrow, ops]) => `${arrow} ${seconds(tookOf(ops))}`),
    bounds = both.map(([arrow, ops]) => [arrow, ops, rangeOf(ops)]).filter(([, , range]) => range);
  return [
    ["these times", timesOf ? `${isOfMedians(viewer) ? "of each op the " : ""}${timesOf}${isOfMedians(viewer) ? ", added up" : ", in ops alone"}` : null],
    ["in this step", timesOf && !model.tellsStep && selection.faster !== viewer.state.step ? inStep.join("   ") : null],
    ["range", bounds.length ? bounds.map(([arrow, , { least, most }]) => el("div", {}, `${arrow} ${seconds(least)} … ${seconds(most)}`)) : null],
    wholeTime(viewer),
  ];
}

// Where the bar of a layer begins in the timeline, of which this is the first op.
export const barStart = ({ start }, first) => (start !== null && start <= first.start ? Math.max(start, first.start - 1e6) : first.start);
