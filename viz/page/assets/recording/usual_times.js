// What ops took in the steps that ran them: their usual time is the median, see viz/page/usual_times.py.

// What an op took in several steps; null where it ran in one alone.
function usualOf(row) {
  if (!row) return null;
  const [median, least, most, steps] = row;
  return { median, least, most, steps };
}

// What the ops of a box took in several steps: the median, which the box shows, and the least and most.
function timesOf(ops) {
  const several = ops.filter(({ usual }) => usual),
    sum = (of) => seconds(several.reduce((all, { usual }) => all + of(usual), 0));
  if (!several.length) return "";
  const steps = amount(Math.max(...several.map(({ usual }) => usual.steps)));
  return `time: ${sum(({ median }) => median)}, the median of ${steps} recorded steps (${sum(({ least }) => least)} … ${sum(({ most }) => most)})`;
}

// What an op took in several steps, of which its time is the median; and in its own.
function spreadOf({ usual, took }) {
  return `median of ${seconds(usual.least)} … ${seconds(usual.most)}; this step ${seconds(took)}`;
}
