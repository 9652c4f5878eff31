// Numbers as text, separated by commas, spaces or lines.

import { el } from "../../../page/assets/app/dom.js";
import { amount, clean } from "../../../page/assets/recording/formatting.js";

export class Plain {
  constructor(about, onchange) {
    this.about = about;
    this.onchange = onchange;
    this.wanted = about.shape;
    this.field = el("textarea", { rows: 5, spellcheck: "false", class: "mono", placeholder: "0.5, 1, -2 …", oninput: () => this.onchange(), "aria-label": `numbers of ${clean(about.name, 40)}` });
    this.message = el("p", { class: "remark" });
    this.node = el("div", { class: "control" }, this.field, this.message);
  }

  choose(numbers, shape) {
    this.wanted = shape;
    const last = shape[shape.length - 1] || 1,
      texts = Array.from(numbers, (x) => String(Number(Number(x).toPrecision(7))));
    const lines = [];
    for (let i = 0; i < texts.length; i += last) lines.push(texts.slice(i, i + last).join(", "));
    this.field.value = lines.join("\n");
  }

  // As many as the shape has; where a length is open, what the numbers fill.
  value() {
    const numbers = (this.field.value.match(/[^\s,;]+/g) || []).map(Number),
      inner = this.about.shape.reduce((product, n) => product * (n ?? 1), 1),
      open = this.about.shape.filter((n) => n === null).length,
      shape = open === 1 ? this.about.shape.map((n) => n ?? numbers.length / inner) : this.wanted;
    const size = shape.reduce((product, n) => product * n, 1),
      fits = numbers.length === size && size > 0 && numbers.every(Number.isFinite) && shape.every(Number.isInteger),
      expected = open === 1 ? `a multiple of ${amount(inner)}` : amount(size);
    this.message.textContent = fits ? `${amount(size)} numbers` : `${amount(numbers.length)} numbers; expected ${expected}`;
    return fits ? { data: numbers, shape } : null;
  }
}
