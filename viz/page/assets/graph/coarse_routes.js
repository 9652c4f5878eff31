// Ways for arrows that routes.js found none for: in very large drawings there is no time to look for all. A level piece,
// an upright one and a level one, along the nearest column where they meet no box, no title and no other way.

import { push } from "../recording/selection.js";
import { TRACK } from "./channels.js";
import { Grid } from "./routes.js";

const COLUMNS = 90; // that are tried on each side
const TRACKS = [0, 1, 2, 3, 4, 5, 6, 7]; // above or below a box, that are tried: as many arrows may leave a row at once
const LEVELS = TRACKS.flatMap((a) => TRACKS.map((b) => [a, b])).sort((p, q) => p[0] + p[1] - q[0] - q[1]);
const BOTH = [true, true]; // level and upright pieces keep off others
const SAME = 5; // lines nearer than this would look like one

export class CoarseRouter {
  constructor(scene, heads) {
    this.scene = scene;
    this.grid = new Grid([...scene.nodes.values(), ...heads]);
    this.lines = [new Map(), new Map()]; // level and upright pieces of ways, by where they are
    let [left, right] = [Infinity, -Infinity];
    for (const { x, w } of [...scene.nodes.values(), ...scene.frames.values()])
      [left, right] = [Math.min(left, x), Math.max(right, x + w)];
    Object.assign(this, { left, right });
  }

  // Ways keep off this one.
  take(edge, corners) {
    for (let k = 1; k < corners.length; k += 1) {
      const [level, place, low, high] = pieceOf(corners[k - 1], corners[k]);
      push(this.lines[level ? 0 : 1], Math.round(place / SAME), { place, low, high, edge });
    }
  }

  // The corners of a way from one of some ports to one of others. Where there is no room, short level pieces may lie on
  // others', and only then the long upright one.
  way(edge, starts, ends) {
    for (const kept of [BOTH, [false, true], [false, false]]) {
      for (const start of starts) {
        for (const end of ends) {
          const found = this.between(edge, start, end, kept);
          if (!found) continue;
          this.take(edge, found);
          return found;
        }
      }
    }
    return this.outside(starts[0], ends[0]);
  }

  between(edge, start, end, kept) {
    const [p, q] = [start.outside, end.outside],
      isFree = (...points) =>
        points.every((point, k) => k === 0 || this.isFree(edge, points[k - 1], point, kept));
    for (const x of this.columnsNear(edge, p[0], q[0])) {
      for (const [a, b] of LEVELS) {
        const from = further(start, a),
          to = further(end, b),
          corners = [p, from, [x, from[1]], [x, to[1]], to, q];
        if (isFree(...corners)) return withoutLoops([start.border, ...corners, end.border]);
      }
    }
    return null;
  }

  // Beside everything, whatever is between: better than through it.
  outside(start, end) {
    const x = this.left - 2 * TRACK;
    return [start.border, start.outside, [x, start.outside[1]], [x, end.outside[1]], end.outside, end.border];
  }

  // Nearest first; of two as near, data take the left one and gradients the right one.
  columnsNear(edge, a, b) {
    const side = edge.kind === "gradient" ? 1 : -1,
      ends = side < 0 ? [Math.min(a, b), Math.max(a, b)] : [Math.max(a, b), Math.min(a, b)],
      found = [a, b];
    for (let k = 1; k <= COLUMNS; k += 1) found.push(ends[0] + side * k * TRACK, ends[1] - side * k * TRACK);
    for (let k = 1; k <= COLUMNS; k += 1) found.push(this.left - k * TRACK, this.right + k * TRACK);
    return found;
  }

  isFree(edge, a, b, kept) {
    const area = { x: Math.min(a[0], b[0]) - 3, y: Math.min(a[1], b[1]) - 3 };
    Object.assign(area, { w: Math.abs(a[0] - b[0]) + 6, h: Math.abs(a[1] - b[1]) + 6 });
    if (this.grid.within(area).size) return false;
    if (a[0] === b[0] && a[1] === b[1]) return true;
    const [level, place, low, high] = pieceOf(a, b),
      key = Math.round(place / SAME);
    if (!kept[level ? 0 : 1]) return true;
    return [key - 1, key, key + 1].every((near) =>
      (this.lines[level ? 0 : 1].get(near) || []).every(
        (line) =>
          Math.abs(line.place - place) >= SAME ||
          line.high <= low ||
          high <= line.low ||
          line.edge.tail === edge.tail ||
          line.edge.head === edge.head,
      ),
    );
  }
}

// A point outside a port, so many tracks further away where its arrow leaves upright.
function further({ border, outside, upright }, tracks) {
  return upright ? [outside[0], outside[1] + tracks * TRACK * Math.sign(outside[1] - border[1])] : outside;
}

const pieceOf = ([ax, ay], [bx, by]) =>
  ay === by ? [true, ay, Math.min(ax, bx), Math.max(ax, bx)] : [false, ax, Math.min(ay, by), Math.max(ay, by)];

// Corners, but for those inside straight pieces.
function withoutLoops(corners) {
  const found = [];
  for (const here of corners) {
    const [before, last] = found.slice(-2);
    if (last && last[0] === here[0] && last[1] === here[1]) continue;
    if (found.length > 1 && [0, 1].some((k) => before[k] === last[k] && last[k] === here[k])) found.pop();
    found.push(here);
  }
  return found;
}
