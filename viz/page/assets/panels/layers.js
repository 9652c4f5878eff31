// The table of layers of a step: shapes, weights, FLOPs, times, memory, gradients; sorted by any column.

import { selectionOfCall } from "../app/chosen.js";
import { button, el, notice } from "../app/dom.js";
import { NARROW } from "../app/viewer.js";
import { isBlock } from "../recording/blocks.js";
import { amount, clean, nbytes, percent, seconds, short } from "../recording/formatting.js";
import { gradientSizes } from "../recording/gradient_sizes.js";
import { push } from "../recording/selection.js";
import { timeOf, toldTime } from "../recording/usual_times.js";
import { MEANINGS } from "./panel.js";
import { wholeTime } from "./times.js";

const LAYER_COLUMNS = [
  ["layer", (row) => row.name, null],
  ["class", (row) => row.cls, null],
  ["output shape", (row) => row.shape, null],
  ["parameters", (row) => row.params, amount],
  ["ops", (row) => row.ops, amount],
  ["FLOPs", (row) => row.flops || null, short],
  ["forward", (row) => row.forward || null, seconds],
  ["backward", (row) => row.backward || null, seconds],
  ["% of time", (row) => row.share || null, percent],
  ["activations", (row) => row.activations || null, nbytes],
  ["|gradient|", (row) => row.gradient, (gradient) => gradient.text],
];

const MOST_ROWS_IN_TABLE = 1500;

export class LayerTable {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "layers", title: "Layers", by: null, down: true });
    this.node = el("div", { class: "layers" });
  }

  get note() {
    const { timesOf } = this.viewer.selection;
    return timesOf && `times: ${timesOf}`;
  }

  show() {
    if (this.made !== this.viewer.selection) {
      this.made = this.viewer.selection;
      this.rows = layerRows(this.viewer);
      this.total = totalOfRows(this.viewer);
    }
    if (!this.rows.length)
      this.node.replaceChildren(notice("No layers here", "The ops of this step ran outside of layers and models."));
    else this.draw();
  }

  draw() {
    const of = this.by === null ? null : LAYER_COLUMNS[this.by][1];
    const rows = of === null ? this.rows : [...this.rows].sort((a, b) => this.compare(of(a), of(b)));
    const known = LAYER_COLUMNS.filter((column, i) => i < 3 || this.rows.some((row) => column[1](row) !== null));
    const [name, ...rest] = known,
      text = rest.filter((column) => !column[2]); // in little room the numbers come first
    const shown = matchMedia(NARROW).matches ? [name, ...rest.filter((column) => column[2]), ...text] : known;
    const head = shown.map((column) => {
      const at = LAYER_COLUMNS.indexOf(column),
        sorted = this.by === at ? (this.down ? "descending" : "ascending") : "none";
      return el(
        "th",
        { scope: "col", "aria-sort": sorted, class: column[2] ? "right" : "" },
        button(column[0] + (sorted === "none" ? "" : this.down ? " ▾" : " ▴"), ["sort by ", column[0], column[0] === "% of time" ? ` (of ${wholeTime(this.viewer).join(": ")})` : "", this.meaningOf(column[0])].join(""), () => this.sort(at), { class: "link" }),
      );
    });
    this.lines = new Map();
    const body = rows.slice(0, MOST_ROWS_IN_TABLE).map((row) => {
      const line = el(
        "tr",
        { tabindex: 0, onclick: () => this.go(row), onkeydown: (event) => event.key === "Enter" && this.go(row) },
        shown.map((column, i) => {
          const style = i === 0 && of === null ? `padding-left:${10 + row.level * 14}px` : null;
          return el("td", { class: column[2] ? "right" : "", style }, this.words(column, row));
        }),
      );
      if (row.key !== null) this.lines.set(row, line);
      return line;
    });
    const more = rows.length - MOST_ROWS_IN_TABLE;
    if (more > 0) body.push(el("tr", {}, el("td", { colspan: shown.length }, `${amount(more)} more: sort to see others first, or search`)));
    const foot = shown.map((column) => el("td", { class: column[2] ? "right" : "" }, this.words(column, this.total)));
    this.node.replaceChildren(
      el("table", { class: "sortable" }, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body), el("tfoot", {}, el("tr", {}, foot))),
    );
    this.select();
  }

  words([, value, format], row) {
    const found = value(row);
    return found === null || found === undefined ? "" : format ? format(found) : clean(found, 50);
  }

  meaningOf(name) {
    const isOfForward = name === "FLOPs" || (name === "ops" && !this.viewer.selection.backward),
      meaning = [isOfForward && "those of the forward pass", MEANINGS[name]].filter(Boolean).join("; ");
    return meaning ? ` (${meaning})` : "";
  }

  compare(a, b) {
    if (a === b) return 0;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    return (a < b ? 1 : -1) * (this.down ? 1 : -1);
  }

  sort(at) {
    // down, up, and in the order of execution again
    if (this.by !== at) [this.by, this.down] = [at, LAYER_COLUMNS[at][2] !== null];
    else if (this.down === (LAYER_COLUMNS[at][2] !== null)) this.down = !this.down;
    else this.by = null;
    this.draw();
  }

  go({ key, scope, updates }) {
    if (!updates) this.viewer.select(scope ? selectionOfCall(this.viewer, scope) : { kind: "scope", key });
    else this.viewer.select(updates.length > 1 ? { kind: "ops", id: updates[0], ids: updates } : { kind: "op", id: updates[0] });
  }

  select() {
    const { selected } = this.viewer.state,
      isOf = ({ key, scope }) => (selected.call === undefined ? selected.key === key : scope?.id === selected.call);
    for (const [row, line] of this.lines || []) line.classList.toggle("chosen", selected?.kind === "scope" && isOf(row));
  }
}

export const OUTSIDE_OF_LAYERS = "outside of layers";

// One row for each block of the tree that is a scope, what is folded into it counted with it, or for terms of a loss, as
// penalties; equal parts that are drawn once have their own. Behind those within another, or of all, one for what ran between them, so that rows add up.
function layerRows({ model, selection, index }) {
  const whole = selection.time || 1,
    optimizers = selection.backward ? optimizerRows(model, selection, whole) : [],
    updated = new Set(optimizers.flatMap(({ updates }) => updates)),
    rows = [];
  const walk = (block, level) => {
    const within = rowsBelow(block);
    if (level >= 0) rows.push(rowOfBlock(model, selection, block, level, whole));
    const from = rows.length;
    for (const each of within) walk(each, level + 1);
    if (!within.length && level >= 0) return;
    if (level < 0) rows.push(...optimizers);
    const counted = rows.slice(from).filter((row) => row.level === level + 1),
      inRows = new Set([...within.flatMap(idsOf), ...(level < 0 ? updated : [])]),
      all = level < 0 && selection.backward ? selection.ops.map(({ id }) => id) : idsOf(block);
    rows.push(...restOfRows(model, all.filter((id) => !inRows.has(id)), sumsBeside(block, counted), level + 1, whole));
  };
  const idsOf = (block) => [...block.ownOps, ...(selection.backward ? block.backOps : [])];
  walk(index.blocks.get(""), -1);
  return rows;
}

const hasRow = ({ scope, isTerms }) => Boolean(scope) || isTerms;

// The outermost blocks within one that have rows: each layer by itself, also where the graph draws equal ones once.
const rowsBelow = (block) => block.parts.flatMap(eachPart).filter(isBlock).flatMap((child) => (hasRow(child) ? [child] : rowsBelow(child)));
const eachPart = (part) => (part.kind === "run" ? part.parts.flatMap(eachPart) : [part]);

function rowOfBlock(model, selection, block, level, whole) {
  const { ops, backwardOps, forward, flops, activations } = block.figures,
    { scope } = block,
    backward = selection.backward ? block.figures.backward : 0,
    shape = (scope?.outputs ?? []).slice(0, 3).map((t) => model.tensors[t].shapeName);
  return {
    ...{ key: block.key, scope, level, name: scope ? model.titleOfCall(scope, block.ownOps) : block.title, cls: scope ? scope.cls || scope.kind : "", params: scope ? block.params : null },
    ...{ shape: shape.join(", "), ops: ops + (selection.backward ? backwardOps : 0), flops, forward, backward, activations },
    ...{ gradient: scope && selection.backward ? gradientOfWeights(model, selection, block) : null, share: (forward + backward) / whole },
  };
}

// What a block takes beside some rows within it.
function sumsBeside({ figures }, counted) {
  const less = (name) => figures[name] - counted.reduce((sum, row) => sum + (row[name] ?? 0), 0);
  return { flops: less("flops"), activations: less("activations") };
}

// A row for ops outside of layers; none where there are none.
function restOfRows(model, ids, sums, level, whole) {
  const of = (isBackward) => timeOf(model, ids.filter((id) => (model.ops[id].phase === "backward") === isBackward)),
    [forward, backward] = [of(false), of(true)],
    nothing = { key: null, cls: "", params: null, shape: "", gradient: null };
  return ids.length ? [{ ...nothing, ...sums, name: OUTSIDE_OF_LAYERS, level, ops: ids.length, forward, backward, share: (forward + backward) / whole, updates: ids }] : [];
}

// The size of the gradients of all weights that a block reads, each once: of one that other calls read, too, the whole
// gradient, as its own panel tells. Null where one wasn't measured; NaN is more than any number.
function gradientOfWeights(model, { here }, block) {
  if (block.figures.gradient === null) return null;
  const weights = new Map(block.ownOps.flatMap((id) => model.ops[id].inputs).map((t) => [model.variables.get(t), t]));
  weights.delete(undefined);
  const sizes = gradientSizes(model, [...weights.values()], here),
    [{ size } = {}] = sizes;
  return sizes.length ? { text: sizes.map(({ text }) => text).join("; "), valueOf: () => (Number.isNaN(size) ? Infinity : size ?? 0) } : null;
}

// What optimizers took beside the layers, so that the shares of the time add up.
function optimizerRows(model, { ops }, whole) {
  const found = new Map();
  for (const op of ops.filter(({ phase }) => phase === "update")) {
    const scope = model.ancestors(op.scope).find(({ kind }) => kind === "optimizer");
    if (scope) push(found, scope, op);
  }
  return [...found].map(([scope, updates]) => ({
    ...{ key: null, level: 0, name: scope.label || scope.cls, cls: scope.cls, params: null, shape: "", ops: updates.length, flops: null },
    ...{ forward: toldTime(model, updates), backward: null, activations: null, gradient: null },
    ...{ share: toldTime(model, updates) / whole, updates: updates.map(({ id }) => id) },
  }));
}

// The last line: all of the step, whatever the rows are sorted by.
function totalOfRows({ model, selection, index }) {
  const ops = selection.backward ? selection.ops : index.blocks.get("").ownOps.map((id) => model.ops[id]),
    { flops, activations } = index.blocks.get("").figures,
    of = (isBackward) => toldTime(model, ops.filter(({ phase }) => (phase === "backward") === isBackward)),
    [forward, backward] = [of(false), of(true)],
    total = { name: "total", cls: "", shape: "", params: null, gradient: null, level: 0 };
  return { ...total, ops: ops.length, flops, forward, backward, activations, share: (forward + backward) / (selection.time || 1) };
}
