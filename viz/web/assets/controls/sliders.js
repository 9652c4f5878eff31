// Numbers by sliders, each with a field for exact ones.

import { el } from "../../../page/assets/app/dom.js";
import { clean } from "../../../page/assets/recording/formatting.js";

export class Sliders {
  constructor(about, onchange, left = () => true) {
    this.about = about;
    this.onchange = onchange;
    this.numbers = about.start.slice();
    this.rows = about.names.map((name, i) => this.row(name, i));
    this.node = el("div", { class: "control sliders" }, this.rows.filter((_, i) => left(i)).map(({ node }) => node));
    this.showAll();
  }

  row(name, i) {
    const { low, high } = this.about,
      label = clean(name, 40),
      step = (high[i] - low[i]) / 200;
    const slider = el("input", {
      ...{ type: "range", min: low[i], max: high[i], step, "aria-label": label, title: clean(name, 200) },
      oninput: () => this.set(i, Number(slider.value)),
    });
    const exact = el("input", {
      ...{ type: "number", step: "any", "aria-label": `${label}, exactly` },
      oninput: () => Number.isFinite(exact.valueAsNumber) && this.set(i, exact.valueAsNumber, true),
      onblur: () => this.show(i),
    });
    return { node: el("label", { class: "slider" }, el("span", { title: clean(name, 200) }, label), slider, exact), slider, exact };
  }

  set(i, number, byField = false) {
    this.numbers[i] = number;
    this.show(i, byField);
    this.onchange();
  }

  // A field that is being written in stays as it is.
  show(i, byField = false) {
    const { slider, exact } = this.rows[i];
    slider.value = String(this.numbers[i]);
    if (!byField) exact.value = String(Number(this.numbers[i].toPrecision(5)));
  }

  showAll() {
    this.rows.forEach((_, i) => this.show(i));
  }

  choose(numbers) {
    this.numbers = Array.from(numbers, Number);
    this.showAll();
  }

  value() {
    return { data: this.numbers, shape: this.about.shape };
  }
}
