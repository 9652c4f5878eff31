// What is shown by its equal: of equal parts that are drawn once, the first stands for the others.

// The op that is shown for one that was folded away; null for one that is shown itself.
export function shownFor({ rows }, op) {
  const row = rows.get(op),
    shown = row && row.ops.includes(op) ? row.ops[0] : op;
  return shown === op ? null : shown;
}

// The blocks that show calls of layers which have none of their own: by the number of the call's scope, the block's key.
export function standIns({ model, index, selection }) {
  if (index.standIns) return index.standIns;
  const found = (index.standIns = new Map());
  for (const op of selection.ops) {
    const shown = shownFor(index, op.id);
    if (shown === null) continue;
    const calls = model.ancestors(model.ops[shown].scope);
    model.ancestors(op.scope).forEach(({ id, label }, level) => {
      if (!label || found.has(id) || !calls[level] || calls[level].id === id) return;
      const key = blockOfScope(index, index.around.get(shown), calls[level].id);
      if (key !== null) found.set(id, key);
    });
  }
  return found;
}

// The block of a scope, among those around the one with a key; null where there is none.
function blockOfScope({ blocks, parents }, key, scope) {
  for (let at = key; at !== undefined; at = parents.get(at)) {
    const block = blocks.get(at);
    if (block.scope && block.scope.id === scope) return at;
  }
  return null;
}

// Whose box stands for what is selected, where that was folded away; "" else.
export function standInFor(viewer, selected) {
  const { index, model } = viewer;
  if (selected.kind === "scope") {
    const block = selected.call === undefined ? undefined : index.blocks.get(selected.key);
    return block && (block.scope.id !== selected.call || block.repeats > 1) ? equalOf(block, model.path(selected.call), model.path(block.scope.id)) : "";
  }
  const op = selected.kind.startsWith("tensor") ? viewer.opOfTensor(selected.id) : selected.id,
    isWeight = !selected.kind.startsWith("tensor") || model.variables.has(selected.id),
    shown = isWeight ? shownFor(index, op) : null;
  if (shown === null) return "";
  const block = index.blocks.get(index.around.get(shown));
  return (block && equalOf(block, model.placeOf(model.ops[op]), model.placeOf(model.ops[shown]))) || model.titleOf(model.ops[shown]);
}

// What a block is called as the equal of what has another path: by its own path from where the two part.
const equalOf = ({ repeats, title }, path, shown) => (repeats > 1 ? title : partedFrom(shown, path) || title);

// The end of a path, from where another is no longer the same; "" for the same path.
function partedFrom(path, other) {
  const frames = path.split(" / "),
    others = other.split(" / ");
  return frames.slice(frames.findIndex((frame, i) => frame !== others[i]) >>> 0).join(" / ");
}

// What a call that another's block shows is called beside that.
export function nameOfCall({ model, index }, { key, call }) {
  return partedFrom(model.path(call), model.path(index.blocks.get(key).scope.id)) || model.scopes[call].label;
}
