// The boxes, frames and arrows of what is open. Which boxes a row has, and all that they say, is in the data; which of
// them are there and where arrows end depends on what the reader opened. viz/picture/graph_builder.py does the same for
// a picture, of which nobody opens anything: tests/viz/page/test_both_sides.py compares the two.

import { isBlock, rowsIn } from "../recording/blocks.js";
import { clean, nbytes } from "../recording/formatting.js";
import { Rounds } from "../recording/rounds.js";
import { markOperands, tellUnreadGradients, tellWeightsOfTerms } from "./operands.js";
import { byOutputs, numberGradients } from "./outputs.js";
import { partPasses } from "./passes.js";

const AGAIN = "reads its last result"; // the box of equal ops of which each reads what the one before it made

const FIRST_ROUND = "(first round)"; // what an arrow into a loop says that the other rounds don't read

// One scene: `nodes` and `frames` by id, `edges`, and for each op the box that shows it.
export class Scene {
  constructor(selection, open) {
    Object.assign(this, { selection, open, model: selection.model });
    this.view = selection.view;
    this.nodes = new Map();
    this.frames = new Map();
    this.edges = [];
    this.nodeOf = new Map(); // op -> id of a box
    this.weightNode = new Map(); // variable -> id of a box
    this.partNodes = new Map(); // fused op that is open -> the boxes of its parts
    this.mainOf = new Map(); // op that was folded away -> the equal one that is shown
    this.equal = new Map(); // op that is shown -> itself and those that it stands for, in order
    this.given = new Map(); // box -> what folded ops that it shows read from outside
    this.constants = new Map(); // tensors that layers fill for themselves, and what is alike of them -> id of a box
    this.gradients = new Map(); // boxes of gradients whose computation isn't shown -> the ops that compute them
    this.hostOf = new Map(); // cast -> the op that it is shown with
    this.rounds = new Rounds(this);
    this.called = new Map(); // row of a closed block -> the layer whose calls it shows, null where that isn't known
    this.fillFrame(selection.tree, null);
    selection.rest.forEach((update) =>
      this.addUpdate(`rest${update.ops[0]}`, `rest${update.ops[0]}`, null, update),
    );
    this.connect();
    const used = new Set([...this.nodes.values()].flatMap(({ frame }) => framesOf(this, frame)));
    for (const id of [...this.frames.keys()]) if (!used.has(id)) this.frames.delete(id); // no gradient flows through them
  }

  fillFrame(block, frame) {
    for (const child of block.children) {
      if (!isBlock(child)) this.addRow(child, frame);
      else if (this.open.has(child.key)) this.fillFrame(child, this.addFrame(child, frame));
      else this.addClosed(child, frame);
    }
  }

  addFrame(block, parent) {
    const subtitle = [block.said("about"), this.selection.spent(block.spent)].filter(Boolean).join(BETWEEN);
    return this.enterFrame({ parent, key: block.key, title: block.titleOfFrame, subtitle, scope: block.scope ? block.scope.id : null });
  }

  enterFrame(frame) {
    const id = `frame:${frame.key}`,
      level = frame.parent === null ? 1 : this.frames.get(frame.parent).level + 1;
    this.frames.set(id, { id, level, ...frame });
    return id;
  }

  // ---------------------------------------------------------------- rows

  addRow(row, frame) {
    const [id] = row.ops,
      op = this.model.ops[id],
      key = `op${id}`;
    this.fold(row);
    if (row.isFused && this.view !== "backward" && this.open.has(row.key)) {
      this.addOpened(row, op, frame);
      return;
    }
    const hasGradient = row.back.some(({ ops }) => ops.length), // which stands beside it
      lane = op.phase === "backward" && !hasGradient ? "backward" : "forward";
    const node = { id: key, kind: "op", title: row.kept || op.name, phase: op.phase, row: key, frame, main: id, lane };
    if (row.isFused) Object.assign(node, { key: row.key, lines: row.opens.names ? [row.opens.names] : [] });
    else if (row.taken) node.lines = [row.taken];
    else if (row.kept) node.lines = [op.name];
    if (row.made) node.lines = [...(node.lines || []), row.made];
    this.addOps(node, [[...row.ops, ...row.riders], row.cost]);
    if (row.weights) this.addWeights(row.weights, key, frame);
    if (row.update) this.addUpdates(row.update, key, frame);
    this.addBackward(row.back, key, frame, op.name, null);
  }

  // A fused op as a frame with its time and memory, and its parts, which have none of their own.
  addOpened(row, op, parent) {
    const { spent, memory, beside } = row.opens,
      subtitle = ["one op", this.selection.spent(spent), memory, this.model.readBy(row.ops)]
        .filter(Boolean)
        .join(BETWEEN);
    const frame = this.enterFrame({ parent, key: row.key, title: op.name, subtitle, op: op.id });
    const parts = this.model.partsOf(op),
      ids = parts.map(({ number }) => `op${op.id}.${number}`);
    for (const { number, name, lines } of parts) {
      const id = ids[number];
      this.nodes.set(id, {
        ...{ id, kind: "op", title: name, phase: op.phase, row: id, frame, main: op.id, lane: "forward" },
        ...{ part: number, lines: [...lines], ops: [] },
      });
    }
    const maker = new Map(parts.flatMap(({ number, made }) => made.map(({ at }) => [at, ids[number]])));
    for (const { number, read } of parts)
      for (const { at, label } of read)
        if (maker.has(at))
          this.edges.push({ tail: maker.get(at), head: ids[number], kind: "data", label, tensors: [] });
    for (const each of row.ops) this.nodeOf.set(each, ids[ids.length - 1]);
    for (const each of row.ops) this.partNodes.set(each, ids);
    for (const rider of row.riders) this.nodeOf.set(rider, this.partBeside(rider, row, ids[ids.length - 1]));
    beside.forEach(([weights, update], number) => {
      if (weights) this.addWeights(weights, ids[number], frame);
      if (update) this.addUpdates(update, ids[number], frame);
      const whose = weights && weights.lines.find((line) => line.startsWith("of ")); // which of two LSTMs it is
      if (whose) this.nodes.get(ids[number]).lines.unshift(whose);
    });
    this.addBackward(row.back, ids[0], frame, op.name, null);
  }

  // Notes which ops of a row are shown by others.
  fold(row) {
    const { ops } = this.model,
      [id] = row.ops,
      { inputs, outputs } = ops[id];
    this.equal.set(id, [...row.ops].sort((a, b) => a - b));
    for (const other of row.ops.slice(1)) this.mainOf.set(other, id);
    for (const rider of row.riders) {
      const own =
        ops[rider].outputs.some((made) => inputs.includes(made)) ||
        ops[rider].inputs.some((read) => outputs.includes(read));
      (own || row.ops.length === 1 ? this.hostOf : this.mainOf).set(rider, id);
    }
  }

  // The part of an open op that reads what a rider made, or made what it reads, as another rider may have for it; else its last.
  partBeside(rider, row, last) {
    const { ops, tensors } = this.model,
      { outputs } = ops[rider];
    for (const op of row.ops.map((id) => ops[id])) {
      const at = op.inputs.findIndex((tensor) => outputs.includes(tensor));
      if (at >= 0) return this.readersIn(op, at, last)[0];
    }
    for (const read of ops[rider].inputs) {
      const { producer } = tensors[read];
      if (row.ops.includes(producer)) return this.makerOf(ops[producer], read);
      if (row.riders.includes(producer)) return this.nodeOf.get(producer) ?? this.partBeside(producer, row, last);
    }
    return last;
  }

  addClosed(block, frame) {
    const rows = rowsIn(block),
      ops = rows.flatMap((row) => row.ops),
      row = `box:${block.key}`;
    const phase = ops.length ? this.model.ops[ops[0]].phase : "forward";
    for (const each of rows) this.fold(each);
    const node = { id: row, kind: "scope", title: block.title, lines: block.saidAll("lines"), phase, row, frame };
    Object.assign(node, { lane: "forward", block, key: block.key });
    this.called.set(row, block.scope ? block.scope.owner : null);
    this.addOps(node, [[...ops, ...rows.flatMap((each) => each.riders)], block.cost]);
    for (const { weights } of rows)
      for (const variable of weights ? weights.ids : []) this.weightNode.set(variable, row);
    if (block.update) this.addUpdates(block.update, row, frame);
    this.addBackward(block.back, row, frame, block.title, block.key);
  }

  // The box of forward ops, which a view of the backward pass leaves out.
  addOps(node, [ops, cost]) {
    this.show(node, ops, cost, this.view === "backward" && node.phase !== "backward");
  }

  // One box for the variables that an op is the first to read.
  addWeights({ ids, title, lines }, row, frame) {
    if (this.view === "backward") return;
    const id = `${row}_weights`,
      roles = ids.map((i) => this.model.tensors[i].role),
      phase = VARIABLES.find((role) => roles.includes(role)); // trained, if any is
    this.nodes.set(id, {
      ...{ id, kind: "parameter", title, phase, row, frame, lane: "parameter" },
      ...{ lines: [...lines], ops: [], variables: ids },
    });
    for (const variable of ids) this.weightNode.set(variable, id);
  }

  // What updates the weights of a row.
  addUpdates(update, row, frame) {
    if (this.view !== "forward") this.addUpdate(`${row}_update`, row, frame, update);
  }

  // What computes the gradient of a row: a box for each pass, which says which it is where there are several.
  addBackward(passes, row, frame, title, key) {
    if (this.view === "forward") return;
    passes.forEach(({ ops, cost, pass, name }, n) => {
      if (!ops.length) return;
      const id = `${row}_back${n ? n + 1 : ""}`,
        main = ops.length === 1 || !key ? ops[0] : undefined;
      const node = { id, kind: key ? "scope" : "op", title: `∇ ${title}`, phase: "backward", lines: [name] };
      Object.assign(node, { row, frame, lane: "backward", key, main, pass });
      this.show(node, ops, cost, false);
    });
  }

  addUpdate(id, row, frame, { ops, title, cost, lines }) {
    const main = ops.length === 1 ? ops[0] : undefined,
      node = { id, kind: "update", title, lines, phase: "update", row, frame, lane: "update", main };
    this.show(node, ops, cost, false);
  }

  show(node, ops, cost, hidden) {
    node.ops = ops;
    node.error = ops.some((id) => this.model.ops[id].error);
    node.lines = [...(node.lines || []), this.model.readBy(ops), cost].filter(Boolean);
    if (hidden) return;
    this.nodes.set(node.id, node);
    for (const i of ops) this.nodeOf.set(i, node.id);
  }

  // ---------------------------------------------------------------- arrows

  connect() {
    const flows = new Map();
    for (const op of this.selection.ops) {
      const head = this.nodeOf.get(op.id);
      if (head === undefined) continue;
      op.inputs.forEach((tensor, i) => {
        for (const reader of this.readersIn(op, i, head)) {
          const found = this.flow(op, reader, tensor, op.flows[i]);
          if (!found) continue;
          const key = `${found[0]}\0${reader}\0${found[1]}`;
          if (!flows.has(key))
            flows.set(key, { tail: found[0], head: reader, kind: found[1], tensors: new Set(), read: new Set(), operand: [op.id, i], first: found[1] === "data" });
          flows.get(key).tensors.add(tensor);
          flows.get(key).first &&= this.rounds.begins(op, tensor);
          if (this.isShown(op)) flows.get(key).read.add(tensor);
        }
      });
    }
    for (const { name, read, first, ...flow } of byOutputs(this, [...flows.values()])) {
      const label = (name && `${name}  `) + this.label(flow, this.count(flow, read));
      this.edges.push({ ...flow, tensors: [...flow.tensors], label: first ? `${label}  ${FIRST_ROUND}`.trim() : label });
    }
    markOperands(this);
    tellUnreadGradients(this);
    tellWeightsOfTerms(this);
    this.countInputs();
    this.beginGradients();
    partPasses(this);
    numberGradients(this);
    for (const node of [...this.nodes.values()]) this.tie(node);
    this.edges.forEach((edge, i) => {
      edge.id = `e${i}`;
    });
  }

  // The boxes that read an input of an op: of one that is open, those of its parts.
  readersIn(op, at, head) {
    const ids = this.partNodes.get(op.id);
    if (!ids) return [head];
    const { parts } = this.model.compositions[op.composition],
      found = ids.filter((_, number) => parts[number].inputs.includes(at));
    return found.length ? found : [head];
  }

  // The box that made a tensor: of an op that is open, that of a part.
  makerOf(op, tensor) {
    const ids = this.partNodes.get(op.id);
    if (!ids) return this.nodeOf.get(op.id);
    const { parts, results } = this.model.compositions[op.composition],
      made = results[op.outputs.indexOf(tensor)];
    return ids.find((_, number) => parts[number].outputs.includes(made)) ?? this.nodeOf.get(op.id);
  }

  // The boxes that show an op: those of its parts where it is open.
  boxesOf(op) {
    const node = this.nodeOf.get(op);
    return this.partNodes.get(op) ?? (node === undefined ? [] : [node]);
  }

  // Does a box compute the gradient of one beside it that reads the same weight? The arrow to that says it all.
  isReadBeside(head, weight) {
    const { variables, ops } = this.model,
      { lane, row } = this.nodes.get(head),
      beside = this.nodes.get(row);
    if (!lane.startsWith("backward") || !beside || row === head) return false;
    const read = (beside.part === undefined ? beside.ops : [beside.main]).flatMap((op) => ops[op].inputs);
    return read.some((each) => variables.get(each) === variables.get(weight));
  }

  // Tail and kind of the arrow for an input of an op; null where there is none to draw.
  flow(op, head, tensor, letter) {
    const kind = FLOWS[letter];
    if (!kind) return null;
    if (kind === "parameter") {
      const tail = this.weightNode.get(this.model.variables.get(tensor));
      return tail !== head && this.nodes.has(tail) && !this.isReadBeside(head, tensor) ? [tail, kind] : null;
    }
    const { producer } = this.model.tensors[tensor],
      tail = producer === null ? undefined : this.makerOf(this.model.ops[producer], tensor);
    if (tail !== undefined) {
      if (tail === head) this.noteAgain(head, producer, op.id);
      return tail === head || this.rounds.hides(producer, op.id) ? null : [tail, kind];
    }
    if (producer !== null && this.view === "forward" && this.model.ops[producer].phase === "backward")
      return [this.addGradient(tensor, producer), kind];
    if (!(letter in OUTSIDE)) return null;
    if (letter === "c" && !this.isGiven(op, tensor, head)) return null;
    if (!this.mainOf.has(op.id))
      return [letter === "c" ? this.addConstant(op, tensor, head) : this.addInput(tensor, OUTSIDE[letter]), kind];
    if (letter !== "c") this.given.set(head, (this.given.get(head) ?? new Set()).add(tensor)); // the one shown has one
    return null;
  }

  // Says of a box that it reads what it made in the round before, as a sum in a loop does: no arrow shows that.
  noteAgain(node, producer, consumer) {
    const { row, lines } = this.nodes.get(node),
      owner = this.called.get(row); // null for several ops of which it isn't known which calls they are of
    if (owner === null || lines.includes(AGAIN) || !this.rounds.goesOn(producer, consumer, owner)) return;
    lines.splice(lines.length - 1, 0, AGAIN);
  }

  // Says of inputs how many they stand for, where each of folded parts has its own.
  countInputs() {
    const counts = new Map();
    for (const [head, tensors] of this.given) {
      const tails = this.edges.filter((edge) => edge.head === head).map(({ tail }) => tail),
        boxes = new Set(tails.filter((tail) => this.nodes.get(tail).kind === "input")),
        read = new Set([...tensors].map((tensor) => `in${tensor}`)),
        own = [...boxes].filter((box) => !read.has(box)), // what all parts read is one
        others = [...read].filter((box) => !boxes.has(box));
      for (const box of own) {
        counts.set(box, Math.max(counts.get(box) ?? 1, 1 + Math.floor(others.length / own.length)));
        if (own.length === 1) this.nodes.get(box).tensors = [box, ...others].map((id) => Number(id.slice(2)));
      }
    }
    for (const [box, count] of counts) {
      if (count < 2) continue;
      const { lines } = Object.assign(this.nodes.get(box), { title: `${this.nodes.get(box).title}  ×${count}` });
      lines.push(`${lines.pop()}  ×${count}`); // the bytes
    }
  }

  // The box of a tensor from outside, made when it is first needed.
  addInput(tensor, role) {
    const id = `in${tensor}`,
      { label, name, nbytes: size } = this.model.tensors[tensor];
    if (!this.nodes.has(id)) {
      this.nodes.set(id, {
        ...{ id, kind: "input", title: givenTitle(clean(name, 30), role), role, lines: [label, nbytes(size)] },
        ...{ phase: "input", lane: "forward" },
        ...{ row: id, frame: null, ops: [], tensor },
      });
    }
    return id;
  }

  // The box of a gradient that forward ops read, as a gradient penalty does, made by an op that isn't shown.
  addGradient(tensor, op) {
    const id = `in${tensor}`,
      { label, name } = this.model.tensors[tensor];
    this.gradients.set(id, op);
    this.nodes.set(id, {
      ...{ id, kind: "gradient", title: name, lines: ["from the backward pass", label], phase: "backward" },
      ...{ lane: "forward", row: id, frame: null, ops: [], tensor },
    });
    return id;
  }

  // Lets an arrow lead to such a box from what it is the gradient of.
  beginGradients() {
    const { ops } = this.model,
      passOf = ({ scope }) => this.model.ancestors(scope).findLast(({ kind }) => kind === "backward")?.id;
    for (const [head, made] of this.gradients) {
      const pass = passOf(ops[made]),
        begin = ops.find((op) => op.phase === "backward" && passOf(op) === pass),
        tail = this.nodeOf.get(this.mainOf.get(begin.forward) ?? begin.forward);
      if (tail !== undefined) this.edges.push({ tail, head, kind: "gradient", label: "", tensors: [] });
    }
  }

  // The calls around an op that were given a tensor.
  givenTo(op, tensor) {
    return this.model.ancestors(op.scope).filter(({ inputs }) => inputs.includes(tensor)).map(({ id }) => id);
  }

  // Was what is closed given a constant that it reads? Else it filled it for itself, which isn't shown.
  isGiven(op, tensor, head) {
    const { kind, block } = this.nodes.get(head),
      given = this.givenTo(op, tensor);
    return kind !== "scope" || (block.scope ? given.includes(block.scope.id) : given.length > 0);
  }

  // The box of what a layer or a line of code fills for itself, such as `arange(12)`: in the frame of what reads it, but
  // outside of those that were given it. Those that were filled alike there are one.
  addConstant(op, tensor, head) {
    const chain = framesOf(this, this.nodes.get(head).frame),
      given = this.givenTo(op, tensor),
      frame = chain[chain.findLastIndex((each) => given.includes(this.frames.get(each).scope)) + 1] ?? null,
      { name, label } = this.model.tensors[tensor],
      alike = [frame, name.endsWith(")") ? name : tensor, label].join("\0");
    if (!this.constants.has(tensor)) {
      const known = this.constants.get(alike);
      this.constants.set(tensor, known ?? this.addInput(tensor, OUTSIDE.c));
      if (known === undefined) Object.assign(this.nodes.get(`in${tensor}`), { frame });
      this.constants.set(alike, this.constants.get(tensor));
    }
    const node = this.nodes.get(this.constants.get(tensor));
    while (node.frame !== null && !chain.includes(node.frame)) node.frame = this.frames.get(node.frame).parent;
    return node.id;
  }

  // Wasn't an op folded into an equal one, nor what it computes the gradient of?
  isShown({ id, phase, forward }) {
    return !this.mainOf.has(phase === "backward" ? (forward ?? id) : id);
  }

  // How many tensors flow along an arrow at a time: of folded parts, each has its own. `read` are those of shown ops.
  count({ tensors, isPart }, read) {
    const { tensors: infos, ops, same } = this.model,
      isMadeHere = (tensor) => infos[tensor].producer !== null && this.isShown(ops[infos[tensor].producer]);
    // What an op gives as one array to several operands, or in parts to one, is one.
    const operandOf = (tensor) => {
      const { producer, gradientOf } = infos[tensor];
      return producer !== null && gradientOf !== null && ops[producer].phase === "backward" ? `${producer} ${gradientOf}` : tensor;
    };
    const number = (some) => Math.min(new Set(some.map((tensor) => same.get(tensor) ?? tensor)).size, new Set(some.map(operandOf)).size);
    return isPart ? 1 : Math.max(number([...tensors].filter(isMadeHere)), number([...read]));
  }

  label({ tail, kind, tensors }, count) {
    const infos = [...tensors].map((i) => this.model.tensors[i]),
      from = this.nodes.get(tail).kind;
    if (kind === "parameter") // from one call of a layer to another; else their boxes tell what they are
      return from !== "parameter" && infos.every(({ role }) => role === "state") ? "state" : "";
    if (from === "input") return ""; // their boxes tell the shape
    const of = infos.map((info) => this.model.tensors[info.gradientOf]);
    if (of.every((info) => info && info.role === "parameter")) {
      const names = [...new Set(of.map(({ name }) => clean(name.split("/").pop() || "variable", 20)))];
      return `∇ ${names.slice(0, 2).join(", ")}${names.length > 2 ? ", …" : ""}`;
    }
    const distinct = [...new Set(infos.map(({ label }) => label))];
    if (distinct.length > 1) return `${distinct[0]}  (+${Math.max(count, distinct.length) - 1})`;
    return distinct[0] + (count > 1 ? `  ×${count}` : "");
  }

  // Ties an update to its weights, and a backward op to the op whose gradient it computes.
  tie(node) {
    if (!this.nodes.has(node.row)) return;
    const weights = this.nodes.has(`${node.row}_weights`);
    const target = weights ? `${node.row}_weights` : node.row;
    if (node.lane === "update" && target !== node.id) {
      this.edges.push({ tail: node.id, head: target, kind: "update", label: "", tensors: [] });
    }
    const chained = this.nodes.has(`${node.row}_update`); // between the two, and tied to both: a line would go around it
    if (node.pass !== undefined && (node.nearest || !chained)) {
      this.edges.push({ tail: node.nearest || node.row, head: node.id, kind: "link", label: "", tensors: [] });
    }
  }
}

// A frame and those around it, innermost first.
export function framesOf({ frames }, frame) {
  const found = [];
  for (let at = frame; at !== null; at = frames.get(at).parent) found.push(at);
  return found;
}

export const BETWEEN = "  ·  "; // what stands below the title of a frame
// What an input's letter says of the arrow to it: see viz/page/views.py.
export const VARIABLES = ["parameter", "frozen", "state"]; // roles
const FLOWS = { p: "parameter", g: "gradient", d: "data", i: "data", t: "data", c: "data" };
export const OUTSIDE = { i: "input", t: "target", c: "constant" };

// What the box of a tensor from outside is called: by its name, with a word for a target's role.
export const givenTitle = (name, title) =>
  name && title === "target" && !name.includes(title) ? `${name} (${title})` : name || title;
