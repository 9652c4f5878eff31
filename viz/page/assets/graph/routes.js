// Ways for arrows: level and upright pieces that enter no box and no title; the counterpart of
// viz/geometry/edge_routes.py and placement.py.

import { push } from "../recording/selection.js";
import { framesOf } from "./assembly.js";
import { Channels, KEEP_OFF, NEVER, PUSHING } from "./channels.js";
import { CoarseRouter } from "./coarse_routes.js";
import { STUB, entriesOf, exitOf, exitsOf, hasExit } from "./exits.js";
import { placeLabels } from "./labels.js";
import { PAD, arrange } from "./layout.js";
import { LABEL_SIZE } from "./measures.js";
import { placeMarks } from "./operands.js";
import { BACKWARD } from "./passes.js";
import { makeRoom, makeRoomAround, throughFrames } from "./rooms.js";
import { headOf, textWidth } from "./sizes.js";

const CELL_W = 240,
  CELL_H = 120;
const MOST_LOOKS = 4e6; // at points, before ways may be longer and cross more: seconds would pass
const BELOW_LABEL = 16; // how far straight on an arrow leads at first that has a label, for which there is room then
export const ASIDE = 12, // beside the middle of a box, where arrows begin and end that run against the others
  ROUND = 5, // the radius of bends
  ATTEMPTS = 4,
  MORE = 15; // room for one more label, or two more arrows

// Which boxes lie near a place.
export class Grid {
  constructor(boxes) {
    this.cells = new Map();
    for (const box of boxes) this.add(box);
  }

  add(box) {
    this.each(box, (key) => push(this.cells, key, box));
  }

  each(area, visit) {
    const right = Math.floor((area.x + area.w) / CELL_W),
      bottom = Math.floor((area.y + area.h) / CELL_H);
    for (let i = Math.floor(area.x / CELL_W); i <= right; i += 1) {
      for (let j = Math.floor(area.y / CELL_H); j <= bottom; j += 1) visit(i * 1e6 + j);
    }
  }

  within(area) {
    const found = new Set();
    this.each(area, (key) => (this.cells.get(key) || []).forEach((box) => meet(area, box) && found.add(box)));
    return found;
  }
}

export const meet = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
export const middleOf = (box) => [box.x + box.w / 2, box.y + box.h / 2];

// Gives all boxes, frames, titles, arrows and labels of a scene their places; with more room where it was too narrow. What
// was drawn `before` stays in its order from the left to the right.
export function placeScene(scene, before) {
  scene.before = new Map(before?.lefts);
  scene.lefts = new Map();
  const room = { above: new Map(), below: new Map() };
  for (const frame of scene.frames.values()) frame.least = 0;
  let left = MOST_LOOKS;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    arrange(scene, room);
    const { lost, looks } = route(scene, left);
    left -= looks;
    const through = throughFrames(scene);
    if (!(lost.length || through.size) || left < looks) break; // the next attempt would take as long
    for (const edge of lost) makeRoom(scene, room, edge);
    for (const frame of through) makeRoomAround(room, frame);
  }
  for (const edge of scene.edges) Object.assign(edge, boundsOf(edge.points, edge.labelAt, edge.label));
  scene.edgeGrid = new Grid(scene.edges);
  scene.left = 0;
  for (const edge of scene.edges) {
    scene.width = Math.max(scene.width, edge.x + edge.w + PAD);
    scene.left = Math.min(scene.left, edge.x - PAD);
  }
}

// Gives edges their `corners`, `points` and `labelAt`; tells which found no way, or no room for their label, and at how
// many points it looked: at about `mostLooks`, if that isn't enough.
function route(scene, mostLooks) {
  scene.grid = new Grid(scene.nodes.values());
  const heads = [...scene.frames.values()].filter((frame) => headOf(frame).h).map((frame) => frame.head),
    router = new Router(scene, heads, mostLooks);
  router.run();
  const lost = router.draw();
  placeMarks(scene);
  return { lost: [...new Set([...lost, ...placeLabels(scene, heads)])], looks: router.channels.looks };
}

class Router {
  constructor(scene, heads, mostLooks) {
    Object.assign(this, { scene, heads, mostLooks });
    this.edges = scene.edges;
    const exits = exitsOf(scene, true),
      entries = entriesOf(scene, exits);
    this.ports = this.edges.map((edge) => portsOf(scene, edge, exits.get(exitOf(edge)) || 0, entries.get(edge) || 0));
    this.around = this.edges.map(({ tail, head }) => [framesAround(scene, tail), framesAround(scene, head)]);
    this.own = this.around.map((both) => new Set(both.flat()));
    // Those around one end only: an arrow needn't leave what is around both.
    this.left = this.around.map(([a, b]) => new Set([...a.filter((id) => !b.includes(id)), ...b.filter((id) => !a.includes(id))]));
    this.found = new Map();
    const ports = this.ports.flatMap(([tails, ends], i) => [
      ...tails.map((port) => ({ ...port, owner: beginningOf(this.edges[i]) })),
      ...tails.flatMap(pointsBefore).map((outside) => ({ outside, owner: null })), // none turns off there
      ...ends.map((port) => ({ ...port, owner: this.edges[i].head })),
    ]);
    this.channels = new Channels(scene, heads, ports);
  }

  // Shorter ways first; then those that found no room, or cross others, once more, knowing the others.
  run() {
    const lengths = this.edges.map(({ tail, head }) => {
      const [a, b] = [tail, head].map((id) => middleOf(this.scene.nodes.get(id)));
      return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
    });
    const order = this.edges.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b] || a - b);
    for (const i of order) this.look(i, false);
    this.pushAside(order.filter((i) => !this.found.has(i)));
    for (let round = 0; round < 2; round += 1) {
      for (const i of order) {
        if (!this.found.has(i) || this.isTired || !this.met(i).crossed.length) continue;
        this.drop(i);
        this.look(i, false);
      }
      this.pushAside(order.filter((i) => !this.found.has(i)));
    }
    this.order = order;
  }

  // Gives edges their corners; tells which found no way.
  draw() {
    this.edges.forEach((edge, i) => this.found.has(i) && this.drawWay(edge, i));
    this.drawCoarsely(this.order.filter((i) => !this.found.has(i)));
    return this.edges.filter((_, i) => !this.found.has(i));
  }

  get isTired() {
    return this.channels.looks > this.mostLooks;
  }

  // Those that found no room push others away, who look for other ways.
  pushAside(lost) {
    for (let pushes = 6 * lost.length; pushes > 0 && lost.length && !this.isTired; pushes -= 1) {
      const i = lost.shift();
      if (!this.look(i, true)) continue;
      for (const other of [...this.met(i).touched].sort((a, b) => a - b)) {
        this.drop(other);
        if (!this.look(other, false)) lost.push(other);
      }
    }
  }

  look(i, pushing) {
    if (this.isTired) return false;
    const [starts, targets] = this.ports[i].map((ports) => new Map(ports.map(({ outside, upright }) => [this.channels.at(outside), upright]))),
      way = this.channels.search(i, starts, targets, this.left[i], pushing ? PUSHING : NEVER);
    if (!way.length) return false;
    this.found.set(i, [way, starts.get(way[0]), targets.get(way[way.length - 1])]);
    this.channels.take(i, ...this.found.get(i));
    return true;
  }

  drop(i) {
    this.channels.free(i, ...this.found.get(i));
    this.found.delete(i);
  }

  met(i) {
    return this.channels.met(i, ...this.found.get(i));
  }

  drawWay(edge, i) {
    const [way] = this.found.get(i),
      border = (ports, at) => ports.find(({ outside }) => this.channels.at(outside) === at).border;
    const points = [
      border(this.ports[i][0], way[0]),
      ...way.map((at) => this.channels.point(at)),
      border(this.ports[i][1], way[way.length - 1]),
    ];
    edge.corners = points.filter((here, k) => {
      const before = points[k - 1],
        after = points[k + 1];
      return !before || !after || ![0, 1].some((n) => before[n] === here[n] && here[n] === after[n]);
    });
    edge.points = roundedCorners(edge.corners);
  }

  drawCoarsely(lost) {
    if (!lost.length) return;
    const coarse = new CoarseRouter(this.scene, this.heads);
    for (const i of this.found.keys()) coarse.take(this.edges[i], this.edges[i].corners);
    for (const i of lost) {
      this.edges[i].corners = coarse.way(this.edges[i], ...this.ports[i]);
      this.edges[i].points = roundedCorners(this.edges[i].corners);
    }
  }
}

// A start, and three more points for each of the curves: straight pieces and round bends.
function roundedCorners(corners) {
  const found = [corners[0]];
  for (let k = 1; k < corners.length; k += 1) {
    const here = corners[k],
      before = corners[k - 1],
      after = corners[k + 1],
      r = after ? Math.min(ROUND, distance(before, here) / 2, distance(here, after) / 2) : 0;
    found.push(...straight(found[found.length - 1], after ? towards(here, before, r) : here));
    if (after) found.push(here, here, towards(here, after, r));
  }
  return found;
}

const distance = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
const towards = (a, b, by) => [0, 1].map((k) => a[k] + ((b[k] - a[k]) * by) / (distance(a, b) || 1));

export const framesAround = (scene, id) => framesOf(scene, scene.nodes.get(id).frame);

// Does an arrow lead down (1), or up (-1)? Those of updates, and between neighbours, do neither (0).
export function onwards(scene, { tail, head, kind }) {
  if (!["data", "gradient", "parameter"].includes(kind)) return 0;
  const [from, to] = [tail, head].map((id) => scene.nodes.get(id));
  return to.y >= from.y + from.h ? 1 : from.y >= to.y + to.h ? -1 : 0;
}

// What an arrow leaves: a box, or one of its outputs, whose lines are no other's.
export const beginningOf = ({ tail, output }) => (hasExit({ output }) ? `${tail}[${output}]` : tail);

// Where an arrow may begin, and where it may end; `exit` and `entry`: how far from the middle of its boxes.
function portsOf(scene, edge, exit, entry) {
  const tail = scene.nodes.get(edge.tail),
    head = scene.nodes.get(edge.head),
    away = hasExit(edge) && (exit || edge.kind === "data") ? STUB : edge.label ? BELOW_LABEL : KEEP_OFF,
    all = (box, other) => [portAt(box, "left"), portAt(box, "right"), ...portsAside(box, other)];
  if (tail.row === head.row) {
    const [low, high] = [tail.x, head.x].sort((a, b) => a - b);
    const between = [...scene.nodes.values()].some((n) => n.row === tail.row && low < n.x && n.x < high);
    if (between) return [portsAside(tail, head), portsAside(head, tail)];
    return tail.x > head.x
      ? [[portAt(tail, "left")], [portAt(head, "right")]]
      : [[portAt(tail, "right")], [portAt(head, "left")]];
  }
  const down = head.y >= tail.y + tail.h,
    beside = !down && tail.y < head.y + head.h;
  if (beside || (edge.kind !== "data" && edge.kind !== "gradient")) return [all(tail, head), all(head, tail)];
  // An update's bottom may be behind what else goes to it.
  if (head.lane === "update" && !down)
    return [[portAt(tail, "top", exit, away)], [portAt(head, "bottom"), ...portsAside(head, tail)]];
  const [out, back] = down ? ["bottom", "top"] : ["top", "bottom"];
  // Forward ops' arrows lead down, others' up.
  if (down === !BACKWARD.includes(tail.lane))
    return [[portAt(tail, out, exit, away)], [portAt(head, back, entry)]];
  // One that begins where another ends would be taken for its continuation: they need places of their own.
  const [begin, end] = [[tail, out], [head, back]];
  return [begin, end].map(([box, side]) => [ASIDE, -ASIDE].map((by) => portAt(box, side, by)));
}

const portsAside = (box, other) => ["top", "bottom"].map((side) => portAt(box, side, other.x > box.x ? ASIDE : -ASIDE));

function portAt(box, side, by = 0, away = KEEP_OFF) {
  const [x, y] = middleOf(box),
    sign = side === "left" || side === "top" ? -1 : 1;
  if (side === "left" || side === "right") {
    const at = sign < 0 ? box.x : box.x + box.w;
    return { border: [at, y], outside: [at + sign * KEEP_OFF, y], upright: 0 };
  }
  const at = sign < 0 ? box.y : box.y + box.h;
  return { border: [x + by, at], outside: [x + by, at + sign * away], upright: 1 };
}

// The points between a box and the end of a stub that lines beside a box pass.
function pointsBefore({ border: [x, y], outside: [, end], upright }) {
  const steps = upright ? Math.floor(Math.abs(end - y) / KEEP_OFF) - 1 : 0;
  return Array.from({ length: steps }, (_, k) => [x, y + Math.sign(end - y) * (k + 1) * KEEP_OFF]);
}

const straight = (a, b) => [1 / 3, 2 / 3, 1].map((s) => [a[0] + (b[0] - a[0]) * s, a[1] + (b[1] - a[1]) * s]);

export const pathOf = (points) => {
  const text = points.map(([x, y]) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`);
  return `M${text[0]} C${text.slice(1).join(" ")}`;
};

function boundsOf(points, labelAt, label) {
  const [xs, ys] = [0, 1].map((k) => points.map((point) => point[k])),
    [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  let [left, right] = [Math.min(...xs), Math.max(...xs)];
  if (labelAt && label) {
    left = Math.min(left, labelAt[0]); // it may stand left of its line
    right = Math.max(right, labelAt[0] + textWidth(label, LABEL_SIZE));
  }
  return { x: left, y: top, w: right - left, h: bottom - top };
}
