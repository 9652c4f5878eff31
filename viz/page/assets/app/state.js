// What the reader has chosen, and what follows from it: which blocks are open.

const VIEWS = ["both", "forward", "backward"];

function freshState() {
  return {
    step: null,
    view: "both",
    color: "op",
    fold: true,
    unfolded: new Set(),
    open: null, // keys of open blocks; null: as many as fit
    selected: null, // {kind: "op" | "scope" | "tensor" | "node", ...}
    lineage: null, // "ancestors", "descendants", "both" or "flaw"
    query: "",
    tab: "timeline",
    dock: true,
    panel: true,
  };
}

// The keys of the blocks that are open when everything is open down to `depth`.
const openTo = ({ blocks }, depth) =>
  new Set([...blocks.values()].filter(({ need }) => need !== null && need <= depth).map(({ key }) => key));

const deepest = ({ blocks }) => Math.max(0, ...[...blocks.values()].map(({ need }) => need));

// All blocks of a tree by key with those around them; and for each op the row that shows it, and the block around that.
function indexBlocks(root) {
  const blocks = new Map(),
    around = new Map(),
    rows = new Map(),
    parents = new Map();
  const walk = (block) => {
    blocks.set(block.key, block);
    for (const child of block.children) {
      if (isBlock(child)) {
        parents.set(child.key, block.key);
        walk(child);
        continue;
      }
      const partners = [child.update, child.back].flatMap((box) => (box ? box.ops : []));
      for (const op of [...child.ops, ...child.riders, ...partners]) {
        around.set(op, block.key);
        rows.set(op, child);
      }
    }
  };
  walk(root);
  return { blocks, around, rows, parents };
}
