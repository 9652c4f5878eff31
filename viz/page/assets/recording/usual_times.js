// What ops took in the steps that ran them: their usual time is the median, of two steps the faster one, see viz/page/usual_times.py.

// What an op took in several steps; null where it ran in one alone.
function usualOf(row) {
  if (!row) return null;
  const [median, least, most, steps] = row;
  return { median, least, most, steps };
}

// Which times boxes, layers and lists tell of ops that ran in several steps: medians, or those of the step that is shown.
const TIMES = ["median", "step"];

function tellTimes(model, times) {
  model.tellsStep = times === "step";
  for (const op of model.ops) op.duration = op.usual && !model.tellsStep ? op.usual.median : op.took;
}

// What ops took, as it is told.
const timeOf = (model, ops) => ops.reduce((sum, id) => sum + model.ops[id].duration, 0);

// What a box says, which is written with medians, with the times of the step where these are told.
function retimed(model, text, ops) {
  if (!model.tellsStep) return text;
  const written = ops.reduce((sum, id) => sum + usualTime(model.ops[id]), 0);
  return written ? text.replace(seconds(written), seconds(timeOf(model, ops))) : text;
}

const usualTime = ({ usual, took }) => (usual ? usual.median : took);

// In how many steps the ops of one ran, of which boxes, layers and lists tell the medians; 0 where it ran alone.
const stepsOfMedians = (ops) => ops.reduce((most, { usual }) => Math.max(most, usual ? usual.steps : 0), 0);
const usualWord = (steps) => (steps > 2 ? "median" : "faster");
const medianOf = (steps) => `${usualWord(steps)} of ${amount(steps)} steps`;

// Are these some of the updates that ran as one pass, but not all? Then their times are shares of its time, by size.
const isShare = ({ updatePasses }, ops) =>
  updatePasses.some(([from, to]) => {
    const count = ops.filter(({ id }) => id >= from && id < to).length;
    return count > 0 && count < to - from;
  });

// What the ops of a box took in several steps: the median, which the box shows, and the least and most.
function timesOf(ops) {
  const several = ops.filter(({ usual }) => usual),
    sum = (of) => seconds(several.reduce((all, { usual }) => all + of(usual), 0));
  if (!several.length) return "";
  const [median, least, most] = ["median", "least", "most"].map((name) => sum((usual) => usual[name])),
    took = seconds(ops.reduce((all, op) => all + op.took, 0));
  return `time: ${median}, ${medianOf(stepsOfMedians(ops))} (${least} … ${most}); in this step ${took}`;
}
