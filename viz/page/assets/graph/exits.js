// Where the outputs of a box leave it that have ways of their own: side by side, in their order. The counterpart of
// viz/geometry/exits.py, which says more.

import { push } from "../recording/selection.js";
import { PAD } from "./layout.js";
import { APART, LABEL_SIZE, OFF_CORNERS } from "./measures.js";
import { ASIDE, middleOf } from "./routes.js";
import { textWidth } from "./sizes.js";

const GOES_ON = 400; // so near to a box, what turns off there would seem to lead to another below it
const STRAIGHT = 1; // what begins no farther from the middle of the box where it ends leads there straight
export const STUB = 24, // how far lines lead straight away from such a place: the labels stand there
  EXITS_APART = 24,
  EXIT_CORNERS = 8, // how far they keep from a box's corners
  BESIDE_LABEL = 12,
  ROOM_OF_EXITS = { above: 8, below: 14 }; // more room beside a row with such places

export const exitOf = ({ tail, output }) => `${tail}\0${output}`;
export const hasExit = ({ output }) => output !== null && output !== undefined;

// How far from the middle of its box each output leaves it. Gradients leave it on the side of what they are for, and the
// nearest one in the middle, so that the way back through a network stays straight.
// Where boxes have no places yet, they are as far aside as they may come to be.
export function exitsOf(scene, isPlaced) {
  const outputs = { data: new Map(), gradient: new Map() }; // of each kind: tail -> output -> its arrows
  for (const edge of scene.edges.filter(hasExit)) {
    const ofKind = outputs[edge.kind];
    if (!ofKind.has(edge.tail)) ofKind.set(edge.tail, new Map());
    push(ofKind.get(edge.tail), edge.output, edge);
  }
  const found = new Map();
  for (const [tail, arrows] of outputs.gradient) {
    const aside = isPlaced ? gradientsBySide(scene, tail, arrows) : [...arrows.keys()].map((output, n) => [output, n]);
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
function gradientsBySide(scene, tail, arrows) {
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
    const isHere = (output) => nearest.get(output)[0] < 0 === side < 0;
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

// How far from the middle of a box each arrow ends there, so that its inputs can be counted. From the left to the right:
// what comes from the left, from right above or below, and from the right; of one side, what comes along next to the box
// is outermost. One that begins right above the middle leads there straight.
export function entriesOf({ nodes, edges }, exits) {
  const together = new Map(),
    found = new Map();
  for (const edge of edges.filter(({ kind }) => kind === "data" || kind === "gradient")) {
    const isAbove = middleOf(nodes.get(edge.tail))[1] < middleOf(nodes.get(edge.head))[1];
    push(together, `${edge.head} ${edge.kind} ${isAbove}`, edge);
  }
  for (const arrows of together.values()) {
    const head = nodes.get(arrows[0].head),
      [x, y] = middleOf(head),
      begins = new Map();
    for (const edge of arrows) {
      const [tailX, tailY] = middleOf(nodes.get(edge.tail)),
        away = tailX - x + (exits.get(exitOf(edge)) || 0);
      push(begins, exitOf(edge), { edge, away, far: Math.abs(tailY - y) });
    }
    const all = [...begins.values()].map(([each]) => each);
    for (const each of all) each.turn = turnOf(each, all, head.w / 2);
    const order = [...begins.values()].sort(([{ turn: a }], [{ turn: b }]) => a[0] - b[0] || a[1] - b[1]),
      aways = order.map(([{ away, turn }]) => Math.abs(away) + (turn[0] ? head.w / 2 : 0)),
      least = Math.min(...aways),
      last = order.length - 1,
      isStraight = least < STRAIGHT,
      isAside = !isStraight && last % 2 === 0 && isUnderAnother(nodes, head, arrows[0]),
      shift = isAside ? (order[last / 2][0].turn[0] < 0 ? 0.5 : -0.5) : 0,
      centre = isStraight ? aways.indexOf(least) : last / 2 + shift,
      apart = Math.min(APART, (head.w / 2 - OFF_CORNERS) / Math.max(centre, last - centre, 1));
    order.forEach((same, n) => same.forEach(({ edge }) => found.set(edge, (n - centre) * apart)));
  }
  return found;
}

// Does another box stand right above the middle of a box that an arrow reaches from above, or below? What leaves it would
// seem to go on here.
function isUnderAnother(nodes, box, { tail }) {
  const [x, y] = middleOf(box),
    sign = middleOf(nodes.get(tail))[1] < y ? 1 : -1,
    gap = (each) => (sign > 0 ? box.y - each.y - each.h : each.y - box.y - box.h);
  return [...nodes.values()].some((each) => Math.abs(middleOf(each)[0] - x) < ASIDE && gap(each) > 0 && gap(each) < GOES_ON);
}

// The turn of an arrow among others that end at the same side of a box. One that begins behind another leads around that:
// data on the left, gradients on the right.
function turnOf({ edge, away, far }, others, half) {
  const isBehind = Math.abs(away) < half && others.some((other) => other.far < far && Math.abs(away - other.away) < ASIDE);
  if (isBehind) return edge.kind === "data" ? [-1, far] : [1, -far];
  return Math.abs(away) < half ? [0, away] : away < 0 ? [-1, far] : [1, -far];
}
