// Samples that travel with the page: little pictures, sentences or numbers to choose from.

import { button, el } from "../../page/assets/app/dom.js";
import { clean } from "../../page/assets/recording/formatting.js";
import { ARRAYS, ordinary } from "./arrays.js";
import { Plane } from "./controls/plane.js";
import { drawImage } from "./pictures.js";

export class Samples {
  constructor(content, controls, bytes, onchoose) {
    this.content = content;
    this.controls = controls;
    this.bytes = bytes;
    this.onchoose = onchoose;
    const { count, given } = content.samples;
    this.buttons = Array.from({ length: given ? count : 0 }, (_, i) => this.button(i));
    const asText = Boolean(content.samples.texts);
    this.node = el("div", { class: asText ? "samples sentences" : "samples", role: "group", "aria-label": "samples" }, this.buttons);
    const [first] = controls;
    if (given && first instanceof Plane)
      first.showPlaces(this.buttons.map((_, i) => Array.from(this.numbers(0, i).data.slice(0, 2))));
    this.node.hidden = !this.buttons.length || first instanceof Plane;
  }

  // A sample's numbers for an input, with its shape.
  numbers(input, sample) {
    const { at, type, shape } = this.content.samples.arrays[input],
      inner = shape.slice(1),
      size = inner.reduce((product, n) => product * n, 1),
      Made = ARRAYS[type];
    return { data: new Made(this.bytes.buffer, at + sample * size * Made.BYTES_PER_ELEMENT, size), shape: inner };
  }

  button(i) {
    const name = `sample ${i + 1}`,
      made = button("", name, () => this.choose(i), { class: "sample", "aria-pressed": "false" });
    const [about] = this.content.inputs;
    if (this.content.samples.texts) made.textContent = clean(this.content.samples.texts[i], 60);
    else if (about.channels) {
      const canvas = el("canvas", {});
      drawImage(canvas, about, ordinary(this.numbers(0, i).data));
      made.append(canvas);
    } else made.textContent = String(i + 1);
    return made;
  }

  choose(i) {
    this.put(i);
    this.onchoose();
  }

  put(i) {
    this.controls.forEach((control, number) => {
      if (control.chooseText) control.chooseText(this.content.samples.texts[i]);
      else {
        const { data, shape } = this.numbers(number, i);
        control.choose(ordinary(data), shape);
      }
    });
    this.show(i);
  }

  show(chosen) {
    this.buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(i === chosen)));
  }

  // The inputs of a sample, as the machine takes them: exactly those that Python had.
  given(sample) {
    const arrayOfInput = ({ name, type }, i) => [name, { ...this.numbers(i, sample), type }];
    return Object.fromEntries(this.content.inputs.map(arrayOfInput).map(([name, array]) => [name, { ...array, shape: [1, ...array.shape] }]));
  }
}
