// What boxes of closed layers say from afar, as frames do: where their lines couldn't be read, their title alone, in
// letters that can be.

import { svg } from "../app/dom.js";
import { rect, textAt } from "../graph/boxes.js";
import { coloursOf, inkOn } from "../graph/colours.js";
import { framesAround, meet } from "../graph/routes.js";
import { TITLE_SIZE, textWidth } from "../graph/sizes.js";
import { TITLE_END, crossing, holds, shortened } from "../graph/titles.js";
import { push } from "../recording/selection.js";
import { extentAround } from "./reading.js";

const LEAST_TITLE = 6.5, // pixels of a box's own letters: lower ones can't be read
  NAME_LETTERS = [10, 9, 8, 7, LEAST_TITLE],
  NAME_HEIGHT = 1.25, // of its letters' size
  NAME_KEPT = 4, // letters of a title that is cut; fewer tell nothing
  MOST_LINES = 3, // of a title that is broken between its words
  NEAR_NAMES = 8, // heights of a box: titles of those as near must stay apart from its own
  BESIDE_NAME = 1, // pixels, to the edge of the box
  OUTSIDE_NAME = 4, // pixels from a box to its name beside it
  TALLER_BESIDE = 1.4, // than the box that it stands beside may a name be
  FAR_BESIDE = 64, // pixels from its row's end, beyond lines: a name that stands farther away seems to be of something else
  LESS_BESIDE = [0.85, 0.7]; // of a title that has no room beside its box, either

// Puts the titles over the lines of boxes that are seen; of one that has no room for its title, beside it, where nothing is.
export function nameBoxes(canvas, nodes, signs) {
  const { shown, theme, scene, goal, layers, view: { scale } } = canvas,
    isFar = TITLE_SIZE * scale < LEAST_TITLE,
    key = isFar ? `${scale} ${canvas.isWhole()}` : "",
    boxes = nodes.filter(({ kind }) => kind === "scope"),
    taken = [...signs.values()].map((sign) => areaOfSign(canvas, sign));
  for (const name of [...layers.names.children]) if (!["n", "f"].some((kind) => shown.has(kind + name.dataset.id))) name.remove();
  if (goal && Math.abs(goal.scale / scale - 1) > 1e-6) return; // on the way there they grow as all does
  const isDone = canvas.named?.scene === scene && canvas.named.key === key;
  if (isDone && boxes.every(({ id }) => (shown.get(`n${id}`).dataset.named ?? "") === key)) return; // as they are while the graph is moved
  canvas.named = { scene, key };
  const besides = new Map([...layers.names.children].map((name) => [name.dataset.id, name])),
    rows = isFar ? rowsOf(scene) : new Map(),
    room = canvas.isWhole() ? canvas.window() : null;
  const addBeside = (found, { id, row }, ground) => {
    taken.push(found.area);
    layers.names.append(nameBesideElement(found, { id, row }, scale, theme, theme.frames[ground % 2]));
  };
  for (const node of boxes) {
    const element = shown.get(`n${node.id}`);
    element.dataset.named = key;
    element.querySelector(".name")?.remove();
    besides.get(node.id)?.remove();
    const whole = isFar && wholeName(node, scale),
      beside = isFar && !whole ? nameBeside(canvas, node, rows.get(node.row), taken, room) : null,
      name = whole || (isFar && !beside && cutName(node, scale, boxes));
    if (beside) addBeside(beside, node, framesAround(scene, node.id).length);
    else if (name) element.append(nameElement(node, name, scale, theme));
  }
  for (const id of scene.frames.keys()) besides.get(id)?.remove();
  for (const frame of isFar && room ? framesWithoutSigns(scene, signs) : []) {
    const beside = nameBeside(canvas, { ...frame, lane: "forward" }, frame, taken, room);
    if (beside) addBeside(beside, { id: frame.id, row: rowIn(scene, frame) }, frame.level);
  }
}

// Frames that have no room for a title, and hold no other: where all of the graph is seen, that stands beside them, too.
function framesWithoutSigns({ frames }, signs) {
  const parents = new Set([...frames.values()].map(({ parent }) => parent));
  return [...frames.values()].filter(({ id, title }) => title && !signs.has(id) && !parents.has(id));
}

// A frame and those around it.
function framesUpFrom({ frames }, id) {
  const found = [];
  for (let at = frames.get(id); at; at = frames.get(at.parent)) found.push(at.id);
  return found;
}

// The row of the first box in a frame.
const rowIn = ({ nodes }, { id }) => [...nodes.values()].find(({ frame }) => frame === id)?.row;

// A name beside a row stands out if anything in that row does, and a frame's title if anything in the frame does.
export function dimNames({ layers, scene, marks: { lineage } }) {
  const frames = lineage && new Set([...lineage].filter((id) => scene.nodes.has(id)).flatMap((id) => framesAround(scene, id)));
  for (const sign of layers.signs.children) sign.classList.toggle("dim", frames !== null && !frames.has(sign.dataset.id));
  const rows = lineage && new Set([...lineage].map((id) => String(scene.nodes.get(id)?.row)));
  for (const name of layers.names.children) name.classList.toggle("dim", rows !== null && !rows.has(name.dataset.row));
}

// What the boxes of each row take together.
function rowsOf({ nodes }) {
  const rows = new Map();
  for (const node of nodes.values()) push(rows, node.row, node);
  return new Map([...rows].map(([row, boxes]) => [row, extentAround(boxes)]));
}

const areaOfSign = ({ view }, { x, y, w, h }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale, w: w / view.scale, h: h / view.scale });

// Where the title of what runs forward stands beside its box, or else beside its row, which ends with its gradients: on the
// left before the right, in letters that are hardly higher than the box, where no other box, arrow or title is; null where there
// is no such place. The whole title in small letters, and then one beside all that is level with it, comes before one that is
// cut a little. The dashed line between an op and its gradient is no arrow. Where all of the graph is seen, titles have the room of
// the window.
function nameBeside({ scene, view: { scale } }, node, row, taken, room) {
  if (node.lane !== "forward") return null;
  const around = new Set(scene.nodes.has(node.id) ? framesAround(scene, node.id) : framesUpFrom(scene, node.id)),
    others = [...scene.frames.values()].filter(({ id }) => !around.has(id)), // it may reach beyond its own, not into them
    isFree = (area) => (!room || holds(room, area)) && ![...others, ...taken].some((other) => meet(area, other)) && !scene.grid.within(area).size && !crossing(scene, area, false, "link").length,
    sidesOf = ({ x, w }) => [[x - OUTSIDE_NAME / scale, -1, "end"], [x + w + OUTSIDE_NAME / scale, 0, "start"]],
    near = (row.x === node.x && row.w === node.w ? [node] : [node, row]).flatMap(sidesOf);
  const placeOf = ({ text, letters }, ends) => {
    const w = textWidth(text, letters, true) / scale,
      h = (letters * NAME_HEIGHT) / scale,
      y = node.y + (node.h - h) / 2,
      areas = h > TALLER_BESIDE * node.h ? [] : ends.map(([at, by, anchor]) => ({ area: { x: at + by * w, y, w, h }, text, letters, anchor }));
    return areas.find(({ area }) => isFree(area));
  };
  const first = (titles, ends) => titles.reduce((found, title) => found ?? placeOf(title, ends), undefined),
    [whole, cut] = titlesBeside(node.title);
  return first(whole, near) ?? first(whole, outerSides(scene, node, row, sidesOf, scale)) ?? first(cut, near) ?? null;
}

// The sides of all that is level with a row, lines too, on which nothing stands between it and its name that has a name, too.
function outerSides(scene, node, row, sidesOf, scale) {
  const level = [...scene.nodes.values()].filter((other) => other.lane === "forward" && other !== node && other.y < node.y + node.h && other.y + other.h > node.y),
    extent = extentOfLevel(scene, node),
    [left, right] = sidesOf(extent),
    most = FAR_BESIDE / scale,
    isLeft = row.x - extent.x <= most && level.every(({ x }) => x >= node.x),
    isRight = extent.x + extent.w - row.x - row.w <= most && level.every(({ x }) => x <= row.x);
  return [...(isLeft ? [left] : []), ...(isRight ? [right] : [])];
}

// From the left to the right of the boxes and lines that are level with a box.
export function extentOfLevel(scene, { y, h }) {
  const band = { x: scene.left, y, w: scene.width - scene.left, h };
  let [from, to] = [Infinity, -Infinity];
  const reach = (left, right) => ([from, to] = [Math.min(from, left), Math.max(to, right)]);
  for (const box of scene.grid.within(band)) reach(box.x, box.x + box.w);
  for (const { points } of scene.edgeGrid.within(band))
    points.slice(1).forEach(([x, end], i) => {
      const [before, begin] = points[i];
      if (Math.min(begin, end) < y + h && Math.max(begin, end) > y) reach(Math.min(before, x), Math.max(before, x));
    });
  return { x: from, w: to - from };
}

// A title in smaller and smaller letters, and cut.
function titlesBeside(title) {
  const whole = NAME_LETTERS.slice(1).map((letters) => ({ text: title, letters })),
    cut = LESS_BESIDE.map((share) => ({ text: cutToBegin(title, share * textWidth(title, LEAST_TITLE, true), LEAST_TITLE), letters: LEAST_TITLE }));
  return [whole, cut.filter(({ text }) => text)];
}

function nameBesideElement({ area, text, letters, anchor }, { id, row }, scale, theme, ground) {
  const size = letters / scale,
    x = anchor === "end" ? area.x + area.w : area.x,
    plate = rect(area.x, area.y, area.w, area.h, 0, ground, "none", 0);
  return svg("g", { class: "name", "data-id": id, "data-row": row, "pointer-events": "none" }, plate, textAt(text, x, area.y + area.h / 2 + size * 0.36, size, theme.ink, anchor, true));
}

const lettersFitting = (node, scale, lines) => NAME_LETTERS.slice(lines > 1 ? 1 : 0).filter((letters) => lines * letters * NAME_HEIGHT <= node.h * scale);

// All of a box's title in lines as it has room for, and the size of their letters; null where there is none. Where one line
// is too long, it is broken: before which call it is, or of how many equal parts, else between its words.
function wholeName({ title, ...node }, scale) {
  const width = node.w * scale - 2 * BESIDE_NAME,
    [end = ""] = TITLE_END.exec(title) ?? [],
    broken = end ? [[title.slice(0, title.indexOf(end)), end.trim()]] : linesOfWords(title);
  for (const lines of [[title], ...broken]) {
    const letters = lettersFitting(node, scale, lines.length).find((each) => lines.every((line) => textWidth(line, each, true) <= width));
    if (letters) return { lines, letters };
  }
  return null;
}

// A title in two lines or more, each as long as the others, as far as its words allow: "leaky_" and "re_lu_1".
function linesOfWords(title) {
  const words = title.match(/[^_\s]+[_\s]*/gu) ?? [],
    longest = (lines) => Math.max(...lines.map(({ length }) => length)),
    ways = (from, count) => {
      if (count === 1) return [[words.slice(from).join("")]];
      const ends = words.slice(from + 1, words.length - count + 2).map((_, i) => from + 1 + i);
      return ends.flatMap((to) => ways(to, count - 1).map((rest) => [words.slice(from, to).join(""), ...rest]));
    };
  const found = [];
  for (let count = 2; count <= Math.min(MOST_LINES, words.length); count += 1)
    found.push(ways(0, count).reduce((best, each) => (longest(each) < longest(best) ? each : best)));
  return found;
}

// As much of a box's title as it has room for: its beginning, with the number at its end, "conv2d_trans…_2"; or its end, where
// that tells it better from boxes nearby, as they begin alike: "…1_conv" of "conv2_block1_1_conv". Null where that tells
// nothing. Gradients that have no room for all of it are "∇": what stands beside them in their row says of what.
function cutName(node, scale, boxes) {
  const letters = lettersFitting(node, scale, 1).at(-1),
    width = node.w * scale - 2 * BESIDE_NAME,
    cuts = ({ title }) => (letters ? [cutToBegin, cutToEnd].map((cut) => cut(title, width, letters)) : ["", ""]),
    near = boxes.filter(({ y, title }) => Math.abs(y - node.y) < NEAR_NAMES * node.h && title !== node.title).flatMap(cuts),
    alike = (cut) => near.filter((other) => other === cut).length,
    [begin, end] = cuts(node),
    better = end && alike(end) < (begin ? alike(begin) : 1) ? end : begin,
    text = node.lane === "forward" || (better && !alike(better)) ? better : letters && "∇";
  return text ? { lines: [text], letters } : null;
}

function cutToBegin(title, width, size) {
  const [end] = /(_\d+)?$/u.exec(title),
    cut = shortened(title.slice(0, title.length - end.length), width - textWidth(end, size, true), size);
  return cut.replace(/^∇ |….*$/gu, "").length < NAME_KEPT ? "" : cut + end;
}

// The last words of a title, as many as there is room for, or "".
function cutToEnd(title, width, size) {
  const [sign] = /^(∇ )?/u.exec(title),
    words = title.slice(sign.length).split(/(?<=_)/u);
  for (let k = 1; k < words.length; k += 1) {
    const cut = `${sign}…${words.slice(k).join("")}`;
    if (textWidth(cut, size, true) <= width) return cut.length - sign.length - 1 < NAME_KEPT ? "" : cut;
  }
  return "";
}

function nameElement({ x, y, w, h, ...node }, { lines, letters }, scale, theme) {
  const [ground] = coloursOf(node, theme),
    edge = 1 / scale,
    size = letters / scale;
  return svg(
    "g",
    { class: "name", "pointer-events": "none" },
    rect(x + edge, y + edge, w - 2 * edge, h - 2 * edge, 0, ground, "none", 0),
    lines.map((text, i) => textAt(text, x + w / 2, y + h / 2 + size * (0.36 + NAME_HEIGHT * (i - (lines.length - 1) / 2)), size, inkOn(ground), "middle", true)),
  );
}
