// What stands in the bars of the timeline: a name, or what of it tells it from all others; of a bar that is too narrow the
// whole name beside it, where the row is free.

import { shortCall } from "../graph/titles.js";
import { clean } from "../recording/formatting.js";
import { ROW } from "./timeline.js";

const NARROWEST_NAMED = 26, // pixels of a bar
  NAME_BESIDE = 3, // pixels from a bar to its name
  NAME_BEFORE_NEXT = 9; // and from there to the next bar, to which it would seem to belong

// Bars that look alike: layers, and ops of one phase.
const lookOf = ({ op, phase }) => (op ? phase : "layer");

export class BarNames {
  constructor(bars) {
    this.names = new Map(); // by look
    for (const bar of bars) {
      if (!this.names.has(lookOf(bar))) this.names.set(lookOf(bar), new Set());
      this.names.get(lookOf(bar)).add(clean(bar.title, 60));
    }
    this.known = new Map();
  }

  // What of a name there is room for, with a "…" for what is left out; nothing where only what others of its look are
  // called, too, would fit.
  fitting(pen, bar, room) {
    const name = clean(bar.title, 60),
      wide = (text) => pen.measureText(text).width <= room;
    if (wide(name)) return name;
    let [low, high] = [0, name.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (wide(`${name.slice(0, middle)}…`)) low = middle;
      else high = middle - 1;
    }
    const key = [low, lookOf(bar), name].join("\n");
    if (!this.known.has(key)) this.known.set(key, this.cuts(name, [...this.names.get(lookOf(bar))], low));
    return this.known.get(key).find(wide) ?? "";
  }

  // Its beginning; where others begin so, too, with its end, as always where that says which call it is. The best is first.
  cuts(name, names, signs) {
    const least = name.startsWith("∇ ") ? 5 : 3,
      isOwn = (start, end) => names.every((each) => each === name || !each.startsWith(start) || !each.endsWith(end)),
      found = [];
    const [call] = CALL.exec(name) ?? [],
      most = call ? name.length - call.length - 1 : name.length; // letters that stand before it
    if (!call && signs >= least && isOwn(name.slice(0, signs), "")) found.push([name.slice(0, signs), ""]);
    for (const end of call ? [call, shortCall(call)] : endsOf(name))
      for (const extra of [1, 0, -1]) { // letters are not equally wide
        const start = name.slice(0, Math.min(most, Math.max(0, signs - end.length + extra)));
        if (start.length >= least && isOwn(start, call ?? end)) found.push([start, end]);
      }
    return found.map((each) => each.join("…"));
  }

  // Writes the names of bars that were drawn, one row after the other: each `{ bar, x, y, w, ink }`, in the order of time.
  write(pen, rows, width, beside) {
    for (const row of rows.values()) {
      row.forEach(({ bar, x, y, w, ink, alpha }, i) => {
        const name = clean(bar.title, 60),
          left = Math.max(0, x),
          room = Math.min(x + w, width) - left - 7,
          inside = w > NARROWEST_NAMED ? this.fitting(pen, bar, room) : "",
          next = Math.min(row[i + 1]?.x ?? width, ...nextAbove(rows, bar.row, x + w)), // a name below another bar would seem to be in that
          middle = y + ROW / 2 - 1;
        pen.globalAlpha = alpha;
        if (inside) {
          pen.fillStyle = ink;
          pen.fillText(inside, left + 4, middle);
        }
        if (inside || x < 0 || (next < width && next - x - w < NAME_BEFORE_NEXT + 9)) return; // most bars of many have no room
        const long = pen.measureText(name).width,
          before = i ? Math.max(row[i - 1].x + row[i - 1].w, row[i - 1].end ?? 0) : 0;
        pen.fillStyle = beside;
        if (x + w + NAME_BESIDE + long + (next === width ? 2 : NAME_BEFORE_NEXT) <= next) {
          pen.fillText(name, x + w + NAME_BESIDE, middle);
          row[i].end = x + w + NAME_BESIDE + long;
        } else if (next === width && before + 2 * NAME_BESIDE + long <= x) pen.fillText(name, x - NAME_BESIDE - long, middle);
      });
    }
    pen.globalAlpha = 1;
  }
}

// In each row above, where the first bar begins that does so behind a place.
const nextAbove = (rows, number, from) =>
  [...rows].filter(([each]) => each < number).flatMap(([, bars]) => bars.find(({ x }) => x >= from)?.x ?? []);

const CALL = /\(calls? [^()]*\)$/u;

// By which ends names of one beginning are told apart: a number, or words in brackets; else a few letters.
function endsOf(name) {
  const [words] = /\([^()]*\)$/.exec(name) ?? [],
    [number] = /_?\d+\)?$/.exec(name) ?? [];
  return words || number ? [words, number].filter(Boolean) : [name.slice(-4), name.slice(-3)];
}
