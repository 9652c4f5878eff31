// What the reader has chosen, and what follows from it: which blocks are open.

import { isBlock } from "../recording/blocks.js";

export const VIEWS = ["both", "forward", "backward"];

export function freshState() {
  return {
    step: null,
    compared: null, // another step, with which the one that is shown is compared
    view: "both",
    color: "op",
    times: "median", // of TIMES: which the graph and the lists tell where a step is one of several
    fold: true,
    unfolded: new Set(),
    open: null, // keys of open blocks; null: as many as fit
    selected: null, // see app/chosen.js
    lineage: null, // "ancestors", "descendants", "both" or "flaw"
    query: "",
    tab: "timeline",
    dock: true,
    panel: true,
  };
}

// The keys of what is open when everything is open down to `depth`: blocks, and at last the parts of fused ops, and what
// is closed at first, such as metrics.
export function openTo(index, depth) {
  const all = depth > deepestBlock(index),
    found = new Set(all ? index.opening.keys() : []);
  for (const block of index.blocks.values()) if (isClosedAtFirst(block) ? all : block.need <= depth) found.add(block.key);
  return found;
}

const deepestBlock = ({ blocks }) => Math.max(0, ...[...blocks.values()].map(({ need }) => need));
const isClosedAtFirst = ({ need }) => need === null;
export const deepest = (index) =>
  deepestBlock(index) + (index.opening.size || [...index.blocks.values()].some(isClosedAtFirst) ? 1 : 0);

// All blocks of a tree by key with those around them; and for each op the row that shows it, and the block around that.
export function indexBlocks(root) {
  const blocks = new Map(),
    around = new Map(),
    rows = new Map(),
    opening = new Map(), // fused ops, which open into their parts, by key
    parents = new Map();
  const walk = (block) => {
    blocks.set(block.key, block);
    for (const child of block.children) {
      if (isBlock(child)) {
        parents.set(child.key, block.key);
        walk(child);
        continue;
      }
      if (child.isFused) opening.set(child.key, child);
      const partners = [child.update, ...child.back].flatMap((box) => (box ? box.ops : []));
      for (const op of [...child.ops, ...child.riders, ...partners]) {
        around.set(op, block.key);
        rows.set(op, child);
      }
    }
  };
  walk(root);
  return { blocks, around, rows, opening, parents };
}
