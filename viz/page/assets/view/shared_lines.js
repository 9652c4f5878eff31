// Where lines of one colour run over each other each part is drawn once: drawn twice it would look thicker than others.

const SAME_PART = 0.5, // parts that are so near to each other are one
  LAST_PART = 1; // of a line that is always drawn: the arrow's head is at its end

// Gives edges that share a part with one before them their `own`, as a path: all that none of those drew.
export function drawSharedOnce(scene) {
  const drawn = new Map(); // by kind and place, the stretches of straight lines that are drawn, and curves
  for (const edge of scene.edges) {
    if (edge.kind === "link") continue;
    const { points } = edge,
      parts = [];
    for (let i = 0; i + 3 < points.length; i += 3) parts.push(...partsToDraw(edge.kind, points.slice(i, i + 4), drawn));
    const isWhole = parts.every(({ isCut }) => !isCut);
    edge.own = isWhole ? null : pathOfParts(parts, points);
  }
}

// What of a piece of a line, a cubic curve, wasn't drawn before, which it is from now on.
function partsToDraw(kind, piece, drawn) {
  const [[ax, ay], , , [bx, by]] = piece,
    upright = piece.every(([x]) => Math.abs(x - ax) < 0.05),
    level = piece.every(([, y]) => Math.abs(y - ay) < 0.05);
  if (!upright && !level) {
    const key = `${kind} ${piece.map((point) => point.map((at) => Math.round(at * 5)).join()).join(" ")}`,
      isCut = drawn.has(key);
    drawn.set(key, true);
    return [{ piece: isCut ? null : piece, isCut }];
  }
  const key = `${kind} ${upright} ${Math.round((upright ? ax : ay) / SAME_PART)}`,
    [from, to] = upright ? [ay, by] : [ax, bx],
    known = drawn.get(key) ?? [],
    free = uncovered(Math.min(from, to), Math.max(from, to), known);
  drawn.set(key, [...known, [Math.min(from, to), Math.max(from, to)]]);
  if (to < from) free.reverse().forEach((stretch) => stretch.reverse());
  const place = (at) => (upright ? [ax, at] : [at, ay]),
    isCut = free.length !== 1 || Math.abs(free[0][0] - from) + Math.abs(free[0][1] - to) > SAME_PART;
  return isCut ? [{ piece: null, isCut }, ...free.map(([a, b]) => ({ piece: [place(a), place(b)], isCut }))] : [{ piece, isCut }];
}

// The stretches between two places that none of some covers, in order.
function uncovered(low, high, known) {
  const found = [];
  let at = low;
  for (const [a, b] of [...known].sort((one, other) => one[0] - other[0])) {
    if (a - at > SAME_PART && at < high) found.push([at, Math.min(a, high)]);
    at = Math.max(at, b);
  }
  if (high - at > SAME_PART || (!found.length && at === low)) found.push([at, high]);
  return found;
}

function pathOfParts(parts, points) {
  const text = ([x, y]) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`,
    end = points.at(-1),
    far = ([x, y]) => Math.hypot(end[0] - x, end[1] - y),
    [bx, by] = points.findLast((point) => far(point) > 0.01) ?? end,
    length = far([bx, by]) || 1,
    before = [0, 1].map((k) => end[k] - ((end[k] - [bx, by][k]) / length) * LAST_PART);
  let found = "",
    at = null;
  for (const { piece } of parts) {
    if (!piece) continue;
    const [first, ...others] = piece.map(text);
    found += `${first === at ? "" : `M${first}`} ${others.length === 3 ? "C" : "L"}${others.join(" ")}`;
    at = others.at(-1);
  }
  return at === text(end) ? found : `${found} M${text(before)} L${text(end)}`;
}
