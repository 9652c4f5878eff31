// Ways for arrows that routes.js found none for: in very large drawings there is no time to look for all. A level piece,
// an upright one and a level one, along the nearest column where they meet no box and no title; they may lie on each other.

import { TRACK } from "./channels.js";
import { Grid } from "./routes.js";

const COLUMNS = 90, // that are tried on each side
  LEVELS = [0, 1, 2, 3]; // tracks above or below a box that are tried

export class CoarseRouter {
  constructor(scene, heads) {
    const all = [...scene.nodes.values(), ...scene.frames.values()];
    this.grid = new Grid([...scene.nodes.values(), ...heads]);
    this.left = all.reduce((least, { x }) => Math.min(least, x), Infinity);
    this.right = all.reduce((most, { x, w }) => Math.max(most, x + w), -Infinity);
  }

  // The corners of a way from one port to another; beside everything where there is none between boxes.
  way(edge, start, end) {
    for (const x of this.columnsNear(edge, start.outside[0], end.outside[0]))
      for (const tracks of LEVELS) {
        const [from, to] = [start, end].map((port) => further(port, tracks)),
          corners = [start.outside, from, [x, from[1]], [x, to[1]], to, end.outside];
        if (corners.every((corner, k) => !k || this.isFree(corners[k - 1], corner))) return withoutLoops([start.border, ...corners, end.border]);
      }
    const x = this.left - 2 * TRACK;
    return [start.border, start.outside, [x, start.outside[1]], [x, end.outside[1]], end.outside, end.border];
  }

  // Nearest first; of two as near, data take the left one and gradients the right one.
  columnsNear({ kind }, a, b) {
    const side = kind === "gradient" ? 1 : -1,
      [near, far] = side < 0 ? [Math.min(a, b), Math.max(a, b)] : [Math.max(a, b), Math.min(a, b)],
      tracks = Array.from({ length: COLUMNS }, (_, k) => (k + 1) * TRACK);
    return [a, b, ...tracks.flatMap((by) => [near + side * by, far - side * by]), ...tracks.flatMap((by) => [this.left - by, this.right + by])];
  }

  isFree([ax, ay], [bx, by]) {
    return !this.grid.within({ x: Math.min(ax, bx) - 3, y: Math.min(ay, by) - 3, w: Math.abs(ax - bx) + 6, h: Math.abs(ay - by) + 6 }).size;
  }
}

// A point outside a port, some tracks further away where its arrow leaves upright.
const further = ({ border, outside: [x, y], upright }, tracks) => [x, upright ? y + tracks * TRACK * Math.sign(y - border[1]) : y];

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
