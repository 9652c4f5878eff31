// Where the outputs of a box leave it that have ways of their own: side by side, in their order. The counterpart of
// viz/geometry/exits.py, which says more.

import { push } from "../recording/selection.js";
import { APART, OFF_CORNERS } from "./arrow_ends.js";
import { PAD } from "./layout.js";
import { LABEL_SIZE } from "./measures.js";
import { middleOf } from "./routes.js";
import { textWidth } from "./sizes.js";

export const STUB = 24, // how far lines lead straight away from such a place: the labels stand there
  EXITS_APART = 24,
  EXIT_CORNERS = 8, // how far they keep from a box's corners
  BESIDE_LABEL = 12,
  ROOM_OF_EXITS = { above: 8, below: 14 }; // more room beside a row with such places

export const exitOf = ({ tail, output }) => `${tail}\0${output}`;
export const hasExit = ({ output }) => output !== null && output !== undefined;

// How far from the middle of its box each output leaves it. Gradients leave it on the side of what they are for, and the
// nearest one in the middle, so that the way back through a network stays straight; those in `turned` on the other side.
// Where boxes have no places yet, they are as far aside as they may come to be.
export function exitsOf(scene, isPlaced, turned = new Set()) {
  const outputs = { data: new Map(), gradient: new Map() }; // of each kind: tail -> output -> its arrows
  for (const edge of scene.edges.filter(hasExit)) {
    const ofKind = outputs[edge.kind];
    if (!ofKind.has(edge.tail)) ofKind.set(edge.tail, new Map());
    push(ofKind.get(edge.tail), edge.output, edge);
  }
  const found = new Map();
  for (const [tail, arrows] of outputs.gradient) {
    const aside = isPlaced ? gradientsBySide(scene, tail, arrows, turned) : [...arrows.keys()].map((output, n) => [output, n]);
    for (const [output, n] of aside) found.set(exitOf({ tail, output }), n * EXITS_APART);
  }
  for (const [tail, arrows] of outputs.data) {
    const outputs = [...arrows.keys()].sort((a, b) => a - b),
      apart = outputs.map((output) => exitWidth(arrows.get(output)[0].label)),
      half = Math.floor(outputs.length / 2),
      before = (n) => apart.slice(0, n).reduce((sum, width) => sum + width, 0),
      middle = before(half) + (outputs.length % 2 ? apart[half] / 2 : 0);
    outputs.forEach((output, n) => found.set(exitOf({ tail, output }), before(n) - middle));
  }
  return found;
}

// How far an output is from the next one, with room for its label before that.
const exitWidth = (label) => Math.max(EXITS_APART, 2 * Math.ceil((textWidth(label, LABEL_SIZE) + BESIDE_LABEL) / 2));

// Pairs: a gradient of a box, and how many places left or right of the middle it leaves.
function gradientsBySide(scene, tail, arrows, turned) {
  const box = scene.nodes.get(tail),
    [x, y] = middleOf(box),
    size = ([a, b]) => [Math.abs(a), Math.abs(b)],
    nearer = (one, other) => one[0] - other[0] || one[1] - other[1],
    nearest = new Map();
  for (const [output, edges] of arrows) {
    const away = edges.map(({ head }) => middleOf(scene.nodes.get(head))).map(([a, b]) => [a - x, b - y]);
    nearest.set(output, away.sort((a, b) => nearer(a, b))[0]);
  }
  const [middle, ...others] = [...arrows.keys()].sort((a, b) => nearer(size(nearest.get(a)), size(nearest.get(b)))),
    found = [[middle, 0]];
  // Outermost is the nearest of boxes aside, to which ways turn, and the farthest of those that ways lead around.
  const outwards = ([a, b]) => (Math.abs(a) > box.w / 2 ? -Math.abs(b) : Math.abs(b));
  for (const side of [-1, 1]) {
    const isHere = (output) => nearest.get(output)[0] < 0 === (side < 0 !== turned.has(exitOf({ tail, output })));
    others
      .filter(isHere)
      .sort((a, b) => outwards(nearest.get(a)) - outwards(nearest.get(b)))
      .forEach((output, n) => found.push([output, side * (n + 1)]));
  }
  return found;
}

// Makes boxes as wide as what leaves them side by side needs; tells how wide the columns of boxes must be that gradients
// leave aside, so that their labels have room within frames, and how much room rows need above and below.
export function leaveExits(scene) {
  const columns = new Map(),
    room = { above: new Map(), below: new Map() },
    exits = exitsOf(scene, false);
  for (const edge of scene.edges.filter(hasExit)) {
    const node = scene.nodes.get(edge.tail),
      by = Math.abs(exits.get(exitOf(edge))),
      where = edge.kind === "gradient" ? "above" : "below";
    node.w = Math.max(node.w, 2 * Math.ceil(by + EXIT_CORNERS));
    room[where].set(node.row, ROOM_OF_EXITS[where]);
    if (where === "below") continue;
    const label = by ? textWidth(edge.label, LABEL_SIZE) + BESIDE_LABEL : 0;
    columns.set(node.id, Math.max(columns.get(node.id) || 0, 2 * Math.ceil(by + label - PAD)));
  }
  return { columns, room };
}

// The gradients that leave a box on one side of its middle, and pass to the other.
export function onWrongSide({ nodes, edges }) {
  const wrong = new Set();
  for (const edge of edges) {
    if (edge.kind !== "gradient" || !hasExit(edge)) continue;
    const [[begin]] = edge.corners,
      [middle] = middleOf(nodes.get(edge.tail)),
      aside = edge.corners.find(([x]) => x !== begin);
    if (aside && (aside[0] - begin) * (begin - middle) < 0) wrong.add(exitOf(edge));
  }
  return wrong;
}

// How far from the middle of the other box an arrow that carries one of several outputs may end: straight on, if that is
// there; those of several that both boxes share in the order in which they begin.
export function entriesOf({ nodes, edges }, exits) {
  const together = new Map(),
    found = new Map();
  for (const edge of edges) if (edge.kind === "data" && hasExit(edge)) push(together, `${edge.tail}\0${edge.head}`, edge);
  for (const arrows of together.values()) {
    arrows.sort((a, b) => a.output - b.output);
    const [tail, head] = [nodes.get(arrows[0].tail), nodes.get(arrows[0].head)],
      most = head.w / 2 - OFF_CORNERS,
      away = middleOf(tail)[0] - middleOf(head)[0],
      straight = arrows.map((edge) => away + exits.get(exitOf(edge))),
      last = arrows.length - 1;
    if (!last) {
      found.set(arrows[0], [0, ...straight.filter((by) => by && Math.abs(by) <= most)]);
      continue;
    }
    const apart = Math.min(APART, (2 * most) / last),
      isThere = straight.every((by) => Math.abs(by) <= most);
    arrows.forEach((edge, n) => found.set(edge, [isThere ? straight[n] : (n - last / 2) * apart]));
  }
  return found;
}
