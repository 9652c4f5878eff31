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

// A line through points [x, y], with its last value.
function lineChart(name, points) {
  const w = 320,
    h = 90,
    xs = points.map((p) => p[0]),
    ys = points.map((p) => p[1]).filter(Number.isFinite);
  const low = Math.min(...ys),
    high = Math.max(...ys),
    first = Math.min(...xs),
    last = Math.max(...xs);
  const at = ([x, y]) => [
    last > first ? ((x - first) / (last - first)) * w : w / 2,
    high > low ? h - 4 - ((y - low) / (high - low)) * (h - 8) : h / 2,
  ];
  const shown = points.filter((p) => Number.isFinite(p[1])).map(at);
  const line =
    shown.length > 1
      ? svg("polyline", {
          points: shown.map((p) => p.map((c) => c.toFixed(1)).join(",")).join(" "),
          class: "curve",
        })
      : shown.map(([x, y]) => svg("circle", { cx: x, cy: y, r: 3, class: "dot" }));
  const final = points[points.length - 1][1];
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, el("strong", {}, clean(name, 60)), el("span", {}, numeral(final))),
    svg(
      "svg",
      {
        viewBox: `0 0 ${w} ${h}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `${clean(name, 60)}: ${points.length} values, the last ${numeral(final)}`,
      },
      line,
    ),
    el(
      "figcaption",
      { class: "range" },
      el("span", {}, `${numeral(low)} … ${numeral(high)}`),
      el("span", {}, `${amount(first)} … ${amount(last)}`),
    ),
  );
}

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
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
