// Small charts.

import { el, svg } from "../app/dom.js";
import { amount, numeral, short } from "../recording/formatting.js";

const TALL = 4; // times as far as usual reach the values of a point that stands for several, and so many times 3 pixels at least

// Counts in equal bins from `min` to `max`.
export function histogram(counts, min, max) {
  const w = 280,
    h = 64,
    most = Math.max(...counts, 1),
    step = w / counts.length;
  const bars = counts.map((count, i) => {
    const high = count ? Math.max(1, (count / most) * h) : 0,
      [from, to] = [i, i + 1].map((at) => numeral(min + ((max - min) * at) / counts.length));
    return svg("rect", { x: i * step + 0.5, y: h - high, width: Math.max(1, step - 1), height: high, class: "bar" }, svg("title", { text: `${amount(count)} from ${from} to ${to}` }));
  });
  const at = (-min / (max - min)) * w,
    zero = min < 0 && max > 0 ? [svg("line", { x1: at, x2: at, y1: 0, y2: h, class: "zero" })] : [],
    said = { role: "img", "aria-label": `histogram from ${numeral(min)} to ${numeral(max)}` };
  return el("figure", { class: "histogram" }, svg("svg", { viewBox: `0 0 ${w} ${h}`, preserveAspectRatio: "none", ...said }, ...zero, bars), el("figcaption", {}, el("span", {}, numeral(min)), el("span", {}, numeral(max))));
}

// A canvas as wide as its place, with as many pixels as the screen has under it; gives its brush, and nothing is drawn yet.
export function sharpen(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const brush = canvas.getContext("2d");
  brush.setTransform(ratio, 0, 0, ratio, 0, 0);
  brush.clearRect(0, 0, width, height);
  return brush;
}

// Round numbers between two values, about `count` of them.
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count) || 1,
    power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) || power;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step)
    found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

// Of the logarithms of numbers that are written in a unit of this size.
export function logTicks(low, high, size) {
  const by = Math.log10(size);
  return powersBetween(low - by, high - by).map((power) => power + by);
}

function powersBetween(low, high) {
  const all = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) all.push(power);
  const every = Math.max(1, Math.ceil(all.length / 6)), inside = (at) => at >= low && at <= high, powers = all.filter((power) => power % every === 0 && inside(power));
  if (powers.length > 2) return powers;
  const between = all.flatMap((power) => [1, 2, 5].map((each) => power + Math.log10(each))).filter(inside);
  if (between.length > 2) return between;
  return ticks(10 ** low, 10 ** high, 4).filter((value) => value > 0).map(Math.log10);
}

// How the values at the marks are written: with as many digits as tell them apart.
export function tickNames(marked, log, unit) {
  if (log || unit !== numeral || marked.length < 2) return (value) => (value === 0 ? "0" : unit(Number(value.toPrecision(3))));
  const size = Math.max(...marked.map(Math.abs)), digits = Math.ceil(Math.log10(size / (marked[1] - marked[0]))) + 1;
  if (size >= 1e5 || size < 1e-3) return (value) => (value === 0 ? "0" : value.toExponential(Math.max(0, Math.min(4, digits - 1))));
  return (value) => String(Number(value.toPrecision(Math.max(1, Math.min(9, digits)))));
}

// The numbers along a plot's axis, each below its place, and before them what they count: it never changes sides.
export function numbersAlong(plot, brush, bottom, space) {
  const steps = ticks(...plot.x, Math.max(4, Math.floor(plot.width / 48))),
    isWhole = plot.options.whole || plot.axis.endsWith("step"),
    name = plot.axis.split(" ").at(-1);
  let until = brush.measureText(name).width - space;
  [brush.textAlign, brush.textBaseline] = ["left", "top"];
  brush.fillText(name, 0, bottom + 5);
  brush.textAlign = "center";
  for (const at of isWhole ? steps.map((step) => Number(step.toPrecision(12))).filter(Number.isInteger) : steps) {
    const text = at >= 1e4 ? short(at) : plot.place(at),
      half = brush.measureText(text).width / 2,
      x = Math.min(plot.toX(at), plot.width - 1 - half);
    if (x - half < until + space) continue;
    until = x + half;
    brush.fillText(text, x, bottom + 5);
  }
}

// Of a plot's line, between the least and the greatest of the values that were joined in a point. Where one of them was
// far from those that it was joined with, a line leads there: so narrow a band couldn't be seen.
export function drawBand(plot, brush, points, breaks) {
  const stretches = [[]];
  points.forEach(([x, y, low, high], i) => {
    if (i && plot.parted(points[i - 1][0], x, breaks)) stretches.push([]);
    if (plot.usable(y) && plot.usable(low) && low !== high) stretches[stretches.length - 1].push(points[i]);
  });
  brush.globalAlpha = 0.15;
  for (const wide of stretches.filter((each) => each.length > 1)) {
    brush.beginPath();
    for (const [x, , , high] of wide) brush.lineTo(plot.toX(x), plot.toY(high));
    for (const [x, , low] of wide.reverse()) brush.lineTo(plot.toX(x), plot.toY(low));
    brush.fill();
  }
  const all = stretches.flat(), tall = all.map(([, , low, high]) => plot.toY(low) - plot.toY(high)), usual = [...tall].sort((a, b) => a - b)[tall.length >> 1];
  brush.globalAlpha = 0.6;
  all.forEach(([x, , , high], i) => tall[i] > TALL * Math.max(3, usual) && brush.fillRect(plot.toX(x) - 0.6, plot.toY(high), 1.2, tall[i]));
  brush.globalAlpha = 1;
}
