// Where the first view of a scene begins that is too wide for the window.

import { showPanelHint } from "../app/legend.js";
import { BESIDE_BUTTONS, BESIDE_FRAME, BORDER_ON_PHONE, CLEAR, FIRST, LEADING, LEFT_BORDER, PHONE, PLACES, WITH_INPUT } from "../graph/canvas.js";
import { framesAround, middleOf } from "../graph/routes.js";
import { holds } from "../graph/titles.js";
import { stepsOfMedians } from "../recording/usual_times.js";
import { extentAround, onScreen } from "./reading.js";
import { clearOfButtons } from "./sight.js";

export const NAMES_READABLE = 0.7, // the scale of a first view may be as small as this, if whole columns are seen for it
  FROM_THE_START = 1500, // and it begins where the scene does, if what runs first and its input are seen from there
  ALL_READABLE = 0.92, // at such a scale the small letters in boxes can be read, too
  WORTH_CLOSING = 1.1; // how much larger the first view has to be without the side panel, or without far lines

// The first view of a recording. Where a scene is so wide that little could be read in the room that the side panel leaves,
// the panel is closed, and a line below the graph says how it opens: with the first box that is chosen. It stays where it
// tells what the reader came for: the first NaN, what changed, or the values of a model that is at hand.
export function showFirstView(viewer) {
  const { canvas, panel, state } = viewer,
    told = viewer.flaw || viewer.difference || viewer.liveValues || viewer.deepestAtFirst < Infinity;
  canvas.fit();
  if (told || !state.panel || canvas.isWhole() || canvas.view.scale >= ALL_READABLE) return;
  const scaleBeside = canvas.view.scale,
    cutBeside = cutByWindow(canvas);
  panel.setOpen(false);
  canvas.fit();
  viewer.opensPanel = canvas.view.scale >= WORTH_CLOSING * scaleBeside || cutByWindow(canvas) < cutBeside;
  if (viewer.opensPanel) showPanelHint(viewer);
  else {
    panel.setOpen(true);
    canvas.fit();
  }
}

// Does a page begin with the times of the step that it shows? Two steps have no median, and of the faster one the timeline
// would tell nothing. The live page goes on to more of them.
export const tellsEachStep = ({ model, deepestAtFirst }) => deepestAtFirst === Infinity && stepsOfMedians(model.ops) === 2;

// What runs first; or, where a scale shows it only without its input, what reads that nearest to it: of branches that begin
// side by side, the one that runs first may be far from there.
export function besideInput(canvas, first, leading, scale) {
  const { nodes, edges } = canvas.scene,
    room = (canvas.size().w - BESIDE_BUTTONS - 2 * CLEAR) / scale,
    inputs = edges.filter(({ head }) => head === first.id).map(({ tail }) => nodes.get(tail)).filter(({ kind }) => kind === "input"),
    fits = (reader) => inputs.some((input) => extentAround([input, reader]).w <= room);
  if (!inputs.length || fits(first)) return first;
  const given = new Set(inputs.map(({ id }) => id)),
    readers = new Set(edges.filter(({ tail }) => given.has(tail)).map(({ head }) => head)),
    far = (node) => (([x, y]) => Math.min(...inputs.map(middleOf).map(([a, b]) => Math.hypot(a - x, b - y))))(middleOf(node));
  return leading.filter((node) => readers.has(node.id) && fits(node)).reduce((best, node) => (far(node) < far(best) ? node : best), first);
}

// Where a scene that is wider than the window begins: where most is seen of what runs first, and of its layers' ops
// before all.
export function leftOfFirstView(canvas, scale) {
  const size = canvas.size(),
    room = (size.w - BESIDE_BUTTONS) / scale,
    clear = CLEAR / scale,
    lead = canvas.scene.left - 20 / scale;
  const leads = canvas.leading(),
    first = canvas.first(scale),
    given = new Set(canvas.scene.edges.filter((edge) => first && edge.head === first.id).map((edge) => edge.tail)),
    isBeginning = (node) => node === first || (node.kind === "input" && given.has(node.id)),
    beginning = [...canvas.scene.nodes.values()].filter(isBeginning).length,
    around = first ? canvas.scene.frames.get(framesAround(canvas.scene, first.id).pop()) : null,
    left = around ? canvas.leftmost(around, first, given, room - 2 * clear) : null,
    lowest = (first ? first.y + first.h : 0) + Math.max(0, size.h - 3 * CLEAR) / scale,
    boxes = [...canvas.scene.nodes.values()].filter((node) => node.y + node.h < lowest);
  const above = boxes.concat([...canvas.scene.frames.values()]);
  const worth = (from) => {
    const y = canvas.upper(above, from, room, scale, first),
      seen = new Set();
    let sum = around && from <= left && first.x + first.w <= from + room - clear / 2 ? (size.w <= PHONE ? BORDER_ON_PHONE : LEFT_BORDER) : 0;
    for (const node of boxes) {
      if (node.x < from + clear / 2 || node.x + node.w > from + room - clear / 2) continue;
      if ((node.y + node.h) * scale + y > size.h || node.y * scale + y < 0) continue;
      sum += (leads(node) ? LEADING : 1) + (isBeginning(node) ? FIRST / beginning : 0);
      if (isBeginning(node)) seen.add(node === first ? "first" : "input");
    }
    if (seen.size === 2) sum += WITH_INPUT + (from === lead && size.w > PHONE ? FROM_THE_START : 0);
    return sum;
  };
  const places = boxes.slice(0, PLACES).flatMap(({ x, w }) => [x - clear, x + w + clear - room]);
  if (around) places.push(left - BESIDE_FRAME / scale);
  if (first) places.push(first.x - clear, first.x + first.w / 2 - room / 2);
  const last = Math.max(lead, canvas.scene.width + 20 / scale - room); // from here on the window's right is empty
  const [best] = [lead, last, ...places]
    .filter((from) => from >= lead && from <= last)
    .map((from) => [from, worth(from), first ? Math.abs(first.x + first.w / 2 - from - room / 2) : from])
    .reduce((one, other) => (other[1] > one[1] || (other[1] === one[1] && other[2] < one[2]) ? other : one), [lead, -1, Infinity]);
  return best;
}

// What stands within a window's height from the top of the scene at a scale, from its left to its right: boxes and the
// frames around them, and lines, too, or not.
function extentOfTop(canvas, scale, withLines) {
  const { scene } = canvas,
    all = canvas.tops(),
    top = all.reduce((least, { y }) => Math.min(least, y), Infinity),
    seen = { x: scene.left, y: top, w: scene.width - scene.left, h: canvas.size().h / scale };
  let from = Infinity,
    to = -Infinity;
  const reach = (left, right) => ([from, to] = [Math.min(from, left), Math.max(to, right)]);
  for (const { x, y, w } of all) if (y < seen.y + seen.h) reach(x, x + w);
  for (const { points } of withLines ? scene.edgeGrid.within(seen) : [])
    points.forEach(([x, y], i) => {
      const [nextX, nextY] = points[i + 1] ?? [x, y];
      if (Math.min(y, nextY) < seen.y + seen.h) reach(Math.min(x, nextX), Math.max(x, nextX));
    });
  return { from, to };
}

// How many boxes and frames the sides of the window cut.
const cutByWindow = (canvas) => cutColumns(canvas, -canvas.view.x / canvas.view.scale, canvas.view.scale, canvas.tops());

// How many of some boxes a window cuts that begins at a place, at the top of the scene.
function cutColumns(canvas, from, scale, boxes = [...canvas.scene.nodes.values()]) {
  const to = from + canvas.size().w / scale,
    y = canvas.upper(canvas.tops(), from, to - from, scale, canvas.first(scale)),
    isSeen = (box) => (box.y + box.h) * scale + y > 0 && box.y * scale + y < canvas.size().h,
    cuts = (place) => (box) => box.x < place && box.x + box.w > place && isSeen(box);
  return boxes.filter((box) => cuts(from)(box) || cuts(to)(box)).length;
}

// The largest scale, of those at which names can be read, at which all that stands at the top has room beside each other, and
// where that begins: with the lines there, or without some that lead far away, if boxes are much larger then; else the one at
// which no box is cut; null where there is none. On a phone nothing is made smaller.
export function wholeColumns(canvas, scale) {
  const { w } = canvas.size(),
    room = w - BESIDE_BUTTONS;
  if (w <= PHONE) return null;
  const most = canvas.lowered(canvas.largest, scale),
    largest = (withLines) => {
      for (let at = most; at >= NAMES_READABLE; at -= 0.01) {
        const { from, to } = extentOfTop(canvas, at, withLines);
        if ((to - from) * at <= room - CLEAR) return { scale: at, from: (from + to - room / at) / 2 };
      }
      return null;
    };
  const withLines = largest(true),
    alone = withLines && withLines.scale * WORTH_CLOSING > most ? null : largest(false); // which can't be so much larger
  if (alone && alone.scale >= WORTH_CLOSING * (withLines?.scale ?? 0)) return alone;
  if (withLines) return withLines;
  for (let at = scale; at >= NAMES_READABLE; at -= 0.02) {
    const from = leftOfFirstView(canvas, at);
    if (!cutColumns(canvas, from, at)) return { scale: at, from };
  }
  return null; // nothing is gained by a smaller one
}

// A first view moved by as little as it takes that the buttons hide none of its boxes, if what begins it stays seen.
export function withoutHidden(canvas, view) {
  const first = canvas.first(view.scale),
    begins = first ? [first] : [],
    given = first ? canvas.scene.edges.filter(({ head }) => head === first.id).map(({ tail }) => canvas.scene.nodes.get(tail)) : [],
    { w, h } = canvas.size(),
    isSeen = (at) => (box) => holds({ x: 0, y: 0, w, h }, onScreen(at)(box)),
    moved = clearOfButtons(canvas, begins, view),
    seen = [...begins, ...given].filter(isSeen(view));
  return seen.every(isSeen(moved)) ? moved : view;
}
