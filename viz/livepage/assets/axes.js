// What the charts' horizontal axis counts: steps, epochs, or the time since the first step.

export const AXES = [["step", "by step"], ["epoch", "by epoch"], ["time", "by time"]];
export const STEPS = { name: "step", at: (x) => x };
const UNITS_OF_TIME = [[7200, "h", 3600], [120, "min", 60], [0, "s", 1]]; // from so many seconds on, the name, and seconds of one

// The axis of this kind for some curves; null where nothing is known of it. `at`: where a step is on it. `long`: how many
// seconds the axis is long, as others may be drawn on it too.
export function axisOf(kind, series, long = lastOf(series)) {
  if (kind === "step") return STEPS;
  const marks = series.get(`mark|${kind}`) || [];
  if (!marks.length) return null;
  if (kind === "epoch") return { name: "epoch", at: spread([[0, Math.max(0, marks[0][1] - 1)], ...marks.map(([x], i) => [x, marks[0][1] + i])]) }; // epochs count on, with another model too
  const [, name, seconds] = UNITS_OF_TIME.find(([least]) => long >= least);
  return { name, at: spread([[marks[0][0], 0], ...marks.slice(1).map(([x, y, , high = y]) => [x, high])].map(([x, y]) => [x, y / seconds])) };
}

// Seconds from the first step to the last.
export function lastOf(series) {
  const marks = series.get("mark|time") || [];
  return marks.length ? marks[marks.length - 1][3] : 0;
}

// Goes through these points in straight lines, and on beyond them.
function spread(points) {
  return (x) => {
    let low = 0, high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle][0] < x) low = middle + 1;
      else high = middle;
    }
    const i = Math.max(1, low), [x0, y0] = points[i - 1], [x1, y1] = points[i] || points[i - 1];
    return x1 > x0 ? Math.max(points[0][1], y0 + ((x - x0) * (y1 - y0)) / (x1 - x0)) : y0;
  };
}

// Points where an axis has them, each with its step.
export const moved = (points, axis, from = 0) => (axis === STEPS && !from ? points : points.map(([x, y, low, high]) => [axis.at(x) - axis.at(from), y, low, high, x - from]));
