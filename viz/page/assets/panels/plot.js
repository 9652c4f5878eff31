// A chart of a few curves over training steps, drawn on a canvas: linear or logarithmic, smoothed, with values at hand.
// A page shows what its recording holds, the live page what comes in.

import { el } from "../app/dom.js";
import { amount, clean, numeral } from "../recording/formatting.js";
import { drawBand, logTicks, numbersAlong, sharpen, tickNames, ticks } from "./charts.js";
import { gapsOf, smoothed, withoutOutliers } from "./plotted_values.js";

const PLOT_MARGIN = { left: 52, right: 10, top: 8, bottom: 20 }; // on the left more, where the numbers beside the axis are long
export const PLOT_HEIGHT = 140;
const LEAST_STRETCH = 3; // points between two places where a line begins anew, on average, for it to be parted there
export const FINE = "fine"; // how a line may be dashed, if not as usual
const DASHES = new Map([[true, [5, 4]], [FINE, [1.5, 3]]]);
const FEW = 25; // so few points are marked one by one
const MOST_WITHIN = 5; // values of a step that fit within a chart; of more, they lie over the legend, too
const EVERY = 4; // pixels at which curves are looked for
const FAR_FROM_LINE = 0.1; // of what is shown: so far before and behind a line its ends are no values of what is pointed at
const TICKS = 5.5; // numbers beside an axis, at most
const LEAST_DRAWN = 6; // pixels that one must drag over a chart, to see that stretch of steps
const MOST_MARKS = 12; // of epochs; of more, every second, fifth, tenth, ...
const TOO_HIGH = 0.6; // of a plot: a tip that would hide more of it stands above it, where that is wanted
const FEW_LATER = 3; // points after the first steps, from which on these are left out of the axis

export const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Plot {
  // `onSpan`: called with the first and last step of a stretch that the reader dragged over, or null for all.
  // `onToggle`: called with the name of a line that the reader hides or shows again, in all charts.
  // `onPoint`: called with the step that the reader points at, or null.
  constructor(title, unit, note, onSpan, onToggle, onPoint) {
    this.title = title;
    this.unit = unit || numeral;
    this.onSpan = onSpan || (() => {});
    this.onToggle = onToggle || (() => {});
    this.onPoint = onPoint || (() => {});
    this.elsewhere = null; // the step that the reader points at in another chart
    this.lines = [];
    this.high = PLOT_HEIGHT; // pixels of the area with the curves
    this.left = PLOT_MARGIN.left;
    this.canvas = el("canvas", { role: "img", tabindex: 0 });
    this.legend = el("div", { class: "plot-legend" });
    this.beside = el("span", { class: "plot-outside", hidden: true });
    this.tip = el("div", { class: "plot-tip", hidden: true });
    this.node = el("figure", { class: "plot" }, el("figcaption", {}, el("span", { class: "plot-title", title: note ? `${title}: ${note}` : title }, clean(title, 60)), this.beside, this.legend),
      el("div", { class: "plot-area" }, this.canvas, this.tip));
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    this.canvas.addEventListener("pointerup", (event) => this.choose(event));
    this.canvas.addEventListener("pointercancel", () => { this.from = null; this.point(null); }); // a finger that scrolls the page
    this.canvas.addEventListener("dblclick", () => this.onSpan(null));
    this.canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.point(null)); // what a finger asked for stays until it touches something else
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
    this.canvas.addEventListener("blur", () => this.point(null));
    this.at = null;
    this.from = null; // the step at which the reader began to drag
  }

  // `lines`: {name, colour (a CSS variable), points ([place on the axis, value, least, greatest, step if that is another]), dots, wide, run, quiet (its points aren't marked), anew (begins anew where an epoch does), rare (is measured now and then), parts (where it is parted, if not where the others are)}. `options`: {log, weight, marks, range, robust, later, least (height
  // of the axis, as a share of the greatest value), first, last, span (of steps that are shown, or null), axis (what steps are called), whole (there is nothing between them), shown, shownAs (the one that the graph shows, or null, and its name there)}.
  show(lines, options) {
    this.all = lines.filter((line) => line.points.length).map((line) => (line.rare ? { ...line, gaps: gapsOf(line.points) } : line));
    const hidden = options.hidden || new Set(), visible = this.all.filter(({ name }) => !hidden.has(name));
    this.lines = visible.length ? visible : this.all; // a chart isn't empty
    this.options = options;
    this.axis = options.axis || "step"; // what is counted along it
    this.draw();
  }

  prepare() {
    const { weight, log, range, first, last, span } = this.options;
    const [from, to] = span || [first + (last - first) * (1 - range), last];
    this.x = to > from ? [from, to] : [from - 0.5, from + 0.5]; // a point alone is in the middle
    this.drawn = this.lines.map((line) => {
      const raw = line.points, soft = weight && raw.length > 2 ? smoothed(raw.slice(raw.indexOf(this.counted({ raw, ...line })[0])), weight) : null; // what the axis isn't for would pull at what follows
      const inside = (points) => points.filter((_, i) => (i === points.length - 1 || points[i + 1][0] >= from) && (!span || i === 0 || points[i - 1][0] <= to));
      const ends = line.anew ? (this.options.marks || []).map(([end]) => end) : [];
      const breaks = line.parts || [...(this.options.breaks || []), ...(line.gaps || []), ...(LEAST_STRETCH * ends.length <= raw.length ? ends : [])];
      return { ...line, breaks, raw: inside(raw), soft: soft && inside(soft), colour: cssColour(line.colour) };
    });
    const valuesOf = (line) => ([, ...values]) => values.slice(0, line.soft ? 1 : 3).filter((value) => typeof value === "number" && (!log || value > 0));
    const counted = this.drawn.map((line) => this.counted(line)), lines = this.drawn.map((line, i) => counted[i].map(valuesOf(line))), usable = lines.flat(2);
    this.log = log && usable.length > 0;
    const scaled = (value) => (this.log ? Math.log10(value) : value);
    // Of each line by itself: a validation that goes astray has few points, and is what one looks for.
    const scaledValues = lines.flatMap((points, i) => {
      const { breaks } = this.drawn[i], known = counted[i].filter((_, at) => points[at].length).map(([x]) => x), begins = (at) => this.parted(known[at - 1], known[at], breaks);
      const [from, to] = this.options.robust ? withoutOutliers(points.filter((values) => values.length).map(([y]) => scaled(y)), begins) : [-Infinity, Infinity];
      return points.flat().map(scaled).filter((value) => value >= from && value <= to);
    });
    let low = scaledValues.reduce((a, b) => Math.min(a, b), Infinity), high = scaledValues.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!usable.length) [low, high] = [0, 1];
    const lacks = this.log || !(high > low) ? 0 : Math.max(0, (this.options.least || 0) * Math.abs(high) - (high - low));
    [low, high] = [low - lacks / 2, high + lacks / 2];
    this.flat = high > low ? null : low; // a value that never changes: the axis names no other
    const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || (this.log ? 0.5 : 1);
    this.y = [low - room, high + room];
    if (!this.log && low >= 0 && this.y[0] < 0) this.y[0] = 0;
    for (const line of this.drawn) line.beyond = (line.soft || line.raw).flatMap((point) => this.beyond(point, line));
  }

  // The points of a line that its axis is for: with `later`, those that come so many steps after a training began, or
  // all but the first where hardly any do.
  counted({ soft, raw, points }) {
    const { later, breaks = [] } = this.options, all = soft || raw;
    if (!later || all.length < 2) return all;
    const step = (point) => point[4] ?? point[0], parts = this.options.began || breaks;
    const began = (x) => Math.max(step(points[0]), ...parts.filter((each) => each < x).map((each) => each + 1));
    const found = all.filter((point) => step(point) - began(step(point)) >= later);
    return found.length >= FEW_LATER ? found : all.slice(1);
  }

  // Where a point lies outside of what the axes show: its step, its value, and whether it is below; of a point that
  // stands for several values, the farthest. That a band ends a little beyond an axis is nothing to say.
  beyond([x, y, low, high], line) {
    if (x < this.x[0] || x > this.x[1]) return [];
    const at = (value) => (this.log ? Math.log10(value) : value), ends = line.soft ? [y] : [y, low, high], height = this.y[1] - this.y[0];
    const room = (value) => (value === y ? 0 : height), known = ends.filter((value) => this.usable(value));
    const above = known.filter((value) => at(value) > this.y[1] + room(value)), below = known.filter((value) => at(value) < this.y[0] - room(value));
    return above.length ? [[x, Math.max(...above), false]] : below.length ? [[x, Math.min(...below), true]] : [];
  }

  toX(x) { return this.left + ((x - this.x[0]) / (this.x[1] - this.x[0])) * (this.width - this.left - PLOT_MARGIN.right); }

  toStep(offset) {
    const share = (offset - this.left) / (this.width - this.left - PLOT_MARGIN.right);
    return this.x[0] + Math.max(0, Math.min(1, share)) * (this.x[1] - this.x[0]);
  }

  toY(value) {
    const at = this.log ? Math.log10(value) : value, [low, high] = this.y;
    return PLOT_MARGIN.top + (1 - (at - low) / (high - low)) * (this.high - PLOT_MARGIN.top - PLOT_MARGIN.bottom);
  }

  draw() {
    this.width = this.canvas.parentNode.clientWidth;
    if (!this.width || !this.lines.length) return;
    this.prepare();
    const brush = this.brush = sharpen(this.canvas, this.width, this.high);
    this.axes(brush);
    brush.save();
    brush.beginPath();
    const top = this.options.later ? PLOT_MARGIN.top - 3 : 0; // what the axis leaves out ends at its edge
    brush.rect(this.left - 3, top, this.width - this.left - PLOT_MARGIN.right + 7, this.high - PLOT_MARGIN.bottom - top);
    brush.clip();
    for (const line of this.drawn) this.curve(brush, line);
    brush.restore();
    if (this.at !== null && this.from !== null) this.chosen(brush);
    if (this.at !== null) this.crosshair(brush);
    else if (this.elsewhere !== null && this.elsewhere >= this.x[0] && this.elsewhere <= this.x[1]) this.upright(brush, this.toX(this.elsewhere));
    this.explain();
  }

  chosen(brush) { // the stretch of steps that the reader is dragging over
    const [left, right] = [this.toX(this.from), this.toX(this.at)];
    brush.fillStyle = cssColour("--forward");
    brush.globalAlpha = 0.15;
    brush.fillRect(Math.min(left, right), PLOT_MARGIN.top, Math.abs(right - left), this.high - PLOT_MARGIN.top - PLOT_MARGIN.bottom);
    brush.globalAlpha = 1;
  }

  axes(brush) {
    const bottom = this.high - PLOT_MARGIN.bottom, space = 6;
    brush.font = "11px system-ui, sans-serif";
    brush.fillStyle = cssColour("--muted");
    brush.strokeStyle = cssColour("--frame");
    brush.lineWidth = 1;
    brush.textAlign = "right";
    brush.textBaseline = "middle";
    const size = this.unitSize(), marked = this.flat !== null ? [this.flat] : this.log ? logTicks(...this.y, size) : ticks(this.y[0] / size, this.y[1] / size, TICKS).map((at) => at * size), named = tickNames(marked, this.log, this.unit);
    const values = marked.map((at) => (this.log ? 10 ** at : at));
    this.left = Math.max(PLOT_MARGIN.left, ...values.map((value) => Math.ceil(brush.measureText(named(value)).width) + 2 * space));
    for (const value of values) {
      const y = Math.round(this.toY(value)) + 0.5;
      brush.globalAlpha = 0.6;
      brush.beginPath();
      brush.moveTo(this.left, y);
      brush.lineTo(this.width - PLOT_MARGIN.right, y);
      brush.stroke();
      brush.globalAlpha = 1;
      brush.fillText(named(value), this.left - space, y);
    }
    numbersAlong(this, brush, bottom, space);
    this.marks(brush, bottom);
    const { shown = null, shownAs = "" } = this.options;
    if (shown === null || shown < this.x[0] || shown > this.x[1]) return;
    brush.fillStyle = cssColour("--forward");
    brush.globalAlpha = 0.16;
    brush.fillRect(this.toX(shown) - 4, PLOT_MARGIN.top, 8, bottom - PLOT_MARGIN.top);
    brush.globalAlpha = 1;
    [brush.textAlign, brush.textBaseline] = [this.toX(shown) > this.width / 2 ? "right" : "left", "top"]; // the slider may count otherwise
    const at = [shownAs, this.toX(shown) + (brush.textAlign === "right" ? -6 : 6), PLOT_MARGIN.top];
    Object.assign(brush, { strokeStyle: cssColour("--page"), lineWidth: 3 }).strokeText(...at);
    brush.fillText(...at);
  }

  // Of units that go by another base than ten: how large the one is in which the axis is written.
  unitSize() {
    const { base } = this.unit, most = this.log ? 10 ** this.y[1] : Math.max(Math.abs(this.y[0]), Math.abs(this.y[1]));
    return base && most >= base ? base ** Math.floor(Math.log(most) / Math.log(base)) : 1;
  }

  marks(brush, bottom) { // where epochs end, and where another model begins
    const all = (this.options.marks || []).filter(([x]) => x > this.x[0] && x < this.x[1]);
    const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => all.length / each <= MOST_MARKS) || Infinity;
    const inside = all.filter(([, epoch]) => epoch % every === 0);
    brush.save();
    brush.globalAlpha = 0.5;
    brush.setLineDash([2, 4]);
    for (const [x] of inside) {
      brush.beginPath();
      brush.moveTo(Math.round(this.toX(x)) + 0.5, PLOT_MARGIN.top);
      brush.lineTo(Math.round(this.toX(x)) + 0.5, bottom);
      brush.stroke();
    }
    brush.setLineDash([]);
    brush.globalAlpha = 1;
    brush.strokeStyle = cssColour("--muted");
    for (const x of (this.options.breaks || []).filter((each) => each > this.x[0] && each < this.x[1])) {
      brush.beginPath();
      brush.moveTo(Math.round(this.toX(x)) + 0.5, PLOT_MARGIN.top);
      brush.lineTo(Math.round(this.toX(x)) + 0.5, bottom);
      brush.stroke();
    }
    brush.restore();
  }

  // Whether another model began between two points of a line, or the line itself.
  parted(from, to, breaks = this.options.breaks || []) { return breaks.some((x) => from <= x && x < to); }

  curve(brush, line) {
    brush.strokeStyle = brush.fillStyle = line.colour;
    brush.lineJoin = "round";
    brush.setLineDash(DASHES.get(line.dashed) || []);
    if (line.soft) {
      this.path(brush, line.raw, 1, 0.3, line.breaks);
      this.path(brush, line.soft, 2, 1, line.breaks);
    } else {
      drawBand(this, brush, line.raw, line.breaks);
      this.path(brush, line.raw, line.wide ? 2 : 1.4, line.faint ? 0.5 : 1, line.breaks);
    }
    if (line.dots || line.raw.length < (line.quiet ? 2 : FEW)) this.dots(brush, line.raw, line.soft ? 0.3 : 1);
    else if (line.gaps) this.dots(brush, this.lone(line.raw, line.breaks));
    brush.setLineDash([]);
    this.edges(brush, line);
    this.flaws(brush, line.raw);
  }

  edges(brush, line) { // where a point lies outside: a mark at the edge, as there may be no line that leads there
    brush.fillStyle = line.colour;
    for (const [x, , isLow] of line.beyond) {
      const at = this.toX(x);
      const tip = isLow ? this.high - PLOT_MARGIN.bottom - 1 : PLOT_MARGIN.top, base = tip + (isLow ? -6 : 6);
      brush.beginPath();
      brush.moveTo(at - 4, base);
      brush.lineTo(at + 4, base);
      brush.lineTo(at, tip);
      brush.fill();
    }
  }

  // How many values lie outside, and as far as where; empty if none does.
  outside() {
    const all = this.drawn.flatMap((line) => line.beyond), end = (isLow, word, chosen) => {
      const values = all.filter((each) => each[2] === isLow).map(([, y]) => y);
      return values.length && `${word} to ${this.unit(values.reduce(chosen))}`;
    };
    const ends = [end(true, "down", (a, b) => Math.min(a, b)), end(false, "up", (a, b) => Math.max(a, b))].filter(Boolean);
    return all.length ? `${amount(all.length)} ${all.length === 1 ? "value" : "values"} outside, ${ends.join(", ")}` : "";
  }

  // Points between two gaps, which belong to no line.
  lone(points, breaks) {
    const apart = (i) => i < 0 || i + 1 >= points.length || this.parted(points[i][0], points[i + 1][0], breaks);
    return points.filter((_, i) => apart(i - 1) && apart(i));
  }

  usable(value) { return typeof value === "number" && (!this.log || value > 0); }

  path(brush, points, width, alpha, breaks) {
    brush.globalAlpha = alpha;
    brush.lineWidth = width;
    brush.beginPath();
    let drawing = false, before = -Infinity;
    for (const [x, y] of points) {
      const follows = drawing && x >= before && !this.parted(before, x, breaks); // a program may begin to count anew
      before = x;
      if (!this.usable(y)) drawing = false;
      else if (follows) brush.lineTo(this.toX(x), this.toY(y));
      else {
        brush.moveTo(this.toX(x), this.toY(y));
        drawing = true;
      }
    }
    brush.stroke();
    brush.globalAlpha = 1;
  }

  dots(brush, points, alpha = 1) {
    brush.globalAlpha = alpha;
    for (const [x, y] of points) {
      if (!this.usable(y)) continue;
      brush.beginPath();
      brush.arc(this.toX(x), this.toY(y), points.length > 60 ? 1.5 : 2.5, 0, 7);
      brush.fill();
    }
    brush.globalAlpha = 1;
  }

  flaws(brush, points) { // NaN and infinity: a red mark at the upper edge
    const flawed = points.filter(([, y]) => typeof y === "string");
    if (!flawed.length) return;
    brush.fillStyle = cssColour("--error");
    for (const [x] of flawed) {
      const at = this.toX(x);
      brush.beginPath();
      brush.moveTo(at - 4, PLOT_MARGIN.top - 6);
      brush.lineTo(at + 4, PLOT_MARGIN.top - 6);
      brush.lineTo(at, PLOT_MARGIN.top + 2);
      brush.fill();
    }
  }

  // ---------------------------------------------------------------- values

  nearest(points, x) {
    let low = 0, high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < x) low = middle + 1;
      else high = middle;
    }
    return low > 0 && x - points[low - 1][0] < points[low][0] - x ? points[low - 1] : points[low];
  }

  point(offset) {
    if (!this.lines.length || !this.x) return;
    if (offset === null) this.at = null;
    else this.at = this.toStep(offset);
    this.tip.hidden = this.at === null;
    this.draw();
    this.onPoint(this.at);
  }

  // The reader points at this step in another chart, or no longer.
  follow(step) {
    if (this.elsewhere === step || !this.x || !this.width) return;
    this.elsewhere = step;
    this.draw();
  }

  // Mouse and pen draw over a stretch of steps. A finger shows values, as it moves from side to side, too; up and down it
  // scrolls the page.
  begin(event) {
    if (event.button !== 0 || !this.x) return;
    this.point(event.offsetX);
    if (event.pointerType === "touch") return;
    this.from = this.at;
    if (event.isTrusted) this.canvas.setPointerCapture(event.pointerId);
  }

  choose(event) {
    if (this.from === null) return;
    this.point(event.offsetX);
    const { from, at } = this;
    this.from = null;
    if (Math.abs(this.toX(from) - this.toX(at)) >= LEAST_DRAWN) this.onSpan([Math.min(from, at), Math.max(from, at)]);
    else this.draw();
  }

  // + and − show half as many steps, or twice as many, around the crosshair; Escape shows all.
  zoom(key) {
    const [low, high] = this.x, middle = this.at === null ? (low + high) / 2 : this.at, half = ((high - low) * (key === "-" ? 2 : 0.5)) / 2;
    this.onSpan(key === "Escape" ? null : [middle - half, middle + half]);
  }

  onKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (this.x && ["+", "-", "Escape"].includes(event.key) && !event.ctrlKey && !event.metaKey) {
      this.zoom(event.key);
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    if (!by || !this.x) return;
    const from = this.at === null ? this.x[1] : this.at;
    this.point(this.toX(from + (by * (this.x[1] - this.x[0])) / 50));
    event.preventDefault();
    event.stopPropagation();
  }

  upright(brush, left) {
    brush.strokeStyle = cssColour("--muted");
    brush.lineWidth = 1;
    brush.beginPath();
    brush.moveTo(Math.round(left) + 0.5, PLOT_MARGIN.top);
    brush.lineTo(Math.round(left) + 0.5, this.high - PLOT_MARGIN.bottom);
    brush.stroke();
  }

  crosshair(brush) {
    const longest = this.drawn.reduce((a, b) => (b.raw.length > a.raw.length ? b : a));
    if (!longest.raw.length) return; // none is in this stretch
    const nearest = this.nearest(longest.raw, this.at), [x, , , , step] = nearest, left = this.toX(x);
    this.upright(brush, left);
    const rows = this.drawn.filter((line) => line.raw.length && !this.isFar(line, x)).map((line) => this.row(line, x));
    const since = (this.options.borders || []).filter((border) => border.step < x).pop(), many = (this.options.borders || []).length > 1;
    const whose = since && many && since.model ? ` · ${clean(since.model, 40)}` : "";
    const place = ["s", "min", "h"].includes(this.axis) ? `${this.place(x)} ${this.axis}` : `${this.axis} ${this.place(x)}`;
    this.tip.replaceChildren(el("div", { class: "plot-step" }, `${place}${step === undefined ? "" : `, step ${amount(step)}`}${this.endOf(x)}${whose}`), ...rows);
    this.placeTip(left, rows.length <= MOST_WITHIN);
  }

  // A place on the axis in words.
  place(x) {
    return Number.isInteger(x) ? amount(x) : String(Number(x.toPrecision(4)));
  }

  // That an epoch ended with a step, where one did.
  endOf(step) {
    const mark = (this.options.marks || []).find(([x]) => x === step);
    return mark && this.axis !== "epoch" ? ` · end of epoch ${amount(mark[1])}` : "";
  }

  // Beside the crosshair, where it hides least of the curves; title and legend stay free, unless it has no room beside it.
  placeTip(line, within) {
    const { offsetWidth: wide, offsetHeight: high } = this.tip, space = 10, bottom = this.high - PLOT_MARGIN.bottom;
    const sides = [line + space, line - space - wide].filter((x) => x >= 0 && x + wide <= this.width);
    const [roof, ceiling] = [this.canvas, this.node].map((each) => each.getBoundingClientRect().top), isOver = (!sides.length && roof - ceiling >= high + 4) || (this.tipsAbove && high > TOO_HIGH * bottom && roof >= high + 4);
    if (!sides.length) sides.push(Math.max(0, Math.min(line + space, this.width - wide)));
    const tops = isOver ? [-high] : within ? [0, bottom - high] : [bottom - high];
    const hidden = ([x, y]) => {
      let count = 0;
      for (let at = x; at <= x + wide; at += EVERY)
        for (const { raw } of this.drawn.filter((each) => each.raw.length)) {
          const place = this.toY(this.nearest(raw, this.toStep(at))[1]);
          if (place >= y && place <= y + high) count += 1;
        }
      return count;
    };
    const [best] = tops.flatMap((y) => sides.map((x) => [[x, y], hidden([x, y])])).reduce((one, other) => (other[1] < one[1] ? other : one));
    this.tip.style.left = `${best[0]}px`;
    this.tip.style.top = `${best[1]}px`;
  }

  // Is a step well before or behind all of a line, as that of the epoch that runs? What is nearest says nothing of it.
  isFar({ raw }, x) {
    const [from, to] = this.x, most = FAR_FROM_LINE * (to - from);
    return x < raw[0][0] - most || x > raw.at(-1)[0] + most;
  }

  row(line, x) {
    const [at, y, low, high] = this.nearest(line.raw, x), soft = line.soft && this.nearest(line.soft, x);
    const extremes = low !== high && typeof low === "number" ? ` (${this.unit(low)} … ${this.unit(high)})` : "";
    const smooth = soft && typeof soft[1] === "number" ? `, smoothed ${this.unit(soft[1])}` : "";
    const where = at === x ? "" : ` at ${this.place(at)}`;
    return el("div", {}, swatch(line.colour, line.dashed), `${clean(line.name, 40)}: ${this.unit(y)}${extremes}${smooth}${where}`);
  }

  explain() {
    const last = ({ points }) => this.unit((points.findLast(([x]) => x <= (this.options.shown ?? Infinity)) ?? points.at(-1))[1]); // of the step that the graph shows
    const told = this.all.map((line) => [line.name, cssColour(line.colour), this.lines.includes(line), line.note, line.dashed || false]);
    if (JSON.stringify(told) !== this.told) this.showLegend(told); // else what is written anew would lose the focus, or a click
    this.told = JSON.stringify(told);
    this.all.forEach((line, i) => { this.legend.children[i].querySelector("b").textContent = last(line); });
    const outside = this.outside();
    this.beside.hidden = !outside;
    this.beside.textContent = outside;
    this.beside.title = outside && "far from all others, so the axis leaves them out: marks at its edge show where they are";
    this.canvas.setAttribute("aria-label", `${clean(this.title)}: ${this.drawn.map((line) => `${clean(line.name, 24)} ${last(line)}`).join(", ")}${outside && `; ${outside}`}`);
  }

  showLegend(told) {
    const entries = told.map(([name, colour, shown, note, dashed]) => {
      const words = [swatch(colour, dashed), name === this.title ? "" : `${clean(name, 56)} `, el("b", {})];
      if (told.length < 2) return el("span", { title: note }, words);
      return el("button", { class: "plot-line", type: "button", "aria-pressed": String(shown), title: `${shown ? "hide" : "show"} “${clean(name, 40)}” in all charts${note ? `. ${note}` : ""}`, onclick: () => this.onToggle(name) }, words);
    });
    const focused = [...this.legend.children].indexOf(document.activeElement);
    this.legend.replaceChildren(...entries);
    if (focused >= 0) entries[Math.min(focused, entries.length - 1)].focus();
  }
}

// A short piece of a line, in its colour and dashed as it is. (Styles are set by script: the page's policy allows no others from data.)
function swatch(colour, dashed) {
  const node = el("i", { class: "plot-key", "aria-hidden": "true" });
  const [on, off] = dashed === FINE ? [2, 2] : [4, 4];
  node.style.background = dashed ? `repeating-linear-gradient(90deg, ${colour} 0 ${on}px, transparent ${on}px ${on + off}px)` : colour;
  return node;
}
