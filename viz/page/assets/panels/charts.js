// Small charts.

// Counts in equal bins from `min` to `max`.
function histogram(counts, min, max) {
  const w = 280,
    h = 64,
    most = Math.max(...counts, 1),
    step = w / counts.length;
  const bars = counts.map((count, i) => {
    const high = count ? Math.max(1, (count / most) * h) : 0,
      from = min + ((max - min) * i) / counts.length;
    return svg(
      "rect",
      { x: i * step + 0.5, y: h - high, width: Math.max(1, step - 1), height: high, class: "bar" },
      svg("title", {
        text: `${amount(count)} from ${numeral(from)} to ${numeral(from + (max - min) / counts.length)}`,
      }),
    );
  });
  const zero =
    min < 0 && max > 0
      ? [
          svg("line", {
            x1: (-min / (max - min)) * w,
            x2: (-min / (max - min)) * w,
            y1: 0,
            y2: h,
            class: "zero",
          }),
        ]
      : [];
  return el(
    "figure",
    { class: "histogram" },
    svg(
      "svg",
      {
        viewBox: `0 0 ${w} ${h}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `histogram from ${numeral(min)} to ${numeral(max)}`,
      },
      ...zero,
      bars,
    ),
    el("figcaption", {}, el("span", {}, numeral(min)), el("span", {}, numeral(max))),
  );
}

// A line through points [x, y] between axes, with its last value.
function lineChart(name, points) {
  const w = 320,
    h = 90,
    xs = points.map((p) => p[0]),
    ys = points.map((p) => p[1]).filter(Number.isFinite);
  const low = Math.min(...ys),
    high = Math.max(...ys),
    first = Math.min(...xs),
    last = Math.max(...xs);
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1,
    bottom = low - room,
    reach = high - low + 2 * room || 1;
  const across = (x) => (last > first ? ((x - first) / (last - first)) * w : w / 2),
    down = (y) => h - ((y - bottom) / reach) * h;
  const shown = points.filter((p) => Number.isFinite(p[1])).map(([x, y]) => [across(x), down(y)]);
  const line =
    shown.length > 1
      ? svg("polyline", {
          points: shown.map((p) => p.map((c) => c.toFixed(1)).join(",")).join(" "),
          class: "curve",
        })
      : shown.map(([x, y]) => svg("path", { d: `M${x} ${y}h0`, class: "dot" }));
  const final = points[points.length - 1][1];
  const rows = ys.length ? ticks(bottom, bottom + reach, 3) : [],
    columns = ticks(first, last, 4).filter(Number.isInteger);
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, el("strong", {}, clean(name, 60)), el("span", {}, numeral(final))),
    el(
      "div",
      { class: "plane" },
      el("div", { class: "rows" }, rows.map((y) => mark("top", down(y) / h, tickName(y)))),
      svg(
        "svg",
        {
          viewBox: `0 0 ${w} ${h}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `${clean(name, 60)}: ${points.length} values from ${numeral(low)} to ${numeral(high)}, the last ${numeral(final)}`,
        },
        rows.map((y) => svg("line", { x1: 0, x2: w, y1: down(y), y2: down(y), class: "grid" })),
        line,
      ),
      el("div", { class: "axis-name" }, name.startsWith("epoch") ? "epoch" : "batch"),
      el("div", { class: "columns" }, columns.map((x) => mark("left", across(x) / w, x >= 1e4 ? short(x) : amount(x)))),
    ),
  );
}

// A number on an axis, at a share of its length.
function mark(side, share, words) {
  const node = el("span", {}, words);
  node.style[side] = `${(100 * share).toFixed(2)}%`;
  return node;
}

// Round numbers come out of sums: 0.30000000000000004 is 0.3.
const tickName = (value) => {
  const short = Number(value.toPrecision(6));
  return short !== 0 && (Math.abs(short) >= 1e5 || Math.abs(short) < 1e-3) ? short.toExponential() : String(short);
};

// A canvas as wide as its place that is as sharp as the screen; `draw(pen, width, height)`.
function fitCanvas(canvas, width, height, draw) {
  const dense = devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.round(width * dense), height: Math.round(height * dense) });
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  draw(pen, width, height);
}

// Round numbers to put on an axis.
function ticks(from, to, about) {
  const rough = (to - from) / about,
    power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) || power;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}
