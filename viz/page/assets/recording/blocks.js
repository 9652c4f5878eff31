// The tree of a step, as viz/page/tree_columns.py wrote it: blocks that open, and rows of boxes. Equal parts are there
// twice, each once and all as one block; here the reader's choice is made between the two.

import { retimed, timeOf } from "./usual_times.js";

class Block {
  constructor(model, columns, n) {
    Object.assign(this, { model, columns, n });
    const kind = model.text(columns.kind[n]); // "scope", "group", "repeat" (of equal neighbours) or "run" (of parts)
    this.makesTerms = kind === "terms"; // of the loss, from weights alone, as penalties
    this.isTerms = this.makesTerms || kind === "sum"; // these, or what adds them up: scopes that no call is
    this.kind = this.isTerms ? "scope" : kind;
    const scope = columns.scope[n];
    this.scope = scope === null ? null : model.scopes[scope];
    this.title = model.text(columns.title[n]);
    this.need = columns.need[n]; // the depth from which it is open at first, null for never
    this.repeats = columns.repeats[n];
    this.parts = columns.children[n]; // as written
    this.folded = columns.folded[n];
    this.children = []; // blocks and rows
    this.unfoldable = null; // for a folded run, the key under which it can be unfolded
  }

  // Is it layers that follow each other as one, such as a convolution with its normalization and activation?
  get isChain() {
    return this.kind === "group" && this.said("part").startsWith("→");
  }

  // What its frame is called while it is open: a chain of layers, which as a box is called as the first, is not as that in it.
  get titleOfFrame() {
    return this.isChain ? `${this.parts[0].title} … ${this.parts.at(-1).title}` : this.title;
  }

  // Most are never looked at, so what they say is read when it is asked for.
  said(name) {
    return this.model.text(this.columns[name][this.n]);
  }

  saidAll(name) {
    return this.columns[name][this.n].map(this.model.text);
  }

  get figures() {
    const [ops, backwardOps, flops, activations, gradient] = this.columns.figures[this.n];
    return { ops, backwardOps, forward: timeOf(this.model, this.ownOps), backward: timeOf(this.model, this.backOps), flops, activations, gradient };
  }

  // The ops of its rows with the changes in place beside them, and those that compute their gradients.
  get ownOps() {
    return rowsIn(this).flatMap((row) => [...row.ops, ...row.riders]);
  }

  get backOps() {
    return rowsIn(this).flatMap((row) => row.back.flatMap(({ ops }) => ops));
  }

  get cost() {
    return retimed(this.model, this.said("cost"), this.ownOps);
  }

  // What it took forward and backward, in words.
  get spent() {
    const [forward, backward, together] = this.saidAll("spent");
    return [retimed(this.model, forward, this.ownOps), retimed(this.model, backward, this.backOps), together];
  }

  // Of each pass that computes gradients in it, the ops, what their box says, and which it is.
  get back() {
    const found = this.columns.back[this.n],
      passes = found.map(([, pass]) => pass),
      ops = found.map(() => []);
    for (const each of rowsIn(this).flatMap((row) => row.back)) ops[Math.max(0, passes.indexOf(each.pass))].push(...each.ops);
    return backBoxes(this.model, found, (n) => ops[n]);
  }

  // What updates the weights in it; 0 where nothing does.
  get update() {
    const ops = rowsIn(this).flatMap((row) => (row.update ? row.update.ops : []));
    return ops.length ? updateBox(this.model, [ops, ...this.columns.update[this.n]]) : 0;
  }

  get params() {
    return this.columns.params[this.n];
  }

  get names() {
    return this.saidAll("names");
  }
}

class Row {
  constructor(model, columns, n) {
    Object.assign(this, { model, columns, n });
    this.ops = columns.ops[n]; // equal ones, of which the first is shown
    this.riders = columns.riders[n] || []; // changes in place beside them (moving averages, seeds)
  }

  get cost() {
    return retimed(this.model, this.model.text(this.columns.cost[this.n]), [...this.ops, ...this.riders]);
  }

  get weights() {
    return weightsBox(this.model, this.columns.weights[this.n]);
  }

  get update() {
    return updateBox(this.model, this.columns.update[this.n]);
  }

  // For each pass its backward ops, what their box says, and its number.
  get back() {
    const found = this.columns.back[this.n] || [];
    return backBoxes(this.model, found.map(([, ...said]) => said), (n) => found[n][0]);
  }

  // What the user's code calls that which the op drew at random; "" for others.
  get kept() {
    return this.model.text(this.columns.kept[this.n]);
  }

  // Which part of a tensor the op takes, or the number that stands beside it; "" for ops that do something else.
  get taken() {
    return this.model.text(this.columns.taken[this.n]);
  }

  // What it makes that gradients are asked of; "" for ops that make nothing of the kind.
  get made() {
    return this.model.text(this.columns.made[this.n]);
  }

  get isFused() {
    return this.columns.opens[this.n] !== 0;
  }

  // What a fused op says as a box and as a frame, and what stands beside each of its parts.
  get opens() {
    const { model } = this,
      [names, forward, backward, together, memory, beside] = this.columns.opens[this.n];
    return {
      names: model.text(names),
      spent: [retimed(model, model.text(forward), [...this.ops, ...this.riders]), retimed(model, model.text(backward), this.back.flatMap(({ ops }) => ops)), model.text(together)],
      memory: model.text(memory),
      beside: beside.map(([weights, update]) => [weightsBox(model, weights), updateBox(model, update)]),
    };
  }
}

const weightsBox = ({ text }, found) =>
  found && { ids: found[0], title: text(found[1]), lines: found[2].map(text) };
const backBoxes = (model, passes, opsOf) =>
  passes.map(([cost, pass, name], n) => ({
    ...{ ops: opsOf(n), cost: retimed(model, model.text(cost), opsOf(n)), pass, name: model.text(name) },
  }));
const updateBox = (model, found) => {
  if (!found) return found;
  const [ops, title, cost, ...lines] = found;
  return { ops, title: model.text(title), cost: retimed(model, model.text(cost), ops), lines: lines.map(model.text) };
};

// The blocks and rows of a tree, all that there are; `keys` are the same from run to run, so that what is open stays
// open and links stay valid.
export function readTree(model, columns) {
  const blocks = columns.blocks.kind.map((_, n) => new Block(model, columns.blocks, n)),
    rows = columns.rows.ops.map((_, n) => new Row(model, columns.rows, n));
  for (const block of blocks) {
    block.parts = block.parts.map((child) => (child < 0 ? blocks[-child] : rows[child]));
    if (block.kind === "run") block.folded = blocks[block.folded];
  }
  blocks[0].key = blocks[0].base = "";
  const waiting = [blocks[0]]; // not in the order they are written in: what is in a run may stand behind what is in that
  while (waiting.length) {
    const block = waiting.pop();
    const names = new Map(); // of fused ops, and how many of this name there are
    for (const row of block.parts.filter((child) => child.isFused)) {
      const { name } = model.ops[row.ops[0]];
      names.set(name, (names.get(name) || 0) + 1);
      row.key = `${block.base}/◦${name}#${names.get(name)}`;
    }
    for (const child of block.folded ? [...block.parts, block.folded] : block.parts) {
      if (!isBlock(child)) continue;
      child.key = `${child.kind === "group" ? block.key : block.base}/${child.said("part")}`;
      child.base = child.kind === "scope" ? child.key : block.base; // where the keys of scopes in it begin
      waiting.push(child);
    }
    if (block.kind === "run") block.folded.unfoldable = block.key;
  }
  return blocks;
}

export const isBlock = (child) => child instanceof Block;

// Gives all blocks their children: runs are folded but where `unfolded` has their key.
export function chooseParts(blocks, isFolded) {
  const chosen = (child) =>
    child.kind !== "run" ? [child] : isFolded(child) ? [child.folded] : child.parts.flatMap(chosen);
  for (const block of blocks) block.children = block.parts.flatMap(chosen);
}

// What opens in a run as one block and what shows the same in its parts, as pairs of keys.
function equalsIn({ folded, parts }, found = []) {
  const isRepeat = folded.kind === "repeat",
    each = isRepeat ? parts.flatMap(withoutGroups) : parts,
    ofAll = isRepeat ? folded.parts.flatMap(withoutGroups) : [folded],
    whole = isRepeat ? parts.filter((part) => isOfNeighbours(part) && withoutGroups(part).length === ofAll.length) : [];
  each.forEach((part, i) => equalKeys(ofAll[i % ofAll.length], part, found));
  found.push(...whole.map(({ key }) => [folded.key, key]));
  return found;
}

// Where parts are drawn one by one, neighbours are put into other groups, but layers into the same chains.
const isOfNeighbours = (part) => isBlock(part) && part.kind === "group" && part.said("part").startsWith("≡");
const withoutGroups = (part) => (isOfNeighbours(part) ? part.parts.flatMap(withoutGroups) : [part]);

function equalKeys(one, other, found) {
  if (one === undefined || isBlock(one) !== isBlock(other)) return;
  if (one.key && other.key) found.push([one.key, other.key]); // of ops, only fused ones have one
  if (!isBlock(one)) return;
  if (one.folded && other.folded) equalKeys(one.folded, other.folded, found);
  one.parts.forEach((part, i) => i < other.parts.length && equalKeys(part, other.parts[i], found));
}

// The keys of what is open once some runs are folded and others unfolded, so that it shows what it did.
export function openAsBefore(open, folded, unfolded) {
  const pairs = [...folded.flatMap((run) => equalsIn(run).map(([one, each]) => [each, one])), ...unfolded.flatMap((run) => equalsIn(run))],
    both = new Set(pairs.filter(([from, to]) => from === to).map(([key]) => key)), // the first part may have the key of all
    made = new Set(pairs.map(([, to]) => to)),
    found = new Set([...open].filter((key) => both.has(key) || !made.has(key)));
  for (let count = -1; count < found.size; ) {
    count = found.size; // again for runs within runs
    for (const [from, to] of pairs) if (found.has(from)) found.add(to);
  }
  return found;
}

// All rows in a block.
export function rowsIn(block, found = []) {
  for (const child of block.children) {
    if (isBlock(child)) rowsIn(child, found);
    else found.push(child);
  }
  return found;
}

// The ids of all ops in a block, folded ones too.
export const opsIn = (block) => rowsIn(block).flatMap((row) => row.ops);
