// Where the titles of frames stand, above what is in them.

import { push } from "../recording/selection.js";
import { PAD } from "./layout.js";
import { APART, BESIDE_TITLE, OFF_CORNERS } from "./measures.js";
import { framesAround, middleOf } from "./routes.js";
import { headOf } from "./sizes.js";

const LOPSIDED = 30; // a title that takes more room on one side of what is in its frame takes it there only

// Puts the title of each frame as near to the middle as arrows that enter or leave the frame let it stand; false where
// a frame must be wider for that.
export function placeTitles(scene) {
  const passing = new Map(),
    entering = new Map(); // the frames around what arrows to each box come from
  for (const edge of scene.edges) {
    const [a, b] = [edge.tail, edge.head].map((id) => framesAround(scene, id));
    for (const frame of a) if (!b.includes(frame)) push(passing, frame, middleOf(scene.nodes.get(edge.tail))[0]);
    for (const frame of b) if (!a.includes(frame)) push(passing, frame, middleOf(scene.nodes.get(edge.head))[0]);
    if (edge.kind === "data" && scene.nodes.get(edge.tail).kind !== "input") push(entering, edge.head, a);
  }
  for (const [id, tails] of entering) {
    const box = scene.nodes.get(id),
      middle = middleOf(box)[0];
    for (const frame of framesAround(scene, id)) {
      const count = tails.filter((around) => !around.includes(frame)).length,
        reach = Math.min((count - 1) * APART, box.w / 2 - OFF_CORNERS); // ends are parted
      for (const x of count > 1 ? [middle - reach, middle + reach] : []) push(passing, frame, x);
    }
  }
  let allFit = true;
  for (const frame of scene.frames.values()) {
    const { w, h } = headOf(frame),
      middle = frame.x + (frame.w - w) / 2,
      from = frame.x + 8,
      to = frame.x + frame.w - 8;
    frame.passing = [-1e9, ...[...new Set(passing.get(frame.id) || [])].sort((a, b) => a - b), 1e9];
    const { x, over } = titleBetween(frame, w, from, to) || { x: middle };
    if (over !== undefined) frame.over = over;
    frame.headX = x;
    frame.head = { x, y: frame.y + 4, w, h };
    if (frame.over > 0) {
      const by = 2 * Math.ceil(frame.over / 2), // what is in the middle stays there, if that doesn't take much
        onOneSide = by > LOPSIDED;
      frame.least = frame.w - 2 * PAD + (onOneSide ? by : 2 * by);
      if (onOneSide) frame.shift += x < from ? by / 2 : -by / 2;
      allFit = false;
    }
  }
  return allFit;
}

// Where a title of width `w` stands, as near to the middle between two places as arrows let it, and how far it reaches
// over these; null where no arrows are so far apart.
function titleBetween({ passing }, w, from, to) {
  const middle = (from + to - w) / 2;
  let best = null,
    least = Infinity;
  for (let k = 1; k < passing.length; k += 1) {
    const low = passing[k - 1] + BESIDE_TITLE,
      high = passing[k] - BESIDE_TITLE - w;
    if (low > high) continue;
    const x = Math.min(Math.max(middle, low), high),
      over = Math.max(0, from - x, x + w - to),
      cost = over * 1e6 + Math.abs(x - middle);
    if (cost < least) [least, best] = [cost, { x, over }];
  }
  return best;
}
