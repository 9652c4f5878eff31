// Where arrows need more room than they were left at first.

import { Grid, MORE, framesAround } from "./routes.js";

// More room where an arrow leaves its box, and where it ends.
export function makeRoom(scene, room, { tail, head }) {
  const from = scene.nodes.get(tail),
    to = scene.nodes.get(head),
    down = from.y < to.y;
  addRoom(down ? room.below : room.above, from.row);
  addRoom(down ? room.above : room.below, to.row);
}

// More room above and below a frame, for arrows that lead past it.
export function makeRoomAround(room, frame) {
  addRoom(room.above, frame.id);
  addRoom(room.below, frame.id);
}

function addRoom(side, what) {
  side.set(what, (side.get(what) || 0) + MORE);
}

// The frames through which arrows lead that neither begin nor end there. Frames are sought where the lines are: looking at
// all of them for each line took most of the time of a page with ten thousand boxes.
export function throughFrames(scene) {
  const found = new Set(),
    grid = new Grid(scene.frames.values());
  for (const { tail, head, corners } of scene.edges) {
    const own = new Set([...framesAround(scene, tail), ...framesAround(scene, head)]);
    corners.forEach((corner, k) => {
      if (!k) return;
      for (const frame of grid.within(between(corners[k - 1], corner))) if (!own.has(frame.id)) found.add(frame);
    });
  }
  return found;
}

// The rectangle that a level or upright line is.
const between = ([ax, ay], [bx, by]) => ({
  ...{ x: Math.min(ax, bx), y: Math.min(ay, by) },
  ...{ w: Math.abs(ax - bx) || 0.1, h: Math.abs(ay - by) || 0.1 },
});
