// What the model says: bars, a number, an image, or values.

import { el } from "../../page/assets/app/dom.js";
import { clean, numeral } from "../../page/assets/recording/formatting.js";
import { statistics } from "./arrays.js";
import { drawImage, drawValues, layoutOf } from "./pictures.js";
import { Readout, placeName } from "./readout.js";

const MOST_BARS = 12;

class Bars {
  constructor(about) {
    this.about = about;
    const longest = Math.max(...(about.labels || ["000"]).map((label) => label.length));
    this.list = el("ol", { class: "results-bars" });
    this.list.style.setProperty("--label", `${Math.max(2, Math.min(16, longest))}ch`);
    this.node = this.list;
  }

  label(i) {
    return this.about.labels ? this.about.labels[i] : String(i);
  }

  // All in their order while they are few; of many the largest.
  show(values) {
    const numbers = Array.from({ length: values.data.length }, (_, i) => values.number(i)),
      best = numbers.indexOf(Math.max(...numbers)),
      order = numbers.map((_, i) => i);
    if (numbers.length > MOST_BARS) order.sort((a, b) => numbers[b] - numbers[a]).splice(MOST_BARS - 2);
    const most = this.about.shares ? 1 : Math.max(...numbers.map(Math.abs), 1e-12);
    if (this.list.children.length !== order.length)
      this.list.replaceChildren(...order.map(() => el("li", {}, el("span", {}), el("i", {}, el("u", {})), el("b", {}))));
    order.forEach((i, row) => {
      const item = this.list.children[row],
        [name, track, number] = item.children,
        text = clean(this.label(i), 60);
      name.textContent = text;
      name.title = text;
      track.firstChild.style.width = `${Math.min(100, (Math.abs(numbers[i]) / most) * 100)}%`;
      track.classList.toggle("less", numbers[i] < 0);
      number.textContent = this.about.shares ? shareText(numbers[i]) : numeral(numbers[i]);
      item.classList.toggle("best", i === best);
    });
    if (best < 0) return "not a number";
    return `${clean(this.label(best), 40)}: ${this.about.shares ? shareText(numbers[best]) : numeral(numbers[best])}`;
  }
}

const shareText = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : String(share));

class SingleNumber {
  constructor(about) {
    this.about = about;
    this.value = el("output", { class: "number" });
    this.bar = el("u", {});
    const ends = about.labels?.length === 2 ? about.labels : [about.labels?.length === 1 ? about.labels[0] : ""];
    this.node = el("div", { class: "single" }, this.value, about.share ? el("i", { class: "track" }, this.bar) : null, el("p", { class: "ends" }, ends.map((label) => el("span", {}, clean(label, 40)))));
  }

  show(values) {
    const number = values.number(0);
    this.value.textContent = this.about.share ? shareText(number) : numeral(number);
    this.bar.style.width = `${Math.max(0, Math.min(1, number)) * 100}%`;
    return this.value.textContent;
  }
}

class ImageResult {
  constructor(about) {
    this.about = about;
    this.node = el("canvas", { class: "photo", role: "img", "aria-label": "the image that the model makes" });
  }

  show(values) {
    drawImage(this.node, this.about, values.inOrder());
    return "an image";
  }
}

// Values of any shape, as a layer's are shown.
class ValuePicture {
  constructor() {
    this.canvas = el("canvas", { role: "img", "aria-label": "values" });
    this.readout = new Readout(this.canvas, () => this, placeName);
    this.node = this.readout.node;
  }

  show(values) {
    const { min, max } = statistics(values.data);
    this.values = values;
    this.layout = layoutOf(values, Math.max(40, this.node.clientWidth || 280), true);
    drawValues(this.canvas, values, this.layout, { most: Math.max(Math.abs(min), Math.abs(max)) });
    this.readout.refresh();
    return `${numeral(min)} … ${numeral(max)}`;
  }
}

const RESULTS = { bars: Bars, number: SingleNumber, image: ImageResult, picture: ValuePicture };

// All outputs, one below the other; each with its name where there are several.
export class Answers {
  constructor(outputs) {
    this.outputs = outputs;
    this.parts = outputs.map((about) => new RESULTS[about.kind](about));
    this.voice = el("p", { class: "voice", role: "status", "aria-live": "polite" });
    const named = this.parts.map((part, i) => [outputs.length > 1 ? el("h3", {}, clean(outputs[i].name, 60)) : null, part.node]);
    this.node = el("div", { class: "answers" }, named, this.voice);
  }

  show(results) {
    const said = this.parts.map((part, i) => part.show(results.output(this.outputs[i].name)));
    clearTimeout(this.later);
    this.later = setTimeout(() => (this.voice.textContent = said.join("; ")), 400);
  }
}
