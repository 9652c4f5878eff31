// What differs from another recording: added, removed and changed ops, the first differing value, times and memory.

import { button, el, segments } from "../app/dom.js";
import { amount, clean, counted, nbytes, percent, seconds, short, threeDigits } from "../recording/formatting.js";
import { push } from "../recording/selection.js";
import { chooseCompared, comparableWith, compareWith } from "../recording/step_changes.js";
import { medianOf, usualTime } from "../recording/usual_times.js";
import { placeOfWeight } from "../recording/weights.js";
import { OUTSIDE_OF_LAYERS } from "./layers.js";
import { section } from "./panel.js";

const MOST_CHANGES = 500; // rows
const MOST_TOLD = 4; // differences of several ops, in the panel of their box

export class Changes {
  constructor(model, diff) {
    Object.assign(this, { model, diff });
    this.kinds = new Map();
    this.texts = new Map();
    this.spans = new Map(); // what ops took before and now, in words
    this.took = new Map(); // and as numbers
    this.gone = new Map();
    this.tensors = new Map();
    for (const change of diff.ops) {
      if (change.b !== null) {
        this.kinds.set(change.b, change.kind);
        push(
          this.texts,
          change.b,
          change.kind === "added" ? `only here: the other ${diff.isOfSteps ? "step" : "recording"} doesn't have it` : change.what.join("; "),
        );
      } else if (change.before !== null)
        this.gone.set(change.before, (this.gone.get(change.before) || 0) + 1);
    }
    if (diff.first && diff.first.b !== null) {
      this.kinds.set(diff.first.b, "first");
      push(this.texts, diff.first.b, `the first to differ: ${diff.first.what}`);
    }
    for (const [op, at, kind, text] of diff.tensors) this.tensors.set(this.firstOf(model.ops[op].inputs[at]), { kind, text });
    diff.times.forEach(([b, time]) => {
      const now = model.ops[b] && (diff.isOfSteps ? model.ops[b].took : usualTime([model.ops[b]]));
      if (!now || !time) return;
      this.took.set(b, [time, now]);
      this.spans.set(b, `${seconds(time)} → ${seconds(now)} (${signed(now - time, seconds)})`);
    });
  }

  // The first op of the page in which something differs, null where nothing does.
  get firstOp() {
    const { diff } = this,
      change = diff.ops.find(({ b, before }) => (b ?? before) !== null);
    if (diff.first && diff.first.b !== null) return diff.first.b;
    return change ? (change.b ?? change.before) : null;
  }

  kindOf(op) {
    return this.kinds.get(op) || null;
  }

  // A weight is the same in all of its versions.
  firstOf(tensor) {
    return this.model.variables.get(tensor) ?? tensor;
  }

  // What a box stands for: its own weights or input, and of a closed layer those that it reads.
  kindOfBox({ kind, ops, variables = [], tensor }) {
    const read = kind === "scope" ? ops.flatMap((op) => this.model.ops[op].inputs) : [...variables, tensor],
      found = [...ops.map((op) => this.kindOf(op)), ...read.map((id) => this.tensors.get(this.firstOf(id))?.kind)];
    return ["first", "added", "changed"].find((each) => found.includes(each));
  }

  goneBefore(op) {
    return this.gone.get(op) || 0;
  }

  // A path of layers as the rest of the page writes it: the comparison has their own names.
  pathAs(path) {
    if (!this.paths) {
      this.paths = new Map();
      for (const { id, label } of this.model.scopes) {
        const around = label ? this.model.ancestors(id).filter((scope) => scope.label).reverse() : [],
          own = around.map(({ name }) => name).join("/");
        if (own && !this.paths.has(own)) this.paths.set(own, around.map(({ shown }) => shown).join(" / "));
      }
    }
    return this.paths.get(path) ?? path.replaceAll("/", " / ");
  }

  // What an op of either recording is called, and where it is: as everywhere, where the page shows it.
  titleOf({ b, op }) {
    return b === null ? op : this.model.titleOf(this.model.ops[b]);
  }

  placeOf({ b, layer }) {
    return (b !== null && this.model.ownerOf(this.model.ops[b])) || this.pathAs(layer);
  }

  about(op) {
    return [...(this.texts.get(op) || []), ...(this.spans.has(op) ? [this.spans.get(op)] : [])];
  }

  // How some ops differ, but for times: what is true of all of them as it is, else with the names of those, or how many
  // they are. Updates are called by what they change.
  aboutOps(ids) {
    const { model } = this,
      told = new Map(),
      nameOf = (op) => model.changedBy(op).map((id) => placeOfWeight(model, id).name).join(", ") || model.titleOf(op),
      isOne = new Set(ids.map((id) => nameOf(model.ops[id]))).size === 1;
    for (const id of ids) for (const text of this.texts.get(id) || []) push(told, text, nameOf(model.ops[id]));
    const found = [...told].map(([text, names]) => {
      if (names.length === ids.length) return text;
      return `${isOne ? `${amount(names.length)} of ${amount(ids.length)} ops` : [...new Set(names)].join(", ")}: ${text}`;
    });
    return found.length > MOST_TOLD ? [...found.slice(0, MOST_TOLD), `and ${amount(found.length - MOST_TOLD)} more, in the rows below`] : found;
  }

  // How one of several weights or inputs differs, each with its name.
  aboutTensors(ids) {
    const told = ids.map((id) => [id, this.tensors.get(this.firstOf(id))]).filter(([, known]) => known),
      name = (id) => (ids.length > 1 ? `${placeOfWeight(this.model, id).name}: ` : "");
    return told.map(([id, { text }]) => name(id) + text);
  }
}

export const signed = (number, format) => `${number < 0 ? "−" : "+"}${format(Math.abs(number))}`;

export class ChangeList {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "changes", title: "Compare", kind: "all" });
    this.node = el("div", { class: "changes" });
  }

  get isUseful() {
    return Boolean(this.viewer.difference) || comparableWith(this.viewer).length > 0;
  }

  // While nothing is compared: which step the shown one is to be compared with.
  ask() {
    const { model, state } = this.viewer;
    this.node.replaceChildren(
      el("p", { class: "summary" }, "Compare ", el("strong", {}, model.stepName(state.step)), " with ", chooseCompared(this.viewer)),
      el("p", { class: "remark" }, "This tells which ops ran in one of them alone or otherwise, which took longer, by layer and by op, and how gradients changed."),
    );
  }

  show() {
    if (!this.viewer.difference) {
      this.ask();
      return;
    }
    const { diff } = this.viewer.difference,
      count = (kind) => diff.ops.filter((change) => change.kind === kind).length;
    const kinds = [["all", `all ${amount(diff.ops.length)}`], ...["added", "removed", "changed"].map((kind) => [kind, `${kind} ${amount(count(kind))}`])],
      choices = segments("which", kinds, (kind) => {
        this.kind = kind;
        this.show();
      }),
      ops = diff.ops.filter((change) => this.kind === "all" || change.kind === this.kind),
      isSame = diff.isOfSteps && !diff.ops.length,
      stop = diff.isOfSteps ? button("stop comparing", "compare with no other step", () => compareWith(this.viewer, null), { class: "link" }) : "";
    choices.show(this.kind);
    const shown = [
      el("p", { class: "summary" }, el("strong", {}, clean(diff.a, 80)), " → ", el("strong", {}, clean(diff.b, 80)), diff.different ? "" : "  ·  no difference", stop),
      ...diff.notes.map((note) => el("p", { class: "remark" }, clean(note, 400))),
      diff.first ? this.firstValue(diff.first) : this.agreement(diff),
      section("Settings", diff.settings.length ? el("ul", {}, diff.settings.map((text) => el("li", {}, clean(text, 300)))) : null),
      isSame ? el("p", { class: "remark" }, "Both steps ran the same ops, on the same shapes.") : null,
      this.costs(`By layer${this.ofWhich(diff)}`, diff.layers, (name) => this.viewer.difference.pathAs(name), true),
      isSame ? null : choices,
      this.table(ops),
      this.costs(`By op${this.ofWhich(diff)}`, diff.kinds, (name) => name),
      this.weights(diff),
    ];
    this.node.replaceChildren(...shown.filter(Boolean));
  }

  firstValue(first) {
    const place = clean(this.viewer.difference.placeOf(first), 90),
      at = first.source ? `at ${clean(first.source, 100)}` : "";
    return el("p", { class: "alarm" }, "First differing value: ", this.opButton(first), ` ${place} ${at} — ${clean(first.what, 300)}`);
  }

  // A note says where nothing was compared, and why.
  agreement({ compared }) {
    const total = Object.values(compared).reduce((a, b) => a + b, 0);
    if (!total) return null;
    return el("p", { class: "remark" }, `${counted(total, "tensor")} compared, all equal within the tolerance.`);
  }

  opButton(change) {
    const title = clean(this.viewer.difference.titleOf(change), 40);
    return change.b === null ? el("span", {}, title) : button(title, null, () => this.viewer.select({ kind: "op", id: change.b }), { class: "link", "aria-label": null });
  }

  cellsOf(change) {
    const { difference } = this.viewer;
    return [change.kind, clean(difference.titleOf(change), 40), change.phase, clean(difference.placeOf(change), 90), clean(change.source, 80), clean(change.what.join("; "), 200)];
  }

  // Each change once, with how often it is there: the same op is changed in every step.
  table(all) {
    if (!all.length) return null;
    const alike = new Map();
    for (const change of all) push(alike, this.cellsOf(change).join("\n"), change);
    const row = ([change, ...others]) => {
      const times = others.length ? `  ×${amount(others.length + 1)}` : "",
        cells = this.cellsOf(change).slice(2).map((text) => el("td", {}, text));
      return el("tr", { class: change.kind }, el("td", {}, el("span", { class: `tag diff-${change.kind}` }, change.kind)), el("td", {}, this.opButton(change), times), cells);
    };
    const rows = [...alike.values()].slice(0, MOST_CHANGES).map(row),
      more = alike.size - rows.length;
    if (more) rows.push(el("tr", {}, el("td", { colspan: 6 }, `${amount(more)} more`)));
    return tableOf(["", "op", "phase", "layer", "line", "what"].map((name) => [name]), rows);
  }

  // Of how many steps the costs are: of several, as elsewhere, those of a usual one.
  ofWhich({ isOfSteps, costs_of: steps }) {
    if (isOfSteps) return "";
    if (!steps) return ", of the whole recordings";
    const words = steps.map((count) => (count > 1 ? medianOf(count) : "one step"));
    return `, ${[...new Set(words)].join(" → ")}`;
  }

  // What the other recording, or the other step of this one, is called in the heads of tables.
  other(word = "") {
    const { diff } = this.viewer.difference;
    return diff.isOfSteps ? `${word}${diff.a.replace(/ of .*/, "")}` : "before";
  }

  // What differs most first. Of a layer it is what its own ops took: those of layers within it have rows of their own.
  costs(title, costs, shown, ofLayers = false) {
    if (!costs.length) return null;
    const other = this.other("in "),
      around = new Set(ofLayers ? costs.flatMap(({ name }) => name.split("/").map((_, i, path) => path.slice(0, i).join("/"))) : []);
    const differs = costs.some((cost) => cost.memory_a !== cost.memory_b);
    const cells = ({ time_a: before, time_b: now, memory_a: made, memory_b: makes }) => [
      before || made ? seconds(before) : "–", // what isn't there took no time
      now || makes ? seconds(now) : "–",
      signed(now - before, seconds),
      grownBy(before, now),
      before || made ? nbytes(made) : "–",
      now || makes ? nbytes(makes) : "–",
      ...(differs ? [makes === made ? "" : signed(makes - made, nbytes)] : []),
    ];
    const row = (name, cost, attributes = {}) => el("tr", attributes, el("td", {}, name), cells(cost).map((text) => el("td", { class: "right" }, text))),
      named = ({ name }) => [clean(shown(name) || OUTSIDE_OF_LAYERS, 90), name && around.has(name) ? el("span", { class: "beside" }, "  without the layers in it") : null],
      names = ["", `time ${other}`, "time here", "Δ", "", `made ${other}`, "made here", ...(differs ? ["Δ"] : [])];
    return section(
      title,
      tableOf(
        names.map((name, i) => [name, i ? "right" : ""]),
        [row("in all", sumOf(costs), { class: "sum" }), ...costs.slice(0, 30).map((cost) => row(named(cost), cost))],
      ),
    );
  }

  weightAs(name) {
    const at = name.lastIndexOf("/");
    return at < 0 ? name : `${this.viewer.difference.pathAs(name.slice(0, at))} / ${name.slice(at + 1)}`;
  }

  weights({ weights }) {
    if (!weights.length) return null;
    const row = (change) =>
      el(
        "tr",
        {},
        [change.kind, clean(change.place ?? this.weightAs(change.name), 90), change.a || "–", change.b || "–", change.delta ?? farApart(change)].map((text) => el("td", {}, text)),
      );
    return section("Weights", tableOf(["", "weight", this.other(), "here", "Δ"].map((name) => [name]), weights.slice(0, 100).map(row)));
  }
}

// As a share, or from ten times on as so many times; "" of what wasn't there.
const grownBy = (before, now) => (!before || !now ? "" : now >= 10 * before ? `×${short(now / before)}` : signed((now - before) / before, percent));

const sumOf = (costs) =>
  Object.fromEntries(["time_a", "time_b", "memory_a", "memory_b"].map((figure) => [figure, costs.reduce((all, cost) => all + cost[figure], 0)]));

// With which other recording this one is compared, and what all took there and here; a click leads to what differs.
export function comparedWith(viewer) {
  const { difference } = viewer;
  if (!difference || difference.diff.isOfSteps) return null;
  const { a, layers } = difference.diff,
    { time_a: before, time_b: now } = sumOf(layers),
    name = clean(a, 60);
  return [
    button(name, "what differs", () => viewer.dock.choose("changes"), { class: "link" }),
    before && now ? `: ${seconds(before)} → ${seconds(now)} (${signed(now - before, seconds)})` : "",
  ];
}

// A table with heads, each a name and a class.
const tableOf = (heads, rows) =>
  el(
    "table",
    {},
    el("thead", {}, el("tr", {}, heads.map(([name, given = ""]) => el("th", { scope: "col", class: given }, name)))),
    el("tbody", {}, rows),
  );

// How far the values of a weight are from those on the other side, as the text of a difference tells it.
function farApart({ kind, error, changed }) {
  if (kind !== "values" || error === null || error === undefined) return "";
  return `relative difference ${threeDigits(error)}${changed ? ` in ${counted(changed, "element")}` : ""}`;
}
