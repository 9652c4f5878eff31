// The rounds that one part of a graph stands for: does an arrow between their ends tell a loop, and is it read in the
// first of them alone? viz/picture/rounds.py does the same for a picture.

export class Rounds {
  constructor(scene) {
    this.scene = scene; // `mainOf`, `hostOf` and `equal` say which ops were folded into which
    this.loops = new Map(); // two parts that follow each other -> are they a loop's?
  }

  // Would the arrow lead from the end of a folded part to its beginning, where that is no loop?
  hides(producer, consumer) {
    const { ops } = this.scene.model;
    if (ops[producer].phase === "backward" && ops[consumer].phase === "backward") {
      [producer, consumer] = [ops[consumer].forward ?? consumer, ops[producer].forward ?? producer];
    }
    const [first, last] = [consumer, producer].map((op) => this.scene.mainOf.get(op) ?? this.scene.hostOf.get(op) ?? op);
    if ((last === producer && first === consumer) || last < first) return false;
    const equal = (op) => this.scene.equal.get(op) ?? [op], // what is in no row is equal to nothing
      begins = equal(first).filter((op) => op <= producer).pop() ?? first,
      ends = equal(last).find((op) => op >= consumer) ?? equal(last).at(-1),
      part = [begins, producer, consumer, ends].join();
    if (!this.loops.has(part)) {
      this.loops.set(part, this.isAgain(this.used(begins, producer), this.used(consumer, ends)));
    }
    return !this.loops.get(part);
  }

  // The weights that forward ops read, from one to another, and the calls of layers around them with their owners.
  used(first, last) {
    const { tensors, variables } = this.scene.model,
      ops = this.scene.model.ops.slice(first, last + 1).filter((op) => op.phase === "forward"),
      weights = new Set(),
      calls = new Map();
    for (const tensor of ops.flatMap((op) => op.inputs)) {
      const variable = variables.get(tensor);
      if (variable !== undefined && tensors[variable].role !== "state") weights.add(variable);
    }
    for (const scope of new Set(ops.map((op) => op.scope)))
      for (const around of scope === null ? [] : this.scene.model.ancestors(scope))
        if (around.kind === "layer" || around.kind === "model") calls.set(around.id, around.owner);
    return { weights, calls };
  }

  // Do two parts do the same again, rather than stand for layers that are each called once? They read the same weights.
  // Or they have none, and no layers of their own.
  isAgain(before, after) {
    if (before.weights.size || after.weights.size) return [...before.weights].some((each) => after.weights.has(each));
    const own = (one, other) => [...one.calls].filter(([id]) => !other.calls.has(id)).map(([, owner]) => owner),
      [mine, others] = [own(before, after), own(after, before)];
    return !(mine.length || others.length) || mine.some((owner) => owner !== null && others.includes(owner));
  }

  // Does an op read a tensor in the first round of a loop only, and in each other one what the round before made? Layers
  // that were folded, of which each reads what the one before it made, are no loop.
  begins(op, tensor) {
    const { ops, tensors } = this.scene.model,
      rounds = this.scene.equal.get(this.scene.mainOf.get(op.id) ?? op.id) ?? [op.id],
      at = op.inputs.indexOf(tensor);
    if (rounds.length === 1 || rounds[0] !== op.id) return false;
    const makers = rounds.slice(1).filter((id) => at < ops[id].inputs.length).map((id) => tensors[ops[id].inputs[at]].producer);
    return makers.length > 0 && makers.every((maker) => maker !== null && maker >= op.id) && !this.hides(makers[0], rounds[1]);
  }

  // Does one of two ops of a box read in a round what the other made in the round before? Calls of `owner` are rounds;
  // without one, equal ops are. Of ops that compute gradients, what they are the gradients of tells the round.
  goesOn(producer, consumer, owner) {
    const { model, equal, mainOf } = this.scene,
      [made, read] = [producer, consumer].map((op) => model.originOf(model.ops[op]).id),
      rounds = equal.get(mainOf.get(read) ?? read) ?? [];
    if (owner === undefined) return made !== read && rounds.includes(made) && rounds.includes(read);
    const calls = [made, read].map((op) => this.callOf(model.ops[op].scope, owner));
    return calls[0] !== calls[1] && !calls.includes(undefined);
  }

  // The outermost call of a layer around a scope.
  callOf(scope, owner) {
    const around = scope === null ? [] : this.scene.model.ancestors(scope);
    return around.filter((each) => each.owner === owner).at(-1)?.id;
  }
}
