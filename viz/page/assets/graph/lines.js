// Where the lines are that arrows may run along.

import { KEEP_OFF, OFF_TITLES, TRACK, indexFrom } from "./channels.js";

// Which lines lie between two places.
export const inside = (lines, low, high) => [indexFrom(lines, low + 0.01, true), indexFrom(lines, high - 0.01)];

// Where upright and level lines are: those through ports exactly, others not too close to each other.
export function linesOf(boxes, titles, frames, ports) {
  const loose = [new Set(), new Set()];
  for (const rect of [...boxes, ...frames]) {
    for (const by of [KEEP_OFF, KEEP_OFF + TRACK, KEEP_OFF + 2 * TRACK]) {
      for (const x of [rect.x - by, rect.x + rect.w + by]) loose[0].add(x);
      for (const y of [rect.y - by, rect.y + rect.h + by]) loose[1].add(y);
    }
  }
  for (const rect of titles) for (const x of [rect.x - OFF_TITLES - 1, rect.x + rect.w + OFF_TITLES + 1]) loose[0].add(x);
  let left = 0,
    right = 0;
  for (const rect of [...boxes, ...frames]) {
    left = Math.min(left, rect.x);
    right = Math.max(right, rect.x + rect.w);
  }
  for (let k = 1; k < 9; k += 1) {
    loose[0].add(left - KEEP_OFF - k * TRACK);
    loose[0].add(right + KEEP_OFF + k * TRACK);
  }
  return [0, 1].map((k) =>
    spaced(ports.map(({ outside }) => outside[k]), [...loose[k]]),
  );
}

function spaced(fixed, loose) {
  const all = [...new Set(fixed)].sort((a, b) => a - b),
    found = [];
  let next = 0;
  for (const each of loose.sort((a, b) => a - b)) {
    while (next < all.length && all[next] <= each) found.push(all[next++]);
    const isFree = !found.length || each - found[found.length - 1] >= 5;
    if (isFree && (next === all.length || all[next] - each >= 5)) found.push(each);
  }
  return [...found, ...all.slice(next)];
}
