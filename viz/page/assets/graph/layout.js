// Places for boxes: each frame is a small layered graph of rows and inner frames (longest paths, then the order
// that ordering.js finds), the counterpart of viz/geometry/layout.py. Only what is open is laid out, so
// ten thousand ops cost nothing until they are looked at.

import { push } from "../recording/selection.js";
import { aligned } from "./alignment.js";
import { TRACK } from "./channels.js";
import { leaveExits } from "./exits.js";
import { placeTitles } from "./heads.js";
import { inOrder } from "./ordering.js";
import { BACKWARD } from "./passes.js";
import { framesAround, meet, middleOf } from "./routes.js";
import { headOf, leaveLevels, sizeOf } from "./sizes.js";
import { branchesLast, spansOfBranches, weightBranches } from "./weight_branches.js";

export const GAP_X = 26,
  GAP_Y = 38,
  PAD = 16;
export const BELOW_HEAD = 20; // between a frame's title and its contents: room for the head of an arrow, and for a level piece
const OUTWARDS = 1e-3; // of a unit's width: where arrows pass boxes, only their order counts
const LANES = ["forward", "parameter", "update", ...BACKWARD];

// Gives `x, y, w, h` to all nodes and frames of a scene and to the frames' titles, and `width` and `height` to the
// scene; with more `room` above and below some rows.
export function arrange(scene, room) {
  for (const node of scene.nodes.values()) Object.assign(node, sizeOf(node));
  const exits = leaveExits(scene);
  leaveLevels(scene);
  for (let attempt = 0; attempt < 4; attempt += 1) {
    new Arranger(scene, room, exits).run();
    if (placeTitles(scene)) break;
  }
}

class Arranger {
  constructor(scene, room, exits) {
    Object.assign(this, { scene, room, exits, asides: [] });
    this.order = new Map([...scene.nodes.keys()].map((id, i) => [id, i]));
    for (const { tail, head } of scene.edges) {
      const { kind, frame } = scene.nodes.get(tail); // what is given to boxes in a frame stands before those
      if (kind === "gradient" || (kind === "input" && frame !== null)) this.order.set(tail, Math.min(this.order.get(tail), this.order.get(head) - 0.5));
    }
    this.branches = weightBranches(scene);
    this.spans = spansOfBranches(scene, this.branches);
    this.lanes = this.laneWidths();
    const ends = [...this.spans.values()].map((span) => this.startOf(span) + span.span);
    this.rowWidth = Math.max(...[...this.lanes.values()].map(([x, w]) => x + w), ...ends);
    this.rowWidths = this.spans.size ? new Map() : this.widthsOfRows();
  }

  run() {
    const units = this.unitsByFrame();
    this.link(units);
    const layers = this.layersOf(null, units);
    const { w, h } = this.extentOf(layers);
    this.put(layers, 0, PAD + 16, w);
    this.moveRight(h + 2 * PAD + 32);
    for (const unit of [...units.values()].flat()) this.scene.lefts.set(keyOfUnit(unit), (unit.frame ?? unit.nodes[0]).x);
  }

  // Left edge and width of each column.
  laneWidths() {
    const found = new Map(LANES.map((lane) => [lane, 0]));
    for (const node of this.scene.nodes.values())
      found.set(node.lane, Math.max(found.get(node.lane), node.w, this.exits.columns.get(node.id) || 0));
    const [first, ...widths] = [...found.values()].filter(Boolean),
      again = BACKWARD.slice(1).map((lane) => found.get(lane)).filter(Boolean),
      room = widths
        .slice(0, widths.length - again.length)
        .reduce((sum, w) => sum + w + GAP_X, (first - found.get("backward")) / 2),
      needed = [...this.spans.values()].map(({ span, beside }) => span + 2 * beside - room);
    if (found.get("backward") && needed.length)
      found.set("parameter", found.get("parameter") + 2 * Math.ceil(Math.max(0, ...needed) / 2));
    let x = 0;
    for (const lane of LANES) {
      const width = found.get(lane);
      found.set(lane, [x, width]);
      x += width ? width + GAP_X : 0;
    }
    return found;
  }

  // For each frame, how wide its rows are: columns behind the last that something in it stands in need no room.
  widthsOfRows() {
    const found = new Map();
    for (const { id, lane } of this.scene.nodes.values()) {
      const [left, width] = this.lanes.get(lane);
      for (const frame of framesAround(this.scene, id)) found.set(frame, Math.max(found.get(frame) || 0, left + width));
    }
    return found;
  }

  // Where a row of a branch begins: between the columns of forward and backward ops, where arrows pass it.
  startOf({ span, beside }) {
    const [left, width] = this.lanes.get("forward"),
      [right, last] = this.lanes.get("backward"),
      low = left + width / 2 + beside;
    return low + (last ? Math.round(Math.max(0, right + last / 2 - beside - low - span) / 2) : 0);
  }

  // For each frame, the rows and frames directly in it; and for each node and frame, its unit there.
  unitsByFrame() {
    const units = new Map([[null, []]]);
    this.unitOf = new Map();
    const rows = new Map();
    for (const node of this.scene.nodes.values()) {
      const key = `${node.frame}\0${node.row}`;
      if (!rows.has(key)) {
        const unit = {
          nodes: [],
          row: node.row,
          frame: null,
          first: node.kind === "input" && node.frame === null,
          aside: isAside(node),
          at: this.order.get(node.id),
          links: new Set(),
        };
        rows.set(key, unit);
        push(units, node.frame, unit);
      }
      rows.get(key).nodes.push(node);
      this.unitOf.set(node.id, rows.get(key));
    }
    for (const frame of this.scene.frames.values()) {
      const unit = { nodes: [], frame, first: false, aside: false, at: Infinity, links: new Set() };
      push(units, frame.parent, unit);
      this.unitOf.set(frame.id, unit);
    }
    for (const node of this.scene.nodes.values()) {
      // a frame runs when the first op in it does
      for (let id = node.frame; id !== null; id = this.scene.frames.get(id).parent) {
        const unit = this.unitOf.get(id),
          at = this.order.get(node.id);
        if (unit.at <= at) break;
        unit.at = at;
      }
    }
    for (const [frame, found] of units) {
      found.sort((a, b) => b.first - a.first || a.at - b.at);
      if (this.spans.size) units.set(frame, branchesLast(found, this.branches));
    }
    return units;
  }

  // Each arrow joins two units of the innermost frame around both its ends.
  link(units) {
    this.links = new Map();
    const chain = (id) => {
      const found = [this.unitOf.get(id)];
      for (let at = this.scene.nodes.get(id).frame; at !== null; at = this.scene.frames.get(at).parent)
        found.push(this.unitOf.get(at));
      return found.reverse();
    };
    for (const found of units.values())
      found.forEach((unit, i) => {
        unit.index = i;
      });
    for (const edge of this.scene.edges) {
      if (edge.kind !== "data" && (edge.kind !== "gradient" || this.scene.nodes.get(edge.head).lane === "update")) continue; // calls that share weights may stand side by side
      const a = chain(edge.tail),
        b = chain(edge.head);
      let at = 0;
      while (at < a.length - 1 && at < b.length - 1 && a[at] === b[at]) at += 1;
      if (a[at] === b[at]) continue;
      const [first, second] = a[at].index < b[at].index ? [a[at], b[at]] : [b[at], a[at]];
      first.links.add(second);
      const [from, to] = first === a[at] ? [edge.tail, edge.head] : [edge.head, edge.tail];
      push(this.links, at ? a[at - 1].frame.id : null, { first, second, from, to });
    }
    for (const [reader, branch] of this.branches)
      for (const found of units.values()) this.stack(found, found.find((unit) => unit.row === reader), branch);
  }

  // Lets the rows of a branch stand below each other, and below all else that their reader reads.
  stack(units, reader, branch) {
    const rows = units.filter((unit) => branch.includes(unit.row));
    if (!rows.length || !reader) return;
    for (const unit of units)
      if (unit.links.has(reader) && !unit.first && !rows.includes(unit)) unit.above = [...(unit.above || []), rows[0]];
    for (let k = 1; k < rows.length; k += 1) rows[k - 1].above = [...(rows[k - 1].above || []), rows[k]];
  }

  layersOf(frame, units) {
    const found = units.get(frame) || [];
    for (const unit of found) this.measure(unit, units);
    const layers = [];
    depthsOf(found, frame === null).forEach((depth, i) => (layers[depth] = layers[depth] || []).push(found[i]));
    const full = layers.filter(Boolean);
    for (const layer of full) {
      if (mainOf(layer).length < 2) continue;
      for (const unit of layer) {
        if (unit.frame !== null || this.spans.has(unit.row)) continue;
        unit.columns = this.columnsOf(unit, mainOf(layer));
        if (unit.columns !== this.lanes) unit.w = Math.max(...[...unit.columns.values()].map(([x, w]) => x + w));
      }
    }
    const numbers = full.map((layer) => layer.map((unit) => unit.index)),
      inputs = new Set(found.filter(({ first }) => first).map(({ index }) => index)),
      wanted = { inputs, lengths: found.map(lengthOf), before: found.map((unit) => this.scene.before.get(keyOfUnit(unit))) },
      order = inOrder(numbers, this.linksOf(frame), found.map(({ w }) => w), wanted);
    const ordered = order.map((layer) => layer.map((index) => found[index]));
    for (const layer of ordered) this.leaveRoom(layer, ordered);
    this.align(frame, ordered, found);
    return ordered;
  }

  // Gives what layers are centred by its place from their left edge.
  align(frame, layers, units) {
    const main = layers.map((layer) => mainOf(layer).map(({ index }) => index)),
      widths = units.map(({ w }) => w);
    for (const [index, left] of aligned(main, widths, this.linksOf(frame))) units[index].left = left;
    layers.w = Math.max(0, ...main.flat().map((index) => units[index].left + widths[index]));
  }

  // Leaves room for inputs before what reads them, where else they would stand beyond its gradients. What is the first of
  // several in its layer has that room without more.
  leaveRoom(layer, layers) {
    const main = mainOf(layer);
    for (const unit of layer) {
      if (!unit.first || main.includes(unit) || unit.links.size !== 1) continue;
      const [reader] = unit.links,
        whole = layers.find((each) => each.includes(reader)),
        around = mainOf(whole),
        above = (Math.max(...whole.map(({ h }) => h)) - reader.h) / 2; // it stands in the middle of its layer
      if (around.length < 2 || !around.includes(reader)) continue;
      unit.beside = reader;
      if (around[0] !== reader) {
        reader.lead = (reader.lead || 0) + unit.nodes[0].w + GAP_X;
        reader.w += unit.nodes[0].w + GAP_X;
      }
      reader.lack = Math.max(reader.lack || 0, unit.nodes[0].h - above - (reader.frame ? headOf(reader.frame).h : -BELOW_HEAD));
    }
  }

  // The columns of a row beside others: one box, and an op with its gradient, need no room for those between.
  columnsOf(unit, main) {
    if (unit.nodes.length === 1) return new Map([[unit.nodes[0].lane, [0, unit.nodes[0].w]]]);
    const wide = main.some((other) => other !== unit && (other.frame !== null || other.nodes.length > 1));
    if (!wide || unit.nodes.some(({ lane }) => lane !== "forward" && lane !== "backward")) return this.lanes;
    const [[, left], [, right]] = ["forward", "backward"].map((lane) => this.lanes.get(lane));
    return new Map([["forward", [0, left]], ["backward", [left + 2 * GAP_X, right]]]);
  }

  // The arrows between the units of a frame, and where they meet these.
  linksOf(frame) {
    const found = new Map();
    for (const { first, second, from, to } of this.links.get(frame) || []) {
      const begins = this.across(first, from),
        ends = this.across(second, to) + (first.first ? this.outwards(second, to) : 0),
        [upper, lower] = [first.index, second.index];
      found.set(`${upper},${lower},${begins},${ends}`, { upper, lower, begins, ends });
    }
    return [...found.values()];
  }

  // How far right a box stands in a unit: 0 is left, 1 is right.
  across(unit, id) {
    const node = this.scene.nodes.get(id);
    if (unit.frame === null) {
      const lead = unit.lead || 0;
      const [left, lane] = (unit.columns || this.lanes).get(node.lane);
      return (lead + left + lane / 2) / unit.w;
    }
    const width = unit.w - 2 * PAD - (unit.lead || 0),
      within = this.unitWithin(unit, id);
    if (within.left === undefined) return 0; // an input or a metric of the frame's own stands at its left
    const left = (width - unit.inner.w) / 2 + shiftOf(unit, width) + within.left;
    return (PAD + (unit.lead || 0) + left + this.across(within, id) * within.w) / unit.w;
  }

  // A little farther out for lower boxes: that is where arrows from above pass the upper ones.
  outwards(unit, id) {
    if (unit.frame === null) return 0;
    const within = this.unitWithin(unit, id),
      down = unit.inner.findIndex((layer) => layer.includes(within)) / unit.inner.length;
    return OUTWARDS * down * (this.across(unit, id) > 0.5 ? 1 : -1);
  }

  // The unit right within another that holds a box.
  unitWithin(unit, id) {
    let at = this.scene.nodes.get(id).frame,
      found = this.unitOf.get(id);
    while (at !== unit.frame.id) {
      found = this.unitOf.get(at);
      at = this.scene.frames.get(at).parent;
    }
    return found;
  }

  measure(unit, units) {
    if (unit.frame === null) {
      unit.w = this.rowWidths.get(unit.nodes[0].frame) ?? this.rowWidth;
      unit.h = Math.max(...unit.nodes.map((node) => node.h));
      return;
    }
    unit.inner = this.layersOf(unit.frame.id, units);
    const { w, h } = this.extentOf(unit.inner),
      head = headOf(unit.frame),
      beside = 2 * TRACK * Math.min(passingIn(unit.inner), 6); // room for arrows that pass boxes
    unit.w = Math.max(w + beside, head.w, unit.frame.least || 0) + 2 * PAD;
    unit.h = h + head.h + unit.frame.under + unit.frame.below;
  }

  put(layers, x, y, width) {
    const tops = [];
    for (const layer of layers) {
      const main = mainOf(layer),
        height = Math.max(...layer.map((unit) => unit.h));
      y += this.roomOf(layer, "above");
      tops.push(y);
      const left = x + Math.round((width - layers.w) / 2);
      for (const unit of main) this.putUnit(unit, left + unit.left + (unit.lead || 0), y, height);
      y += height + this.roomOf(layer, "below") + GAP_Y;
    }
    layers.forEach((layer, i) => this.putAside(layer, tops[i]));
    for (const unit of layers.flat()) if (unit.beside) this.putBeside(unit);
  }

  roomOf(layer, where) {
    const given = [this.room[where], this.exits.room[where]],
      room = layer.map(({ row, frame }) => given.reduce((sum, rows) => sum + (rows.get(frame ? frame.id : row) || 0), 0)),
      lack = where === "above" ? layer.map((unit) => unit.lack || 0) : [];
    return Math.max(...room) + Math.max(0, ...lack);
  }

  // Width and height of layers on top of each other.
  extentOf(layers) {
    let h = GAP_Y * Math.max(0, layers.length - 1);
    for (const layer of layers)
      h += Math.max(...layer.map((unit) => unit.h)) + this.roomOf(layer, "above") + this.roomOf(layer, "below");
    return { w: layers.w, h };
  }

  // Metrics that share a layer with others stand left of those, or right, where what they read is made; inputs too, where
  // they are read.
  putAside(layer, y) {
    const main = mainOf(layer),
      units = layer.filter((unit) => !main.includes(unit) && !unit.beside).sort((a, b) => b.aside - a.aside),
      height = Math.max(...layer.map((unit) => unit.h));
    if (!units.length) return;
    const rects = main.flatMap((unit) => (unit.frame ? [unit.frame] : unit.nodes));
    let left = Math.min(...rects.map((r) => r.x)) - GAP_X,
      right = Math.max(...rects.map((r) => r.x + r.w)) + GAP_X;
    const middle = (left + right) / 2;
    for (const unit of units) {
      const [node] = unit.nodes;
      this.asides.push(node);
      node.y = Math.round(unit.first ? y + height - node.h : y + (height - node.h) / 2);
      // The way to a metric from above passes the inputs that it reads, too.
      const given = unit.first ? [] : this.givenTo(node);
      if ((unit.first ? this.readAt(node) : this.madeAt(node)) > middle) {
        for (const { x, w } of given)
          if (x + w > right - GAP_X) right = Math.max(right, x + w + 2 * TRACK - node.w / 2);
        node.x = right;
        right += node.w + GAP_X;
      } else {
        for (const { x } of given) if (x < left + GAP_X) left = Math.min(left, x - 2 * TRACK + node.w / 2);
        node.x = left - node.w;
        left = node.x - GAP_X;
      }
    }
  }

  // Puts an input into the room that was left for it, left of what stands aside there already.
  putBeside(unit) {
    const [node] = unit.nodes,
      { beside } = unit,
      heads = this.scene.edges.filter((edge) => edge.tail === node.id).map((edge) => this.scene.nodes.get(edge.head)),
      left = Math.min(...(beside.frame ? [beside.frame.x] : beside.nodes.map((each) => each.x)));
    node.x = left - GAP_X - node.w;
    node.y = Math.min(...heads.map((head) => head.y)) - GAP_Y - node.h;
    const around = ({ x, y, w, h }) => ({ x: x - GAP_X, y: y - GAP_Y, w: w + 2 * GAP_X, h: h + 2 * GAP_Y });
    for (const other of this.asides.sort((a, b) => b.x - a.x))
      if (meet(around(other), node)) node.x = other.x - GAP_X - node.w;
    this.asides.push(node);
  }

  // Where the readers of an input stand, on average.
  readAt({ id }) {
    const readers = this.scene.edges
      .filter((edge) => edge.tail === id)
      .map((edge) => this.scene.nodes.get(edge.head))
      .filter(({ x }) => x !== undefined)
      .map((node) => middleOf(node)[0]);
    return readers.length ? readers.reduce((sum, x) => sum + x, 0) / readers.length : -Infinity;
  }

  // The inputs that a metric reads, as far as they have a place.
  givenTo({ id }) {
    const tails = this.scene.edges.filter((edge) => edge.head === id).map((edge) => this.scene.nodes.get(edge.tail));
    return tails.filter((node) => node.kind === "input" && node.x !== undefined);
  }

  // Where that stands which makes what a metric reads, on average.
  madeAt({ id }) {
    const makers = this.scene.edges
      .filter((edge) => edge.head === id)
      .map((edge) => this.scene.nodes.get(edge.tail))
      .filter((node) => node.kind !== "input" && node.x !== undefined)
      .map((node) => middleOf(node)[0]);
    return makers.length ? makers.reduce((sum, x) => sum + x, 0) / makers.length : -Infinity;
  }

  // `top` and `height` are those of the whole layer: arrows may run above and below it.
  putUnit(unit, x, top, height) {
    const y = Math.round(top + (height - unit.h) / 2);
    if (unit.frame) {
      const w = unit.w - (unit.lead || 0);
      Object.assign(unit.frame, { x, y, w, h: unit.h });
      const top = y + headOf(unit.frame).h + unit.frame.below;
      this.put(unit.inner, x + PAD + shiftOf(unit, w - 2 * PAD), top, w - 2 * PAD);
      return;
    }
    const span = this.spans.get(unit.row);
    let next = span ? x + this.startOf(span) : 0;
    for (const node of [...unit.nodes].sort((a, b) => LANES.indexOf(a.lane) - LANES.indexOf(b.lane))) {
      const [left, lane] = (unit.columns || this.lanes).get(node.lane);
      node.x = span ? next : x + left + (lane - node.w) / 2;
      next += node.w + GAP_X;
      node.y = y + (unit.h - node.h) / 2;
    }
  }

  // The drawing begins at the left edge: inputs may stand left of everything else.
  moveRight(height) {
    const all = [...this.scene.nodes.values(), ...this.scene.frames.values()];
    let left = Infinity,
      right = 0;
    for (const rect of all) left = Math.min(left, rect.x);
    for (const rect of all) {
      rect.x -= left - PAD;
      right = Math.max(right, rect.x + rect.w);
    }
    this.scene.width = right + PAD;
    this.scene.height = height;
  }
}

// A closed block has the key that it has as a frame.
const keyOfUnit = ({ frame, row }) => (frame ? `box:${frame.key}` : row);

// How many rows are in a unit, one below the other; what is only given to others counts for none.
const lengthOf = ({ frame, inner, nodes }) =>
  frame ? inner.reduce((sum, layer) => sum + Math.max(...layer.map(lengthOf)), 0) : nodes.every(({ kind }) => kind === "input") ? 0 : 1;

// What a layer is centred by: everything but inputs and metrics, unless there is nothing else.
function mainOf(layer) {
  const found = layer.filter((unit) => !unit.first && !unit.aside);
  return found.length ? found : layer;
}

// How far from the middle what is in a frame stands, for a title beside it; `width` is the room that there is.
function shiftOf({ frame, inner }, width) {
  const most = Math.max(0, Math.floor((width - inner.w) / 2));
  return Math.min(Math.max(frame.shift, -most), most);
}

const isAside = (node) => node.kind === "scope" && node.phase === "metric" && node.frame === null;

// How many links pass the same layer at most.
function passingIn(layers) {
  const counts = layers.map(() => 0),
    at = new Map(layers.flatMap((layer, i) => layer.map((unit) => [unit, i])));
  for (const [unit, i] of at)
    for (const next of unit.links) for (let k = i + 1; k < at.get(next); k += 1) counts[k] += 1;
  return Math.max(0, ...counts);
}

// The layer of each unit: below all that it depends on; inputs, and what else reads nothing, such as noise, or says what it
// reads, right above what reads them first. Where branches that begin at inputs wait, each stands as low as its readers let.
function depthsOf(units, waits) {
  const depths = units.map(() => 0),
    makers = units.map(() => new Set());
  units.forEach((unit, i) => {
    for (const next of [...unit.links, ...(unit.above || [])]) depths[next.index] = Math.max(depths[next.index], depths[i] + 1);
    if (!unit.first) for (const next of unit.links) makers[next.index].add(i);
  });
  const lowest = ({ links }) => Math.min(...[...links].map((next) => depths[next.index])) - 1,
    isOwn = []; // is it such a branch, or a part of one?
  units.forEach((unit, i) => isOwn.push(waits && !unit.first && !unit.above && [...makers[i]].every((maker) => isOwn[maker] && units[maker].links.size === 1)));
  for (let i = units.length - 1; i >= 0; i -= 1) if (isOwn[i] && units[i].links.size) depths[i] = Math.max(depths[i], lowest(units[i]));
  const fed = new Set(units.flatMap((unit) => [...unit.links]));
  units.forEach((unit, i) => {
    const isAlone = unit.nodes.length === 1 || unit.nodes[0]?.saysWhatItReads,
      isSource = unit.first || (isAlone && !unit.above && !fed.has(unit));
    if (isSource && unit.links.size) depths[i] = Math.max(0, lowest(unit));
  });
  return depths;
}
