// Which ops an op depends on, and which depend on it.

function walk(starts, next) {
  const found = new Set(starts),
    waiting = [...starts];
  while (waiting.length) {
    for (const op of next(waiting.pop())) {
      if (!found.has(op)) {
        found.add(op);
        waiting.push(op);
      }
    }
  }
  return found;
}

const readersOf = (model, id) => model.ops[id].outputs.flatMap((t) => model.readers[t]);

// The ops that have to be over before this one can begin: those that made what it reads and, for a gradient op, the op
// whose derivative it is. It needs what that op saved, but its inputs list only gradients.
function neededBy(model, id) {
  const op = model.ops[id],
    found = op.inputs.map((t) => model.tensors[t].producer);
  if (op.phase === "backward") found.push(op.forward);
  return found.filter((each) => each !== null);
}

const needing = (model, id) => [...readersOf(model, id), ...model.backwardOf[id]];

export const ancestorsOf = (model, ops, here) => walk(ops, (id) => neededBy(model, id).filter((p) => here.has(p)));
export const descendantsOf = (model, ops, here) => walk(ops, (id) => needing(model, id).filter((r) => here.has(r)));

// The ops of the other direction that belong to `ops`: for forward ops those that compute their gradients, for backward
// ops the ones whose gradients they compute.
export function partnersOf(model, ops) {
  const found = new Set();
  for (const id of ops) {
    const op = model.ops[id];
    if (op.phase === "backward" && op.forward !== null) found.add(op.forward);
    for (const backward of model.backwardOf[id]) found.add(backward);
  }
  return found;
}

// The longest chain of ops by time, each needing what the one before made: no step can take less time than this chain.
export function criticalPath(model, ops) {
  const cost = new Map(),
    before = new Map();
  let last = null;
  for (const op of ops) {
    // in order of execution, so what an op needs is known
    let most = 0,
      from = null;
    for (const each of neededBy(model, op.id)) {
      if ((cost.get(each) || 0) > most) [most, from] = [cost.get(each), each];
    }
    cost.set(op.id, most + op.duration);
    before.set(op.id, from);
    if (last === null || cost.get(op.id) > cost.get(last)) last = op.id;
  }
  const found = new Set();
  for (let at = last; at !== null && at !== undefined; at = before.get(at)) found.add(at);
  return found;
}
