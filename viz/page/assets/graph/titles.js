// Frames' titles where the reader is: within what is seen of a frame, and from afar in a size that can be read.

import { svg } from "../app/dom.js";
import { extentOfLevel } from "../view/box_names.js";
import { clickable, headElement, textAt } from "./boxes.js";
import { BESIDE_TITLE } from "./heads.js";
import { areaOfLabel } from "./labels.js";
import { LABEL_SIZE, UNDER_BUTTONS } from "./measures.js";
import { meet } from "./routes.js";
import { headOf, textWidth, titleWidth } from "./sizes.js";

const READABLE = 8.9, // pixels of a title's letters; where they would be lower, signs take the titles' place
  SIGNS = [
    { letters: 11, h: 15 },
    { letters: 9, h: 12 }, // where there is no room for larger ones
    { letters: 8, h: 11 },
  ],
  MOST_SIGNS = 80,
  LOWER = [0, 4, 8, 12], // pixels, where the title of the frame around it stands in the way
  NO_SHAPES = 4, // pixels of the letters beside arrows: lower ones are specks that a title may cover
  COVERED = 20, // how bad it is to cover a box, against a pixel farther down
  SPECKS = 0.13, // at a lower scale boxes are so small that a title may cover them
  NEAR_LINES = 40, // pixels from a frame to lines beside which its title may stand, too
  LETTERS = 17, // from a title's upper edge to the foot of its letters
  LEAST_SEEN = 60, // pixels of a frame that are worth a title
  MOST_OF_IT = 0.6, // of a title's letters, with which it is still understood
  FEWEST_LETTERS = 3, // of a title that is cut to the room that there is
  EDGE = 8, // pixels between a title and the edge of what is seen
  HIGH_BUTTONS = 100; // and at the upper edge

// Where a frame's title stands so that all of it is seen: how far to the side of its own place, and whether alone,
// without the line below it. Among places that no arrow and no label crosses it takes the nearest; where none is as wide
// as the title, `short` is as much of it as the widest has room for. Where there is hardly any, it stays in its own place,
// which is always free, though the edge of what is seen may cut it.
export function placeOfTitle(frame, canvas) {
  const { scale } = canvas.view,
    seen = canvas.window(),
    { y, w, h } = frame.head;
  const under = (frame.y - seen.y) * scale < HIGH_BUTTONS,
    left = seen.x + EDGE / scale,
    right = seen.x + seen.w - (under ? UNDER_BUTTONS : EDGE) / scale,
    own = { shift: 0, alone: false, short: "" };
  if (frame.headX >= left && frame.headX + w <= right) return own;
  const from = Math.max(frame.x + EDGE, left),
    to = Math.min(frame.x + frame.w - EDGE, right);
  if (to - from <= LEAST_SEEN / scale) return own;
  const middle = frame.headX + w / 2,
    ways = [{ w, h, alone: false }],
    titleW = titleWidth(frame);
  if (frame.subtitle && titleW) ways.push({ w: titleW, h: LETTERS, alone: true });
  for (const way of ways) {
    const x = freePlace(crossing(canvas.scene, { x: from, y, w: to - from, h: way.h }), way.w, from, to, middle - way.w / 2);
    if (x !== null) return { shift: x + way.w / 2 - middle, alone: way.alone, short: "" };
  }
  const [begin, end] = widestGap(crossing(canvas.scene, { x: from, y, w: to - from, h: LETTERS }), from, to),
    short = titleW && end - begin > LEAST_SEEN / scale ? shortened(frame.title, end - begin - (titleW - textWidth(frame.title, 13, true)), 13) : "";
  return short ? { shift: (begin + end) / 2 - middle, alone: true, short } : own;
}

// Puts the element of a title where `placeOfTitle` says.
export function moveTitle({ shown, theme }, frame, { shift, alone, short }) {
  const key = `h${frame.id}`,
    before = shown.get(key);
  let head = before;
  if ((before.dataset.short ?? "") !== short) {
    head = headElement(short ? cutHead(frame, short) : frame, theme);
    head.dataset.short = short;
    before.replaceWith(head);
    shown.set(key, head);
  }
  head.setAttribute("transform", `translate(${shift} 0)`);
  head.classList.toggle("alone", alone);
}

// A frame of which no more is told than a part of its title, in the middle of where all would be.
function cutHead(frame, title) {
  const cut = { ...frame, title, subtitle: "" };
  return { ...cut, headX: frame.headX + (frame.head.w - headOf(cut).w) / 2 };
}

export const TITLE_END = /\s+(?:\(calls? [^)]*\)(?:\s+×[\d,]*\d)?|×[\d,]*\d)/u; // which call it is, and of how many equal parts

// Which call a title is of, in short: "(2)" for "(call 2)", "(2–5)" for "(calls 2–5)".
export const shortCall = (text) => text.replace(/\(calls? ([^)]*)\)/u, "($1)");

// As much of a title as a width has room for, with its end: which call it is, at least as its number, which is never cut;
// the name alone where there is no room for that, either. "" where that tells nothing.
export function shortened(text, width, size) {
  const [end = ""] = TITLE_END.exec(text) ?? [],
    letters = Array.from(end ? text.slice(0, text.indexOf(end)) : text);
  for (const kept of new Set([end, shortCall(end), end.replace(/\s+\(.*\)/u, "")]))
    for (let count = letters.length - (kept === end); count >= FEWEST_LETTERS; count -= 1) {
      const found = `${letters.slice(0, count).join("").replace(/[\s,…]+$/u, "")}…${kept}`;
      if (textWidth(found, size, true) <= width) return found;
    }
  return "";
}

// The widest stretch between two places that none of some covers.
function widestGap(taken, from, to) {
  let at = from,
    best = [from, from];
  for (const [a, b] of [...taken, [to, to]].sort((one, other) => one[0] - other[0])) {
    if (a - at > best[1] - best[0]) best = [at, a];
    at = Math.max(at, b);
  }
  return best;
}

// The stretches of an area, from left to right, in which lines of arrows or their labels run, but for those of some kind.
export function crossing(scene, area, withLabels = true, but = null) {
  const found = [];
  for (const { kind, points, label, labelAt } of scene.edgeGrid.within(area)) {
    if (kind === but) continue;
    for (let k = 1; k < points.length; k += 1) {
      const [[ax, ay], [bx, by]] = [points[k - 1], points[k]],
        line = { x: Math.min(ax, bx), y: Math.min(ay, by), w: Math.abs(ax - bx) || 0.1, h: Math.abs(ay - by) || 0.1 };
      if (meet(area, line)) found.push([line.x - BESIDE_TITLE / 2, line.x + line.w + BESIDE_TITLE / 2]);
    }
    const said = withLabels && label && labelAt && areaOfLabel(...labelAt, textWidth(label, LABEL_SIZE));
    if (said && meet(area, said)) found.push([said.x, said.x + said.w]);
  }
  return found;
}

// The place nearest to a wished one where a width lies between two places and on none of some stretches; or null.
function freePlace(taken, w, from, to, wish) {
  const low = from,
    high = to - w;
  if (high < low) return null;
  return [Math.min(Math.max(wish, low), high), ...taken.flatMap(([a, b]) => [a - w, b])]
    .filter((x) => x >= low && x <= high && !taken.some(([a, b]) => x < b && x + w > a))
    .reduce((best, x) => (best === null || Math.abs(x - wish) < Math.abs(best - wish) ? x : best), null);
}

// The titles of frames in pixels, the outermost first, none over another: in the middle of what is seen of the frame or
// at its sides, where no box is covered; else beside it. A title that would cover boxes is left out.
export function signsFromAfar(frames, canvas) {
  const { scale } = canvas.view,
    placed = [],
    found = new Map();
  if (13 * scale >= READABLE) return found;
  const order = frames
    .filter((frame) => frame.title && frame.h * scale >= 1.5 * SIGNS.at(-1).h)
    .sort((a, b) => a.level - b.level || b.w * b.h - a.w * a.h);
  for (const frame of order) {
    if (found.size >= MOST_SIGNS) break;
    const best = placeOfSign(frame, frames, placed, canvas);
    if (!best) continue;
    placed.push(best);
    found.set(frame.id, best);
  }
  return found;
}

// Where a frame's title stands, if there is room for it that no arrow crosses: in small letters, or beside the frame, where
// nothing is, before it is cut to the room that there is, if most of it stays; cut to less before it is left
// out.
function placeOfSign(frame, frames, placed, canvas) {
  const rooms = SIGNS.map((letters) => new SignRoom(frame, frames, placed, canvas, letters));
  if (canvas.view.scale < SPECKS) return overSpecks(rooms);
  const ways = [(room) => room.free(), (room) => room.beside(), (room) => room.cut(MOST_OF_IT)];
  for (const way of ways)
    for (const room of rooms) {
      const found = way(room);
      if (found) return found;
    }
  const cut = rooms.map((room) => room.cut(0)).filter(Boolean);
  return cut.reduce((best, each) => (best && best.text.length >= each.text.length ? best : each), null);
}

// From where boxes are specks: in large letters where there is room for them, else in smaller ones, beside the frame, or cut.
function overSpecks(rooms) {
  const wide = rooms.find((room) => !room.isNarrow);
  if (wide) return wide.best(wide.inside());
  for (const room of rooms) {
    const beside = room.beside();
    if (beside) return beside;
  }
  return rooms.at(-1).shortenedInside();
}

// The room for a frame's title in letters of some size.
class SignRoom {
  constructor(frame, frames, placed, canvas, { letters, h }) {
    const { x, y, scale } = canvas.view,
      w = textWidth(frame.title, letters, true) + 8;
    Object.assign(this, { frame, frames, placed, canvas, letters, w, h, size: canvas.size() });
    this.left = Math.max(0, frame.x * scale + x) + 2;
    this.right = Math.min(this.size.w - UNDER_BUTTONS, (frame.x + frame.w) * scale + x) - 2;
    this.top = frame.y * scale + y + 1;
    this.middle = (this.left + this.right - w) / 2;
    this.isNarrow = this.right - this.left < w;
    this.withLabels = LABEL_SIZE * scale >= NO_SHAPES;
    const low = (frame.y + frame.h) * scale + y - h;
    this.rows = LOWER.map((by) => this.top + by).filter((row) => row <= low);
  }

  sign(x, y, cost = 0) {
    return { x, y, w: this.w, h: this.h, letters: this.letters, text: this.frame.title, cost };
  }

  world({ x, y, w = this.w }) {
    const { view } = this.canvas;
    return { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale, w: w / view.scale, h: this.h / view.scale };
  }

  boxes(sign) {
    return this.canvas.scene.grid.within(this.world(sign)).size;
  }

  isApart(sign) {
    return !this.placed.some((other) => meet(sign, other));
  }

  isFree(sign) {
    return this.isApart(sign) && !this.boxes(sign) && !crossing(this.canvas.scene, this.world(sign), this.withLabels).length;
  }

  best(signs) {
    return signs.filter((sign) => this.isApart(sign)).reduce((best, each) => (best && best.cost <= each.cost ? best : each), null);
  }

  // What stands in the way along a row.
  taken(y) {
    const { view, scene } = this.canvas,
      others = this.placed.filter((other) => other.y < y + this.h && y < other.y + other.h).map((other) => [other.x, other.x + other.w]),
      lines = crossing(scene, this.world({ x: this.left, y, w: this.right - this.left }), this.withLabels);
    return [...others, ...lines.map((ends) => ends.map((end) => end * view.scale + view.x))];
  }

  // In the frame, where nothing else is.
  free() {
    if (this.isNarrow) return null;
    for (const y of this.rows) {
      // mostly the first place is free, and others needn't be looked for
      for (const find of [() => this.middle, () => freePlace(this.taken(y), this.w, this.left, this.right, this.middle)]) {
        const x = find();
        if (x !== null && this.isFree(this.sign(x, y))) return this.sign(x, y);
      }
    }
    return null;
  }

  // In the frame, over as few boxes as can be: from so far away they are specks.
  inside() {
    const found = this.rows.flatMap((y) => [this.middle, this.left, this.right - this.w].map((x, i) => this.sign(x, y, y - this.top + i)));
    for (const each of found) each.cost += COVERED * this.boxes(each);
    return found;
  }

  // Beside a frame that is too narrow for it, where nothing else is, also no other frame than those around it; or beside the
  // lines there, if these are near.
  beside() {
    const { frame, frames, size, canvas } = this,
      isOther = (other) => other !== frame && !holds(other, frame),
      level = extentOfLevel(canvas.scene, this.world({ x: 0, y: this.top })),
      [begin, end] = [level.x, level.x + level.w].map((at) => at * canvas.view.scale + canvas.view.x);
    const places = [this.right + 4, this.left - 4 - this.w];
    if (end > this.right && end < this.right + NEAR_LINES) places.push(end + 4);
    if (begin < this.left && begin > this.left - NEAR_LINES) places.push(begin - 4 - this.w);
    const found = places.map((x) => this.sign(x, this.top));
    return found.find((sign) => sign.x >= 0 && sign.x + sign.w <= size.w - UNDER_BUTTONS && this.isFree(sign) && !frames.some((other) => isOther(other) && meet(this.world(sign), other))) ?? null;
  }

  // The same of a title that is cut.
  shortenedInside() {
    const text = shortened(this.frame.title, this.right - this.left - 8, this.letters),
      w = textWidth(text, this.letters, true) + 8;
    this.middle = (this.left + this.right - w) / 2;
    return text ? this.best(this.rows.map((y) => ({ ...this.sign(this.middle, y, y), w, text }))) : null;
  }

  // As much of the title as there is room for between arrows, if that is at least a share of it.
  cut(least) {
    let best = null;
    for (const y of this.rows) {
      const [begin, end] = widestGap(this.taken(y), this.left, this.right),
        text = shortened(this.frame.title, end - begin - 8, this.letters),
        cut = { ...this.sign(begin, y), w: textWidth(text, this.letters, true) + 8, text };
      if (text.length > (best ? best.text.length : 0) && text.length >= least * this.frame.title.length && !this.boxes(cut)) best = cut;
    }
    return best;
  }
}

export const holds = (a, b) => a.x <= b.x && a.y <= b.y && a.x + a.w >= b.x + b.w && a.y + a.h >= b.y + b.h;

// In the world's measure, as the whole is scaled.
export function signElement(frame, sign, { view }, theme) {
  const put = (value, by) => (value - by) / view.scale,
    middle = put(sign.x + sign.w / 2, view.x),
    line = put(sign.y + sign.h - 4, view.y),
    ground = theme.frames[frame.level % 2],
    text = textAt(sign.text, middle, line, sign.letters / view.scale, theme.ink, "middle", true);
  const x = put(sign.x, view.x),
    y = put(sign.y, view.y),
    w = sign.w / view.scale,
    h = sign.h / view.scale;
  const plate = clickable(x, y, w, h);
  plate.setAttribute("fill", ground);
  plate.setAttribute("fill-opacity", "0.88");
  return svg("g", { class: "sign", "data-id": frame.id }, plate, text);
}
