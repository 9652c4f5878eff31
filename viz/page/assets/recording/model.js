// The recording as objects, made from the columns that viz/page/data.py wrote.

class Model {
  constructor(data) {
    this.data = data;
    const text = (this.text = (number) => data.texts[number]);
    this.frames = data.frames.map(([file, line, fn, code], i) => ({
      file,
      line,
      fn,
      code,
      place: data.places[i],
    }));
    const frames = (numbers) => numbers.map((i) => this.frames[i]);
    const lazy = (number) => () => (number ? JSON.parse(text(number)) : {});
    const o = data.ops,
      s = data.scopes,
      t = data.tensors;
    this.ops = o.name.map((name, id) => ({
      id,
      name: text(name),
      phase: text(o.phase[id]),
      scope: o.scope[id],
      step: o.step[id],
      inputs: o.inputs[id],
      inputNames: o.input_names[id].map(text),
      outputs: o.outputs[id],
      settings: lazy(o.settings[id]),
      stack: frames(o.stack[id]),
      start: o.start[id],
      end: o.end[id],
      forward: o.forward[id],
      error: text(o.error[id]),
      thread: o.thread[id],
      flops: o.flops[id],
      duration: o.start[id] === null || o.end[id] === null ? 0 : o.end[id] - o.start[id],
    }));
    this.scopes = s.name.map((name, id) => ({
      id,
      kind: text(s.kind[id]),
      name: text(name),
      parent: s.parent[id],
      owner: s.owner[id],
      call: s.call[id],
      cls: text(s.cls[id]),
      config: lazy(s.config[id]),
      params: s.params[id],
      createdAt: s.created_at[id] === null ? null : this.frames[s.created_at[id]],
      stack: frames(s.stack[id]),
      start: s.start[id],
      end: s.end[id],
      inputs: s.inputs[id],
      outputs: s.outputs[id],
      error: text(s.error[id]),
    }));
    this.tensors = t.shape.map((shape, id) => ({
      id,
      shape: data.shapes[shape],
      dtype: text(t.dtype[id]),
      nbytes: t.nbytes[id],
      role: text(t.role[id]),
      name: text(t.name[id]),
      producer: t.producer[id],
      gradientOf: t.gradient_of[id],
      device: text(t.device[id]),
      version: t.version[id],
      stats: t.stats && t.stats[id] ? statsOf(t.stats[id]) : null,
    }));
    this.steps = data.steps.map(([scope, start, end, number], index) => ({
      index,
      scope,
      start,
      end,
      number,
    }));
    this.hasStats = Boolean(t.stats);
    this.hasTimes = this.ops.some((op) => op.start !== null);
    this.link();
  }

  // Who reads each tensor, which ops compute an op's derivatives, and which tensors are a tensor's gradients.
  link() {
    this.readers = this.tensors.map(() => []);
    this.gradients = this.tensors.map(() => []);
    this.backwardOf = this.ops.map(() => []);
    for (const op of this.ops) {
      for (const tensor of op.inputs) this.readers[tensor].push(op.id);
      if (op.phase === "backward" && op.forward !== null) this.backwardOf[op.forward].push(op.id);
    }
    for (const tensor of this.tensors)
      if (tensor.gradientOf !== null) this.gradients[tensor.gradientOf].push(tensor.id);
    this.variables = new Map(this.data.variables); // tensors that are a variable at some time -> its first version
    this.views = new Map(this.data.views); // by step; null for what ran outside of all steps
  }

  // The scope with this id and those around it, innermost first.
  ancestors(scope) {
    const found = [];
    for (let at = scope; at !== null && at !== undefined; at = this.scopes[at].parent)
      found.push(this.scopes[at]);
    return found;
  }

  path(scope) {
    return this.ancestors(scope)
      .filter((s) => !TRANSPARENT.has(s.kind))
      .map((s) => clean(s.name, 40))
      .reverse()
      .join(" / ");
  }

  // The forward op that a backward op belongs to, of whatever order its derivative is; an op of another phase itself.
  origin(op) {
    let at = op;
    while (at.phase === "backward" && at.forward !== null) at = this.ops[at.forward];
    return at;
  }

  stepName(index) {
    if (index === null) return this.steps.length ? "outside of steps" : "";
    const number = this.steps[index].number;
    return number === null ? `step ${index + 1} of ${this.steps.length}` : `step ${number + 1}`;
  }

  // L2 norm of a tensor's finite elements, null where it wasn't measured.
  norm(tensor) {
    const stats = tensor.stats;
    if (!stats) return null;
    if (stats.l2 !== null) return stats.l2;
    if (stats.mean === null || stats.std === null) return null;
    const size = tensor.shape.reduce((a, b) => a * b, 1);
    return Math.hypot(stats.mean, stats.std) * Math.sqrt(size - stats.nan - stats.inf);
  }
}

const TRANSPARENT = new Set(["step", "backward"]); // kinds of scopes that pictures and paths leave out

function statsOf([min, max, mean, std, nan, inf, l2, zeros, histogram, preview]) {
  return { min, max, mean, std, nan, inf, l2, zeros, histogram, preview };
}
