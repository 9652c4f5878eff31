// What is read: a part of the scene in a size at which all its words can be read, with what is selected in sight.

import { BESIDE_BUTTONS, CLEAR } from "../graph/canvas.js";
import { LABEL_SIZE } from "../graph/measures.js";
import { meet, middleOf } from "../graph/routes.js";
import { holds } from "../graph/titles.js";
import { NAMES_READABLE } from "./opening.js";
import { rowAround } from "./sight.js";

export const READABLE_SIZE = 9 / LABEL_SIZE, // the scale at which shapes beside arrows are 9 pixels high
  MOST_COMPARED = 40; // boxes of which as many as possible are shown together

export const extentAround = (boxes) => {
  const x = Math.min(...boxes.map((box) => box.x)),
    y = Math.min(...boxes.map((box) => box.y));
  return { x, y, w: Math.max(...boxes.map((box) => box.x + box.w)) - x, h: Math.max(...boxes.map((box) => box.y + box.h)) - y };
};

// The box of some whose middle is nearest to a place.
function nearestTo([x, y], boxes) {
  const far = (box) => (([a, b]) => Math.hypot(a - x, b - y))(middleOf(box));
  return boxes.reduce((best, box) => (far(box) < far(best) ? box : best));
}

// Where a box of the world is on the screen in a view.
export const onScreen = ({ x, y, scale }) => (box) => ({ x: box.x * scale + x, y: box.y * scale + y, w: box.w * scale, h: box.h * scale });

// As many boxes of some as a room shows together, in the middle of all before others.
function seenTogether(boxes, room) {
  const some = boxes.slice(0, MOST_COMPARED),
    [middleX, middleY] = middleOf(extentAround(some)),
    far = (found) => (([x, y]) => Math.hypot(x - middleX, y - middleY))(middleOf(extentAround(found)));
  let best = some.slice(0, 1);
  for (const { x } of some)
    for (const { y } of some) {
      const area = { x, y, ...room },
        found = some.filter((box) => holds(area, box));
      if (found.length > best.length || (found.length && found.length === best.length && far(found) < far(best))) best = found;
    }
  return best;
}

// The view of a scale with as many of some boxes as it shows in its middle; of one that is too high for it, the top.
export function viewOfMost(canvas, boxes, scale) {
  const size = canvas.size(),
    wide = size.w - BESIDE_BUTTONS,
    room = { w: (wide - 2 * CLEAR) / scale, h: (size.h - 2 * CLEAR) / scale },
    seen = extentAround(seenTogether(boxes, room)),
    row = boxes.length === 1 ? rowAround(canvas, boxes[0]) : seen,
    area = row.w <= room.w && row.h <= room.h ? row : seen,
    x = area.x + Math.min(area.w, room.w) / 2; // of what is too wide, the beginning
  return { x: wide / 2 - x * scale, y: size.h / 2 - (area.y + Math.min(area.h, room.h) / 2) * scale, scale };
}

// The view of a scale around a place of the world; where no box is near, around the nearest.
function viewAround(canvas, [x, y], scale) {
  const { w, h } = canvas.size(),
    area = { x: x - w / scale / 2, y: y - h / scale / 2, w: w / scale, h: h / scale },
    nodes = [...canvas.scene.nodes.values()];
  if (nodes.some((node) => holds(area, node)) || !nodes.length) return { x: w / 2 - x * scale, y: h / 2 - y * scale, scale };
  return viewOfMost(canvas, [nearestTo([x, y], nodes)], scale);
}

// What is seen of what is selected, as one area where all of that has room at a scale, else its box nearest to the middle;
// null where nothing of it is seen.
function selectedInSight(canvas, scale) {
  const seen = canvas.window(),
    boxes = canvas.selectedBoxes().filter((box) => meet(seen, box)),
    { w, h } = canvas.size();
  if (!boxes.length) return null;
  const all = extentAround(boxes);
  return all.w * scale <= w && all.h * scale <= h ? all : nearestTo(middleOf(seen), boxes);
}

// By how much something on the screen is moved so that all of it is seen: not at all where there is no room for that.
function intoRoom(from, length, room) {
  if (length > room - 2 * CLEAR) return 0;
  return Math.max(CLEAR - from, 0) || Math.min(0, room - CLEAR - from - length);
}

// The view at another scale: around a place on the screen, or the middle. What is selected and seen stays in sight.
export function zoomed(canvas, scale, at) {
  const size = canvas.size(),
    { x, y, scale: now } = canvas.view,
    kept = at ? null : selectedInSight(canvas, scale),
    nearest = (middle, from, to) => Math.min(Math.max(middle, from), to),
    middle = kept
      ? [nearest(size.w / 2, kept.x * now + x, (kept.x + kept.w) * now + x), nearest(size.h / 2, kept.y * now + y, (kept.y + kept.h) * now + y)]
      : [size.w / 2, size.h / 2],
    [px, py] = at || middle,
    ratio = scale / now,
    found = { x: px - (px - x) * ratio, y: py - (py - y) * ratio, scale };
  if (kept) {
    found.x += intoRoom(kept.x * scale + found.x, kept.w * scale, size.w);
    found.y += intoRoom(kept.y * scale + found.y, kept.h * scale, size.h);
  }
  return found;
}

// A size at which all can be read: with what is selected in the middle, else what was seen before all was fitted into the
// window, else what is in the middle now. From all of the graph it leads back to how the page opened, if names can be read
// there, as that shows whole columns.
export function readIn(canvas, smooth) {
  const { width, height, left } = canvas.scene,
    all = canvas.viewOf({ x: left, y: 0, w: width - left, h: height }),
    boxes = canvas.selectedBoxes(),
    scale = Math.min(1, Math.max(READABLE_SIZE, canvas.view.scale)),
    last = canvas.isWhole() ? canvas.before : null,
    middle = last ? last.middle : middleOf(canvas.window());
  if (all.scale >= READABLE_SIZE) canvas.fit(smooth, true);
  else if (!boxes.length && last?.begins && last.scale >= NAMES_READABLE) canvas.fit(smooth);
  else if (!boxes.length && (last ? last.begins : canvas.isWhole() || canvas.isAsFitted())) canvas.fit(smooth, false, READABLE_SIZE); // larger
  else {
    canvas.hold();
    const view = boxes.length ? viewOfMost(canvas, boxes, scale) : viewAround(canvas, middle, Math.max(READABLE_SIZE, last ? last.scale : scale));
    canvas.setView(view, smooth);
  }
}

// The view in which the middle of what is seen of a box is where it was before all was laid out again.
export function viewAsBefore(canvas, before, after) {
  const { x, y, scale } = canvas.view,
    seen = canvas.window(),
    from = Math.max(before.x, seen.x),
    to = Math.min(before.x + before.w, seen.x + seen.w),
    middle = from < to ? (from + to) / 2 : before.x + before.w / 2;
  return { scale, x: x + (middle - after.x - after.w / 2) * scale, y: y + (before.y - after.y) * scale };
}

// A function that brings what is in the middle of the view back to where it is, when all was laid out again, or fits all
// again where all was seen; it says whether it did. It doesn't where the view is as a page opens, nor where no box is seen.
export function placeInMiddle(viewer) {
  const { canvas, scene } = viewer,
    isWhole = canvas.isWhole(),
    seen = canvas.window(),
    boxes = canvas.isAsFitted() || canvas.isWhole() ? [] : [...scene.nodes.values()].filter((box) => box.ops.length && holds(seen, box)),
    box = boxes.length ? nearestTo(middleOf(seen), boxes) : null;
  return () => {
    if (isWhole) {
      canvas.fit(true, true);
      return true;
    }
    const now = box && viewer.boxOf({ kind: "op", id: box.ops[0] });
    if (!now) return false;
    canvas.keep(box, now);
    canvas.cull();
    return true;
  };
}
