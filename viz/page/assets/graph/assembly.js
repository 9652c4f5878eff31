// The boxes, frames and arrows of what is open: the counterpart of viz/picture/graph_builder.py.

// One scene: `nodes` and `frames` by id, `edges`, and for each op the box that shows it.
class Scene {
  constructor(selection, root, standsFor, open) {
    Object.assign(this, { selection, root, standsFor, open, model: selection.model });
    this.view = selection.view;
    this.nodes = new Map();
    this.frames = new Map();
    this.edges = [];
    this.nodeOf = new Map(); // op -> id of a box
    this.weightNode = new Map(); // variable -> id of a box
    this.instances = new Map(); // op -> equal ops that it stands for
    for (const [op, shown] of standsFor) push(this.instances, shown, op);
    this.fillFrame(root, null);
    this.placeRest();
    this.connect();
  }

  fillFrame(block, frame) {
    for (const child of block.children) {
      if (typeof child === "number") this.addOp(child, frame);
      else if (this.open.has(child.key)) this.fillFrame(child, this.addFrame(child, frame));
      else this.addClosed(child, frame);
    }
  }

  addFrame(block, parent) {
    const id = `frame:${block.key}`,
      ops = this.allInstances(block);
    const level = parent === null ? 1 : this.frames.get(parent).level + 1;
    this.frames.set(id, {
      id,
      parent,
      level,
      block,
      key: block.key,
      kind: block.kind,
      title: blockTitle(block),
      ops,
      subtitle: this.about(block, ops).join("  ·  "),
    });
    return id;
  }

  allInstances(block) {
    const found = new Set();
    for (const op of leavesOf(block)) {
      found.add(op);
      for (const other of this.instances.get(op) || []) found.add(other);
    }
    return [...found];
  }

  about(block, ops) {
    const parts = [];
    if (block.scope && block.scope.cls) parts.push(clean(block.scope.cls, 40));
    if (block.scope && block.scope.params)
      parts.push(counted(block.scope.params * block.objects, "parameter"));
    const spent = this.spent(ops);
    return spent ? [...parts, spent] : parts;
  }

  // Time forward (→) and backward (←) of forward ops.
  spent(ops) {
    const all = this.model.ops;
    let forward = 0,
      backward = 0;
    for (const i of ops) {
      forward += all[i].duration;
      for (const b of this.selection.backwardOf.get(i) || []) backward += all[b].duration;
    }
    return [
      ["→", forward],
      ["←", backward],
    ]
      .filter(([, t]) => t)
      .map(([arrow, t]) => `${arrow} ${seconds(t)}`)
      .join("   ");
  }

  // ---------------------------------------------------------------- rows

  addOp(id, frame) {
    const op = this.model.ops[id],
      ops = [id, ...(this.instances.get(id) || [])],
      row = `op${id}`;
    const riders = ops.flatMap((each) => this.selection.ridersOf.get(each) || []);
    this.show(
      {
        id: row,
        kind: "op",
        title: clean(op.name, 40),
        phase: op.phase,
        row,
        frame,
        main: id,
        lane: op.phase === "backward" ? "backward" : "forward",
      },
      [...ops, ...riders],
      this.view === "backward" && op.phase !== "backward",
    );
    this.addWeights(id, ops, row, frame);
    this.addPartners(clean(op.name, 36), ops, row, frame);
  }

  addClosed(block, frame) {
    const ops = this.allInstances(block),
      scope = block.scope,
      row = `box:${block.key}`;
    const phase = ops.length ? this.model.ops[ops[0]].phase : "forward";
    const lines = [];
    if (scope && scope.cls) lines.push(clean(scope.cls, 40));
    if (scope && scope.outputs.length) lines.push("→ " + tensorName(this.model.tensors[scope.outputs[0]]));
    if (scope && scope.params) lines.push(counted(scope.params * block.objects, "parameter"));
    const riders = ops.flatMap((each) => this.selection.ridersOf.get(each) || []);
    this.show(
      {
        id: row,
        kind: "scope",
        title: blockTitle(block),
        lines,
        phase,
        row,
        frame,
        lane: "forward",
        block,
        key: block.key,
      },
      [...ops, ...riders],
      this.view === "backward" && phase !== "backward",
    );
    for (const op of ops)
      for (const variable of this.selection.weightsOf.get(op) || []) this.weightNode.set(variable, row);
    this.addPartners(blockTitle(block), ops, row, frame, block.key);
  }

  // One box for the variables that an op is the first to read.
  addWeights(id, ops, row, frame) {
    const variables = this.selection.weightsOf.get(id) || [];
    if (!variables.length || this.view === "backward") return;
    const others = ops.slice(1).flatMap((op) => this.selection.weightsOf.get(op) || []);
    const tensors = variables.map((v) => this.model.tensors[v]);
    const names = tensors.map((t) => clean(t.name.split("/").pop() || "variable", 30));
    const kinds = new Map();
    for (const t of tensors) kinds.set(tensorName(t), (kinds.get(tensorName(t)) || 0) + 1);
    const lines = [...kinds].slice(0, 3).map(([kind, count]) => (count > 1 ? `${count} × ${kind}` : kind));
    lines.push(
      nbytes(tensors.reduce((sum, t) => sum + t.nbytes, 0)) +
        times(1 + Math.floor(others.length / variables.length)),
    );
    this.nodes.set(`${row}_weights`, {
      id: `${row}_weights`,
      kind: "parameter",
      title: names.slice(0, 2).join(", ") + (names.length > 2 ? ", …" : ""),
      lines,
      phase: tensors[0].role,
      row,
      frame,
      lane: "parameter",
      ops: [],
      variables: [...variables, ...others],
    });
    for (const variable of [...variables, ...others]) this.weightNode.set(variable, `${row}_weights`);
  }

  // What updates the weights of a row, and what computes its gradient.
  addPartners(title, ops, row, frame, key = null) {
    const weights = ops.flatMap((op) => this.selection.weightsOf.get(op) || []);
    const updates = weights.flatMap((v) => this.selection.updatesOf.get(v) || []);
    if (updates.length) {
      this.show(
        {
          id: `${row}_update`,
          kind: "update",
          title: this.updateName(updates[0]),
          phase: "update",
          row,
          frame,
          lane: "update",
          main: updates.length === 1 ? updates[0] : undefined,
        },
        updates,
        false,
      );
    }
    const backward = ops.flatMap((op) => this.selection.backwardOf.get(op) || []);
    if (backward.length) {
      this.show(
        {
          id: `${row}_back`,
          kind: key ? "scope" : "op",
          title: `∇ ${title}`,
          phase: "backward",
          row,
          frame,
          lane: "backward",
          key,
          main: backward.length === 1 || !key ? backward[0] : undefined,
        },
        backward,
        false,
      );
    }
  }

  updateName(id) {
    const op = this.model.ops[id];
    const found = this.model.ancestors(op.scope).find((s) => s.kind === "optimizer");
    return clean(found ? found.name : op.name, 36);
  }

  // Ops of the optimizer that change no weight shown in a row: one box for each scope.
  placeRest() {
    if (this.view === "forward") return;
    const rest = this.selection.ops.filter((op) => op.phase === "update" && !this.nodeOf.has(op.id));
    for (const [scope, group] of runsBy(rest, (op) => op.scope)) {
      const name = scope === null ? "update" : clean(this.model.scopes[scope].name);
      const row = `rest${group[0].id}`;
      this.show(
        {
          id: row,
          kind: "update",
          title: name,
          phase: "update",
          row,
          frame: null,
          lane: "update",
          main: group.length === 1 ? group[0].id : undefined,
        },
        group.map((op) => op.id),
        false,
      );
    }
  }

  show(node, ops, hidden) {
    const found = ops.map((i) => this.model.ops[i]);
    node.ops = ops;
    node.lines = node.lines || [];
    node.error = found.some((op) => op.error);
    node.lines.push(this.cost(node, found));
    node.lines = node.lines.filter(Boolean);
    if (hidden) return;
    this.nodes.set(node.id, node);
    for (const i of ops) this.nodeOf.set(i, node.id);
  }

  cost(node, ops) {
    if (node.error) return "failed here";
    const { tensors } = this.model;
    let time = 0,
      size = 0;
    for (const op of ops) {
      time += op.duration;
      for (const i of op.outputs) size += tensors[i].nbytes;
    }
    const parts = ops.length > 1 ? [counted(ops.length, "op")] : [];
    if (time) parts.push(seconds(time));
    if (size && node.kind !== "update") parts.push(nbytes(size));
    return parts.join(" · ");
  }

  // ---------------------------------------------------------------- arrows

  connect() {
    const flows = new Map();
    for (const op of this.selection.ops) {
      const head = this.nodeOf.get(op.id);
      if (head === undefined) continue;
      for (const tensor of op.inputs) {
        const found = this.flow(op, head, tensor);
        if (!found) continue;
        const key = `${found[0]}\0${head}\0${found[1]}`;
        if (!flows.has(key)) flows.set(key, { tail: found[0], head, kind: found[1], tensors: new Set() });
        flows.get(key).tensors.add(tensor);
      }
    }
    for (const flow of flows.values()) {
      this.edges.push({ ...flow, tensors: [...flow.tensors], label: this.label(flow) });
    }
    for (const node of [...this.nodes.values()]) this.tie(node);
    this.edges.forEach((edge, i) => {
      edge.id = `e${i}`;
    });
  }

  // Tail and kind of the arrow for an input of an op; null where there is none to draw.
  flow(op, head, tensor) {
    const info = this.model.tensors[tensor],
      variable = this.model.variables.get(tensor);
    if (variable !== undefined) {
      const tail = this.weightNode.get(variable);
      const shown = op.phase !== "update" && tail !== undefined && tail !== head && this.nodes.has(tail);
      return shown && this.nodes.get(tail).kind === "parameter" ? [tail, "parameter"] : null;
    }
    const kind = info.role === "gradient" || op.phase === "backward" ? "gradient" : "data";
    if (info.producer !== null && this.nodeOf.has(info.producer)) {
      const tail = this.nodeOf.get(info.producer);
      return tail === head || this.isLoop(info.producer, op.id) ? null : [tail, kind];
    }
    const outside =
      kind === "data" && (info.role === "input" || info.role === "activation") && op.phase !== "update";
    const stands = outside && !this.selection.riders.has(op.id) && !this.standsFor.has(op.id);
    return stands && this.view !== "backward" ? [this.addInput(info, op), "data"] : null;
  }

  // Would the arrow lead from the end of a folded part to its beginning?
  isLoop(producer, consumer) {
    const { ops } = this.model;
    if (ops[producer].phase === "backward" && ops[consumer].phase === "backward") {
      [producer, consumer] = [ops[consumer].forward ?? consumer, ops[producer].forward ?? producer];
    }
    const a = this.standsFor.get(producer) ?? producer,
      b = this.standsFor.get(consumer) ?? consumer;
    return (a !== producer || b !== consumer) && a >= b;
  }

  // The box of a tensor from outside, made when it is first needed.
  addInput(info, op) {
    const id = `in${info.id}`;
    if (!this.nodes.has(id)) {
      const inLoss = this.model.ancestors(op.scope).some((scope) => scope.kind === "loss");
      this.nodes.set(id, {
        id,
        kind: "input",
        title: inLoss ? "target" : "input",
        lines: [tensorName(info), nbytes(info.nbytes)],
        phase: "input",
        lane: "forward",
        row: id,
        frame: null,
        ops: [],
        tensor: info.id,
      });
    }
    return id;
  }

  label({ tail, kind, tensors }) {
    if (kind === "parameter" || this.nodes.get(tail).kind === "input") return ""; // their boxes tell the shape
    const distinct = [...new Set([...tensors].map((i) => tensorName(this.model.tensors[i])))];
    return distinct[0] + (distinct.length > 1 ? `  (+${distinct.length - 1})` : "");
  }

  // Ties an update to its weights, and a backward op to the op whose gradient it computes.
  tie(node) {
    if (!this.nodes.has(node.row)) return;
    const weights = this.nodes.has(`${node.row}_weights`);
    const target = weights ? `${node.row}_weights` : node.row;
    if (node.lane === "update" && target !== node.id) {
      this.edges.push({ tail: node.id, head: target, kind: "update", label: "", tensors: [] });
    }
    const chained = weights && this.nodes.has(`${node.row}_update`); // they already tie the two
    if (node.lane === "backward" && node.row !== node.id && !chained) {
      this.edges.push({ tail: node.row, head: node.id, kind: "link", label: "", tensors: [] });
    }
  }
}

function blockTitle(block) {
  if (block.repeats === 1) return clean(block.title, 60);
  if (block.names.length > 1) {
    return `${clean(block.names[0], 30)} … ${clean(block.names[block.names.length - 1], 30)}${times(block.repeats)}`;
  }
  return `${clean(block.title, 60)}${times(block.repeats)}`.trim();
}
