// The comparison with Python: samples whose outputs travel with the page.

import { dialog, el } from "../../page/assets/app/dom.js";
import { clean, counted } from "../../page/assets/recording/formatting.js";
import { probed } from "./arrays.js";

const TOLERANCE = 1e-5; // of the largest number of a tensor; what float32 leaves to the order of sums

// The largest difference between what Python had at some places and what is there now, as a share of the largest number
// that any of the samples has there.
function difference({ at, shape }, largest, values, bytes) {
  const wanted = new Float32Array(bytes.buffer, at, shape[0]),
    found = probed(values, wanted.length);
  let most = 0;
  for (let i = 0; i < wanted.length; i += 1) {
    const same = Object.is(wanted[i], Math.fround(found[i])) || wanted[i] === found[i];
    const apart = same ? 0 : Math.abs(wanted[i] - found[i]) / Math.max(largest, 1e-30);
    most = Math.max(most, apart === apart ? apart : Infinity);
  }
  return most;
}

export class Check {
  constructor(content, samples, bytes) {
    this.content = content;
    this.samples = samples;
    this.bytes = bytes;
    this.outputs = 0;
    this.layers = new Map(content.layers.map(({ name }, i) => [i, { name, most: 0 }]));
    this.done = 0;
    this.badge = el("button", { type: "button", class: "badge", hidden: true, onclick: () => this.tell() });
  }

  // Runs one sample after the other; gives the first one's results as soon as they are there.
  async run(machine, number) {
    const expected = this.content.checks[number];
    const results = await machine.run(this.samples.given(number));
    this.content.outputs.forEach(({ name }, i) => {
      this.outputs = Math.max(this.outputs, difference(expected.outputs[i], this.largest("outputs", i), results.output(name), this.bytes));
    });
    this.content.layers.forEach(({ tensor }, i) => {
      const values = results.tensor(tensor),
        row = this.layers.get(i);
      const apart = values && difference(expected.layers[i], this.largest("layers", i), values, this.bytes);
      row.most = Math.max(row.most, apart || 0);
    });
    this.done += 1;
    return results;
  }

  largest(of, i) {
    return Math.max(...this.content.checks.map((check) => check[of][i].largest));
  }

  get worst() {
    return Math.max(this.outputs, ...[...this.layers.values()].map(({ most }) => most));
  }

  show() {
    const equal = this.worst <= TOLERANCE,
      first = [...this.layers.values()].find(({ most }) => most > TOLERANCE);
    this.badge.hidden = false;
    this.badge.title = "compare with Python";
    this.badge.classList.toggle("bad", !equal);
    const where = first ? ` from ${clean(first.name, 40)} on` : "";
    const said = equal ? ["✓ equal to Python: ", el("span", { class: "wide" }, "largest difference "), shortExponent(this.worst)] : [`✗ differs from Python${where}: ${shortExponent(this.worst)}`];
    this.badge.replaceChildren(...said);
  }

  tell() {
    const rows = [...this.layers.values(), { name: "output", most: this.outputs }],
      how = `${counted(this.done, "sample")} ran here and in Python. The largest difference, as a share of the largest number of each:`,
      row = ({ name, most }) => el("tr", { class: most > TOLERANCE ? "bad" : "" }, el("td", {}, clean(name, 50)), el("td", {}, shortExponent(most)));
    dialog("comparison with Python", el("h2", {}, "Compared with Python"), el("p", {}, how), el("table", { class: "compared" }, rows.map(row)));
  }
}

const shortExponent = (number) =>
  number === 0 || !Number.isFinite(number) ? String(number) : number.toExponential(0).replace("e+", "e");
