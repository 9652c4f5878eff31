// What boxes say of the arrows that end there: which operands they carry.

import { clean, ranges } from "../recording/formatting.js";
import { rules } from "../recording/rules.js";
import { push } from "../recording/selection.js";

export const MARK_SIZE = 8,
  MARK_ROOM = 8, // so much higher boxes are that have marks
  BEHIND_HEAD = 7, // from an arrow's head to the middle of its mark
  MOST_UNREAD = 3, // gradients that a box names
  MOST_TO_TERMS = 1; // arrows from weights to what makes terms of the loss from them

// Lets arrows say which operand they carry: `mark`.
export function markOperands({ nodes, edges, model }) {
  const into = new Map();
  for (const edge of edges)
    if (["data", "parameter"].includes(edge.kind) && ["op", "scope"].includes(nodes.get(edge.head).kind)) push(into, edge.head, edge);
  for (const [head, arrows] of into) {
    const node = nodes.get(head),
      places = node.part === undefined ? placesOfOperands(node.ops.map((id) => model.ops[id])) : new Map(),
      told = arrows.map(({ tensors }) => [...new Set(tensors.flatMap((tensor) => [...(places.get(tensor) ?? [])]))].sort((a, b) => a - b)),
      count = new Set([...places.values()].flatMap((of) => [...of])).size;
    if (arrows.length < 2 && (node.kind === "scope" || count <= told[0].length)) continue; // closed layers hold the others
    arrows.forEach((edge, n) => (edge.mark = ranges(told[n], 3)));
    if (node.part === undefined) markIndices(arrows, indicesOf(node.ops.map((id) => model.ops[id])));
    node.isMarked ||= arrows.some(({ mark }) => mark !== "");
  }
}

// Lets a box say whose gradients it computes where no arrow leaves it: nothing else reads them.
export function tellUnreadGradients({ nodes, edges, model }) {
  const read = new Set(edges.map(({ tail }) => tail)),
    isForward = ({ producer }) => producer === null || model.ops[producer].phase !== "backward";
  for (const node of nodes.values()) {
    if (!node.lane.startsWith("backward") || read.has(node.id)) continue;
    const made = node.ops.flatMap((op) => model.ops[op].outputs.map((i) => model.tensors[i].gradientOf)),
      of = [...new Set(made)].filter((i) => i !== null && isForward(model.tensors[i])),
      names = [...new Set(of.map((i) => clean(model.tensors[i].name.split("/").at(-1), 20)).filter(Boolean))],
      more = names.length > MOST_UNREAD ? ", …" : "";
    if (names.length) node.lines.splice(-1, 0, `→ ∇ ${names.slice(0, MOST_UNREAD).join(", ")}${more}`);
  }
}

// Lets the box of weight penalties say which weights it reads, of several layers, and that of its gradient, too: arrows
// would lead around the whole network.
export function tellWeightsOfTerms(scene) {
  const { nodes, model } = scene;
  for (const node of [...nodes.values()].filter(({ block }) => block?.makesTerms)) {
    const read = scene.edges.filter(({ head, kind }) => head === node.id && kind === "parameter");
    if (read.length <= MOST_TO_TERMS) continue;
    const weights = [...new Set(read.flatMap(({ tensors }) => tensors))],
      keepers = weights.map((id) => clean(model.tensors[id].name.split("/").at(-2) ?? "", 20)),
      ends = [...new Set([keepers[0], keepers.at(-1)])].join(new Set(keepers).size > 2 ? " … " : ", ");
    node.lines.splice(-1, 0, `reads ${weights.length} weights`, `of ${ends}`);
    node.saysWhatItReads = true;
    const isOfUpdate = ({ tail, head }) => nodes.get(tail).row === node.row && nodes.get(head).lane === "update",
      given = scene.edges.filter(isOfUpdate);
    for (const back of new Set(given.map(({ tail }) => tail))) {
      const updates = given.filter(({ tail }) => tail === back).map(({ head }) => nodes.get(head).title);
      nodes.get(back).lines.splice(-1, 0, `→ ${[...new Set(updates)].join(" ")}`);
    }
    scene.edges = scene.edges.filter((edge) => !read.includes(edge) && !given.includes(edge));
  }
}

// Calls the arrows `index` that carry nothing but such, with its number where there are several, and others bring what is
// indexed.
function markIndices(arrows, indices) {
  const marked = arrows.filter(({ tensors }) => tensors.length && tensors.every((tensor) => indices.has(tensor)));
  if (!arrows.some((edge) => edge.kind === "data" && !marked.includes(edge))) return;
  const several = Math.max(...[...indices.values()].flatMap((numbers) => [...numbers])) > 1;
  for (const edge of marked) {
    const numbers = [...new Set(edge.tensors.flatMap((tensor) => [...indices.get(tensor)]))].sort((a, b) => a - b);
    edge.mark = several ? `index ${ranges(numbers, 3)}` : "index";
  }
}

// The tensors that ops are given as indices of others, and as nothing else: which of their indices, from 1. What an op
// among them makes an index of is as good as one.
function indicesOf(ops) {
  const found = new Map(),
    others = new Set();
  for (const { inputs, inputNames, outputs } of ops.filter(({ phase }) => phase === "forward").reverse()) {
    let number = 0;
    if (inputs.length === 1 && outputs.every((tensor) => found.has(tensor) && !others.has(tensor))) {
      found.set(inputs[0], new Set([...(found.get(inputs[0]) ?? []), ...outputs.flatMap((made) => [...found.get(made)])]));
      continue;
    }
    inputs.forEach((tensor, i) => {
      if (inputNames[i] !== "index" && inputNames[i] !== "indices") others.add(tensor);
      else found.set(tensor, (found.get(tensor) ?? new Set()).add(++number));
    });
  }
  return new Map([...found].filter(([tensor]) => !others.has(tensor)));
}

// For the tensors that equal ops read, which of their operands they are, from 1; none where that doesn't matter.
function placesOfOperands(ops) {
  const found = new Map(),
    own = ops.filter(({ name }) => name !== "cast"),
    add = (tensor, place) => found.set(tensor, (found.get(tensor) ?? new Set()).add(place));
  if (own.some(({ name, phase }) => !rules.ordered.includes(name) || phase !== "forward" || name !== own[0].name)) return found;
  for (const { inputs } of own) if (new Set(inputs).size > 1) inputs.forEach((tensor, i) => add(tensor, i + 1));
  for (const { name, inputs, outputs } of ops)
    if (name === "cast") for (const place of found.get(outputs[0]) ?? []) add(inputs[0], place);
  return found;
}

// Where the marks of a box stand: texts, each with its place; those of arrows that end at one place are one.
export function placeMarks({ nodes, edges }) {
  const found = new Map();
  for (const { head, mark, corners } of edges) {
    if (!mark || !corners || corners.length < 2) continue;
    const [[a, b], [x, y]] = corners.slice(-2),
      at = [x + BEHIND_HEAD * Math.sign(x - a), y + BEHIND_HEAD * Math.sign(y - b)];
    push(found, `${head}\0${at}`, { head, mark, at });
  }
  for (const node of nodes.values()) node.marks = [];
  for (const together of found.values())
    nodes.get(together[0].head).marks.push([together.map(({ mark }) => mark).sort().join(", "), ...together[0].at]);
}
