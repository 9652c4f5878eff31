// The strip of all layers' outputs: a row for each, in the order in which they run.

import { batched, button, el, segments } from "../../page/assets/app/dom.js";
import { amount, clean, counted, numeral, percent, seconds } from "../../page/assets/recording/formatting.js";
import { statistics } from "./arrays.js";
import { INK, drawValues, layoutOf, themeInUse } from "./pictures.js";
import { Readout, placeName } from "./readout.js";

const ENOUGH = 20; // inputs after which channels that are still zero are called dead

class LayerRow {
  constructor(layer, number, strip) {
    this.layer = layer;
    this.number = number;
    this.strip = strip;
    this.whole = false;
    this.inSight = false;
    this.alive = layer.alive ? Uint8Array.from(layer.alive) : null;
    this.inputs = 0; // that were looked at here
    this.canvas = el("canvas", { role: "img" });
    this.readout = new Readout(this.canvas, () => this, (found, values) => this.nameOf(found, values));
    this.shape = el("span", { class: "shape" });
    this.stats = el("p", { class: "stats" });
    this.dead = el("p", { class: "dead", hidden: true });
    this.more = button("", "show every channel", () => this.toggle(), { class: "link more", hidden: true });
    const name = button(withBreaks(clean(layer.name, 60)), `${clean(layer.name, 200)}: show it in the graph`, () => strip.onopen(layer), { class: "link name" }),
      about = el("div", { class: "about" }, el("h3", {}, name), el("p", { class: "class" }, clean(layer.cls, 40), " ", this.shape), this.stats, this.dead);
    this.node = el("li", { class: "layer", "data-layer": layer.name }, about, el("div", { class: "shown" }, this.readout.node, this.more));
  }

  nameOf(found, values) {
    const token = values.shape.length === 2 && this.strip.tokens[found.point];
    return [placeName(found, values), token ? `“${clean(token, 30)}”` : ""].filter(Boolean).join(" · ");
  }

  toggle() {
    this.whole = !this.whole;
    this.draw();
  }

  take(values) {
    this.values = values;
    this.node.hidden = !values;
    if (!values) return;
    this.known = null;
    this.stale = true;
    if (this.inSight) this.draw();
  }

  // Only of what is in sight: of large networks all layers take longer than the run itself.
  learn() {
    this.known = statistics(this.values.data);
    this.look(this.values);
  }

  // Which channels have ever been anything but zero.
  look(values) {
    const { channels, points } = values;
    if (!this.alive || this.alive.length !== channels) this.alive = new Uint8Array(channels);
    this.inputs += 1;
    for (let c = 0; c < channels; c += 1)
      for (let p = 0; p < points && !this.alive[c]; p += 1) if (values.at(c, p) !== 0) this.alive[c] = 1;
  }

  // Zero for every sample in Python and every input here, of which there were enough to say so; and not merely passed on
  // by a layer without weights and activation, such as the border of pictures that are flattened.
  isDead(channel) {
    return this.layer.computes && this.strip.looked + this.inputs >= ENOUGH && !this.alive[channel];
  }

  draw() {
    if (!this.known) this.learn();
    const { values, known } = this,
      width = Math.max(40, this.strip.width());
    this.layout = layoutOf(values, width, this.whole);
    const most = Math.max(Math.abs(known.min ?? 0), Math.abs(known.max ?? 0));
    drawValues(this.canvas, values, this.layout, { most, each: this.strip.each, dead: (channel) => this.isDead(channel) });
    this.tell();
    this.readout.refresh();
    this.stale = false;
  }

  tell() {
    const { values, known, layout } = this,
      zeros = values.data.length ? known.zeros / values.data.length : 0;
    this.shape.textContent = values.shape.join("×") || "scalar";
    const range = known.min === null ? "nothing finite" : `${numeral(known.min)} … ${numeral(known.max)}`;
    const further = [known.mean === null ? "" : `mean ${numeral(known.mean)}`, zeros ? `${percent(zeros)} zeros` : ""].filter(Boolean).join(" · ");
    this.stats.replaceChildren(...[range, further].filter(Boolean).map((part) => el("span", {}, part)));
    const flaws = known.nan + known.inf;
    if (flaws) this.stats.append(el("span", { class: "alarm" }, `${amount(flaws)} not finite`));
    const count = this.alive.reduce((sum, _, channel) => sum + (this.isDead(channel) ? 1 : 0), 0);
    this.dead.hidden = count === 0;
    const noun = values.shape.length > 1 ? "channel" : "unit";
    this.dead.textContent = `${amount(count)} dead ${noun}${count === 1 ? "" : "s"}`;
    this.dead.title = `zero for ${counted(this.strip.looked, "sample")} in Python and ${counted(this.inputs, "input")} here`;
    this.more.hidden = layout.shown === layout.count && !this.whole;
    this.more.textContent = this.whole ? "fewer" : `all ${amount(layout.count)}`;
    this.canvas.setAttribute("aria-label", `${clean(this.layer.name, 60)}, ${this.shape.textContent}: ${range}. Arrow keys read single values.`);
  }
}

// A name that may go on in the next line behind each of its parts.
const withBreaks = (name) => name.split(/(?<=[_/.])/).flatMap((part) => [part, el("wbr")]);

export class Strip {
  constructor(layers, looked, onopen) {
    this.looked = looked; // samples in Python of which it is known which channels they reach
    this.onopen = onopen;
    this.each = false;
    this.tokens = []; // words of the input, by their place
    this.rows = layers.map((layer, number) => new LayerRow(layer, number, this));
    this.list = el("ol", { class: "layer-rows" }, this.rows.map((row) => row.node));
    this.time = el("span", { class: "time" });
    [this.less, this.more] = [el("i"), el("i")];
    this.paintLegend();
    const choices = [["layer", "layer", "the largest number of the layer"], ["channel", "channel", "the largest number of each channel"]];
    this.scales = segments("what the strongest colour stands for", choices, (chosen) => {
      this.each = chosen === "channel";
      this.scales.show(chosen);
      this.redraw();
    });
    this.scales.show("layer");
    const legend = el("span", { class: "legend-bar", "aria-hidden": "true" }, "−", this.less, "0", this.more, "+"),
      head = el("header", {}, el("h2", {}, "Layers"), this.time, legend, el("span", { class: "label" }, "scale by"), this.scales);
    this.node = el("section", { class: "strip", "aria-label": "layers" }, head, this.list);
    const sight = new IntersectionObserver((entries) => entries.forEach((entry) => this.seen(entry)), { rootMargin: "400px" });
    this.rows.forEach((row) => sight.observe(row.node));
    new ResizeObserver(batched(() => this.resized())).observe(this.list);
  }

  width() {
    const [first] = this.rows.filter((row) => !row.node.hidden);
    return first ? first.node.querySelector(".shown").clientWidth : 300;
  }

  seen({ target, isIntersecting }) {
    const row = this.rows.find(({ node }) => node === target);
    row.inSight = isIntersecting;
    if (isIntersecting && row.values && row.stale) row.draw();
  }

  resized() {
    const now = this.width();
    if (now === this.last || !now) return;
    this.last = now;
    this.redraw();
  }

  tellTime(milliseconds) {
    this.time.textContent = `${seconds(milliseconds * 1e6)} a run`;
  }

  paintLegend() {
    const { none, less, more } = INK[themeInUse()];
    this.less.style.background = `linear-gradient(90deg, ${[none, ...less].reverse().join()})`;
    this.more.style.background = `linear-gradient(90deg, ${[none, ...more].join()})`;
  }

  redraw() {
    this.paintLegend();
    for (const row of this.rows) {
      row.stale = true;
      if (row.inSight && row.values) row.draw();
    }
  }

  show(results, tokens) {
    this.tokens = tokens;
    for (const row of this.rows) row.take(results.tensor(row.layer.tensor));
    this.tellTime(results.time);
  }
}
