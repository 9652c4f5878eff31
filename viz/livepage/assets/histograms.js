// The tab with distributions: how weights, gradients and activations are spread, over the steps.

import { batched, el, notice, segments } from "../../page/assets/app/dom.js";
import { sharpen, tickNames, ticks } from "../../page/assets/panels/charts.js";
import { cssColour } from "../../page/assets/panels/plot.js";
import { amount, clean, counted, numeral } from "../../page/assets/recording/formatting.js";

const HEAT_HEIGHT = 110;
const TOP = 8; // room for half of a number at the top
const AXIS_FONT = "11px system-ui, sans-serif";
const FEWEST_STEPS = 4; // for which there is room at first
const HISTOGRAM_ROW = { step: 0, low: 1, high: 2, counts: 3, mean: 4, std: 5, nan: 6, inf: 7 };

export class Histograms {
  constructor() {
    this.kind = "weights";
    this.query = "";
    this.tensors = [];
    this.facts = null; // what is known of the latest: {step, count, left_out}
    this.fetched = -1;
    this.cards = new Map();
    this.kinds = segments("kind of tensors", [["weights", "Weights"], ["gradients", "Gradients"], ["activations", "Activations"]], (kind) => this.choose(kind));
    this.search = el("input", { type: "search", placeholder: "filter by name", "aria-label": "filter by name", oninput: () => { this.query = this.search.value.toLowerCase(); this.layOut(); } });
    this.said = el("span", { class: "live-note" });
    this.grid = el("div", { class: "plot-grid" });
    this.empty = notice("No distributions yet", "They come with the second training step, then every few seconds.");
    this.node = el("div", { class: "live-tab" }, el("div", { class: "live-controls" }, this.kinds, this.search, this.said), this.empty, this.grid);
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        entry.target.card.visible = entry.isIntersecting;
        if (entry.isIntersecting) entry.target.card.draw();
      }
    });
    this.resize = batched(() => this.cards.forEach((card) => card.visible && card.draw()));
    new ResizeObserver(() => this.resize()).observe(this.grid);
    this.kinds.show(this.kind);
  }

  choose(kind) {
    this.kind = kind;
    this.kinds.show(kind);
    this.layOut();
  }

  take(facts) {
    this.facts = facts;
    this.refresh();
  }

  // Fetches them, while somebody looks.
  async refresh() {
    if (!this.facts || !this.node.isConnected || this.fetching || this.fetched === this.facts.step || document.hidden) return;
    this.fetching = true;
    try {
      const { step } = this.facts, answer = await fetch("histograms");
      if (!answer.ok) return;
      this.tensors = await answer.json();
      this.fetched = step;
      this.layOut();
    } catch {
      this.said.textContent = "the page's server doesn't answer";
    } finally {
      this.fetching = false;
    }
    if (this.fetched >= 0 && this.fetched !== this.facts.step) setTimeout(() => this.refresh(), 500);
  }

  layOut() {
    const chosen = this.tensors.filter(([kind, name]) => kind === this.kind && name.toLowerCase().includes(this.query));
    this.empty.hidden = this.tensors.length > 0;
    this.said.textContent = [chosen.length ? counted(chosen.length, "tensor") : this.tensors.length ? "none" : "",
      this.facts && this.facts.left_out ? `${counted(this.facts.left_out, "more tensor")} not shown` : ""].filter(Boolean).join(" · ");
    const nodes = chosen.map(([kind, name, moments]) => {
      const id = `${kind}|${name}`;
      if (!this.cards.has(id)) {
        const card = new HistogramCard(kind, name);
        card.node.card = card;
        this.cards.set(id, card);
        this.seen.observe(card.node);
      }
      const card = this.cards.get(id);
      card.moments = moments;
      if (card.visible) card.draw();
      return card.node;
    });
    if (nodes.length !== this.grid.children.length || nodes.some((node, i) => this.grid.children[i] !== node)) this.grid.replaceChildren(...nodes);
  }
}

// A name whose end, such as `dense/kernel`, is cut last: it tells tensors apart.
function keepingItsEnd(name) {
  const end = /[^/.]*[/.]?[^/.]*$/.exec(name).index;
  return [el("span", { class: "tensor-around" }, name.slice(0, end)), el("span", { class: "tensor-end" }, name.slice(end))];
}

// One tensor: on the left, over the steps, darker where more elements are; on the right, the latest.
class HistogramCard {
  constructor(kind, name) {
    this.kind = kind;
    this.name = name;
    this.moments = [];
    this.visible = false;
    this.canvas = el("canvas", { role: "img" });
    this.said = el("div", { class: "plot-legend" });
    this.tip = el("div", { class: "plot-tip", hidden: true });
    this.node = el("figure", { class: "plot", "data-tensor": name }, el("figcaption", {}, el("span", { class: "plot-title", title: name }, ...keepingItsEnd(clean(name, 160))), this.said),
      el("div", { class: "plot-area" }, this.canvas, this.tip));
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
  }

  draw() {
    const width = this.canvas.parentNode.clientWidth, latest = this.moments[this.moments.length - 1];
    if (!width || !latest) return;
    const finite = this.moments.filter((m) => typeof m[HISTOGRAM_ROW.low] === "number" && m[HISTOGRAM_ROW.counts].length);
    const brush = sharpen(this.canvas, width, HEAT_HEIGHT);
    this.split = Math.round(width * 0.72);
    this.bottom = HEAT_HEIGHT - 18;
    let low = Math.min(...finite.map((m) => m[HISTOGRAM_ROW.low])), high = Math.max(...finite.map((m) => m[HISTOGRAM_ROW.high]));
    if (!finite.length) [low, high] = [-1, 1];
    if (low === high) [low, high] = [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1];
    this.range = [low, high];
    this.finite = finite;
    brush.font = AXIS_FONT;
    this.marked = ticks(low, high, 4);
    this.named = tickNames(this.marked, false, numeral);
    this.left = Math.max(52, ...this.marked.map((value) => Math.ceil(brush.measureText(this.named(value)).width) + 12));
    this.each = (this.split - this.left) / Math.max(FEWEST_STEPS, finite.length);
    this.axes(brush, width);
    finite.forEach((moment, i) => this.column(brush, moment, i));
    if (finite.length) this.bars(brush, finite[finite.length - 1], width);
    this.explain(latest);
  }

  toY(value) { return TOP + (1 - (value - this.range[0]) / (this.range[1] - this.range[0])) * (this.bottom - TOP); }

  axes(brush, width) {
    brush.font = AXIS_FONT;
    brush.fillStyle = cssColour("--muted");
    brush.strokeStyle = cssColour("--frame");
    brush.textAlign = "right";
    brush.textBaseline = "middle";
    for (const value of this.marked) {
      const y = Math.round(this.toY(value)) + 0.5;
      brush.fillText(this.named(value), this.left - 6, y);
      brush.globalAlpha = 0.6;
      brush.beginPath();
      brush.moveTo(this.left, y);
      brush.lineTo(width - 10, y);
      brush.stroke();
      brush.globalAlpha = 1;
    }
    brush.textBaseline = "top";
    if (!this.finite.length) return;
    brush.textAlign = "left";
    brush.fillText(`step ${amount(this.finite[0][HISTOGRAM_ROW.step])}`, this.left, this.bottom + 4);
    brush.textAlign = "right";
    const right = this.left + this.each * this.finite.length;
    if (right - this.left > 120) brush.fillText(amount(this.finite[this.finite.length - 1][HISTOGRAM_ROW.step]), right, this.bottom + 4);
    brush.textAlign = "center";
    brush.fillText("latest", (this.split + width) / 2, this.bottom + 4);
  }

  // A step: as dark as the share of the elements, against the fullest bin.
  column(brush, moment, i) {
    const counts = moment[HISTOGRAM_ROW.counts], most = Math.max(...counts), each = this.each;
    const x = this.left + i * each, size = (moment[HISTOGRAM_ROW.high] - moment[HISTOGRAM_ROW.low]) / counts.length;
    brush.fillStyle = cssColour({ weights: "--forward", gradients: "--backward", activations: "--update" }[this.kind]);
    if (size === 0) {
      brush.fillRect(x, this.toY(moment[HISTOGRAM_ROW.low]) - 1, Math.max(1, each - 0.5), 2);
      return;
    }
    counts.forEach((count, bin) => {
      if (!count) return;
      const top = this.toY(moment[HISTOGRAM_ROW.low] + size * (bin + 1)), end = this.toY(moment[HISTOGRAM_ROW.low] + size * bin);
      brush.globalAlpha = 0.12 + 0.88 * Math.sqrt(count / most);
      brush.fillRect(x, top, Math.max(1, each - 0.5), Math.max(1, end - top));
    });
    brush.globalAlpha = 1;
  }

  bars(brush, moment, width) {
    const counts = moment[HISTOGRAM_ROW.counts], most = Math.max(...counts), size = (moment[HISTOGRAM_ROW.high] - moment[HISTOGRAM_ROW.low]) / counts.length, room = width - 10 - this.split - 12;
    counts.forEach((count, bin) => {
      if (!count) return;
      const top = size ? this.toY(moment[HISTOGRAM_ROW.low] + size * (bin + 1)) : this.toY(moment[HISTOGRAM_ROW.low]) - 1;
      const end = size ? this.toY(moment[HISTOGRAM_ROW.low] + size * bin) : top + 2;
      brush.fillRect(this.split + 12, top, Math.max(1, (count / most) * room), Math.max(1, end - top - 0.5));
    });
  }

  explain(latest) {
    const flaws = latest[HISTOGRAM_ROW.nan] + latest[HISTOGRAM_ROW.inf];
    this.said.replaceChildren(`mean ${numeral(latest[HISTOGRAM_ROW.mean])}  std ${numeral(latest[HISTOGRAM_ROW.std])}`,
      ...(flaws ? [el("b", { class: "live-bad" }, `${amount(flaws)} not finite`)] : []));
    this.canvas.setAttribute("aria-label", `${clean(this.name)}: from ${numeral(latest[HISTOGRAM_ROW.low])} to ${numeral(latest[HISTOGRAM_ROW.high])}, mean ${numeral(latest[HISTOGRAM_ROW.mean])}`);
  }

  point(event) {
    if (!this.finite || !this.finite.length) return;
    const moment = this.finite[Math.max(0, Math.min(this.finite.length - 1, Math.floor((event.offsetX - this.left) / this.each)))];
    const [step, low, high, , mean, std, nan, inf] = moment;
    this.tip.replaceChildren(el("div", { class: "plot-step" }, `step ${amount(step)}`), el("div", {}, `${numeral(low)} … ${numeral(high)}`),
      el("div", {}, `mean ${numeral(mean)}, std ${numeral(std)}`), nan + inf ? el("div", {}, `${amount(nan)} NaN, ${amount(inf)} infinite`) : "");
    this.tip.hidden = false;
    const side = event.offsetX > this.split / 2;
    this.tip.style.left = side ? "" : `${event.offsetX + 12}px`;
    this.tip.style.right = side ? `${this.canvas.parentNode.clientWidth - event.offsetX + 12}px` : "";
  }
}
