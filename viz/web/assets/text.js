// Text as indices of words: what viz/web/controls.py describes, which is what TextVectorization does in Python.

const PUNCTUATION = /[!-/:-@[-`{-~]/g;

// Only ASCII changes, as in Keras.
const STANDARDIZED = {
  lower: (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  strip_punctuation: (text) => text.replace(PUNCTUATION, ""),
  lower_and_strip_punctuation: (text) => STANDARDIZED.strip_punctuation(STANDARDIZED.lower(text)),
};
const SPLIT = {
  whitespace: (text) => text.match(/[^ \t\n\v\f\r]+/g) || [],
  character: (text) => Array.from(text),
};
const PADDING = 0;

export class Vectorizer {
  constructor({ standardize, split, ngrams, mode, length, words, first, weights }) {
    Object.assign(this, { standardize, split, ngrams, mode, length, weights });
    this.unknown = first - 1; // what stands before the first word
    this.numbers = new Map(words.map((word, i) => [word, i]));
  }

  tokens(text) {
    const whole = text.replace(/\0+$/, ""), // as NumPy's texts have none
      plain = this.standardize ? STANDARDIZED[this.standardize](whole) : whole;
    const words = this.split ? SPLIT[this.split](plain) : [plain];
    if (!this.ngrams) return words;
    return this.ngrams.flatMap((n) =>
      words.slice(0, Math.max(0, words.length - n + 1)).map((_, i) => words.slice(i, i + n).join(" ")),
    );
  }

  number(token) {
    return this.numbers.get(token) ?? this.unknown;
  }

  // What the model takes: indices, or a number for each word of the vocabulary.
  vector(text) {
    const found = this.tokens(text).map((token) => this.number(token));
    return this.mode === "int" ? this.padded(found) : this.counted(found);
  }

  // As many indices as the model takes; of any number at least one, as no model takes none.
  padded(found) {
    const length = this.length ?? Math.max(1, found.length);
    return Array.from({ length }, (_, i) => found[i] ?? PADDING);
  }

  counted(found) {
    const counts = new Array(this.length).fill(0);
    for (const number of found) counts[number] = this.mode === "multi_hot" ? 1 : counts[number] + 1;
    return this.weights ? counts.map((count, i) => count * (this.weights[i] ?? 0)) : counts;
  }
}
