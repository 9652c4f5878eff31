// How the lines of what `fit` and `evaluate` report look, on both pages; in the order in which they are drawn.

export const RUNNING_MEAN = "epoch's mean so far"; // what `fit` tells of a batch: the mean since the epoch began
export const REPORTED = {
  evaluation: { name: "evaluation", colour: "--metric", note: "The mean of the batches so far.", anew: true },
  batch: {
    name: RUNNING_MEAN,
    colour: "--forward",
    note: "The mean since the epoch began, as fit reports it after each batch: so its line begins anew with each epoch.",
    anew: true,
  },
  step: { name: "train", colour: "--forward" },
  single: { name: "single steps", colour: "--metric" }, // of `train_on_batch` or a loop, beside epochs of `fit`
  epoch: { name: "train", colour: "--update", dots: true, wide: true },
  validation: { name: "validation", colour: "--backward", dots: true, wide: true },
};

// The lines of a chart of a recording, whose batches are steps of it: all of them, and beside them the ends of epochs where
// there are several.
export function withBatches(lines) {
  const count = (name) => lines.find(({ run }) => run === name)?.points.length ?? 0;
  return count("batch") > 1 && count("epoch") < 2 ? lines.filter(({ run }) => run !== "epoch") : lines;
}

// The lines of a chart as the live page shows them: at an epoch's end the mean so far is the epoch's own, which two lines would tell
// twice. So it is drawn of the epoch that runs, beside those that ended; and alone until there is a line of epochs.
export function toldOnce(all) {
  const lines = withBatches(all),
    [batch, epoch] = ["batch", "epoch"].map((name) => lines.find(({ run }) => run === name));
  if (!batch || !epoch) return lines;
  const [ended] = epoch.points.at(-1) ?? [-Infinity],
    points = batch.points.filter(([x]) => x > ended);
  return lines.flatMap((line) => (line !== batch ? [line] : points.length ? [{ ...batch, points }] : []));
}
