// Titles that keep to what is seen and free: in sight while their frame is, and as much of one as there is room for.

import { areaOfLabel } from "./labels.js";
import { BESIDE_TITLE, LABEL_SIZE, UNDER_BUTTONS } from "./measures.js";
import { meet } from "./routes.js";
import { textWidth } from "./sizes.js";

const FEWEST_LETTERS = 3, // of a title that is cut to the room that there is
  EDGE = 8; // pixels between a title and the edge of what is seen

// How far to the side of its own place a frame's title stands so that all of it is seen, where no arrow and no label crosses it.
export function shiftOfTitle({ x, w: wide, headX, head }, { scene, view: { scale }, window }) {
  const seen = window,
    left = Math.max(x, seen.x) + EDGE / scale,
    right = Math.min(x + wide, seen.x + seen.w - UNDER_BUTTONS / scale) - EDGE / scale;
  if (headX >= left && headX + head.w <= right) return 0;
  const place = freePlace(crossing(scene, { ...head, x: left, w: Math.max(0, right - left) }), head.w, left, right, headX);
  return place === null ? 0 : place - headX;
}

export const TITLE_END = /\s+(?:\(calls? [^)]*\)(?:\s+×[\d,]*\d)?|×[\d,]*\d)$|_\d+$/u; // which call or layer it is, and of how many equal parts

// Which call a title is of, in short: "(2)" for "(call 2)", "(2–5)" for "(calls 2–5)".
const shortCall = (text) => text.replace(/\(calls? ([^)]*)\)/u, "($1)");

// As much of a title as a width has room for, with its end: which call it is, at least as its number, which is never cut;
// the name alone where there is no room for that, either. "" where that tells nothing.
export function shortened(text, width, size) {
  if (textWidth(text, size, true) <= width) return text;
  const [end = ""] = TITLE_END.exec(text) ?? [],
    letters = Array.from(text.slice(0, text.length - end.length));
  for (const kept of new Set([end, shortCall(end), end.replace(/\s+\(.*\)|_\d+/u, "")]))
    for (let count = letters.length - (kept === end); count >= FEWEST_LETTERS; count -= 1) {
      const found = `${letters.slice(0, count).join("").replace(/[\s,…]+$/u, "")}…${kept}`;
      if (textWidth(found, size, true) <= width) return found;
    }
  return "";
}

// The stretches of an area, from left to right, in which lines of arrows or their labels run.
export function crossing(scene, area, withLabels = true) {
  const found = [];
  for (const { kind, points, label, labelAt } of scene.edgeGrid.within(area)) {
    if (kind === "link") continue; // the dashed line between an op and its gradient is no arrow
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
export function freePlace(taken, w, from, to, wish) {
  const [low, high] = [from, to - w];
  if (high < low) return null;
  return [Math.min(Math.max(wish, low), high), ...taken.flatMap(([a, b]) => [a - w, b])]
    .filter((x) => x >= low && x <= high && !taken.some(([a, b]) => x < b && x + w > a))
    .reduce((best, x) => (best === null || Math.abs(x - wish) < Math.abs(best - wish) ? x : best), null);
}

export const holds = (a, b) => a.x <= b.x && a.y <= b.y && a.x + a.w >= b.x + b.w && a.y + a.h >= b.y + b.h;
