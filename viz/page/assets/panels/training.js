// What training reported: a chart for each loss and metric, with that of training and that of validation in one.

import { batched, button, el } from "../app/dom.js";
import { nameShort } from "../recording/model.js";
import { push } from "../recording/selection.js";
import { Plot } from "./plot.js";
import { REPORTED, withBatches } from "./reported.js";

const VALIDATION = "val_";
const NEXT_ROW = 10; // pixels of it

export class Training {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "training", title: "Training", span: null, hidden: new Set() });
    this.plots = new Map();
    this.grid = el("div", { class: "plot-grid" });
    this.whole = button("show all", "all of it again (double-click, or Esc on a chart)", () => this.setSpan(null));
    this.node = el("div", { class: "training" }, this.whole, this.grid);
    this.draw = batched(() => this.plots.forEach((plot) => plot.lines.length && plot.draw()));
    new ResizeObserver(() => this.draw()).observe(this.grid);
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.draw()).observe(this.grid);
  }

  get isUseful() {
    return this.viewer.model.data.logs.length > 0;
  }

  // How high the first row of charts is, and if there are more, the upper edge of the next, to which one scrolls.
  get height() {
    const [first, ...others] = this.grid.children,
      next = others.find(({ offsetTop }) => offsetTop > first.offsetTop);
    return next ? next.offsetTop + NEXT_ROW : this.node.offsetHeight;
  }

  // By how much `fit`, which counts the batches that it has run, is ahead of the numbers of the recorded steps; null where
  // it isn't always the same, so that batches have numbers of their own.
  aheadOfSteps() {
    const { model } = this.viewer,
      { logs, reported = [] } = model.data,
      numbers = reported.map((_, step) => /^step (\d+)$/.exec(nameShort(model, step))?.[1] ?? NaN),
      found = new Set(reported.map((x, step) => (x === null ? null : x - numbers[step])).filter((x) => x !== null)),
      [ahead] = found;
    return found.size === 1 && ahead >= 0 && logs.every(([kind]) => kind === "batch" || kind === "epoch") ? ahead : null;
  }

  // The charts' titles, each with its lines: `val_loss` is the loss, too.
  charts(ahead) {
    const found = new Map();
    const { logs } = this.viewer.model.data;
    const summed = new Set(logs.filter(([kind]) => kind === "epoch").flatMap(([, , values]) => Object.keys(values)));
    for (const [kind, x, values] of logs)
      for (const [name, value] of Object.entries(values)) {
        const validates = kind === "epoch" && name.startsWith(VALIDATION),
          title = validates ? name.slice(VALIDATION.length) : name;
        if (kind === "evaluation" && summed.has(VALIDATION + name)) continue; // on its way to what the epoch tells
        if (!found.has(title)) found.set(title, new Map());
        push(found.get(title), validates ? "validation" : kind, [x - ahead, value, value, value]);
      }
    const isLoss = (title) => title === "loss" || title.endsWith("_loss");
    return new Map([...found].sort(([a], [b]) => isLoss(b) - isLoss(a))); // losses first
  }

  show() {
    const ahead = this.aheadOfSteps(),
      by = ahead ?? 0,
      charts = this.charts(by),
      { logs, epochs, reported } = this.viewer.model.data,
      steps = logs.map(([, x]) => x - by),
      axis = ahead === null ? this.axis(new Set(logs.map(([kind]) => kind))) : "step",
      name = nameShort(this.viewer.model, this.viewer.state.step),
      shown = reported?.[this.viewer.state.step];
    const options = {
      ...{ log: false, weight: 0, range: 1, span: this.span, hidden: this.hidden, whole: true },
      ...{ first: Math.min(...steps), last: Math.max(...steps), marks: epochs.map(([x, number]) => [x - by, number]) },
      axis,
      shown: shown == null ? null : shown - by,
      shownAs: axis !== "batch" || shown == null ? name : `${name} (batch ${shown})`, // which the slider counts otherwise
    };
    this.whole.hidden = this.span === null;
    for (const [title, lines] of charts) {
      if (!this.plots.has(title))
        this.plots.set(title, new Plot(title, null, null, (span) => this.setSpan(span), (name) => this.toggle(name)));
      const known = Object.keys(REPORTED).filter((run) => lines.has(run));
      const lookOf = (run) => REPORTED[run === "step" && lines.has("epoch") ? "single" : run];
      this.plots.get(title).wanted = withBatches(known.map((run) => ({ ...lookOf(run), run, points: lines.get(run) })));
    }
    const plots = [...charts.keys()].map((title) => this.plots.get(title));
    if (plots.some(({ node }, i) => this.grid.children[i] !== node) || this.grid.children.length !== plots.length)
      this.grid.replaceChildren(...plots.map(({ node }) => node));
    for (const plot of plots) plot.show(plot.wanted, options);
  }

  // What is counted: the batches of `fit` and `evaluate`, the steps of a loop of one's own, or epochs.
  axis(kinds) {
    if (kinds.has("batch")) return "batch";
    if (kinds.has("step")) return "step";
    return kinds.has("evaluation") ? "batch" : "epoch";
  }

  // A stretch of batches that the reader dragged over in one chart, for all charts; null for all batches.
  setSpan(span) {
    this.span = span;
    this.show();
  }

  // Hide the lines of this name in all charts, or show them again.
  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.show();
  }
}
