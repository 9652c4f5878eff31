// What is drawn of a curve's values: where they are too far apart for a line, which of them an axis shows, and smoothed.

const POINTS_NEAR = 5; // points before and after a gap, by which it is long or usual
const LONG_GAP = 4; // times what is usual around it
const BURST = 16; // points in a row, as of a GAN's round, between gaps that come again and again and so are usual
const OUTLYING = 0.05; // the share of values of a line that may lie outside at each end, where outliers are ignored
const OUTLYING_FEW = 3; // or so many, of few values, but a fifth at most
const FEWEST = 8; // values of a line of which none may: of few epochs, none is an exception
const LARGEST_STEP = 0.6; // of the way to values that are far, as a share of it: else they are outliers
const FAR = 3; // times the range of the others: a loss that falls fast isn't cut off at once

// Where a number that is measured now and then wasn't for much longer than usual around there: the last step before.
// A line over such a gap would look like data.
export function gapsOf(points) {
  const apart = points.slice(1).map(([x], i) => x - points[i][0]);
  const recurs = (gap, i) => {
    const before = apart.slice(Math.max(0, i - BURST), i), after = apart.slice(i + 1, i + 1 + BURST), has = (near) => near.some((other) => 2 * other >= gap);
    return (has(before) && (has(after) || after.length < BURST)) || (has(after) && before.length < BURST);
  };
  const isLong = (gap, i) => {
    const near = [...apart.slice(Math.max(0, i - POINTS_NEAR), i), ...apart.slice(i + 1, i + 1 + POINTS_NEAR)].sort((a, b) => a - b);
    return near.length > 0 && gap > LONG_GAP * near[near.length >> 1] && !recurs(gap, i);
  };
  return points.slice(0, -1).filter((_, i) => isLong(apart[i], i)).map(([x]) => x);
}

// The least and the greatest of a line's values that an axis must show: any, or those without the few that are far from
// all others. Values to which the line leads step by step, as at the beginning of a loss that falls, are no outliers.
// `begins`: whether the line begins anew at a value, by its index.
export function withoutOutliers(values, begins) {
  if (values.length < FEWEST) return [-Infinity, Infinity];
  const sorted = [...values].sort((a, b) => a - b), cut = Math.max(Math.min(OUTLYING_FEW, Math.floor(sorted.length / 5)), Math.floor(sorted.length * OUTLYING));
  const low = sorted[cut], high = sorted[sorted.length - 1 - cut], reach = (high - low) * FAR || Math.abs(high) * 0.1;
  const isFar = values.map((value) => value < low - reach || value > high + reach), shown = [low - reach, high + reach];
  for (let first = 0; first < values.length; first += 1) {
    if (!isFar[first] || (first && isFar[first - 1] && !begins(first))) continue;
    let last = first;
    while (isFar[last + 1] && !begins(last + 1)) last += 1;
    const before = first && !begins(first) ? values[first - 1] : null, after = last + 1 < values.length && !begins(last + 1) ? values[last + 1] : null;
    let from = first; // of a beginning, all but what a jump parts from the rest
    while (before === null && from < last && !leadsThere(values.slice(from, last + 1), before, after)) from += 1;
    if (leadsThere(values.slice(from, last + 1), before, after)) shown.push(...values.slice(from, last + 1));
  }
  return [Math.min(...shown), Math.max(...shown)];
}

// Does a line lead to these values step by step, from the value before them and back to the one after them, where there
// are any: no step is more than a share of the whole way.
function leadsThere(far, before, after) {
  const top = far.reduce((best, value, i) => (Math.abs(value - (after ?? before)) > Math.abs(far[best] - (after ?? before)) ? i : best), 0);
  const isSmooth = (way) => way.slice(1).every((value, i) => Math.abs(value - way[i]) <= LARGEST_STEP * Math.abs(way[way.length - 1] - way[0]));
  if (before === null && after === null) return false;
  return (before === null || isSmooth([before, ...far.slice(0, top + 1)])) && (after === null || isSmooth([...far.slice(top), after]));
}

// An exponential moving average that isn't pulled towards zero at the beginning; what isn't finite is left out of it. Of a
// number that doesn't change it is that number, to the last bit.
export function smoothed(points, weight) {
  let mean = 0, left = 1;
  return points.map(([x, y, ...rest]) => {
    if (typeof y !== "number") return [x, y, ...rest];
    left *= weight;
    mean += (y - mean) * ((1 - weight) / (1 - left));
    return [x, mean, ...rest];
  });
}
