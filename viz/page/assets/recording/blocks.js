// The forward ops of a step as a tree of scopes with repeated parts folded: the counterpart of viz/facts/blocks.py.
// What has too many parts to look at is divided into groups, and groups into groups.

const LONGEST_PERIOD = 48,
  LEAST_REPEATS = 3,
  MOST_CHILDREN = 60,
  GROUP_SIZE = 40;

class Block {
  constructor(title, key, scope = null) {
    this.title = title;
    this.key = key; // the same from run to run, so that what is open stays open and links stay valid
    this.scope = scope;
    this.children = []; // blocks, and ids of ops
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

function treeOf(model, ops) {
  const root = new Block("", ""),
    blocks = new Map(),
    taken = new Set(),
    calls = new Map();
  const blockOf = (id) => {
    while (id !== null && TRANSPARENT.has(model.scopes[id].kind)) id = model.scopes[id].parent;
    if (id === null || id === undefined) return root;
    if (blocks.has(id)) return blocks.get(id);
    const scope = model.scopes[id],
      parent = blockOf(scope.parent);
    const object = `${scope.owner}\0${scope.kind}`;
    const call = scope.owner === null ? 0 : calls.get(object) || 0;
    calls.set(object, call + 1);
    const title = call ? `${scope.name} (call ${call + 1})` : scope.name;
    const made = new Block(title, uniqueKey(`${parent.key}/${clean(title, 40)}`, taken), scope);
    blocks.set(id, made);
    parent.children.push(made);
    return made;
  };
  for (const op of ops) blockOf(op.scope).children.push(op.id);
  return root;
}

function uniqueKey(wanted, taken) {
  let key = wanted;
  for (let i = 2; taken.has(key); i += 1) key = `${wanted}#${i}`;
  taken.add(key);
  return key;
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
function foldTree(root, signature, unfolded) {
  const numbers = new Map(),
    standsFor = new Map();
  const number = (key) => {
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key);
  };
  const fold = (block) => {
    const marks = block.children.map((child) =>
      typeof child === "number" ? number("op\0" + signature(child)) : fold(child),
    );
    const mine = number(`${block.kind}\0${block.scope ? block.scope.cls : ""}\0${marks.join(",")}`);
    block.children = foldedChildren(block, marks, standsFor, unfolded);
    return mine;
  };
  fold(root);
  const last = (op) => {
    while (standsFor.has(op)) op = standsFor.get(op);
    return op;
  };
  return new Map([...standsFor.keys()].map((op) => [op, last(op)]));
}

function foldedChildren(block, marks, standsFor, unfolded) {
  const found = [],
    children = block.children;
  for (let at = 0; at < children.length;) {
    const [period, count] = runAt(marks, at);
    const key = `${block.key}/×${at}`;
    if (count < LEAST_REPEATS) {
      found.push(children[at]);
      at += 1;
      continue;
    }
    const parts = Array.from({ length: count }, (_, i) =>
      children.slice(at + i * period, at + (i + 1) * period),
    );
    at += period * count;
    if (unfolded.has(key)) {
      found.push(...parts.flat());
      continue;
    }
    const first = parts[0].flatMap((child) => leavesOf(child));
    for (const part of parts.slice(1)) {
      part
        .flatMap((child) => leavesOf(child))
        .forEach((op, i) => op !== first[i] && standsFor.set(op, first[i]));
    }
    found.push(repeated(parts, key));
  }
  return found;
}

// The shortest period that repeats from `at` on, and how often it does.
function runAt(marks, at) {
  const longest = Math.min(LONGEST_PERIOD, Math.floor((marks.length - at) / LEAST_REPEATS));
  for (let period = 1; period <= longest; period += 1) {
    if (marks[at] !== marks[at + period]) continue;
    let end = at + period;
    while (end < marks.length && marks[end] === marks[end - period]) end += 1;
    const count = Math.floor((end - at) / period);
    if (count >= LEAST_REPEATS) return [period, count];
  }
  return [1, 1];
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
