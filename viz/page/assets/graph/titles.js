// Frames' titles where the reader is: within what is seen of a frame, and from afar in a size that can be read.

const READABLE = 9.5, // pixels of a title's letters; where they would be lower, signs take the titles' place
  SIGN_SIZE = 11,
  SIGN_HEIGHT = 15,
  MOST_SIGNS = 80,
  LOWER = [0, 4, 8, 12], // pixels, where the title of the frame around it stands in the way
  COVERED = 20, // how bad it is to cover a box, against a pixel farther down
  CROSSED = 5, // and an arrow, where it stands outside of its frame
  SPECKS = 0.1, // at a lower scale boxes are so small that a title may cover them
  LEAST_SEEN = 60, // pixels of a frame that are worth a title
  EDGE = 8, // pixels between a title and the edge of what is seen
  UNDER_BUTTONS = 52, // pixels at the right edge where buttons lie,
  HIGH_BUTTONS = 100; // and at the upper edge

// How far a frame's title is moved to the side, so that all of it is seen.
function shiftOfTitle(frame, canvas) {
  const { scale } = canvas.view,
    seen = canvas.window(),
    { w } = frame.head;
  const under = (frame.y - seen.y) * scale < HIGH_BUTTONS,
    left = seen.x + EDGE / scale,
    right = seen.x + seen.w - (under ? UNDER_BUTTONS : EDGE) / scale;
  if (frame.headX >= left && frame.headX + w <= right) return 0;
  const from = Math.max(frame.x + EDGE, left),
    to = Math.min(frame.x + frame.w - EDGE, right);
  if (to - from < w) {
    if (to - from <= LEAST_SEEN / scale) return 0;
    const middle = (from + to - w) / 2; // the edge of what is seen may cut it; over the frame's own it never stands
    return Math.max(frame.x + EDGE, Math.min(middle, frame.x + frame.w - EDGE - w)) - frame.headX;
  }
  const found = titleBetween(frame, w, from, to);
  const x = found && found.over === 0 ? found.x : Math.min(Math.max(frame.headX, from), to - w);
  return x - frame.headX;
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
  const world = (sign) => ({ x: (sign.x - x) / scale, y: (sign.y - y) / scale, w: w / scale, h: SIGN_HEIGHT / scale }),
    boxes = (sign) => canvas.scene.grid.within(world(sign)).size,
    arrows = (sign) => canvas.scene.edgeGrid.within(world(sign)).size,
    parent = canvas.scene.frames.get(frame.parent),
    isClear = (area) => (!parent || holds(parent, area)) && frames.every((other) => other.level < frame.level || !meet(area, other));
  const bestOf = (signs, cost) =>
    signs
      .filter((sign) => !placed.some((other) => meet(sign, other)))
      .map((sign) => [sign.cost + cost(sign), sign])
      .reduce((best, each) => (best && best[0] <= each[0] ? best : each), null)?.[1];
  const inside = LOWER.filter((by) => top + by <= low).flatMap((by) =>
    [(left + right - w) / 2, left, right - w].map((at, i) => ({ x: at, y: top + by, w, h: SIGN_HEIGHT, cost: by + i })),
  );
  const best = bestOf(inside, (sign) => COVERED * boxes(sign));
  if (!best || !boxes(best)) return best;
  const outside = placesOutside(left, right, top, w, size).filter((sign) => !boxes(sign) && isClear(world(sign)));
  return bestOf(outside, (sign) => CROSSED * arrows(sign)) || (scale < SPECKS ? best : null);
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
function signElement(frame, sign, { view }, theme) {
  const put = (value, by) => (value - by) / view.scale,
    ground = theme.frames[frame.level % 2];
  const plate = rect(put(sign.x, view.x), put(sign.y, view.y), sign.w / view.scale, sign.h / view.scale, 3 / view.scale, ground, "none", 0);
  plate.setAttribute("fill-opacity", "0.88");
  const middle = put(sign.x + sign.w / 2, view.x),
    line = put(sign.y + SIGN_HEIGHT - 4, view.y);
  return svg(
    "g",
    { class: "sign", "data-id": frame.id },
    plate,
    textAt(frame.title, middle, line, SIGN_SIZE / view.scale, theme.ink, "middle", true),
  );
}
