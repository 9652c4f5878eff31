// Settings of layers and ops, as their owner would write them: viz/page/settings.py has made them short.

import { el } from "../app/dom.js";
import { clean } from "../recording/formatting.js";
import { section } from "./panel.js";

const LONGEST_VALUE = 400,
  LONGEST_IN_LINE = 60, // of an object; what it was given is below it where it is longer
  FEW_UNSET = 2; // settings that are None and have a row each

const WORDS = new Map([[null, "None"], [true, "True"], [false, "False"]]);

// Is it an object in a configuration: a class, and what it was given?
const isMade = (value) => typeof value?.class_name === "string" && typeof value.config === "object" && value.config !== null;
const givenTo = ({ config }) => Object.entries(config).filter(([name, each]) => name !== "name" && each !== null);

// In a line; texts have quotes within others.
export function settingText(value, isWithin = false) {
  if (typeof value === "string") return isWithin && !value.startsWith("…") ? `'${value}'` : value;
  if (WORDS.has(value)) return WORDS.get(value);
  if (typeof value === "number") return String(Number(value.toPrecision(7))); // of a float32: 0.10000000149011612
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map((each) => settingText(each, true)).join(", ")}]`;
  const pairs = (entries, sign) => entries.map(([name, each]) => name + sign + settingText(each, true)).join(", ");
  if (!isMade(value)) return `{${pairs(Object.entries(value), ": ")}}`;
  return value.class_name === "DTypePolicy" ? String(value.config.name) : `${value.class_name}(${pairs(givenTo(value), "=")})`;
}

// What stands beside a setting's name: objects by name and class in a list, what is long in rows of its own.
function settingView(value) {
  const isList = Array.isArray(value),
    text = settingText(value);
  if (isList && value.some(isMade)) return value.map((each) => el("div", {}, isMade(each) ? namedObject(each) : clean(settingText(each), LONGEST_VALUE)));
  if (typeof value !== "object" || value === null || isList || !Object.keys(value).length) return clean(text, LONGEST_VALUE);
  if (!isMade(value)) return settingRows(Object.entries(value));
  return text.length > LONGEST_IN_LINE && givenTo(value).length ? [el("div", {}, clean(value.class_name, 60)), settingRows(givenTo(value))] : clean(text, LONGEST_VALUE);
}

function namedObject(value) {
  const { name } = value.config;
  return typeof name === "string" && name ? `${clean(name, 60)}: ${clean(value.class_name, 60)}` : clean(settingText(value), LONGEST_VALUE);
}

const settingRows = (entries) => el("dl", { class: "facts mono" }, entries.map(settingRow));

// Names and values in two columns; what an object was given has both, below its name and class (by its style).
function settingRow([name, value]) {
  const parts = [settingView(value)].flat().map((part) => (typeof part === "string" ? breakable(part) : part));
  return [el("dt", { title: name.slice(0, 200) }, breakable(clean(name, 40))), el("dd", {}, parts)];
}

// A text that may go on in the next line behind an underscore, rather than within a word.
const breakable = (text) => text.split(/(?<=_)(?=[^_])/u).flatMap((part, i) => (i ? [el("wbr", {}), part] : [part]));

// Many that are None, as layers have, are in one row.
export function settingsTable(settings) {
  const shown = Object.entries(settings).filter(([name]) => name !== "name"),
    unset = shown.filter(([, value]) => value === null).map(([name]) => name),
    isMany = unset.length > FEW_UNSET;
  if (!shown.length) return null;
  return settingRows(isMany ? [...shown.filter(([, value]) => value !== null), ["None", unset.join(", ")]] : shown);
}

// The call of an optimizer that ran an update; nothing for other ops.
export const optimizerOf = (model, op) => (op.phase === "update" ? model.ancestors(op.scope).find(({ kind }) => kind === "optimizer") : undefined);

// The learning rate of such a call, as a number; undefined where it wasn't recorded.
export function learningRateOf(scope) {
  const { learning_rate: rate, current_learning_rate: current } = scope.config();
  return [current, rate].find((each) => typeof each === "number");
}

// The optimizers of a step with their learning rates, as rows of its panel.
export function learningRates({ model, selection }) {
  const calls = new Map(selection.ops.map((op) => [optimizerOf(model, op), op]).filter(([scope]) => scope));
  return [...calls].map(([scope, op]) => [learningRateOf(scope), model.titleOfCall(scope, [op.id])]).filter(([rate]) => rate !== undefined)
    .map(([rate, title], _, all) => ["learning rate", all.length > 1 ? `${settingText(rate)} (${title})` : settingText(rate)]);
}

// All settings as text, as the search finds them.
export const settingsSaid = (scope) => Object.entries(scope.config()).map(([name, value]) => `${name}: ${settingText(value)}`).join(", ");

// The settings of the optimizer that ran an update, its learning rate among them; null for other ops.
export function settingsOfOptimizer(model, op) {
  const scope = optimizerOf(model, op);
  return scope ? section(["Settings of the optimizer", el("small", {}, clean(scope.cls || scope.label, 40))], settingsTable(scope.config())) : null;
}
