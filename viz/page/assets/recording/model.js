// The recording as objects, made from the columns that viz/page/data.py wrote.

import { OUTSIDE, givenTitle } from "../graph/assembly.js";
import { clean } from "./formatting.js";
import { push } from "./selection.js";
import { tellTimes, usualTimes } from "./usual_times.js";
import { placeOfWeight } from "./weights.js";

const CALLED = new Set(["layer", "model", "loss", "metric", "optimizer", "step"]); // whose ops the user's own line ran
const MOST_TO_UPDATE = 12; // ops between one that clips, say, and the updates behind it

export class Model {
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
    const usual = usualTimes(data.usual),
      o = data.ops,
      s = data.scopes,
      t = data.tensors,
      told = Object.fromEntries(Object.entries(data.names).map(([what, of]) => [what, new Map(of.map(([op, n]) => [op, text(n)]))]));
    this.ops = o.name.map((_, id) => new Op(this, id, usual, told));
    tellTimes(this, "median");
    this.updatePasses = data.update_passes; // each the first of its ops, and the one behind its last
    this.scopes = s.name.map((name, id) => ({
      id,
      kind: text(s.kind[id]),
      name: text(name),
      shown: text(s.shown[id]), // what the user's code calls it, where nobody chose its name
      label: text(s.label[id]), // as its box is called; "" for those that paths leave out
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
    this.tensors = t.shape.map((_, id) => new Tensor(data, id));
    this.steps = data.steps.map(([scope, start, end, number], index) => ({
      index,
      scope,
      start,
      end,
      number: number ?? index, // as `--step` takes it
    }));
    this.same = new Map(data.same); // gradients -> the earlier one that is the same array
    this.hasStats = Boolean(t.stats);
    this.hasTimes = this.ops.some((op) => op.start !== null);
    this.compositions = data.compositions.map(({ tensors, results, parts }) => ({
      tensors: tensors.map(text),
      results,
      parts: parts.map((part) => ({
        ...{ name: text(part.name), inputs: part.inputs, inputNames: part.input_names.map(text) },
        ...{ outputs: part.outputs, lines: part.lines.map(text), settings: lazy(part.settings) },
      })),
    }));
    this.link();
  }

  // The parts of a fused op, none for others. What they read and make are tensors of the recording where they are those
  // of the op; what lies between the parts has no number, but a label.
  partsOf(op) {
    if (op.composition === null) return [];
    const { tensors, results, parts } = this.compositions[op.composition];
    const tensor = (i) => {
      const made = results.indexOf(i),
        id = i < op.inputs.length ? op.inputs[i] : made >= 0 ? op.outputs[made] : null;
      return { at: i, id, label: tensors[i] };
    };
    return parts.map((part, number) => ({
      ...{ number, op, name: part.name, inputNames: part.inputNames, lines: part.lines, settings: part.settings },
      ...{ read: part.inputs.map(tensor), made: part.outputs.map(tensor) },
    }));
  }

  // Where Python took values out of what ops made, in a line; "" where it didn't. viz/picture/box_texts.py says the same.
  readBy(ops) {
    if (!this.reads.size) return "";
    const found = [...new Set(ops.flatMap((op) => (this.reads.get(op) || []).map(({ frame }) => frame)))],
      [first] = found.filter(Boolean);
    if (!found.length) return "";
    const line = first ? `: ${clean(first.file.split(/[/\\]/).pop(), 30)}:${first.line}` : "";
    return `read by Python${line}${found.length > 1 ? `  (+${found.length - 1})` : ""}`;
  }

  // Who reads each tensor, which ops compute an op's derivatives, and which tensors are a tensor's gradients (those of
  // a variable stand with its first version).
  link() {
    this.readers = this.tensors.map(() => []);
    this.gradients = this.tensors.map(() => []);
    this.backwardOf = this.ops.map(() => []);
    for (const op of this.ops) {
      for (const tensor of op.inputs) this.readers[tensor].push(op.id);
      if (op.phase === "backward" && op.forward !== null) this.backwardOf[op.forward].push(op.id);
    }
    this.variables = new Map(this.data.variables); // tensors that are a variable at some time -> its first version
    for (const { id, gradientOf: of } of this.tensors)
      if (of !== null) this.gradients[this.variables.get(of) ?? of].push(id);
    this.origins = new Set(this.data.origins); // ops that made NaN or infinity of finite numbers
    this.reads = new Map(); // op -> where Python took values out of what it made
    for (const [op, how, frame] of this.data.reads || []) {
      if (!this.reads.has(op)) this.reads.set(op, []);
      this.reads.get(op).push({ how, frame: frame === null ? null : this.frames[frame] });
    }
    this.attention = new Map(this.data.attention); // op -> addresses of images, one for each head
    this.guilty = new Map(this.data.guilty); // fused op -> the number of the part that did so in it
    this.cameIn = new Set(this.data.came_in); // tensors that held NaN or infinity when they came to the first op
    const [flaw, culprit] = this.data.flaw || [null, null];
    this.flaw = flaw === null ? null : this.ops[flaw]; // where NaN or infinity began, or came in
    this.culprit = culprit === null ? null : this.tensors[culprit]; // what came in so
    this.views = new Map(this.data.views); // by step; null for what ran outside of all steps
  }

  // The measured gradients of a tensor in some ops, a Set, by the pass for gradients that they are of: what that returned,
  // else the parts that rules gave, which stand before it. viz/picture/coloring.py finds the same.
  gradientsByPass(id, here) {
    const found = new Map();
    let parts = [];
    const add = (tensor, maker) => here.has(maker) && tensor.stats && push(found, this.ops[maker].pass, tensor),
      close = () => parts.splice(0).forEach((part) => add(part, part.producer));
    for (const tensor of this.gradients[this.variables.get(id) ?? id].map((t) => this.tensors[t])) {
      if (tensor.producer !== null) parts.push(tensor);
      else if (!tensor.stats) close();
      else {
        if (parts.length) add(tensor, parts.at(-1).producer);
        parts = [];
      }
    }
    close();
    return found;
  }

  // The tensors that are one variable, at one time after the other; of others the tensor itself.
  versionsOf(id) {
    if (!this.versions) {
      this.versions = new Map();
      for (const [tensor, first] of this.variables) push(this.versions, first, tensor);
    }
    return this.versions.get(this.variables.get(id)) ?? [id];
  }

  // A variable as some ops, a Set, find it: the version that they are the first to read. Another tensor itself.
  asRead(id, here) {
    const found = this.versionsOf(id).find((version) => this.readers[version].some((op) => here.has(op)));
    return this.tensors[found ?? id];
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
      .map((s) => s.label)
      .filter(Boolean)
      .reverse()
      .join(" / ");
  }

  // The innermost line of the user's that ran an op; of what `fit` runs by itself, the line that made the layer.
  // The counterpart of viz/facts/selection.py.
  lineOf(op) {
    const { scope, stack } = this.originOf(op);
    if (!stack.length) return null;
    const isHere = ({ kind, stack: [frame] }) =>
      CALLED.has(kind) && frame && frame.file === stack[0].file && frame.line === stack[0].line;
    const called = this.ancestors(scope).filter(isHere),
      made = called.map(({ createdAt }) => createdAt).find((frame) => frame !== null);
    return called.length > 1 && made ? made : stack[0];
  }

  // What an op is called wherever it is named: as its box is.
  titleOf({ title, phase }) {
    return phase === "backward" ? `∇ ${title}` : title;
  }

  // What a tensor from outside is called wherever it is named, as its box is, and as what it is given: "target", say.
  givenAs({ id, name }) {
    const reads = this.readers[id].map((number) => this.ops[number]),
      role = reads.map(({ inputs, flows }) => OUTSIDE[flows[inputs.indexOf(id)]]).find(Boolean);
    return role ? { role, title: givenTitle(clean(name, 30), role) } : null;
  }

  // The forward op that an op belongs to.
  originOf(op) {
    while (op.phase === "backward" && op.forward !== null) op = this.ops[op.forward];
    return op;
  }

  // The frames around an op: the calls of layers, and the line of code where that is one.
  placeOf(op) {
    return [this.path(op.home), this.originOf(op).part].filter(Boolean).join(" / ");
  }

  // The weights that an update changes, one version of each.
  changedBy({ phase, inputs, outputs }) {
    const named = new Map(); // by name
    for (const id of phase === "update" ? [...outputs, ...inputs] : []) {
      const { role, name } = this.tensors[id];
      if (name && (role === "parameter" || role === "frozen") && !named.has(name)) named.set(name, id);
    }
    return [...named.values()];
  }

  // Of an op on the way to updates, such as one that clips a gradient, the one weight that they change; undefined where
  // there are several, or none.
  weightBehind(op) {
    const waiting = [op],
      seen = new Set([op.id]),
      found = new Set();
    while (waiting.length && seen.size <= MOST_TO_UPDATE)
      for (const reader of waiting.pop().outputs.flatMap((id) => this.readers[id]).map((id) => this.ops[id])) {
        if (reader.phase !== "update" || reader.step !== op.step || seen.has(reader.id)) continue;
        seen.add(reader.id);
        const changed = this.changedBy(reader);
        if (changed.length) changed.forEach((id) => found.add(this.variables.get(id) ?? id));
        else waiting.push(reader);
      }
    return found.size === 1 && !waiting.length ? [...found][0] : undefined;
  }

  // What tells an op from others of its name: of an update the weights that it changes, or the one that it is on the way
  // to, else the frames around it; and of which pass it is, where that isn't told elsewhere.
  ownerOf(op, withPass = true) {
    const changed = clean(this.changedBy(op).map((id) => placeOfWeight(this, id).whole).join(", "), 200),
      made = op.outputs.length === 1 ? this.tensors[op.outputs[0]].name : "";
    const place = changed || this.placeOf(op),
      weight = place || op.phase !== "update" ? undefined : this.weightBehind(op);
    return [place || (weight === undefined ? "" : `for ${clean(placeOfWeight(this, weight).whole, 90)}`) || (made === op.title ? "" : made), withPass && op.pass].filter(Boolean).join("  ·  ");
  }

  // What a call is called wherever it is named: as its box is, and a pass for gradients by what these are of.
  titleOfCall(scope, ops) {
    if (scope.label || scope.kind !== "backward") return scope.label || scope.shown;
    const isOuter = !this.ancestors(scope.parent).some(({ kind }) => kind === "backward"),
      { target } = scope.config();
    return [scope.shown, (isOuter && ops.length && this.ops[ops[0]].pass) || (target && `of ${clean(target, 24)}`)].filter(Boolean).join(" ");
  }

  stepName(index) {
    return this.text(this.views.get(index).name);
  }

  // L2 norm of a tensor's finite elements, null where it isn't known.
  norm(tensor) {
    return tensor.stats ? tensor.stats.l2 : null;
  }
}

class Op {
  constructor(model, id, usual, told) {
    const { ops, texts } = model.data;
    this.model = model;
    this.id = id;
    this.name = texts[ops.name[id]];
    this.title = told.titles.get(id) ?? this.name; // what its box is called, but for a backward op's sign
    this.part = told.parts.get(id) ?? ""; // the frame around it that is no layer: a line of code
    this.pass = told.passes.get(id) ?? ""; // of which of several passes it is, "of gen_loss"
    this.phase = texts[ops.phase[id]];
    this.scope = ops.scope[id];
    this.step = ops.step[id];
    this.inputs = ops.inputs[id];
    this.outputs = ops.outputs[id];
    this.start = ops.start[id];
    this.end = ops.end[id];
    this.forward = ops.forward[id];
    this.usual = ops.usual && ops.usual[id] !== null ? usual[ops.usual[id]] : null; // what it took in several steps
    this.error = texts[ops.error[id]];
    this.thread = ops.thread[id];
    this.replayed = ops.replayed[id] === 1;
    this.flops = ops.flops[id];
    this.made = ops.made[id]; // bytes of new memory
    this.composition = ops.composition[id]; // of a fused op, the number of what it is made of
    this.flows = texts[ops.flows[id]]; // a letter for each input
    this.home = ops.home[id]; // the scope it counts for: for backward ops that of their forward op
    this.took = this.start === null || this.end === null ? 0 : this.end - this.start; // in its own step
  }

  // What is read of few ops.
  get inputNames() {
    return this.model.data.ops.input_names.at(this.id).map(this.model.text);
  }

  get stack() {
    return this.model.data.ops.stack.at(this.id).map((i) => this.model.frames[i]);
  }

  // Those whose size colours it.
  get gradients() {
    const { gradients } = this.model.data.ops;
    return gradients ? gradients.at(this.id) : [];
  }

  settings() {
    const number = this.model.data.ops.settings[this.id];
    return number ? JSON.parse(this.model.text(number)) : {};
  }
}

// Shape and type together, and each.
export function labelled(label) {
  const [shapeName, dtypeName] = label.split(" ");
  return { label, shapeName, dtypeName };
}

class Tensor {
  constructor({ tensors, texts, shapes }, id) {
    this.id = id;
    this.shape = shapes[tensors.shape[id]];
    Object.assign(this, labelled(texts[tensors.label[id]]));
    this.dtype = texts[tensors.dtype[id]];
    this.nbytes = tensors.nbytes[id];
    this.role = texts[tensors.role[id]];
    this.name = texts[tensors.name[id]];
    this.producer = tensors.producer[id];
    this.gradientOf = tensors.gradient_of[id];
    this.device = texts[tensors.device[id]];
    this.version = tensors.version[id];
    this.rows = tensors.stats;
  }

  // Of most tensors nobody asks for them.
  get stats() {
    if (this.known === undefined) {
      const row = this.rows ? this.rows.at(this.id) : null;
      this.known = row && statsOf(row);
    }
    return this.known;
  }

  // Where a network runs in the page, its values are measured there.
  set stats(measured) {
    this.known = measured;
  }
}

function statsOf([min, max, mean, std, nan, inf, l2, zeros, histogram, preview]) {
  return { min, max, mean, std, nan, inf, l2, zeros, histogram, preview };
}

// "step 1", and that something is of it alone.
export const nameShort = (model, step) => model.stepName(step).replace(/ of .*/, "");
export const nameAlone = (model, step) => `${nameShort(model, step)} alone`;

// Training steps, and what ran outside of them.
export function stepsOf(model) {
  if (!model.steps.length) return [null];
  const outside = model.ops.some((op) => op.step === null);
  return [...(outside ? [null] : []), ...model.steps.map((step) => step.index)];
}
