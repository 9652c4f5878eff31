// Where what is chosen, found or opened is seen: with what stands beside it in its row, and with no part of the graph cut
// off while there is empty room on the other side.

import { BESIDE_BUTTONS, CLEAR, SMALLEST } from "../graph/canvas.js";
import { meet } from "../graph/routes.js";
import { holds } from "../graph/titles.js";
import { extentAround, onScreen, viewOfMost } from "./reading.js";

const LEAST_REVEALED = 0.7, // the scale at which something is brought into sight
  SELECTED_WORTH = 8, // in other boxes, where the buttons can't be kept clear of all
  FROM_EDGE = 60, // pixels, if there is room for them
  SMALLER = 0.85; // how much smaller what is sought may be shown, if all of it is seen then

// What a box and those in its row take; of a frame, itself.
export function rowAround({ scene }, box) {
  const beside = box.row === undefined ? [] : [...scene.nodes.values()].filter(({ row }) => row === box.row);
  return extentAround([box, ...beside]);
}

// What is brought into sight of a box: its row, as the update and the gradients of a layer beside it, or where there is no
// room for that, itself; of a frame that is too large, its beginning.
function areaInSight(canvas, box, scale) {
  const size = canvas.size(),
    w = (size.w - BESIDE_BUTTONS - 2 * CLEAR) / scale,
    h = (size.h - 2 * CLEAR) / scale,
    row = rowAround(canvas, box);
  if (row.w <= w && row.h <= h) return row;
  return { x: box.x, y: box.y, w: Math.min(box.w, w), h: Math.min(box.h, h) };
}

// The scale at which something is shown: a little smaller than wanted where all of its row has room then; but at the reader's
// scale, where there is no least one.
function scaleInSight(canvas, box, wanted, least) {
  const { w, h } = canvas.size(),
    row = rowAround(canvas, box),
    whole = Math.min((w - BESIDE_BUTTONS - 2 * CLEAR - 1) / row.w, (h - 2 * CLEAR - 1) / row.h);
  return least && whole < wanted && whole >= Math.max(SMALLER * wanted, LEAST_REVEALED) ? whole : wanted;
}

// From where all of the graph is seen, what is sought is shown as large as the reader had it before, or so that it can be read.
export const leastRevealed = (canvas) => (canvas.isWhole() ? Math.max(SMALLEST, Math.min(1, canvas.before?.scale ?? 0)) : LEAST_REVEALED);

// The view in which a box is in sight, as near to the one that is shown, or is to be, as can be; null where it is in sight.
export function viewWith(canvas, box, least = LEAST_REVEALED) {
  const now = canvas.goal ?? canvas.view,
    scale = scaleInSight(canvas, box, Math.max(now.scale, least), least),
    size = canvas.size(),
    area = areaInSight(canvas, box, scale);
  const along = (from, length, room, at) => {
    const edge = Math.max(CLEAR, Math.min(FROM_EDGE, (room - length * scale) / 2)),
      least = edge - from * scale,
      most = room - edge - (from + length) * scale, // where the world begins, so that it is well inside
      isSeen = from * scale + at < room && (from + length) * scale + at > 0;
    if (most <= least || scale !== now.scale || !isSeen) return most < least ? least : (least + most) / 2;
    return Math.min(most, Math.max(least, at)); // what is seen in part lacks little
  };
  const shown = withoutBlank(canvas, { x: along(area.x, area.w, size.w - BESIDE_BUTTONS, now.x), y: along(area.y, area.h, size.h, now.y), scale }),
    isWhole = area.w >= box.w && area.h >= box.h, // else its beginning is what is seen, also beside the buttons
    view = isWhole ? clearOfButtons(canvas, [box], shown, now) : shown;
  return ["x", "y", "scale"].some((each) => Math.abs(view[each] - now[each]) > 0.5) ? view : null;
}

// The view moved to the side, where it cuts something off while there is empty room on the other side.
function withoutBlank(canvas, view) {
  const { w, h } = canvas.size(),
    top = -view.y / view.scale,
    seen = canvas.tops().filter((box) => box.y < top + h / view.scale && box.y + box.h > top);
  if (!seen.length) return view;
  const { x, w: wide } = extentAround(seen),
    left = x * view.scale + view.x - CLEAR, // the empty room there, or what is cut off
    right = w - BESIDE_BUTTONS - CLEAR - (x + wide) * view.scale - view.x;
  if (left > 0 && right < 0) return { ...view, x: view.x - Math.min(left, left + right >= 0 ? -right : left) };
  if (right > 0 && left < 0) return { ...view, x: view.x + Math.min(right, left + right >= 0 ? -left : right) };
  return view;
}

// The view moved by as little as it takes that the buttons hide none of some boxes, nor, where it moves anyway, of others,
// which count less: it shows as many of the boxes as before, if that can be. What has no room beside the buttons is left
// where it is.
export function clearOfButtons(canvas, boxes, view, now = canvas.view) {
  const buttons = canvas.buttons(),
    { w, h } = canvas.size(),
    moves = ["x", "y", "scale"].some((each) => view[each] !== now[each]),
    near = { x: -(view.x + w) / view.scale, y: -(view.y + h) / view.scale, w: (3 * w) / view.scale, h: (3 * h) / view.scale },
    others = moves ? [...canvas.scene.grid.within(near)].filter((node) => !boxes.includes(node)) : [],
    hidden = (some, at) => some.map(onScreen(at)).filter((box) => meet(buttons, box)),
    seen = (some, at) => some.map(onScreen(at)).filter((box) => holds({ x: 0, y: 0, w, h }, box) && !meet(buttons, box)),
    covered = hidden([...boxes, ...others], view),
    ways = covered.flatMap((box) => [
      [buttons.x - box.x - box.w, 0],
      [0, buttons.y + buttons.h - box.y],
      [w - box.x, 0], // out of sight
      [0, -box.y - box.h],
    ]);
  if (!covered.length) return view;
  const half = (from, length, room) => Math.min(from + length, room) - Math.max(from, 0) >= Math.min(length, room) / 2,
    isOut = (box) => !half(box.x, box.w, w) || !half(box.y, box.h, h),
    lost = boxes.map(onScreen(view)).filter(isOut).length,
    inside = (at) => boxes.map(onScreen(at)).filter((box) => holds({ x: 0, y: 0, w, h }, box)).length,
    whole = inside(view);
  const worth = ([dx, dy]) => {
    const at = { ...view, x: view.x + dx, y: view.y + dy };
    if (boxes.map(onScreen(at)).filter(isOut).length > lost) return -Infinity; // a low window has no room below the buttons
    if (inside(at) < whole) return -Infinity; // the edge cuts nothing of it to free others
    const count = (of) => of(boxes, at).length * SELECTED_WORTH + of(others, at).length;
    return (count(seen) - 2 * count(hidden)) * (w + h) - Math.hypot(dx, dy);
  };
  const [dx, dy] = [[0, 0], ...ways].reduce((best, move) => (worth(move) > worth(best) ? move : best));
  return { ...view, x: view.x + dx, y: view.y + dy };
}

// The same of several boxes, or as many as can be read together.
export function viewWithAll(canvas, boxes) {
  const seen = canvas.window(),
    scale = Math.max(SMALLEST, Math.min(canvas.view.scale, canvas.viewOf(extentAround(boxes)).scale)),
    inSight = canvas.view.scale >= LEAST_REVEALED && boxes.every((box) => holds(seen, box)),
    view = clearOfButtons(canvas, boxes, inSight ? canvas.view : withoutBlank(canvas, viewOfMost(canvas, boxes, scale)));
  return view === canvas.view ? null : view;
}

// What is to be seen of a box when the panel takes room: with what stands beside it in its row, such as its gradients, if
// there is room for that.
export function rowInSight(canvas, box) {
  const { scale } = canvas.goal ?? canvas.view,
    { w, h } = canvas.size(),
    row = rowAround(canvas, box);
  return row.w * scale <= w - 2 * CLEAR && row.h * scale <= h - 2 * CLEAR ? row : box;
}

// How far something is moved on the screen so that all of it is seen; what is too long for the room begins at its edge, or
// stays where it is if some of it is seen: a click in an open frame is no reason to leave what one looks at.
export function lackOf(canvas, box) {
  const { w, h } = canvas.size(),
    { x, y, scale } = canvas.goal ?? canvas.view;
  const moved = (from, length, room) => {
    if (length > room - 2 * CLEAR && from < room - CLEAR && from + length > CLEAR) return 0;
    const least = CLEAR - from; // where it begins at the edge
    return Math.max(least, 0) || Math.max(least, Math.min(0, room - CLEAR - from - length));
  };
  return [moved(box.x * scale + x, box.w * scale, w), moved(box.y * scale + y, box.h * scale, h)];
}
