// Frames' titles where the reader is: within what is seen of a frame, and from afar in a size that can be read.

const READABLE = 9.5, // pixels of a title's letters; where they would be lower, signs take the titles' place
  SIGN_SIZE = 11,
  SIGN_HEIGHT = 15,
  MOST_SIGNS = 80,
  LOWER = [0, 4, 8, 12], // pixels, where the title of the frame around it stands in the way
  COVERED = 20, // how bad it is to cover a box, against a pixel farther down
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

// The titles of frames in pixels, the outermost first, none over another: in the middle of what is seen of the frame, or
// at its sides where fewer boxes are covered.
function signsFromAfar(frames, canvas) {
  const { x, y, scale } = canvas.view,
    size = canvas.size(),
    placed = [],
    found = new Map();
  if (13 * scale >= READABLE) return found;
  const order = frames
    .filter((frame) => frame.title && frame.h * scale >= 1.5 * SIGN_HEIGHT)
    .sort((a, b) => a.level - b.level || b.w * b.h - a.w * a.h);
  for (const frame of order) {
    if (found.size >= MOST_SIGNS) break;
    const w = textWidth(frame.title, SIGN_SIZE, true) + 8,
      left = Math.max(0, frame.x * scale + x) + 2,
      right = Math.min(size.w - UNDER_BUTTONS, (frame.x + frame.w) * scale + x) - 2,
      top = frame.y * scale + y + 1;
    if (right - left < w) continue;
    const low = (frame.y + frame.h) * scale + y - SIGN_HEIGHT,
      places = LOWER.filter((by) => top + by <= low).flatMap((by) =>
        [(left + right - w) / 2, left, right - w].map((at, i) => ({ x: at, y: top + by, w, h: SIGN_HEIGHT, cost: by + i })),
      );
    const cost = (sign) =>
      sign.cost +
      COVERED *
        canvas.scene.grid.within({
          ...{ x: (sign.x - x) / scale, y: (sign.y - y) / scale },
          ...{ w: w / scale, h: SIGN_HEIGHT / scale },
        }).size;
    const [best] = places
      .filter((sign) => !placed.some((other) => meet(sign, other)))
      .map((sign) => [cost(sign), sign])
      .sort(([one], [other]) => one - other);
    if (!best) continue;
    placed.push(best[1]);
    found.set(frame.id, best[1]);
  }
  return found;
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
