// What was found by something that its row doesn't show says by what: a name that something else has, the line of code, a
// shape, a type, an error.

import { clean } from "../recording/formatting.js";
import { FIELDS, wordsOf } from "../recording/query.js";
import { toldOf } from "./search.js";

const MOST_SAID = 60; // letters of it

// What is said before what a field has of a query: of some fields a word, of others a sentence.
const FIELD_WORDS = { op: "op ", layer: "in ", class: "class ", name: "named ", shape: "shape ", dtype: "type ", role: "reads or makes " };
const SENTENCES = ["code", "setting", "error"];

export function reasonsOf({ byPath, isIn, fields, selected, title, what, steps, ...hit }, tests, query) {
  const inOneText = (test, text) => text && test(Object.fromEntries(FIELDS.map((name) => [name, text]))),
    isSeen = (test) => [title, what, steps, ...toldOf(hit)].some((text) => inOneText(test, text)),
    isOfTensor = (name) => name === "role" && selected.kind === "tensor", // what it is stands beside its name
    isUnseen = ([name, test]) => name && !isOfTensor(name) && (SENTENCES.includes(name) || !isSeen(test)),
    found = byPath || isIn ? [] : tests.map((test) => [test(fields), test]).filter(isUnseen);
  const wordOf = ([name, test]) => {
    const text = clean(String(fields[name]).trim(), 1000);
    if (SENTENCES.includes(name)) return around(text, wordsOf(query));
    return (FIELD_WORDS[name] ?? "") + clean(text.split(" ").find((word) => test({ [name]: word })) ?? text, MOST_SAID);
  };
  return [...new Set(found.map(wordOf))];
}

// A part of a long text, around the first of some words.
function around(text, words) {
  const at = Math.max(0, ...words.map((word) => text.toLowerCase().indexOf(word))),
    from = Math.max(0, Math.min(at - 20, text.length - MOST_SAID));
  return `${from ? "…" : ""}${clean(text.slice(from, from + MOST_SAID), MOST_SAID)}${text.length > from + MOST_SAID ? "…" : ""}`;
}
