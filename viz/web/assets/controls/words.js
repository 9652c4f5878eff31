// Text, and the words that the model makes of it.

import { el } from "../../../page/assets/app/dom.js";
import { clean } from "../../../page/assets/recording/formatting.js";
import { Vectorizer } from "../text.js";

export class Words {
  constructor(about, onchange) {
    this.about = about;
    this.onchange = onchange;
    this.vectorizer = new Vectorizer(about);
    this.field = el("textarea", { rows: 4, spellcheck: "false", "aria-label": "text", placeholder: "write something", maxlength: 20000, oninput: () => this.changed() });
    this.tokens = el("ol", { class: "tokens", "aria-label": "words as the model reads them" });
    this.node = el("div", { class: "control" }, this.field, this.tokens);
  }

  changed() {
    this.show();
    this.onchange();
  }

  chooseText(text) {
    this.field.value = text;
    this.show();
  }

  show() {
    const tokens = this.vectorizer.tokens(this.field.value),
      most = (this.about.mode === "int" && this.about.length) || Infinity;
    this.tokens.replaceChildren(
      ...tokens.slice(0, 200).map((token, i) => {
        const number = this.vectorizer.number(token),
          isUnknown = number === this.vectorizer.unknown,
          [state, why] = i >= most ? ["cut", "the model doesn't read so far"] : isUnknown ? ["unknown", "not in the vocabulary"] : ["", `word ${number} of the vocabulary`];
        return el("li", { class: state, title: why }, clean(token, 30) || " ", el("sub", {}, String(number)));
      }),
    );
  }

  words() {
    return this.vectorizer.tokens(this.field.value);
  }

  value() {
    const vector = this.vectorizer.vector(this.field.value);
    return { data: vector, shape: [vector.length] };
  }
}
