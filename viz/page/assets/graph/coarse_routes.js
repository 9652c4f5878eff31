// Ways for arrows among very many boxes, for which the exact ones of routes.js would take too long: curves that keep off
// boxes where one of a few shapes does.

const STEP = 14,
  MOST_STEPS = 30;

// Gives `points`, `labelAt` and the area `x, y, w, h` to all edges of a scene.
function routeCoarsely(scene) {
  const router = new CoarseRouter(scene);
  for (const edge of scene.edges) {
    const tail = scene.nodes.get(edge.tail),
      head = scene.nodes.get(edge.head);
    const way = tail.row === head.row ? across(tail, head) : router.way(edge, tail, head);
    Object.assign(edge, way, boundsOf(way.points, way.labelAt, edge.label));
  }
  separateLabels(scene.edges);
}

// Labels of arrows that leave a box at the same place: equal ones stand once, others below each other.
function separateLabels(edges) {
  const taken = new Map();
  for (const edge of edges) {
    if (!edge.label || !edge.labelAt) continue;
    const [x, y] = edge.labelAt,
      key = `${Math.round(x)},${Math.round(y)}`,
      texts = taken.get(key) || [];
    const known = texts.indexOf(edge.label);
    if (known >= 0) edge.labelAt = null;
    else {
      const down = edge.points[0][1] < y ? 1 : -1;
      edge.labelAt = [x, y + 11 * texts.length * down];
      push(taken, key, edge.label);
    }
  }
}

class CoarseRouter {
  constructor(scene) {
    this.grid = scene.grid = new Grid(scene.nodes.values());
    this.columns = new Map(); // ways around, so that two don't lie on each other: x -> [top, bottom] pairs
  }

  way(edge, tail, head) {
    const late = edge.kind === "gradient";
    for (const { way, needed } of waysBetween(tail, head, late)) {
      if (!needed.some((area) => this.grid.meets(area, tail, head))) return way;
    }
    return this.around(tail, head, late);
  }

  // Past everything in between: on the left for data and on the right for gradients, where there is room soonest;
  // else on the other side; and where nothing is free, straight past the ends.
  around(tail, head, right) {
    for (const side of [right, !right]) {
      const edge = side ? Math.max(tail.x + tail.w, head.x + head.w) : Math.min(tail.x, head.x);
      for (let i = 1; i < MOST_STEPS; i += 1) {
        const x = edge + STEP * (i + 0.5) * (side ? 1 : -1);
        for (const way of [loopAt(tail, head, x, side), bracket(tail, head, x)]) {
          if (this.isTaken(x, way) || way.needed.some((area) => this.grid.meets(area, tail, head))) continue;
          push(this.columns, Math.round(x / STEP), [way.low, way.high]);
          return way;
        }
      }
    }
    const edge = right ? Math.max(tail.x + tail.w, head.x + head.w) : Math.min(tail.x, head.x);
    return bracket(tail, head, edge + STEP * 1.5 * (right ? 1 : -1));
  }

  isTaken(x, { low, high }) {
    return (this.columns.get(Math.round(x / STEP)) || []).some(([a, b]) => a < high && low < b);
  }
}

function swing(a, b) {
  // leaves and arrives vertically
  const middle = (a[1] + b[1]) / 2;
  return [[a[0], middle], [b[0], middle], b];
}

// A level line within a row.
function across(tail, head) {
  const y = middleOf(head)[1],
    leftwards = tail.x > head.x;
  const start = [leftwards ? tail.x : tail.x + tail.w, y];
  return { points: [start, ...straight(start, [leftwards ? head.x + head.w : head.x, y])], labelAt: null };
}

// Ways from one box to another above or below it, each with the areas that must be free.
function waysBetween(tail, head, turnLate) {
  const down = tail.y < head.y,
    neck = 14;
  const a = [middleOf(tail)[0], down ? tail.y + tail.h : tail.y],
    b = [middleOf(head)[0], down ? head.y : head.y + head.h];
  if (down ? b[1] <= a[1] : b[1] >= a[1]) return []; // side by side
  const labelAt = [a[0] + 6, a[1] + (down ? 14 : -8)];
  if (Math.abs(a[0] - b[0]) < 2)
    return [{ way: { points: [a, ...straight(a, b)], labelAt }, needed: [areaOf([a, b], 1)] }];
  const rise = Math.abs(b[1] - a[1]),
    turn = Math.min(GAP_Y, rise) * (down ? 1 : -1);
  const early = [b[0], a[1] + turn],
    late = [a[0], b[1] - turn];
  const ways = [
    {
      way: { points: [a, ...swing(a, early), ...straight(early, b)], labelAt },
      needed: [areaOf([a, early], neck), areaOf([early, b], 1)],
    },
    {
      way: { points: [a, ...straight(a, late), ...swing(late, b)], labelAt },
      needed: [areaOf([a, late], 1), areaOf([late, b], neck)],
    },
  ];
  if (turnLate) ways.reverse();
  if (rise <= 2 * GAP_Y)
    ways.unshift({ way: { points: [a, ...swing(a, b)], labelAt }, needed: [areaOf([a, b], neck)] });
  return ways;
}

// What a part of a way covers, but for its ends, which are vertical.
function areaOf(points, neck) {
  const xs = points.map((p) => p[0]),
    ys = points.map((p) => p[1]);
  const x = Math.min(...xs),
    y = Math.min(...ys),
    h = Math.max(...ys) - y,
    end = Math.min(neck, h / 2.3);
  return { x: x - 3, y: y + end, w: Math.max(...xs) - x + 6, h: h - 2 * end };
}

// The areas that a way along `x` and two level pieces at the heights `from` and `to` covers.
function areasAlong(x, from, to, startX, endX) {
  const low = Math.min(from, to),
    high = Math.max(from, to);
  const level = (y, end) => ({ x: Math.min(x, end), y: y - 2, w: Math.abs(x - end), h: 4 });
  const needed = [{ x: x - 4, y: low, w: 8, h: high - low }, level(from, startX), level(to, endX)];
  return { low, high, needed };
}

// Out of the side to `x`, along, and back.
function loopAt(tail, head, x, right) {
  const start = [right ? tail.x + tail.w : tail.x, middleOf(tail)[1]],
    end = [right ? head.x + head.w : head.x, middleOf(head)[1]];
  const bend = Math.min(24, Math.abs(end[1] - start[1]) / 2) * (end[1] > start[1] ? 1 : -1);
  const out = [x, start[1] + bend],
    back = [x, end[1] - bend];
  const bends = [start, [x, start[1]], [x, start[1]], out];
  const points = [...bends, ...straight(out, back), [x, end[1]], [x, end[1]], end];
  const areas = areasAlong(x, start[1], end[1], start[0], end[0]);
  return { points, labelAt: [x + 5, out[1] + (bend > 0 ? 9 : -3)], ...areas };
}

// Where boxes stand beside the ends: through the gap next to the tail's row to `x`, along, and through the gap next to
// the head's row.
function bracket(tail, head, x) {
  const down = tail.y < head.y,
    sign = down ? 1 : -1;
  const a = [middleOf(tail)[0], down ? tail.y + tail.h : tail.y],
    b = [middleOf(head)[0], down ? head.y : head.y + head.h];
  const from = (down ? tail.rowEnd : tail.rowStart) + (GAP_Y / 2) * sign,
    to = (down ? head.rowStart : head.rowEnd) - (GAP_Y / 2) * sign;
  const r = Math.min(12, Math.abs(to - from) / 2) * Math.sign(to - from || 1);
  const out = [...cornerTo(a, from, x), [x, from], [x, from], [x, from + r]];
  const back = [[x, to], [x, to], [(x + b[0]) / 2, to], [b[0], to], [b[0], to], b];
  const points = [a, ...out, ...straight([x, from + r], [x, to - r]), ...back];
  return { points, labelAt: [x + 5, from + (down ? 14 : -8)], ...areasAlong(x, from, to, a[0], b[0]) };
}

// Vertically out of a box, and half of the level piece.
const cornerTo = ([x, y], level, end) => [
  [x, level],
  [x, level],
  [(x + end) / 2, level],
];

// Puts the title of each frame where no arrow crosses it, if there is such a place: in the middle, left, or right.
function placeHeads(scene) {
  const grid = new Grid(scene.edges);
  for (const frame of scene.frames.values()) {
    const { w, h } = headOf(frame),
      places = [frame.x + (frame.w - w) / 2, frame.x + 8, frame.x + frame.w - w - 8];
    const free = places.find((x) => {
      const area = { x: x - 2, y: frame.y + 4, w: w + 4, h: h + 2 };
      return ![...grid.within(area)].some((edge) => crosses(edge.points, area));
    });
    frame.headX = free ?? places[0];
  }
}

// Does a curve pass through an area? Its pieces are taken as eight straight ones each.
function crosses(points, area) {
  for (let i = 0; i + 3 < points.length; i += 3) {
    const [a, b, c, d] = points.slice(i, i + 4);
    let [x, y] = a;
    for (let j = 1; j <= 8; j += 1) {
      const t = j / 8,
        s = 1 - t;
      const nextX = s * s * s * a[0] + 3 * s * s * t * b[0] + 3 * s * t * t * c[0] + t * t * t * d[0];
      const nextY = s * s * s * a[1] + 3 * s * s * t * b[1] + 3 * s * t * t * c[1] + t * t * t * d[1];
      if (
        meet(area, {
          x: Math.min(x, nextX),
          y: Math.min(y, nextY),
          w: Math.abs(nextX - x) + 0.01,
          h: Math.abs(nextY - y) + 0.01,
        })
      )
        return true;
      [x, y] = [nextX, nextY];
    }
  }
  return false;
}
