// Titles of frames and closed layers where their own letters are too small to be read: in letters that can be, within the box
// or frame, else beside it where nothing is, else cut.

import { svg } from "../app/dom.js";
import { clickable, rect, textAt } from "../graph/boxes.js";
import { coloursOf, inkOn } from "../graph/colours.js";
import { LABEL_SIZE, UNDER_BUTTONS } from "../graph/measures.js";
import { framesAround, meet } from "../graph/routes.js";
import { TITLE_SIZE, textWidth } from "../graph/sizes.js";
import { TITLE_END, crossing, freePlace, holds, shortened } from "../graph/titles.js";

const FRAME_READABLE = 8.9, // pixels of a frame's title; where they would be lower, signs take its place
  SIGN_LETTERS = [11, 9, 8],
  NAME_LETTERS = [10, 9, 8, 7, 6.5],
  LINE = 1.3, // the height of a line, in that of its letters
  MOST_SIGNS = 80,
  TITLE_ROWS = [0, 4, 8, 12], // pixels below a frame's upper edge, where the title of the frame around it stands in the way
  NO_SHAPES = 4, // pixels of the letters beside arrows: lower ones are specks that a title may cover
  SPECKS = 0.13, // at a lower scale boxes and lines are, too
  MOST_LINES = 3, // of a box's title that is broken between its words
  NAME_KEPT = 4; // letters of a title that is cut; fewer tell nothing

// The labels of what is seen: what each is of, its lines, the size of their letters, and where it stands, in the world's measure.
export function labelsFromAfar(canvas, nodes, frames) {
  const { scale } = canvas.view,
    room = new Room(canvas, frames),
    found = [],
    put = (of, label) => label && found.push({ of, ...label }) && room.taken.push(label);
  if (13 * scale < FRAME_READABLE) {
    const order = frames.filter(({ title, h }) => title && h * scale >= 1.5 * 11).sort((a, b) => a.level - b.level || b.w * b.h - a.w * a.h);
    for (const frame of order) if (found.length < MOST_SIGNS) put(frame, room.inFrame(frame) ?? room.beside(frame, [frame], SIGN_LETTERS) ?? room.cutInFrame(frame));
  }
  if (TITLE_SIZE * scale < NAME_LETTERS.at(-1))
    for (const node of nodes.filter(({ kind }) => kind === "scope")) {
      const row = nodes.filter((other) => other.row === node.row),
        beside = () => (node.lane === "forward" ? room.beside(node, row, NAME_LETTERS.slice(1)) : null);
      put(node, wholeIn(node, scale) ?? beside() ?? cutIn(node, scale));
    }
  return found;
}

// Where there is room for labels: on no box, arrow or other label.
class Room {
  constructor(canvas, frames) {
    Object.assign(this, { canvas, frames, scene: canvas.scene, scale: canvas.view.scale, taken: [] });
    this.isSpecks = this.scale < SPECKS;
    this.withShapes = LABEL_SIZE * this.scale >= NO_SHAPES;
    const { x, y, w, h } = canvas.window();
    this.window = { x, y, w: w - UNDER_BUTTONS / this.scale, h };
  }

  sizeOf(text, letters) {
    return { w: (textWidth(text, letters, true) + 8) / this.scale, h: (letters * LINE) / this.scale };
  }

  isFree(area) {
    const isApart = !this.taken.some((other) => meet(area, other));
    return isApart && (this.isSpecks || (!this.scene.grid.within(area).size && !crossing(this.scene, area, this.withShapes).length));
  }

  // The stretch of a frame that is seen, and its rows for titles.
  within(frame) {
    const left = Math.max(frame.x, this.window.x) + 2 / this.scale,
      right = Math.min(frame.x + frame.w, this.window.x + this.window.w) - 2 / this.scale;
    return { left, right, rows: TITLE_ROWS.map((by) => frame.y + (1 + by) / this.scale) };
  }

  inFrame(frame) {
    const { left, right, rows } = this.within(frame);
    for (const letters of SIGN_LETTERS) {
      const { w, h } = this.sizeOf(frame.title, letters);
      for (const y of right - left < w ? [] : rows) {
        const taken = this.taken.filter((other) => other.y < y + h && y < other.y + other.h).map((other) => [other.x, other.x + other.w]),
          lines = this.isSpecks ? [] : crossing(this.scene, { x: left, y, w: right - left, h }, this.withShapes),
          x = freePlace([...taken, ...lines], w, left, right, (left + right - w) / 2),
          area = { x, y, w, h };
        if (x !== null && y + h < frame.y + frame.h && this.isFree(area)) return { ...area, lines: [frame.title], letters };
      }
    }
    return null;
  }

  cutInFrame(frame) {
    const { left, right, rows } = this.within(frame),
      letters = SIGN_LETTERS.at(-1),
      text = shortened(frame.title, (right - left) * this.scale - 8, letters),
      { w, h } = this.sizeOf(text, letters),
      places = rows.map((y) => ({ x: (left + right - w) / 2, y, w, h })),
      area = text && places.find((each) => !this.taken.some((other) => meet(each, other)) && (this.isSpecks || !this.scene.grid.within(each).size));
    return area ? { ...area, lines: [text], letters } : null;
  }

  // Beside a box or frame, or all of its row, where no other frame is but those around it.
  beside(box, row, sizes) {
    const around = new Set(this.scene.nodes.has(box.id) ? framesAround(this.scene, box.id) : [box.id]),
      others = this.frames.filter((frame) => !around.has(frame.id) && !holds(frame, box)),
      gap = 4 / this.scale,
      ends = [box.x, Math.min(...row.map(({ x }) => x))].map((x) => x - gap),
      begins = [box.x + box.w, Math.max(...row.map(({ x, w }) => x + w))].map((x) => x + gap);
    for (const letters of sizes) {
      const { w, h } = this.sizeOf(box.title, letters),
        y = around.has(box.id) ? box.y + 1 / this.scale : box.y + (box.h - h) / 2,
        places = h > 1.5 * box.h ? [] : [...ends.map((x) => x - w), ...begins].map((x) => ({ x, y, w, h })),
        area = places.find((each) => holds(this.window, each) && this.isFree(each) && !others.some((frame) => meet(frame, each)));
      if (area) return { ...area, lines: [box.title], letters, isOutside: true };
    }
    return null;
  }
}

const fitting = (lines, { w, h }, scale) =>
  NAME_LETTERS.find((letters) => lines.length * letters * LINE <= h * scale && lines.every((line) => textWidth(line, letters, true) <= w * scale - 2));

// All of a box's title in as many lines as it has room for, broken before which call it is, else between its words.
function wholeIn(box, scale) {
  const { title, x, y, w, h } = box,
    [end = ""] = TITLE_END.exec(title) ?? [],
    ways = end.startsWith(" ") ? [[title], [title.slice(0, -end.length), end.trim()]] : Array.from({ length: MOST_LINES }, (_, i) => inLines(title, i + 1));
  for (const lines of ways) {
    const letters = fitting(lines, box, scale);
    if (letters) return { x, y, w, h, lines, letters };
  }
  return null;
}

// A title in some lines, each about as long as the others: "leaky_" and "re_lu_1".
function inLines(title, count) {
  const lines = [""];
  for (const word of title.match(/[^_\s]+[_\s]*/gu) ?? []) {
    const isFull = lines.at(-1) && lines.length < count && (lines.at(-1) + word).length > Math.ceil(title.length / count) + 1;
    if (isFull) lines.push(word);
    else lines[lines.length - 1] += word;
  }
  return lines;
}

// As much of a title as a box has room for; gradients are "∇": what stands beside them in their row says of what.
function cutIn(box, scale) {
  const letters = NAME_LETTERS.find((each) => each * LINE <= box.h * scale),
    text = letters && box.lane === "forward" ? shortened(box.title, box.w * scale - 2, letters) : letters ? "∇" : "",
    { x, y, w, h } = box;
  return text && (text === "∇" || text.replace(/….*$/u, "").length >= NAME_KEPT) ? { x, y, w, h, lines: [text], letters } : null;
}

// The element of a label, on a plate that covers what is below it.
export function labelElement({ of, x, y, w, h, lines, letters, isOutside }, { theme, scene, view: { scale } }) {
  const isFrame = scene.frames.has(of.id),
    level = isFrame ? of.level : framesAround(scene, of.id).length,
    ground = isFrame || isOutside ? theme.frames[level % 2] : coloursOf(of, theme)[0],
    edge = isFrame || isOutside ? 0 : 1 / scale,
    size = letters / scale,
    plate = isFrame ? clickable(x, y, w, h) : rect(x + edge, y + edge, w - 2 * edge, h - 2 * edge, 0, ground, "none", 0),
    texts = lines.map((text, i) => textAt(text, x + w / 2, y + h / 2 + size * (0.36 + LINE * (i - (lines.length - 1) / 2)), size, isFrame || isOutside ? theme.ink : inkOn(ground), "middle", true));
  if (isFrame) plate.setAttribute("fill", ground);
  if (isFrame) plate.setAttribute("fill-opacity", "0.88");
  const node = svg("g", isFrame ? { class: "sign", "data-id": of.id } : { class: "name", "data-id": of.id, "data-row": of.row, "pointer-events": "none" }, plate, texts);
  return node;
}

// A frame's title stands out if anything in it does, and a box's with anything in its row.
export function dimLabels({ layers, scene, marks: { lineage } }) {
  const boxes = [...(lineage ?? [])].map((id) => scene.nodes.get(id)).filter(Boolean),
    shown = new Set(boxes.flatMap((box) => [...framesAround(scene, box.id), String(box.row)]));
  for (const label of [...layers.signs.children, ...layers.names.children]) label.classList.toggle("dim", lineage !== null && !shown.has(label.dataset.row ?? label.dataset.id));
}
