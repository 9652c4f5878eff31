// Where NaN and infinity went. Where they came from is in the data.

const flawsOf = (tensor) => (tensor.stats ? tensor.stats.nan + tensor.stats.inf : 0);
const isFlawed = (model, id) => flawsOf(model.tensors[id]) > 0;

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
