// The forward ops of a step as a tree of scopes. Python found the parts that repeat; they are folded here, as the reader
// may unfold some. What has too many parts to look at is divided into groups, and groups into groups.

const MOST_CHILDREN = 60,
  GROUP_SIZE = 40;

class Block {
  constructor(title, key, scope = null) {
    this.title = title;
    this.key = key; // the same from run to run, so that what is open stays open and links stay valid
    this.scope = scope;
    this.children = []; // blocks, and ids of ops
    this.runs = []; // of equal children: where each begins, how many children are a part, and how many parts there are
    this.repeats = 1;
    this.others = []; // children of equal parts that were folded away
    this.names = [];
    this.objects = 1;
    this.unfoldable = null; // for a folded run, the key under which it can be unfolded
  }

  get kind() {
    return this.scope ? this.scope.kind : "group";
  }
}

// A tree as viz/page/views.py wrote it: blocks, each before its parts; a child is the id of an op, or -n for block n.
function treeOf(model, rows) {
  const blocks = rows.map(
    ([, title, scope]) => new Block(model.text(title), "", scope === null ? null : model.scopes[scope]),
  );
  rows.forEach(([, , , runs, children], n) => {
    blocks[n].runs = runs;
    blocks[n].children = children.map((child) => {
      if (child >= 0) return child;
      blocks[-child].key = `${blocks[n].key}/${model.text(rows[-child][0])}`;
      return blocks[-child];
    });
  });
  return blocks[0];
}

// The ids of all ops in a child, folded ones too.
function leavesOf(child, found = []) {
  if (typeof child === "number") found.push(child);
  else {
    for (const each of child.children) leavesOf(each, found);
    for (const other of child.others) for (const each of other) leavesOf(each, found);
  }
  return found;
}

// Folds runs of equal parts everywhere in the tree but in `unfolded` runs; for each op that was folded away, the op
// that stands for it.
function foldTree(root, unfolded) {
  const standsFor = new Map();
  const fold = (block) => {
    for (const child of block.children) if (typeof child !== "number") fold(child);
    block.children = foldedChildren(block, standsFor, unfolded);
  };
  fold(root);
  const last = (op) => {
    while (standsFor.has(op)) op = standsFor.get(op);
    return op;
  };
  return new Map([...standsFor.keys()].map((op) => [op, last(op)]));
}

function foldedChildren(block, standsFor, unfolded) {
  const found = [],
    children = block.children;
  let done = 0;
  for (const [at, period, count] of block.runs) {
    const key = `${block.key}/×${at}`;
    if (unfolded.has(key)) continue;
    const parts = Array.from({ length: count }, (_, i) =>
      children.slice(at + i * period, at + (i + 1) * period),
    );
    const first = parts[0].flatMap((child) => leavesOf(child));
    for (const part of parts.slice(1)) {
      part
        .flatMap((child) => leavesOf(child))
        .forEach((op, i) => op !== first[i] && standsFor.set(op, first[i]));
    }
    found.push(...children.slice(done, at), repeated(parts, key));
    done = at + period * count;
  }
  return [...found, ...children.slice(done)];
}

function repeated(parts, key) {
  const [first] = parts;
  if (first.length === 1 && typeof first[0] !== "number") {
    const block = first[0];
    const owners = new Set(parts.map((part) => (part[0].scope ? part[0].scope.owner : null)));
    const shared = owners.size === 1 && !owners.has(null);
    block.names = shared ? [block.title] : parts.map((part) => part[0].title);
    block.objects *= shared ? 1 : parts.length;
    block.others.push(...parts.slice(1).map((part) => part[0].children));
    block.repeats *= parts.length;
    block.unfoldable = key;
    return block;
  }
  const made = new Block("", key);
  made.children = first;
  made.repeats = parts.length;
  made.others = parts.slice(1);
  made.names = parts
    .flat()
    .filter((child) => typeof child !== "number")
    .map((child) => child.title);
  made.unfoldable = key;
  return made;
}

// Divides blocks with very many children: by line, by function, else simply into parts, until each has few.
function groupTree(model, block) {
  for (const child of block.children) if (typeof child !== "number") groupTree(model, child);
  if (block.children.length <= MOST_CHILDREN) return;
  for (const nameOf of [lineOf, functionOf]) {
    const runs = runsBy(block.children, (child) => nameOf(model, child));
    if (runs.length > 1 && runs.length <= MOST_CHILDREN) {
      block.children = runs.map(([name, group], i) => grouped(block, name, group, i));
      block.children.forEach(
        (child) => typeof child !== "number" && child.isGroup && groupTree(model, child),
      );
      return;
    }
  }
  let size = GROUP_SIZE;
  while (block.children.length > size * MOST_CHILDREN) size *= GROUP_SIZE;
  const count = Math.ceil(block.children.length / size),
    children = block.children;
  block.children = Array.from({ length: count }, (_, i) => {
    const part = children.slice(i * size, (i + 1) * size);
    return grouped(block, partName(part) || `part ${i + 1} of ${count}`, part, i);
  });
  block.children.forEach((child) => typeof child !== "number" && child.isGroup && groupTree(model, child));
}

// The first and the last layer of a part, where it has some.
function partName(children) {
  const titles = children
    .filter((child) => typeof child !== "number" && child.scope)
    .map((child) => clean(child.title, 28));
  return titles.length > 1 ? `${titles[0]} … ${titles[titles.length - 1]}` : "";
}

function grouped(block, name, children, at) {
  if (children.length === 1) return children[0];
  const made = new Block(name, `${block.key}/≡${at}`);
  made.children = children;
  made.isGroup = true;
  return made;
}

function runsBy(children, nameOf) {
  const runs = [];
  for (const child of children) {
    const name = nameOf(child);
    if (runs.length && runs[runs.length - 1][0] === name) runs[runs.length - 1][1].push(child);
    else runs.push([name, [child]]);
  }
  return runs;
}

function firstLeaf(child) {
  while (typeof child !== "number" && child.children.length) child = child.children[0];
  return typeof child === "number" ? child : null;
}

function sourceOf(model, child) {
  const first = firstLeaf(child);
  return first === null ? null : model.ops[first].stack[0] || null;
}

const lineOf = (model, child) => sourceOf(model, child)?.place || "";
const functionOf = (model, child) => {
  const source = sourceOf(model, child);
  return source ? `${source.fn} in ${source.place.replace(/:\d+$/, "")}` : "";
};
