// Which of several outputs of a box an arrow carries: each has a way out of its own, and is called by its name. The
// counterpart of viz/picture/outputs.py.

import { clean } from "../recording/formatting.js";
import { rules } from "../recording/rules.js";
import { push } from "../recording/selection.js";
import { BACKWARD } from "./passes.js";

const MOST_OUTPUTS = 6, // of a box that have ways of their own: with more of them it would be too wide
  LONGEST_NAME = 20;
// The flows of a scene, of which each that carries several outputs of one op or closed layer is one for each.
export function byOutputs(scene, flows) {
  const carried = new Map(); // tail -> tensor -> which of the outputs it is, and the tensor before it was cast
  for (const { tail, kind, tensors } of flows) {
    if (kind !== "data" || !["op", "scope"].includes(scene.nodes.get(tail).kind)) continue;
    if (!carried.has(tail)) carried.set(tail, new Map());
    for (const tensor of tensors) carried.get(tail).set(tensor, placeOfOutput(scene, tail, tensor));
  }
  const parted = flows.flatMap((flow) => {
    const places = flow.kind === "data" ? carried.get(flow.tail) : undefined,
      outputs = new Set([...(places || new Map()).values()].map(([place]) => place));
    if (outputs.size < 2 || outputs.size > MOST_OUTPUTS || outputs.has(-1))
      return [{ ...flow, output: null, name: (places ? nameFromWithin(scene, flow.tail, [...places.values()]) : "") || nameAroundActivation(scene, flow) }];
    const parts = new Map();
    for (const tensor of flow.tensors) push(parts, places.get(tensor)[0], tensor);
    return [...parts].map(([output, tensors]) => {
      const before = tensors.map((tensor) => places.get(tensor)[1]);
      return { ...flow, tensors: new Set(tensors), isPart: true, output, name: nameOfOutput(scene, flow.tail, before, output) };
    });
  });
  foldedApart(scene, parted);
  return parted;
}

// What an output is called, by the user's code, by everybody, or by what reads it in a closed layer (`before softmax`),
// else by its number. The only output of a layer that others look into needs no name.
function nameOfOutput({ nodes, model }, tail, before, output) {
  const { kind, block, ops } = nodes.get(tail),
    outputs = kind === "scope" && block.scope ? block.scope.outputs : null,
    name = commonName(before.map((tensor) => model.tensors[tensor].name)) || commonName(before.map((tensor) => usualName(model, tensor)));
  if (name) return name;
  const inner = outputs && output >= outputs.length ? commonName(before.map((tensor) => insideOf(model, ops, tensor))) : "";
  return inner || (outputs && outputs.length === 1 && output === 0 ? "" : `[${output}]`);
}

// Where in a closed layer what others read of it is: `before softmax`; "" where nothing in it reads that.
function insideOf(model, ops, tensor) {
  const reader = ops.map((id) => model.ops[id]).find(({ inputs }) => inputs.includes(tensor));
  return reader ? `before ${reader.name}` : "";
}

// What an arrow that is the only one from a closed layer says where it carries what is inside of that, else "".
function nameFromWithin({ nodes, model }, tail, places) {
  const { kind, block, ops } = nodes.get(tail),
    outputs = kind === "scope" && block.scope ? block.scope.outputs : [],
    isWithin = outputs.length && places.every(([place]) => place >= outputs.length);
  return isWithin ? commonName(places.map(([, tensor]) => insideOf(model, ops, tensor))) : "";
}

// What an arrow to a loss says that leads around an activation of an open layer, as losses do that take logits for the
// probabilities which a softmax made of them: what that made, nobody reads.
function nameAroundActivation({ nodes, model }, { tail, head, kind, tensors }) {
  const [outer, inner] = [tail, head].map((id) => nodes.get(id).ops),
    isLoss = (id) => model.ancestors(model.ops[id].home).some((scope) => scope.kind === "loss");
  if (kind !== "data" || nodes.get(tail).kind !== "op" || !inner.length || !inner.every(isLoss) || outer.some(isLoss)) return "";
  return commonName([...tensors].map((tensor) => activationBehind(model, tensor)));
}

function activationBehind({ ops, tensors }, tensor) {
  const { producer } = tensors[tensor],
    home = producer === null ? null : ops[producer].home,
    reader = home === null ? null : ops.find((op) => op.phase === "forward" && op.home === home && op.inputs.includes(tensor));
  return reader ? `before ${reader.name}` : "";
}

// What everybody calls an output of some ops: `h`, or `backward h` of two directions at once.
function usualName({ tensors, ops }, tensor) {
  const { producer } = tensors[tensor],
    { name = "", outputs = [] } = producer === null ? {} : ops[producer],
    names = rules.outputs[name.replace(/_pair$/, "")],
    place = outputs.indexOf(tensor);
  if (!names || place < 0) return "";
  if (!name.endsWith("_pair")) return names[place] ?? "";
  return ["forward", "backward"][Number(place >= names.length)] + (place % names.length ? ` ${names[place % names.length]}` : "");
}

// Tells arrows apart that lead from ops that one box stands for, each to another box. A name that all of them share, as
// that of the layer around, tells none from the others, and is left out.
function foldedApart(scene, flows) {
  const { tensors: infos } = scene.model,
    leaving = new Map();
  for (const flow of flows)
    if (flow.kind === "data" && flow.output === null && scene.nodes.get(flow.tail).kind === "op") push(leaving, flow.tail, flow);
  for (const several of leaving.values()) {
    const made = several.map(({ tensors }) => [...new Set([...tensors].map((tensor) => infos[tensor].producer))]),
      all = new Set(made.flat());
    if (several.length < 2 || several.length > MOST_OUTPUTS || all.size < made.flat().length || all.has(null)) continue;
    const names = several.map(({ tensors }) =>
      commonName([...tensors].map((tensor) => infos[tensor].name || layerOf(scene.model, infos[tensor]))),
    );
    several.forEach((flow, number) => {
      flow.output = number;
      flow.name = new Set(names).size > 1 ? names[number] : "";
    });
  }
}

// The name that several tensors share; "" where they have others, or none.
function commonName(names) {
  const distinct = new Set(names);
  return distinct.size === 1 ? clean([...distinct][0], LONGEST_NAME) : "";
}

// What the layer is called that made a tensor; "" for none.
function layerOf({ ops, scopes }, { producer }) {
  const { scope } = ops[producer];
  return scope !== null && scopes[scope].kind === "layer" ? scopes[scope].shown : "";
}

// Which of the outputs of its op, or of the closed layer around it, a tensor is (-1: none of them), and the tensor itself
// before it was cast.
function placeOfOutput(scene, tail, tensor) {
  const { tensors, ops, scopes } = scene.model,
    { kind, ops: shown } = scene.nodes.get(tail);
  let made = tensor,
    { producer } = tensors[tensor];
  while (scene.hostOf.has(producer) && shown.includes(producer)) {
    const [before] = ops[producer].inputs;
    if (!shown.includes(tensors[before].producer)) break;
    made = before;
    producer = tensors[before].producer;
  }
  if (producer === null) return [-1, made];
  if (kind === "op") return [ops[producer].outputs.indexOf(made), made];
  const { scope } = scene.nodes.get(tail).block,
    outputs = scope ? scope.outputs : [],
    isInside = scope && scene.model.ancestors(ops[producer].scope).some(({ id }) => id === scope.id);
  if (outputs.includes(tensor)) return [outputs.indexOf(tensor), made]; // what a layer gives may be cast at its end
  if (outputs.includes(made) || !isInside || !shown.includes(producer)) return [outputs.indexOf(made), made];
  return [outputs.length + shown.indexOf(producer), made]; // what others read of what is inside
}

// Numbers the different gradients that one box gives to other rows: other ways out. What an op gives to several operands as
// it is, as a sum does, is one gradient, and leaves as one.
export function numberGradients({ nodes, edges, model }) {
  const carried = new Map(),
    numbers = new Map();
  for (const edge of edges) {
    const [tail, head] = [nodes.get(edge.tail), nodes.get(edge.head)];
    if (edge.kind !== "gradient" || !BACKWARD.includes(tail.lane) || tail.row === head.row) continue;
    const arrays = new Set(edge.tensors.map((tensor) => model.same.get(tensor) ?? tensor)),
      what = [edge.label, ...[...arrays].sort((a, b) => a - b)].join("\0");
    if (!carried.has(edge.tail)) carried.set(edge.tail, new Map());
    const outputs = carried.get(edge.tail);
    if (!outputs.has(what)) outputs.set(what, outputs.size);
    numbers.set(edge, outputs.get(what));
  }
  for (const [edge, number] of numbers) {
    const { size } = carried.get(edge.tail);
    if (size > 1 && size <= MOST_OUTPUTS) edge.output = number;
  }
}
