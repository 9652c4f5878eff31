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

// A canvas as wide as its place, with as many pixels as the screen has under it; gives its brush, and nothing is drawn yet.
function sharpen(canvas, width, height) {
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
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count) || 1,
    power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) || power;
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step)
    found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}
