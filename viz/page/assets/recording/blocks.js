// The tree of a step, as viz/page/tree_columns.py wrote it: blocks that open, and rows of boxes. Equal parts are there
// twice, each once and all as one block; here the reader's choice is made between the two.

class Block {
  constructor(model, columns, n) {
    const { text } = model,
      of = (name) => columns[name][n];
    this.kind = text(of("kind")); // "scope", "group", "repeat" (of equal neighbours) or "run": equal parts, either way
    this.part = text(of("part"));
    this.title = text(of("title"));
    this.scope = of("scope") === null ? null : model.scopes[of("scope")];
    this.need = of("need"); // the depth from which it is open at first, null for never
    this.parts = of("children"); // as written
    this.folded = of("folded");
    this.repeats = of("repeats");
    this.names = of("names").map(text);
    this.about = text(of("about"));
    this.spent = of("spent").map(text); // forward and backward
    this.lines = of("lines").map(text);
    this.cost = text(of("cost"));
    this.back = text(of("back"));
    this.update = of("update").map(text); // name and cost
    this.params = of("params");
    const [ops, backwardOps, forward, backward, flops, activations, gradient] = of("figures");
    this.figures = { ops, backwardOps, forward, backward, flops, activations, gradient };
    this.children = []; // blocks and rows
    this.unfoldable = null; // for a folded run, the key under which it can be unfolded
  }
}

class Row {
  constructor(model, columns, n) {
    const { text } = model,
      box = (found) => found && { ops: found[0], title: text(found[1]), cost: text(found[2] ?? 0) };
    this.ops = columns.ops[n]; // equal ones, of which the first is shown
    this.cost = text(columns.cost[n]);
    this.riders = columns.riders[n]; // changes in place beside them (moving averages, seeds)
    const weights = columns.weights[n];
    this.weights = weights && { ids: weights[0], title: text(weights[1]), lines: weights[2].map(text) };
    this.update = box(columns.update[n]);
    this.back = columns.back[n] && { ops: columns.back[n][0], cost: text(columns.back[n][1]) };
  }
}

// The blocks and rows of a tree, all that there are; `keys` are the same from run to run, so that what is open stays
// open and links stay valid.
function readTree(model, columns) {
  const blocks = columns.blocks.kind.map((_, n) => new Block(model, columns.blocks, n)),
    rows = columns.rows.ops.map((_, n) => new Row(model, columns.rows, n));
  blocks[0].key = blocks[0].base = "";
  for (const block of blocks) {
    block.parts = block.parts.map((child) => (child < 0 ? blocks[-child] : rows[child]));
    if (block.kind === "run") block.folded = blocks[block.folded];
    for (const child of block.folded ? [...block.parts, block.folded] : block.parts) {
      if (!isBlock(child)) continue;
      child.key = `${child.kind === "group" ? block.key : block.base}/${child.part}`;
      child.base = child.kind === "scope" ? child.key : block.base; // where the keys of scopes in it begin
    }
    if (block.kind === "run") block.folded.unfoldable = block.key;
  }
  return blocks;
}

const isBlock = (child) => child instanceof Block;

// Gives all blocks their children: runs are folded but where `unfolded` has their key.
function chooseParts(blocks, isFolded) {
  const chosen = (child) =>
    child.kind !== "run" ? [child] : isFolded(child) ? [child.folded] : child.parts.flatMap(chosen);
  for (const block of blocks) block.children = block.parts.flatMap(chosen);
}

// All rows in a block.
function rowsIn(block, found = []) {
  for (const child of block.children) {
    if (isBlock(child)) rowsIn(child, found);
    else found.push(child);
  }
  return found;
}

// The ids of all ops in a block, folded ones too.
const opsIn = (block) => rowsIn(block).flatMap((row) => row.ops);
