// Memory over time, and what holds it at the peak or at any other moment.

import { batched, button, el, notice } from "../app/dom.js";
import { NARROW } from "../app/viewer.js";
import { themeNow } from "../graph/colours.js";
import { FONT } from "../graph/sizes.js";
import { amount, clean, nbytes, percent, seconds } from "../recording/formatting.js";
import { rules } from "../recording/rules.js";
import { push } from "../recording/selection.js";
import { isWeight, placeOfWeight } from "../recording/weights.js";
import { sharpen } from "./charts.js";
import { periodOf, stepAlone, stepWords } from "./period.js";

const LOWEST_CURVE = 64,
  CURVE_AXIS = 16, // below the curve
  CURVE_TOP = 18, // above it, where the peak's name stands
  MOST_OWNERS = 40,
  MEMORY_COLUMNS = ["memory", "share", "tensor", "of", "layer", "line", "role"],
  MEMORY_CLASSES = ["right", "right share", "", "named", "shortened", "line", "role"]; // of these: paths and files begin with "…" where there is no room

export class MemoryCurve {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "memory", title: "Memory", moment: null });
    this.canvas = el("canvas", {
      ...{ class: "curve", tabindex: 0, role: "slider", "aria-label": "memory over time; left and right move the moment" },
      ...{ onclick: (event) => this.choose(event), onkeydown: (event) => this.onKey(event) },
    });
    this.head = el("p", { class: "summary" });
    this.roles = el("p", { class: "roles" });
    this.sizes = el("div", { class: "sizes", "aria-hidden": "true" });
    this.table = el("div", { class: "owners" });
    const curve = el("div", { class: "memory-curve" }, this.sizes, el("div", {}, this.canvas));
    this.content = el("div", { class: "memory" }, el("div", { class: "memory-words" }, this.head, this.roles), curve, this.table);
    this.node = el("div", { class: "memory-pane" }); // as high as the pane, which the curve fills
    new ResizeObserver(batched(() => this.content.isConnected && this.draw())).observe(this.node);
  }

  make() {
    const { model, period, places, state } = this.viewer;
    if (this.made === period) return;
    this.made = period;
    this.spans = model.data.memory.map(([tensor, size, start, end]) => ({ tensor: model.tensors[tensor], size, start, end }));
    // As viz/facts/memory_use.py does: the curve is not in the data, since it would be a sixth of a page.
    const changes = this.spans.flatMap(({ size, start, end }) => [[start, 1, size], ...(end === null ? [] : [[end, 0, -size]])]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    let live = 0;
    this.curve = changes.map(([time, , change]) => [time, (live += change)]);
    this.peak = this.peakOf(period);
    this.moment = this.peak.time;
    // The step in which most is in use; null where that is this one.
    const others = places.filter((step) => step !== state.step).map((step) => ({ step, size: this.peakOf(periodOf(model, step)).size })),
      most = others.reduce((one, other) => (one && one.size >= other.size ? one : other), null);
    this.highest = most && most.size > this.peak.size ? most : null;
  }

  // The most that is in use within a time, and when.
  peakOf({ first, last }) {
    let peak = { time: first, size: this.liveAt(first) };
    for (const [time, size] of this.curve) if (time > first && time <= last && size > peak.size) peak = { time, size };
    return peak;
  }

  get note() {
    return stepAlone(this.viewer);
  }

  show() {
    this.make();
    if (!this.spans.length) {
      const why = this.viewer.model.ops.length ? "Memory was not recorded." : "There are no ops in this recording.";
      this.node.replaceChildren(notice("No memory curve", why, "viz.trace(memory=True)"));
      return;
    }
    if (this.node.firstChild !== this.content) this.node.replaceChildren(this.content);
    this.showOwners();
    this.draw(); // into the room that the words above leave
  }

  liveAt(time) {
    let low = 0,
      high = this.curve.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.curve[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    return low ? this.curve[low - 1][1] : 0;
  }

  draw() {
    const { canvas, node } = this,
      height = Math.max(LOWEST_CURVE, (node.parentNode?.clientHeight ?? 0) - canvas.offsetTop - 8);
    this.showSizes(height);
    const width = canvas.parentNode.clientWidth || 500; // what the sizes leave
    this.paint(sharpen(canvas, width, height), width, height);
    const { first, last } = this.viewer.period,
      said = { valuetext: `${nbytes(this.liveAt(this.moment))} at ${this.sayTime()}`, valuemin: 0, valuemax: Math.round(last - first), valuenow: Math.round(this.moment - first) };
    for (const [name, value] of Object.entries(said)) canvas.setAttribute(`aria-${name}`, String(value));
  }

  // The chosen moment, or another, counted as the timeline does.
  sayTime(time = this.moment) {
    const at = time - this.viewer.period.first;
    return at > 0 ? seconds(at) : "0";
  }

  isSeen(time) {
    const { from, to } = this.viewer.period;
    return from <= time && time <= to;
  }

  // Where a size is, in a chart of this height.
  heightOf(size, height) {
    const bottom = height - CURVE_AXIS;
    return bottom - (size / (this.peak.size || 1)) * (bottom - CURVE_TOP);
  }

  // Nothing, and one to three sizes that are powers of two: those are round in KB and MB, too.
  showSizes(height) {
    const most = this.peak.size,
      count = height - CURVE_AXIS - CURVE_TOP < 50 ? 2 : 3,
      step = Math.max(1, 2 ** Math.ceil(Math.log2(most / count || 1)));
    this.marked = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
    this.sizes.replaceChildren(...this.marked.map((size) => el("span", { style: `top: ${this.heightOf(size, height)}px` }, size ? nbytes(size) : "0")));
  }

  paint(pen, width, height) {
    const theme = themeNow(),
      { period } = this.viewer,
      x = (time) => Math.max(-9, Math.min(width + 9, ((time - period.from) / period.span) * width)), // beyond the edges unseen
      y = (size) => this.heightOf(size, height);
    let last = this.liveAt(period.from),
      lastX = -1;
    pen.beginPath();
    pen.moveTo(0, y(0));
    pen.lineTo(0, y(last));
    for (const [time, size] of this.curve.filter(([time]) => time > period.from && time <= period.to)) {
      if (x(time) - lastX > 0.3 || size === this.peak.size) pen.lineTo(x(time), y(last));
      pen.lineTo(x(time), y(size));
      [last, lastX] = [size, x(time)];
    }
    pen.lineTo(width, y(last));
    pen.lineTo(width, y(0));
    [pen.fillStyle, pen.strokeStyle] = theme.phases.forward;
    pen.fill();
    pen.stroke();
    pen.fillStyle = theme.frame;
    for (const size of this.marked) pen.fillRect(0, Math.round(y(size)), width, 1);
    pen.fillStyle = theme.ink;
    pen.fillRect(x(this.moment), 4, 1.2, height - CURVE_AXIS - 4);
    if (this.isSeen(this.peak.time)) this.mark(pen, x(this.peak.time), y(this.peak.size), theme, width);
    pen.font = `10.5px ${FONT}`;
    for (const [at, words] of period.ticks(width, 56)) {
      pen.fillStyle = theme.frame;
      pen.fillRect(at, height - CURVE_AXIS, 1, CURVE_AXIS - 2);
      pen.fillStyle = theme.muted;
      if (at + 4 + pen.measureText(words).width <= width) pen.fillText(words, at + 4, height - 4);
    }
  }

  // The peak, and its name beside it, which interrupts the line of the moment.
  mark(pen, x, y, theme, width) {
    pen.fillStyle = theme.error[1];
    pen.beginPath();
    pen.arc(x, y, 4, 0, 7);
    pen.fill();
    pen.font = `600 11px ${FONT}`;
    const text = `peak ${nbytes(this.peak.size)}`,
      long = pen.measureText(text).width,
      left = x + 12 + long <= width ? x + 10 : Math.max(0, x - 10 - long);
    pen.clearRect(left - 4, 0, long + 8, CURVE_TOP - 2);
    pen.fillText(text, left, Math.max(11, y - 5));
  }

  // What was in use at the chosen moment, the largest first.
  showOwners() {
    const here = this.spans.filter(({ start, end }) => start <= this.moment && (end === null || end > this.moment)).sort((a, b) => b.size - a.size),
      sum = (spans) => spans.reduce((all, { size }) => all + size, 0),
      total = sum(here),
      byRole = new Map(),
      order = matchMedia(NARROW).matches ? [0, 3, 4, 2, 1, 5, 6] : MEMORY_COLUMNS.map((_, i) => i), // in little room names come first
      head = order.map((i) => el("th", { scope: "col", class: MEMORY_CLASSES[i] }, MEMORY_COLUMNS[i])),
      rows = here.slice(0, MOST_OWNERS).map((span) => this.row(span, total, order)),
      rest = here.slice(MOST_OWNERS);
    if (rest.length) rows.push(el("tr", {}, el("td", { class: "right" }, nbytes(sum(rest))), el("td", { colspan: 6 }, `${amount(rest.length)} more`)));
    for (const span of here) push(byRole, rules.roles[span.tensor.role], span);
    const roles = [...byRole].map(([role, spans]) => [role, sum(spans)]);
    this.roles.textContent = roles.sort((a, b) => b[1] - a[1]).map(([role, size]) => `${role} ${nbytes(size)}`).join("  ·  ");
    this.showHead(total);
    this.table.replaceChildren(el("table", {}, el("caption", { class: "voice" }, "what holds memory at this moment"), el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows)));
  }

  row({ tensor, size }, total, order) {
    const { name, layer, line } = namesOfTensor(this.viewer.model, tensor),
      role = rules.roles[tensor.role],
      step = stepWords(this.viewer, tensor),
      isPart = tensor.nbytes && tensor.nbytes < size,
      cells = [
        nbytes(size),
        percent(size / (total || 1)),
        [tensor.label, isPart ? el("span", { title: `of an array of ${nbytes(size)}, which is kept whole, it has ${nbytes(tensor.nbytes)}` }, ` (${nbytes(tensor.nbytes)} of it)`) : ""],
        [button(clean(name, 44), [clean(name, 200), step].filter(Boolean).join("  ·  "), () => this.go(tensor), { class: "link" }), step && el("small", {}, ` ${step}`)],
        el("span", { title: layer }, el("bdi", {}, layer)),
        line ? el("span", { title: line.place }, el("bdi", {}, clean(line.place.split(/[/\\]/).pop(), 60))) : "",
        role,
      ];
    return el("tr", { title: role }, order.map((i) => el("td", { class: MEMORY_CLASSES[i] }, cells[i])));
  }

  // How much was in use when, whether that is in sight, and which stretch of the step is.
  showHead(total) {
    const { model, period, state } = this.viewer,
      { time, size } = this.peak,
      atPeak = this.moment === time,
      unseen = (at) => (this.isSeen(at) ? "" : ", outside of what is shown"),
      isPart = period.from !== period.first || period.to !== period.last,
      link = (words, tip, go) => button(words, tip, go, { class: "link" });
    this.head.replaceChildren(
      el("strong", {}, `${atPeak ? "peak: " : ""}${nbytes(total)}`),
      ` at ${this.sayTime()}${unseen(this.moment)}`,
      atPeak || this.isSeen(time) ? "" : `  ·  peak: ${nbytes(size)} at ${this.sayTime(time)}${unseen(time)}`,
      atPeak && this.isSeen(time) ? "" : link("go to the peak", "the moment of the most memory", () => this.moveTo(time)),
      isPart ? `  ·  shown: ${seconds(period.span)} of ${seconds(period.last - period.first)}, from ${this.sayTime(period.from)}` : "",
      isPart ? link(state.step === null ? "show all" : "whole step", "all of the time again, here and in the timeline", () => this.showAll()) : "",
      this.highest ? link(`${nbytes(this.highest.size)} in ${model.stepName(this.highest.step)}`, "go to where most is in use in this recording", () => this.viewer.setStep(this.highest.step)) : "",
    );
  }

  showAll() {
    this.viewer.period.showAll();
    this.show();
    this.canvas.focus(); // the button is gone
  }

  // What is of another step has no box here: its panel tells of it, and leads there.
  go(tensor) {
    const { viewer } = this,
      { model, state } = viewer,
      { id, producer } = tensor,
      ofTensor = producer === null || isWeight(model, tensor),
      op = ofTensor ? viewer.opOfTensor(id) : producer,
      isHere = op === null || !model.steps.length || model.ops[op].step === state.step;
    viewer.select(ofTensor || !isHere ? { kind: "tensor", id } : { kind: "op", id: producer }, isHere);
  }

  // What is shown follows the moment.
  moveTo(time) {
    const { period } = this.viewer,
      { first, last } = period;
    this.moment = Math.max(first, Math.min(last, time));
    if (!this.isSeen(this.moment)) period.move(this.moment - (period.from + period.to) / 2);
    this.showOwners();
    this.draw();
  }

  choose(event) {
    const box = this.canvas.getBoundingClientRect(),
      { from, span } = this.viewer.period;
    this.moveTo(from + ((event.clientX - box.left) / box.width) * span);
  }

  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(this.moment + (by * this.viewer.period.span) / 100);
  }
}

// What a tensor is called, and where it belongs: a weight where its layer is, others where they were made. A gradient that
// no op returned, as the sum of several, is that of something.
export function namesOfTensor(model, tensor) {
  const place = isWeight(model, tensor) ? placeOfWeight(model, tensor.id) : null,
    op = place || tensor.producer === null ? null : model.ops[tensor.producer],
    given = place || op ? null : model.givenAs(tensor),
    name = place?.name || given?.title || tensor.name || (op && model.titleOf(op)),
    of = name || tensor.gradientOf === null ? null : namesOfTensor(model, model.tensors[tensor.gradientOf]);
  return {
    name: name || (of ? `gradient of ${of.name}` : rules.roles[tensor.role]),
    layer: place ? place.path : op ? model.ownerOf(op) : of?.layer ?? "",
    line: op && model.lineOf(op),
  };
}
