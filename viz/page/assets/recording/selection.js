// Which ops one step shows, and which of them belong together: the counterpart of viz/facts/selection.py.

class Selection {
  constructor(model, step, view) {
    this.model = model;
    this.step = step;
    this.view = view;
    this.backward = view !== "forward";
    this.ops = model.ops.filter((op) => (model.steps.length ? op.step === step : true));
    this.forward = []; // ops with a place of their own in the tree of scopes
    this.backwardOf = new Map(); // forward op -> ops that compute its gradient
    this.ridersOf = new Map(); // forward op -> changes in place next to it (moving averages, seeds)
    this.weightsOf = new Map(); // op -> variables that it is the first to read
    this.updatesOf = new Map(); // variable -> ops that change it
    this.here = new Set(this.ops.map((op) => op.id));
    this.read = new Set();
    this.hosts = new Map();
    this.waiting = new Map();
    for (const op of this.ops) this.sort(op);
    this.addPreparations();
    for (const op of [...this.waiting.values()].flat()) {
      this.forward.push(op); // nothing else ran in its scope
      this.noteWeights(op, op.id);
    }
    this.riders = new Set([...this.ridersOf.values()].flat());
  }

  sort(op) {
    if (op.phase === "backward") {
      if (this.backward) this.sortBackward(op);
    } else if (op.phase === "update") {
      const variable = op.outputs.length ? this.model.variables.get(op.outputs[0]) : undefined;
      if (this.backward && variable !== undefined) push(this.updatesOf, variable, op.id);
    } else if (op.phase === "forward" && op.outputs.length && this.model.tensors[op.outputs[0]].version) {
      this.sortRider(op);
    } else {
      this.forward.push(op);
      this.noteWeights(op, op.id);
      this.hosts.set(op.scope, op.id);
      const waiting = this.waiting.get(op.scope) || [];
      this.waiting.delete(op.scope);
      for (const rider of waiting) this.sortRider(rider);
    }
  }

  sortBackward(op) {
    const origin = this.model.origin(op);
    if (origin.phase === "backward" || !this.here.has(origin.id)) this.forward.push(op);
    else push(this.backwardOf, origin.id, op.id);
  }

  // A change in place goes with the op before it in the same layer, or with the next one.
  sortRider(op) {
    const host = this.hosts.get(op.scope);
    if (host === undefined) push(this.waiting, op.scope, op);
    else {
      push(this.ridersOf, host, op.id);
      this.noteWeights(op, host);
    }
  }

  noteWeights(op, reader) {
    for (const tensor of op.inputs) {
      const variable = this.model.variables.get(tensor);
      if (variable !== undefined && !this.read.has(variable)) {
        this.read.add(variable);
        push(this.weightsOf, reader, variable);
      }
    }
  }

  // Ops of the optimizer whose results go to one variable only (scaling, decay) count as its update.
  addPreparations() {
    const goesTo = new Map();
    for (const [variable, updates] of this.updatesOf) {
      for (const op of updates) goesTo.set(op, (goesTo.get(op) || new Set()).add(variable));
    }
    for (const op of [...this.ops].reverse()) {
      for (const input of goesTo.has(op.id) ? op.inputs : []) {
        const producer = this.model.tensors[input].producer;
        if (producer !== null && this.here.has(producer) && this.model.ops[producer].phase === "update") {
          const known = goesTo.get(producer) || new Set();
          goesTo.get(op.id).forEach((variable) => known.add(variable));
          goesTo.set(producer, known);
        }
      }
    }
    for (const [op, variables] of [...goesTo].sort((a, b) => a[0] - b[0])) {
      if (variables.size !== 1) continue;
      const [variable] = variables;
      if (!this.updatesOf.get(variable).includes(op)) this.updatesOf.get(variable).push(op);
    }
  }

  // What must agree for two ops to be drawn as one, as text.
  signature(id) {
    const { tensors, ops } = this.model,
      op = ops[id];
    const made = op.outputs.map((i) => `${tensors[i].shape}${tensors[i].dtype}`);
    const read = op.inputs.map(
      (i) => `${tensors[i].shape}${tensors[i].role === "parameter" || tensors[i].role === "state"}`,
    );
    const backward = (this.backwardOf.get(id) || []).map((i) => ops[i].name);
    return [op.name, op.phase, op.error, made.join("|"), read.join("|"), backward].join("\0");
  }
}

function push(map, key, value) {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
