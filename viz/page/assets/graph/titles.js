// Frames' titles where the reader is: within what is seen of a frame, and from afar in a size that can be read.

const READABLE = 9.5, // pixels of a title's letters; where they would be lower, signs take the titles' place
  SIGN_SIZE = 11,
  SIGN_HEIGHT = 15,
  MOST_SIGNS = 80,
  LOWER = [0, 4, 8, 12], // pixels, where the title of the frame around it stands in the way
  COVERED = 20, // how bad it is to cover a box, against a pixel farther down
  CROSSED = 5, // and to lie on an arrow or on its label
  SPECKS = 0.1, // at a lower scale boxes are so small that a title may cover them
  LETTERS = 17, // from a title's upper edge to the foot of its letters
  LEAST_SEEN = 60, // pixels of a frame that are worth a title
  EDGE = 8, // pixels between a title and the edge of what is seen
  UNDER_BUTTONS = 52, // pixels at the right edge where buttons lie,
  HIGH_BUTTONS = 100; // and at the upper edge

// Where a frame's title stands so that all of it is seen: how far to the side of its own place, and whether alone,
// without the line below it. Among places that no arrow and no label crosses it takes the nearest.
function placeOfTitle(frame, canvas) {
  const { scale } = canvas.view,
    seen = canvas.window(),
    { y, w, h } = frame.head;
  const under = (frame.y - seen.y) * scale < HIGH_BUTTONS,
    left = seen.x + EDGE / scale,
    right = seen.x + seen.w - (under ? UNDER_BUTTONS : EDGE) / scale;
  if (frame.headX >= left && frame.headX + w <= right) return { shift: 0, alone: false };
  const from = Math.max(frame.x + EDGE, left),
    to = Math.min(frame.x + frame.w - EDGE, right);
  if (to - from <= LEAST_SEEN / scale) return { shift: 0, alone: false };
  const middle = frame.headX + w / 2,
    ways = [{ w, h, alone: false }],
    short = titleWidth(frame);
  if (frame.subtitle && short) ways.push({ w: short, h: LETTERS, alone: true });
  for (const way of ways) {
    const x = freePlace(crossing(canvas.scene, { x: from, y, w: to - from, h: way.h }), way.w, from, to, middle - way.w / 2);
    if (x !== null) return { shift: x + way.w / 2 - middle, alone: way.alone };
  }
  // All places are crossed; the edge of what is seen may cut what is too wide, over the frame's own it never stands.
  const way = ways.find((each) => each.w <= to - from) || ways.at(-1),
    wish = to - from < way.w ? (from + to - way.w) / 2 : Math.min(Math.max(middle - way.w / 2, from), to - way.w),
    x = Math.max(frame.x + EDGE, Math.min(wish, frame.x + frame.w - EDGE - way.w));
  return { shift: x + way.w / 2 - middle, alone: way.alone };
}

// The stretches of an area, from left to right, in which lines of arrows or their labels run.
function crossing(scene, area) {
  const found = [];
  for (const { points, label, labelAt } of scene.edgeGrid.within(area)) {
    for (let k = 1; k < points.length; k += 1) {
      const [[ax, ay], [bx, by]] = [points[k - 1], points[k]],
        line = { x: Math.min(ax, bx), y: Math.min(ay, by), w: Math.abs(ax - bx) || 0.1, h: Math.abs(ay - by) || 0.1 };
      if (meet(area, line)) found.push([line.x - BESIDE_TITLE / 2, line.x + line.w + BESIDE_TITLE / 2]);
    }
    const said = label && labelAt && areaOfLabel(...labelAt, textWidth(label, LABEL_SIZE));
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
// at its sides, where no box is covered; else above the frame or beside it. A title that would cover boxes is left out.
function signsFromAfar(frames, canvas) {
  const { scale } = canvas.view,
    placed = [],
    found = new Map();
  if (13 * scale >= READABLE) return found;
  const order = frames
    .filter((frame) => frame.title && frame.h * scale >= 1.5 * SIGN_HEIGHT)
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

// Where a frame's title stands, if there is room for it.
function placeOfSign(frame, frames, placed, canvas) {
  const { x, y, scale } = canvas.view,
    size = canvas.size(),
    w = textWidth(frame.title, SIGN_SIZE, true) + 8,
    left = Math.max(0, frame.x * scale + x) + 2,
    right = Math.min(size.w - UNDER_BUTTONS, (frame.x + frame.w) * scale + x) - 2,
    top = frame.y * scale + y + 1,
    low = (frame.y + frame.h) * scale + y - SIGN_HEIGHT;
  if (right - left < w) return null;
  const world = (each) => ({ x: (each.x - x) / scale, y: (each.y - y) / scale, w: w / scale, h: SIGN_HEIGHT / scale }),
    boxes = (each) => canvas.scene.grid.within(world(each)).size,
    arrows = (each) => (scale < SPECKS ? 0 : crossing(canvas.scene, world(each)).length),
    parent = canvas.scene.frames.get(frame.parent),
    isClear = (area) => (!parent || holds(parent, area)) && frames.every((other) => other.level < frame.level || !meet(area, other)),
    isApart = (sign) => !placed.some((other) => meet(sign, other)),
    sign = (at, y, cost = 0) => ({ x: at, y, w, h: SIGN_HEIGHT, cost });
  const rows = LOWER.map((by) => top + by).filter((y) => y <= low),
    middle = (left + right - w) / 2;
  const beside = (y) => {
    const others = placed.filter((other) => other.y < y + SIGN_HEIGHT && y < other.y + SIGN_HEIGHT).map((other) => [other.x, other.x + other.w]),
      lines = crossing(canvas.scene, { ...world({ x: left, y }), w: (right - left) / scale });
    return freePlace([...others, ...lines.map((ends) => ends.map((end) => end * scale + x))], w, left, right, middle);
  };
  for (const y of scale < SPECKS ? [] : rows) {
    // mostly the first place is free, and others needn't be looked for
    for (const find of [() => middle, () => beside(y)]) {
      const at = find(),
        free = at !== null && sign(at, y);
      if (free && isApart(free) && !boxes(free) && !arrows(free)) return free;
    }
  }
  const bestOf = (signs, cost) =>
    signs
      .filter(isApart)
      .map((each) => [each.cost + cost(each), each])
      .reduce((best, each) => (best && best[0] <= each[0] ? best : each), null)?.[1];
  const inside = rows.flatMap((y) => [middle, left, right - w].map((at, i) => sign(at, y, y - top + i)));
  const best = bestOf(inside, (each) => COVERED * boxes(each) + CROSSED * arrows(each));
  if (!best || !boxes(best)) return best;
  const outside = placesOutside(left, right, top, w, size).filter((each) => !boxes(each) && isClear(world(each)));
  return bestOf(outside, (each) => CROSSED * arrows(each)) || (scale < SPECKS ? best : null);
}

const holds = (a, b) => a.x <= b.x && a.y <= b.y && a.x + a.w >= b.x + b.w && a.y + a.h >= b.y + b.h;

// Where a title may stand outside of its frame: above it, or beside its upper corners.
function placesOutside(left, right, top, w, size) {
  const above = top - SIGN_HEIGHT - 3;
  return [
    ...[(left + right - w) / 2, left, right - w].map((at, i) => ({ x: at, y: above, cost: i })),
    ...[right + 6, left - w - 6].map((at, i) => ({ x: at, y: top, cost: 3 + i })),
  ]
    .map((place) => ({ ...place, w, h: SIGN_HEIGHT }))
    .filter((place) => place.x >= 0 && place.x + w <= size.w - UNDER_BUTTONS && place.y >= 0);
}

// In the world's measure, as the whole is scaled.
function signElement(frame, sign, { view, scene }, theme) {
  const put = (value, by) => (value - by) / view.scale,
    middle = put(sign.x + sign.w / 2, view.x),
    line = put(sign.y + SIGN_HEIGHT - 4, view.y),
    ground = theme.frames[frame.level % 2],
    text = textAt(frame.title, middle, line, SIGN_SIZE / view.scale, theme.ink, "middle", true);
  const x = put(sign.x, view.x),
    y = put(sign.y, view.y),
    w = sign.w / view.scale,
    h = sign.h / view.scale;
  const plate = clickable(x, y, w, h);
  if (view.scale < SPECKS || !crossing(scene, { x, y, w, h }).length) plate.setAttribute("fill", ground); // over an arrow only letters are opaque
  plate.setAttribute("fill-opacity", "0.88");
  return svg("g", { class: "sign", "data-id": frame.id }, plate, withHalo(text, ground, 3 / view.scale));
}
