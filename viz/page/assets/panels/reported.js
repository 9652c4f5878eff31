// How the lines of what `fit` and `evaluate` report look, on both pages; in the order in which they are drawn.

const RUNNING_MEAN = "epoch's mean so far"; // what `fit` tells of a batch: the mean since the epoch began
const REPORTED = {
  evaluation: { name: "evaluation", colour: "--metric", note: "The mean of the batches so far.", anew: true },
  batch: {
    name: RUNNING_MEAN,
    colour: "--forward",
    note: "The mean since the epoch began, as fit reports it after each batch: so its line begins anew with each epoch.",
    anew: true,
  },
  step: { name: "train", colour: "--forward" },
  epoch: { name: "train", colour: "--update", dots: true, wide: true },
  validation: { name: "validation", colour: "--backward", dots: true, wide: true },
};
