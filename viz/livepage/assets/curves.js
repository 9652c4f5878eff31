// The tab with the curves: a chart for each metric, training against validation, and what else was measured.

import { batched, button, el, notice, selectBox } from "../../page/assets/app/dom.js";
import { FINE } from "../../page/assets/panels/plot.js";
import { REPORTED, toldOnce } from "../../page/assets/panels/reported.js";
import { amount, nbytes, numeral, seconds } from "../../page/assets/recording/formatting.js";
import { AXES, STEPS, axisOf, lastOf, moved } from "./axes.js";
import { ChartRows } from "./chart_rows.js";
import { Comparison } from "./compare.js";
import { EARLIER, writeCurves } from "./curves_file.js";
import { LivePlot } from "./live_plot.js";

nbytes.base = 1024; // its axis has round numbers of KB, MB, ...
const UNITS = { memory: nbytes, "step ms": (value) => (typeof value === "number" ? seconds(value * 1e6) : value) };
const TITLES = { "step ms": "time per step", memory: "memory of the process" };
const NOTES = { // shown where the pointer rests on a title or a line's name
  "step ms": "The median of the steps since the last point. Inside the step: forward and backward pass and update, in a loop of your own from the first call of a model or layer. From step to step: with preparing data and callbacks, without validation. The first steps, which build the layers and which the doctor looks at closely, and the few that took much longer than the others may lie beyond the axis; on a log scale all are shown.",
  memory: "What the whole program holds, with the last recorded step, which this page keeps. It is read while no step is being recorded.",
  "gradient norm": "The L2 norm of all gradients of a step together. It is measured only in some steps, as often as that takes hardly any time (on a GPU, in steps that are recorded). A line has a gap where no step was measured for longer than around it.",
};
export const RUNS = {
  each: { name: "each batch", colour: "--muted", note: "The loss of each batch by itself: how the mean of the epoch grew with it.", faint: true },
  step: { name: "train", colour: "--forward" },
  single: REPORTED.single,
  batch: { ...REPORTED.batch, quiet: true, note: `${REPORTED.batch.note} From the second on it begins where it holds some batches: a quarter of the epoch's, or 20.` },
  epoch: REPORTED.epoch,
  validation: REPORTED.validation,
  own: { name: "logged", colour: "--metric" }, // by `page.log`, where training reports the same name
  extra: { name: "", colour: "--metric" },
  whole: { name: "from step to step", colour: "--forward" },
};
const EXTRAS = ["learning rate", "gradient norm", "step ms", "memory"];
const SIDE_BY_SIDE = new Map([["whole step ms", "step ms"]]); // what is drawn in the chart of another
const INSIDE = "inside the step";
const RARE = "gradient norm"; // how the names of numbers begin that are measured now and then
const LATER = new Set(["extra|step ms"]); // the axis is for all but the first steps, and but for others that take many times as long
const WARM_UP = 32; // steps: the first one builds the layers, and the doctor looks closely at these (FIRST in visits.py)

const STEADY = new Map([["extra|memory", 0.25]]); // the least height of an axis, as a share of its value: small changes look small

const MOST_OVERLAID = 8; // trainings that are drawn one over the other, the latest; each has a colour of its own, --training-0 and on

const IN_ORDER = new Intl.Collator("en", { numeric: true }); // metric_2 before metric_10
const MANY = 10; // charts, from which on they can be filtered by their names
const KEPT = "viz-live-curves"; // where the browser keeps settings

export class Curves {
  constructor() {
    this.series = new Map(); // by "run|metric"
    this.plots = new Map();
    this.comparison = new Comparison((series) => this.charts(series), () => this.drawNow());
    this.options = { log: false, weight: 0, range: 1, span: null, robust: true, marks: [], breaks: [], borders: [], hidden: new Set() }; // borders: {step, words, model}
    this.grid = el("div", { class: "plot-grid" });
    this.empty = notice("No numbers yet", "Curves begin with the first training step.");
    this.bar = this.controls();
    this.toGraph = button("↓ graph", "go to the graph, below the charts", () => document.querySelector(".stage").scrollIntoView({ block: "end" }), { class: "live-to-graph" });
    this.bar.append(this.toGraph);
    this.node = el("div", { class: "live-tab" }, this.bar, this.empty, this.grid);
    this.rows = new ChartRows(this.grid, this.bar);
    this.large = null; // the id of the chart that is shown alone
    this.node.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
    this.node.addEventListener("drop", (event) => {
      const [file] = event.dataTransfer.files;
      event.preventDefault();
      if (file) this.comparison.load(file);
    });
    this.draw = batched(() => this.drawNow());
    this.mark = batched(() => this.plots.forEach((plot) => plot.node.isConnected && plot.follow(plot.at === null ? this.pointed : null)));
    new ResizeObserver(() => this.draw()).observe(this.grid);
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.draw()).observe(this.grid);
  }

  // What the tab needs, where it is shown: the rest of the window is the graph's.
  get height() {
    return this.node.isConnected ? this.rows.heightOf(this.node) : 0;
  }

  // Shows this chart alone, as large as there is room; or all of them again.
  enlarge(id) {
    this.large = this.large === id ? null : id;
    for (const plot of this.plots.values()) if (plot.at !== null) plot.point(null); // no chart stays where the pointer was
    this.drawNow();
    window.eagerflowViewer.viewer.dock.fit(this);
    this.grid.closest(".dock-body").scrollTop = 0;
    (this.plots.get(this.large ?? id)?.larger ?? this.grid).focus({ preventScroll: this.large !== null });
  }

  controls() {
    const kept = keptSettings();
    Object.assign(this.options, kept);
    const log = el("input", { type: "checkbox", checked: this.options.log, onchange: () => this.set({ log: log.checked }) });
    const smooth = el("input", { type: "range", min: 0, max: 0.99, step: 0.01, value: this.options.weight, "aria-label": "smoothing",
      oninput: () => { said.textContent = Number(smooth.value).toFixed(2); this.set({ weight: Number(smooth.value) }); } });
    const said = el("output", {}, this.options.weight.toFixed(2));
    this.filter = el("input", { type: "search", placeholder: "filter", "aria-label": "show the charts whose names hold this", hidden: true, oninput: () => this.drawNow() });
    const robust = el("input", { type: "checkbox", checked: this.options.robust, onchange: () => this.set({ robust: robust.checked }) });
    this.axisBox = selectBox("what the horizontal axis counts", AXES, () => this.setAxis(this.axisBox.value));
    const range = this.range = selectBox("which steps; drag over a chart to see a part of it, double-click to see all",
      [["1", "all steps"], ["0.5", "last half"], ["0.2", "last fifth"], ["0.05", "last twentieth"]], () => this.setRange(range.value));
    this.overlay = button("overlay", "draw trainings that followed each other one over the other, each from its own first step", () => this.set({ overlaid: !this.options.overlaid }), { "aria-pressed": "false", hidden: true });
    const file = button("CSV", "save the numbers of all curves as a file of comma-separated values", () => this.save());
    return el("div", { class: "live-controls" }, el("label", {}, log, " log scale"),
      el("label", { title: "axes leave out the few values that are far from all others, and charts say so" }, robust, " ignore outliers"), el("label", {}, "smoothing ", smooth, said), this.axisBox, range, file, ...this.comparison.nodes, this.filter, this.overlay); // what comes later stands behind the rest
  }

  setAxis(kind) {
    this.options.kind = kind;
    this.setRange("1"); // a stretch of the other axis is none of this
  }

  // The axes of this run and of the one that is compared: of steps, where nothing else is known of one of them.
  axes() {
    const others = this.comparison.lines.size ? this.comparison.series : null, kind = this.options.kind || "step", long = Math.max(lastOf(this.series), others ? lastOf(others) : 0);
    for (const option of this.axisBox.options) option.disabled = !axisOf(option.value, this.series) || Boolean(others && !axisOf(option.value, others));
    const own = axisOf(kind, this.series, long), other = others ? axisOf(kind, others, long) : STEPS, known = own && other;
    this.axisBox.value = known ? kind : "step";
    this.axisBox.title = others && kind === "step" && this.axisBox.options[2].disabled ? `of ${this.comparison.name} only steps are known` : "what the horizontal axis counts";
    return known ? [own, other] : [STEPS, STEPS];
  }

  // The last so many of all steps, as a share of them.
  setRange(share) {
    for (const old of this.range.querySelectorAll("[value=span]")) old.remove();
    this.range.value = share;
    this.set({ range: Number(share), span: null });
  }

  // A stretch of steps that the reader dragged over in one chart, for all charts; null for all steps.
  setSpan(span) {
    const { first, last } = this.options;
    this.setRange("1");
    if (!span || span[1] - span[0] >= last - first) return;
    const inside = [Math.max(first, span[0]), Math.min(last, span[1])];
    const words = this.axis === STEPS ? `${amount(Math.ceil(inside[0]))}–${amount(Math.floor(inside[1]))}` : `${this.axis.name} ${inside.map(numeral).join("–")}`;
    this.range.append(el("option", { value: "span" }, words));
    this.range.value = "span";
    this.set({ span: inside });
  }

  // The reader points at a step in one chart: it is marked in all.
  followPointer(step) {
    this.pointed = step;
    this.mark();
  }

  // Hide the lines of this name in all charts, or show them again.
  toggle(name) {
    const { hidden } = this.options;
    if (!hidden.delete(name)) hidden.add(name);
    this.drawNow();
  }

  csv() {
    return writeCurves(this.ordered(this.shownCharts()).map(([, chart]) => chart), this.options.borders);
  }

  save() {
    const link = el("a", { href: URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" })), download: fileName() });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  set(options) {
    Object.assign(this.options, options);
    keepSettings(this.options);
    this.drawNow();
  }

  // `gone`: curves that have another name now.
  take(news, gone) {
    for (const name of gone) this.series.delete(name);
    for (const [name, { all, points: sent }] of Object.entries(news)) {
      const points = sent.map(([x, y, low = y, high = y]) => [x, y, low, high]);
      const known = this.series.get(name);
      if (all || !known) this.series.set(name, points);
      else known.push(...points);
    }
    this.options.marks = this.series.get("mark|epoch") || [];
    this.draw();
  }

  takeBorders(borders) {
    this.options.borders = borders;
    this.options.breaks = borders.slice(1).map(({ step }) => step); // the first one is where all begins
    this.draw();
  }

  // The charts of some curves by "run|metric", each with its lines.
  charts(series) {
    const found = new Map();
    for (const [name, points] of series) {
      const at = name.indexOf("|"), run = name.slice(0, at), metric = name.slice(at + 1);
      if (!RUNS[run] || (!["extra", "own"].includes(run) && metric === "learning_rate" && series.has("extra|learning rate"))) continue;
      const chart = SIDE_BY_SIDE.get(metric) || metric, id = run === "extra" ? `extra|${chart}` : metric;
      if (!found.has(id)) found.set(id, { title: run === "extra" ? TITLES[chart] || chart : metric, unit: UNITS[run === "extra" ? chart : ""], lines: [] });
      found.get(id).lines.push({ ...this.look(series, run, metric, found.get(id).title), run, points });
    }
    for (const chart of found.values()) chart.lines = beginningOfEpoch(toldOnce(chart.lines));
    return found;
  }

  // The metrics in the order in which they are shown, each with its lines.
  metrics() {
    return this.rows.inOrder(this.ordered(this.shownCharts()), this.series);
  }

  shownCharts() {
    const found = this.charts(this.series);
    for (const { title, lines } of found.values()) lines.push(...this.comparison.beside(title, lines));
    return found;
  }

  ordered(found) {
    const rank = (id) => {
      if (id.startsWith("extra|")) return 100 + (EXTRAS.indexOf(id.slice(6).replace(/ \(.*\)$| \d+$/, "")) + 20) % 20;
      return /^loss|_loss$/.test(id) ? 0 : 1;
    };
    return [...found].sort(([a], [b]) => rank(a) - rank(b) || IN_ORDER.compare(a, b));
  }

  // What a line is called, and how it is drawn. A number of the program's own has its own name, unless there are others
  // in its chart to tell it from.
  look(series, run, metric, title) {
    const has = (other, of = metric) => series.has(`${other}|${of}`);
    if (run === "extra" && SIDE_BY_SIDE.has(metric)) return RUNS.whole;
    if (run === "extra") return { ...RUNS.extra, rare: metric.startsWith(RARE), name: metric === "step ms" && has("extra", "whole step ms") ? INSIDE : title };
    if (run === "step" && has("epoch")) return RUNS.single;
    if (run === "own" && !["step", "batch", "epoch"].some((other) => has(other))) return { ...RUNS.step, name: has("validation") ? RUNS.step.name : title };
    return RUNS[run];
  }

  // The parts of a line that belong to each of the trainings that followed each other, all from step 0 on. Those of an
  // earlier run are as that one's; where it was a single training, it is drawn as it is.
  overlaid(line, lines) {
    const isEarlier = line.run === EARLIER, run = isEarlier ? line.of : line.run, borders = isEarlier ? this.comparison.borders : this.options.borders;
    if (run === "each" || (run === "batch" && lines.some(({ run }) => run === "epoch"))) return []; // too many lines; the epochs tell enough
    const axis = isEarlier ? this.otherAxis : this.axis;
    if (!borders.length) return [{ ...line, points: moved(line.points, axis) }];
    const from = Math.max(0, borders.length - MOST_OVERLAID);
    return borders.slice(from).flatMap(({ step, model }, i) => {
      const end = from + i + 1 < borders.length ? borders[from + i + 1].step : Infinity;
      const points = moved(line.points.filter(([x]) => x > step && x <= end), axis, step);
      const name = `${line.name === line.title ? "" : `${line.name}, `}${from + i + 1} ${model}`.trim();
      return points.length ? [{ ...line, points, name, colour: `--training-${i}`, anew: false, parts: undefined, dashed: isEarlier ? FINE : run === "validation" }] : [];
    });
  }

  drawNow() {
    const { borders, overlaid } = this.options, apart = overlaid && borders.length > 1, known = this.metrics(), wanted = this.filter.value.trim().toLowerCase();
    this.filter.hidden = known.length < MANY && !wanted;
    if (!known.some(([id]) => id === this.large)) this.large = null;
    const found = known.filter(([id, { title }]) => (this.large === null ? title.toLowerCase().includes(wanted) : id === this.large)), metrics = found.length ? found : known;
    this.filter.classList.toggle("live-bad", !found.length && known.length > 0);
    this.overlay.hidden = borders.length < 2;
    this.overlay.setAttribute("aria-pressed", String(Boolean(overlaid)));
    [this.axis, this.otherAxis] = this.axes();
    const { at, name } = this.axis, onAxis = (line) => {
      const axis = line.run === EARLIER ? this.otherAxis : this.axis;
      return { ...line, points: moved(line.points, axis), parts: line.parts && line.parts.map(axis.at) };
    };
    for (const [, chart] of metrics) chart.lines = apart ? chart.lines.flatMap((line) => this.overlaid({ ...line, title: chart.title }, chart.lines)) : chart.lines.map(onAxis);
    this.empty.hidden = metrics.length > 0;
    if (!this.node.isConnected) return;
    for (const [id, { title, unit, lines }] of metrics) {
      if (!this.plots.has(id)) {
        const plot = new LivePlot(title, unit, noteOf(id.replace("extra|", "")), (span) => this.setSpan(span), (name) => this.toggle(name), (step) => this.followPointer(step), () => this.enlarge(id));
        plot.node.dataset.metric = id;
        this.plots.set(id, plot);
      }
      const plot = this.plots.get(id), order = ["each", EARLIER, "extra", "own", "step", "batch", "epoch", "validation"];
      lines.sort((a, b) => order.indexOf(a.run) - order.indexOf(b.run));
      plot.wanted = lines;
    }
    const nodes = metrics.map(([id]) => this.plots.get(id).node);
    if (nodes.length !== this.grid.children.length || nodes.some((node, i) => this.grid.children[i] !== node)) this.grid.replaceChildren(...nodes);
    const all = metrics.flatMap(([, { lines }]) => lines.map(({ points }) => points)).filter((points) => points.length);
    this.options.first = beginning(Math.min(...all.map((points) => points[0][0])), this.axis); // the same steps in all charts
    this.options.last = Math.max(1, ...all.map((points) => points[points.length - 1][0]));
    const high = this.rows.highOf(metrics.map(([, { title, lines }]) => namesTold(title, lines)), this.large !== null, apart || this.comparison.lines.size > 0, wanted);
    for (const [id] of metrics) {
      const plot = this.plots.get(id);
      plot.high = high;
      plot.setLarge(this.large !== null);
      const moment = ([x, ...rest]) => [at(x), ...rest], marked = apart ? { marks: [], breaks: [], borders: [] } : { marks: this.options.marks.map(moment), breaks: this.options.breaks.map(at), began: this.options.breaks, borders: borders.map((border) => ({ ...border, step: at(border.step) })) };
      plot.show(plot.wanted, { ...this.options, ...marked, axis: name, later: LATER.has(id) && this.options.robust ? (this.options.log ? 1 : WARM_UP) : 0, robust: this.options.robust && (LATER.has(id) ? !this.options.log : !STEADY.has(id)), least: STEADY.get(id) || 0 });
    }
  }
}

// Beside the line of epochs, the mean so far is the beginning of its next point, and looks so: with a name of its own in the legend,
// it would come and go with each epoch.
function beginningOfEpoch(lines) {
  if (!lines.some(({ run }) => run === "epoch")) return lines;
  return lines.map((line) => (line.run === "batch" ? { ...line, colour: RUNS.epoch.colour, untold: true } : line));
}

// What a legend names: each line but those that are drawn beside another, and one that has the chart's name.
const namesTold = (title, lines) => lines.filter(({ untold, points }) => !untold && points.length).map(({ name }) => (name === title ? "" : name));

// Where the axis begins: steps are counted from 1, and an axis from 0 on has round numbers from its end on.
const beginning = (first, axis) => (axis === STEPS && first === 1 ? 0 : first);

// What the reader chose for all charts stays when the page is loaded again.
function keepSettings({ log, weight, robust, kind }) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ log, weight, robust, kind }));
  } catch { /* the browser keeps nothing */ }
}

function keptSettings() {
  try {
    const { log, weight, robust, kind } = JSON.parse(sessionStorage.getItem(KEPT));
    return { log: log === true, weight: Math.max(0, Math.min(0.99, Number(weight) || 0)), robust: robust !== false, kind: AXES.some(([name]) => name === kind) ? kind : undefined };
  } catch {
    return {};
  }
}

// Of a file of curves: the script and the time, so that files of several runs are told apart.
function fileName() {
  const now = new Date(), two = (number) => String(number).padStart(2, "0");
  return `${window.eagerflowProgram}_${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.csv`;
}

// What is told of a chart; the norms of several networks have the same note.
function noteOf(metric) {
  return NOTES[metric.startsWith(RARE) ? RARE : metric];
}
