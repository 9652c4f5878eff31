// How large boxes and the titles of frames are, by the widths of their texts.

import { BETWEEN } from "./assembly.js";
import { TRACK } from "./channels.js";
import { BELOW_HEAD, PAD } from "./layout.js";
import { MARK_ROOM } from "./operands.js";
import { framesAround } from "./routes.js";

export const TITLE_SIZE = 12,
  LINE_SIZE = 10.5,
  LINE_HEIGHT = 15,
  HEAD_HEIGHT = 18,
  LID = 5,
  LONGEST_LINE = 260; // of what stands below a title
export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Verdana, sans-serif";

const widths = new Map(); // measured texts, since measuring is the slowest part of laying out
const ruler = document.createElement("canvas").getContext("2d");

export function textWidth(text, size, bold = false) {
  const key = `${size}${bold}${text}`;
  let found = widths.get(key);
  if (found === undefined) {
    ruler.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    found = ruler.measureText(text).width;
    if (widths.size > 50000) widths.clear();
    widths.set(key, found);
  }
  return found;
}

export function sizeOf(node) {
  const lines = node.lines.map((line) => textWidth(line, LINE_SIZE));
  const width = steady(`${node.kind} ${node.title}`, Math.max(textWidth(node.title, TITLE_SIZE, true) + (node.key ? 20 : 0), ...lines));
  const lid = node.kind === "parameter" ? 2 * LID : 0;
  return {
    w: 2 * Math.ceil(Math.max(48, width + 24) / 2), // so that middles stand exactly below each other
    h: 14 + lid + (node.isMarked ? MARK_ROOM : 0) + LINE_HEIGHT * (node.lines.length + (node.title ? 1 : 0)),
  };
}

// On a live page what is as wide as ever stays so: times change from recording to recording, and no box moves for that.
// (Without a browser, where tests lay pages out, there is no list of classes.)
const widest = new Map();
function steady(name, width) {
  if (!document.documentElement.classList?.contains("live")) return width;
  widest.set(name, Math.max(width, widest.get(name) || 0));
  return widest.get(name);
}

export const titleWidth = (frame) => (frame.title ? textWidth(frame.title, 13, true) + 26 : 0);

// What stands below the title of a frame: on two lines, where one would be so long that the frame would be wider for it.
export function linesBelow({ subtitle }) {
  if (!subtitle || textWidth(subtitle, LINE_SIZE) <= LONGEST_LINE) return subtitle ? [subtitle] : [];
  const parts = subtitle.split(BETWEEN),
    half = Math.ceil(parts.length / 2);
  return [parts.slice(0, half), parts.slice(half)].map((part) => part.join(BETWEEN)).filter(Boolean);
}

export function headOf(frame) {
  const below = linesBelow(frame);
  const wide = steady(`frame ${frame.title}`, Math.max(titleWidth(frame), ...below.map((line) => textWidth(line, LINE_SIZE))));
  return {
    w: 2 * Math.ceil((wide + 8) / 2),
    h: HEAD_HEIGHT * ((frame.title ? 1 : 0) + below.length),
  };
}

const MOST_LEVELS = 4; // more arrows than two that reach a box below a frame's title, for each of which there is a level

// Room below each frame's title, and for gradients above its lower border, for the level pieces of arrows that reach one
// box from outside.
export function leaveLevels(scene) {
  const counts = new Map();
  for (const frame of scene.frames.values()) Object.assign(frame, { below: BELOW_HEAD, under: PAD, shift: 0 });
  for (const { kind, tail, head } of scene.edges) {
    const [side, least] = { data: ["below", BELOW_HEAD], gradient: ["under", PAD] }[kind] || [],
      outside = side && framesAround(scene, tail);
    for (const id of side ? framesAround(scene, head) : []) {
      if (outside.includes(id)) continue;
      const count = (counts.get(`${id} ${side} ${head}`) || 0) + 1,
        frame = scene.frames.get(id);
      counts.set(`${id} ${side} ${head}`, count);
      frame[side] = Math.max(frame[side], least + TRACK * Math.min(count - 2, MOST_LEVELS));
    }
  }
}
