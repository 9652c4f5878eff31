// Curves as a file: what "CSV" saves, and what is read of it again.

export const EARLIER = "earlier"; // lines of another run, which are dashed and have its name
const HEADER = "curve,line,step,value,least,greatest"; // of a file of curves; newer ones have a column more
const TRAINING = "training"; // its name: which of several trainings that followed each other, as "2 fold"

// All numbers of some charts, a row for each point; where values were joined in one, with the least and the greatest of them.
export function writeCurves(charts, borders) {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text), rows = [`${HEADER},${TRAINING}`];
  const trainingAt = (x) => {
    if (borders.length < 2) return "";
    const last = Math.max(0, borders.findLastIndex(({ step }) => step < x)); // memory is measured before the first step ends, too
    return quoted(`${last + 1} ${borders[last].model}`.trim());
  };
  for (const { title, lines } of charts)
    for (const line of lines.filter(({ run }) => run !== EARLIER)) for (const [x, y, low, high] of line.points) rows.push([quoted(title), quoted(line.name), x, y, low, high, trainingAt(x)].join(","));
  return `${rows.join("\n")}\n`;
}

// What `writeCurves` wrote: title of a chart -> its lines, and where trainings began; empty if something else did.
export function readCurves(text) {
  const found = new Map(), begins = new Map(), field = '("(?:[^"]|"")*"|[^",\\n]*)', rows = text.replaceAll("\r\n", "\n").matchAll(new RegExp(`${field},${field},([^,\\n]*),([^,\\n]*),([^,\\n]*),([^,\\n]*)(?:,${field})?\\n`, "g"));
  const plain = (field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field), number = (field) => (/^-?(nan|inf)$/.test(field) ? field : Number(field));
  if (!text.startsWith(HEADER)) return [found, []];
  for (const [, title, name, ...rest] of [...rows].slice(1)) {
    const lines = found.get(plain(title)) || [], point = rest.slice(0, 4).map(number), training = plain(rest[4] || "");
    found.set(plain(title), lines);
    if (!Number.isFinite(point[0]) || point.some(Number.isNaN)) return [new Map(), []];
    if (training) begins.set(training, Math.min(begins.get(training) ?? Infinity, point[0]));
    if (!lines.some((line) => line.name === plain(name))) lines.push({ name: plain(name), points: [] });
    lines.find((line) => line.name === plain(name)).points.push(point);
  }
  const borders = [...begins].map(([training, first]) => ({ step: Math.max(0, first - 1), model: training.replace(/^\d+ ?/, "") })).sort((a, b) => a.step - b.step);
  return [found, borders];
}
