// Where NaN and infinity came from, and where they went.

const flawsOf = (tensor) => (tensor.stats ? tensor.stats.nan + tensor.stats.inf : 0);
const isFlawed = (model, id) => flawsOf(model.tensors[id]) > 0;

// Did an op make non-finite elements of finite ones?
function isOrigin(model, op) {
  return op.outputs.some((i) => isFlawed(model, i)) && !op.inputs.some((i) => isFlawed(model, i));
}

// The first op of all whose result isn't finite while its inputs are; else the first that met such a tensor from outside.
function firstFlaw(model) {
  if (!model.hasStats) return null;
  return (
    model.ops.find((op) => isOrigin(model, op)) ||
    model.ops.find((op) => op.inputs.some((i) => isFlawed(model, i))) ||
    null
  );
}

// The ops that passed the flaw on from `op`, itself first.
function flawPath(model, op) {
  const found = new Set([op.id]),
    waiting = [op.id];
  while (waiting.length) {
    for (const made of model.ops[waiting.pop()].outputs) {
      if (!isFlawed(model, made)) continue;
      for (const reader of model.readers[made]) {
        if (found.has(reader) || !model.ops[reader].outputs.some((i) => isFlawed(model, i))) continue;
        found.add(reader);
        waiting.push(reader);
      }
    }
  }
  return found;
}
