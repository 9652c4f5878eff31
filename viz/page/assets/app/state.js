// What the reader has chosen, and what follows from it: which blocks are open.

const VIEWS = ["both", "forward", "backward"];
const CLOSED_AT_FIRST = new Set(["metric", "optimizer", "data"]);
const MOST_ROWS = 48; // as many rows of boxes are shown at first

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

const isFrame = (child) => typeof child !== "number";

function levelsOf(block) {
  let deepest = 0;
  for (const child of block.children) {
    if (isFrame(child)) deepest = Math.max(deepest, levelsOf(child) + (child.scope || child.isGroup ? 1 : 0));
  }
  return deepest;
}

function rowsAt(block, depth, level = 0) {
  let rows = 0;
  for (const child of block.children) {
    if (!isFrame(child) || !opensAt(child, depth, level + 1)) rows += 1;
    else rows += rowsAt(child, depth, level + (child.scope || child.isGroup ? 1 : 0));
  }
  return rows;
}

function opensAt(block, depth, level) {
  if (!block.scope && !block.isGroup) return true; // a folded run
  return level <= depth && !CLOSED_AT_FIRST.has(block.kind);
}

// The keys of the blocks that are open when everything is open down to `depth`.
function openTo(block, depth, level = 0, found = new Set()) {
  for (const child of block.children) {
    if (isFrame(child) && opensAt(child, depth, level + 1)) {
      found.add(child.key);
      openTo(child, depth, level + (child.scope || child.isGroup ? 1 : 0), found);
    }
  }
  return found;
}

// The greatest depth of which at most `MOST_ROWS` rows are seen.
function fittingDepth(root) {
  let depth = levelsOf(root);
  while (depth > 0 && rowsAt(root, depth) > MOST_ROWS) depth -= 1;
  return depth;
}

// All blocks of a tree by key, and for each op the innermost block around it.
function indexBlocks(root) {
  const blocks = new Map(),
    around = new Map(),
    parents = new Map();
  const walk = (block) => {
    blocks.set(block.key, block);
    for (const child of block.children) {
      if (isFrame(child)) {
        parents.set(child.key, block.key);
        walk(child);
      } else around.set(child, block.key);
    }
  };
  walk(root);
  return { blocks, around, parents };
}
