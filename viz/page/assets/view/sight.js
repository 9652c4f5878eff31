// Which part of the scene is seen: all of it, where it begins, or what the reader looks for, in a size that can be read.

import { showPanelHint } from "../app/legend.js";
import { LABEL_SIZE, UNDER_BUTTONS } from "../graph/measures.js";
import { framesAround, meet, middleOf } from "../graph/routes.js";
import { holds } from "../graph/titles.js";
import { stepsOfMedians } from "../recording/usual_times.js";

export const READABLE = 9 / LABEL_SIZE, // the scale at which shapes beside arrows are 9 pixels high
  SMALLEST = 0.74; // of a first view, where frames' titles can be read: a larger scene is shown in part
const NARROWEST = 0.7, // but as small as this, if whole columns are seen for it
  CLEAR = 24, // pixels beside what is shown
  FROM_EDGE = 60, // if there is room for them
  BESIDE_BUTTONS = UNDER_BUTTONS - 20, // which lie over the graph at its right edge
  SMALLER = 0.85, // how much smaller something may be shown, if all of its row is seen then
  MOST_COMPARED = 40, // boxes of which as many as possible are shown together
  WORTH_CLOSING = 1.1; // how much larger a first view has to be without the side panel

const roomOf = (canvas) => ({ w: canvas.size().w - BESIDE_BUTTONS, h: canvas.size().h });
const allOf = ({ nodes, frames }) => [...nodes.values(), ...frames.values()];
const fits = ({ w, h }, scale, room) => w * scale <= room.w - 2 * CLEAR && h * scale <= room.h - 2 * CLEAR;

export function extentAround(boxes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y, w, h } of boxes) [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + w), Math.max(bottom, y + h)];
  return { x: left, y: top, w: right - left, h: bottom - top };
}

// The view that shows a part of the world as large as it can be, beside the buttons.
export function viewOf(canvas, { x, y, w, h }, smallest, largest = 1) {
  const room = roomOf(canvas),
    scale = Math.max(smallest, Math.min(largest, (room.w - 40) / w, (room.h - 40) / h));
  return { x: room.w / 2 - (x + w / 2) * scale, y: room.h / 2 - (y + h / 2) * scale, scale };
}

// The beginning of a scene that is too large to be read as a whole: at the largest scale at which all that stands at its top
// has room side by side, else at the smallest, with what runs first and what that is given.
export function firstView(canvas, smallest) {
  const { scene, largest } = canvas,
    room = roomOf(canvas),
    all = allOf(scene),
    first = firstBox(scene),
    top = extentAround(all).y;
  for (let scale = largest; scale >= (smallest > SMALLEST ? smallest : NARROWEST); scale -= 0.01) {
    const { x, w } = extentAround(all.filter(({ y }) => (y - top) * scale < room.h));
    if (w * scale <= room.w - 2 * CLEAR) return viewFrom(canvas, x + w / 2 - room.w / scale / 2, Math.min(scale, largest), first);
  }
  const scale = Math.min(smallest, largest),
    wide = room.w / scale,
    [start, end] = [scene.left - 20 / scale, scene.width + 20 / scale - wide];
  if (!first) return viewFrom(canvas, start, scale, first);
  const given = scene.edges.filter(({ head }) => head === first.id).map(({ tail }) => scene.nodes.get(tail)),
    together = extentAround([first, ...given]),
    wanted = together.w <= wide - 2 * CLEAR / scale ? together : first,
    around = scene.frames.get(framesAround(scene, first.id).pop()),
    left = around && wanted.x + wanted.w - around.x <= wide - 2 * CLEAR / scale ? Math.min(around.x, wanted.x) : wanted.x;
  return viewFrom(canvas, wanted.x + wanted.w <= start + wide - CLEAR / scale ? start : Math.min(left - CLEAR / scale, end), scale, first);
}

// The view from a place on to the right, and down from the highest of what stands there; where that leaves no room for what
// runs first, from a frame around it, or from itself.
function viewFrom(canvas, from, scale, first) {
  const { w, h } = roomOf(canvas),
    { scene } = canvas,
    columns = allOf(scene).filter((box) => box.x < from + w / scale && box.x + box.w > from),
    around = first ? framesAround(scene, first.id).reverse().map((id) => scene.frames.get(id).y) : [],
    tops = [extentAround(columns).y, ...around],
    top = first ? tops.find((y) => (first.y + first.h - y) * scale + 2 * CLEAR <= h) ?? first.y : tops[0];
  return { x: -from * scale, y: Math.min(20, CLEAR - top * scale), scale };
}

// The box of what runs first: in a layer, if any is. Null where nothing runs forward.
function firstBox({ nodes }) {
  const forward = [...nodes.values()].filter(({ kind, lane }) => (kind === "op" || kind === "scope") && lane === "forward"),
    layered = forward.filter(({ frame, kind }) => frame !== null || kind === "scope"),
    turn = ({ ops, main }) => ops[0] ?? main ?? Infinity; // parts of an op run in the order in which they stand
  return (layered.length ? layered : forward).reduce((best, node) => (best && turn(best) <= turn(node) ? best : node), null);
}

// The first view of a recording. Where the side panel leaves too little room, it is closed, and opens with the first box that
// is chosen. It stays where it tells what the reader came for: the first NaN, what changed, or the values of a model.
export function showFirstView(viewer) {
  const { canvas, panel, state } = viewer,
    isAsked = viewer.flaw || viewer.difference || viewer.liveValues || viewer.deepestAtFirst < Infinity;
  canvas.fit();
  const beside = canvas.view.scale,
    wide = extentAround(allOf(canvas.scene)).w * beside;
  if (isAsked || !state.panel || canvas.isWhole() || (beside >= READABLE && wide <= canvas.size().w)) return;
  panel.setOpen(false);
  canvas.fit();
  viewer.opensPanel = canvas.view.scale >= WORTH_CLOSING * beside || wide > canvas.size().w - 300;
  if (viewer.opensPanel) return showPanelHint(viewer);
  panel.setOpen(true);
  return canvas.fit();
}

// Does a page begin with the times of the step that it shows? Two steps have no median, and of the faster one the timeline
// would tell nothing. The live page goes on to more of them.
export const tellsEachStep = ({ model, deepestAtFirst }) => deepestAtFirst === Infinity && stepsOfMedians(model.ops) === 2;

// What a box and those in its row take; of a frame, itself.
const rowAround = ({ nodes }, box) => extentAround([box, ...[...nodes.values()].filter(({ row }) => row !== undefined && row === box.row)]);

// As many boxes of some as a room shows together.
function seenTogether(boxes, room) {
  const some = boxes.slice(0, MOST_COMPARED),
    found = some.flatMap(({ x }) => some.map(({ y }) => some.filter((box) => holds({ x, y, ...room }, box))));
  return found.reduce((best, each) => (each.length > best.length ? each : best), some.slice(0, 1));
}

// The view in which some boxes are in sight, with what stands in the row of one, with as little movement as that takes; null
// where they are. It is at least at a scale: 0 is the reader's own.
export function viewWith(canvas, boxes, least) {
  const now = canvas.goal ?? canvas.view,
    room = roomOf(canvas),
    all = boxes.length > 1 ? extentAround(boxes) : rowAround(canvas.scene, boxes[0]),
    whole = Math.min((room.w - 2 * CLEAR) / all.w, (room.h - 2 * CLEAR) / all.h),
    wanted = Math.max(now.scale, least),
    lowest = boxes.length > 1 ? SMALLEST : Math.max(SMALLER * wanted, NARROWEST),
    scale = least && whole < wanted && (whole >= lowest || boxes.length > 1) ? Math.max(whole, lowest) : wanted,
    most = { w: (room.w - 2 * CLEAR) / scale, h: (room.h - 2 * CLEAR) / scale },
    part = fits(all, scale * 0.999, room) ? all : extentAround(boxes.length > 1 ? seenTogether(boxes, most) : boxes),
    area = { ...part, w: Math.min(part.w, most.w), h: Math.min(part.h, most.h) };
  const along = (from, length, space, at) => {
    const edge = Math.max(CLEAR, Math.min(FROM_EDGE, (space - length * scale) / 2)),
      [low, high] = [edge - from * scale, space - edge - (from + length) * scale],
      isSeen = from * scale + at < space && (from + length) * scale + at > 0;
    return high <= low || scale !== now.scale || !isSeen ? (high < low ? low : (low + high) / 2) : Math.min(high, Math.max(low, at));
  };
  const view = { x: along(area.x, area.w, room.w, now.x), y: along(area.y, area.h, room.h, now.y), scale };
  return ["x", "y", "scale"].some((each) => Math.abs(view[each] - now[each]) > 0.5) ? view : null;
}

// From where all of the graph is seen, what is sought is shown as large as the reader had it before, or so that it can be read.
export const leastRevealed = (canvas) => (canvas.isWhole() ? Math.max(SMALLEST, Math.min(1, canvas.before?.scale ?? 0)) : NARROWEST);

// The view moved by no more than what a box lacks to be seen as a whole, or all of its row, if there is room. What is too large
// for the room stays as it is where some of it is seen.
export function nudged(canvas, box, withRow) {
  const view = canvas.goal ?? canvas.view,
    { scale } = view,
    size = canvas.size(),
    row = withRow ? rowAround(canvas.scene, box) : box,
    area = fits(row, scale, size) ? row : box;
  const lack = (from, length, room) => {
    if (length > room - 2 * CLEAR) return from < room - CLEAR && from + length > CLEAR ? 0 : CLEAR - from;
    return Math.max(CLEAR - from, 0) || Math.min(0, room - CLEAR - from - length);
  };
  return { x: view.x + lack(area.x * scale + view.x, area.w * scale, size.w), y: view.y + lack(area.y * scale + view.y, area.h * scale, size.h), scale };
}

const nearestTo = ([x, y], boxes) => {
  const far = (box) => (([a, b]) => Math.hypot(a - x, b - y))(middleOf(box));
  return boxes.reduce((best, box) => (far(box) < far(best) ? box : best));
};

// The view at another scale: around a place on the screen, else what is selected and seen, else the middle.
export function zoomed(canvas, scale, at) {
  const { w, h } = canvas.size(),
    { x, y, scale: now } = canvas.view,
    seen = canvas.window(),
    boxes = canvas.selectedBoxes().filter((box) => meet(seen, box)),
    inside = ({ x: left, y: top, w: wide, h: high }) => [[left, wide, x, w], [top, high, y, h]].map(([from, long, by, room]) => {
      const ends = [from * now + by, (from + long) * now + by].map((end) => Math.max(0, Math.min(room, end)));
      return Math.min(Math.max(room / 2, ends[0]), ends[1]);
    }),
    [px, py] = at || (boxes.length ? inside(nearestTo(middleOf(seen), boxes)) : [w / 2, h / 2]);
  return { x: px - ((px - x) * scale) / now, y: py - ((py - y) * scale) / now, scale };
}

// A size at which all can be read: with what is selected in the middle, else what was seen before all was fitted into the
// window, else what is in the middle now. From all of the graph, or from how the page opened, it leads to its beginning.
export function readIn(canvas, smooth) {
  const boxes = canvas.selectedBoxes(),
    last = canvas.isWhole() ? canvas.before : null,
    scale = Math.min(1, Math.max(READABLE, last ? last.scale : canvas.view.scale));
  if (canvas.wholeView().scale >= READABLE) canvas.fit(smooth, true);
  else if (!boxes.length && last?.begins && last.scale >= NARROWEST) canvas.fit(smooth);
  else if (!boxes.length && (last ? last.begins : canvas.isWhole() || canvas.isAsFitted())) canvas.fit(smooth, false, READABLE);
  else {
    const { w, h } = canvas.size(),
      [x, y] = boxes.length ? middleOf(extentAround(boxes)) : last ? last.middle : middleOf(canvas.window()),
      view = { x: w / 2 - x * scale, y: h / 2 - y * scale, scale },
      area = { x: x - w / scale / 2, y: y - h / scale / 2, w: w / scale, h: h / scale },
      nodes = [...canvas.scene.nodes.values()];
    canvas.hold();
    if (!boxes.length && nodes.some((node) => holds(area, node))) return canvas.setView(view, smooth);
    canvas.view = view; // and from there to the box that is nearest, where none is seen
    const found = viewWith(canvas, boxes.length ? boxes : [nearestTo([x, y], nodes)], scale);
    return canvas.setView(found ?? view, smooth);
  }
  return undefined;
}

// A function that brings what is in the middle of the view back to where it is, when all was laid out again, or fits all
// again where all was seen; it says whether it did. It doesn't where the view is as a page opens, nor where no box is seen.
export function placeInMiddle(viewer) {
  const { canvas, scene } = viewer,
    isWhole = canvas.isWhole(),
    seen = canvas.window(),
    boxes = canvas.isAsFitted() || isWhole ? [] : [...scene.nodes.values()].filter((box) => box.ops.length && holds(seen, box)),
    box = boxes.length ? nearestTo(middleOf(seen), boxes) : null;
  return () => {
    if (isWhole) canvas.fit(true, true);
    const now = !isWhole && box && viewer.boxOf({ kind: "op", id: box.ops[0] });
    if (now) canvas.keep(box, now);
    if (now) canvas.cull();
    return Boolean(isWhole || now);
  };
}
