// Values as pictures: channels as tiles, vectors as strips of cells, sequences as heat maps.

export const INK = {
  light: {
    none: "#eef1f4",
    more: ["#8ec3e6", "#0072b2", "#002f4d"],
    less: ["#f5b88b", "#c15100", "#5a2500"],
    flaw: "#e0218a",
  },
  dark: {
    none: "#26303a",
    more: ["#1d5b86", "#56b4e9", "#e2f3fd"],
    less: ["#7c3d10", "#f28e43", "#fdeadb"],
    flaw: "#ff5cb8",
  },
};
const SHADES = 128;
export const LIGHT_IS_PREFERRED = matchMedia("(prefers-color-scheme: dark)");

export const themeInUse = () =>
  document.documentElement.dataset.theme || (LIGHT_IS_PREFERRED.matches ? "dark" : "light");

const channelsOf = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

// Colours from the least to the most, as numbers that a picture's memory holds.
function shades({ none, more, less, flaw }) {
  const ramp = (colours) => {
    const stops = [none, ...colours].map(channelsOf);
    return Array.from({ length: SHADES + 1 }, (_, i) => {
      const at = (i / SHADES) * (stops.length - 1),
        low = Math.min(Math.floor(at), stops.length - 2);
      return stops[low].map((a, k) => Math.round(a + (stops[low + 1][k] - a) * (at - low)));
    });
  };
  const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  const made = Uint32Array.from([...ramp(less).reverse(), ...ramp(more).slice(1)], packed);
  return { of: made, flaw: packed(channelsOf(flaw)) };
}
const SCALES = { light: shades(INK.light), dark: shades(INK.dark) };

// The colour of a value among those of up to `most` in size.
const shadeOf = (scale, value, most) =>
  value === value
    ? scale.of[SHADES + Math.max(-SHADES, Math.min(SHADES, Math.round((value / most) * SHADES)))]
    : scale.flaw;

// ---------------------------------------------------------------- layouts

const GAP = 4,
  TILE = 64,
  SMALL_TILE = 36, // pixels that the tiles of small maps have, about
  TALLEST = 200,
  MOST_HIGH = 126, // of a vector's cells that aren't all wanted
  ROWS = 2,
  WIDEST_STEP = 28; // pixels of a sequence's step

// Where values are drawn in a width: rows of equal rectangles, each of `across` times `down` values.
export function layoutOf(values, width, whole) {
  const { shape, channels, points } = values;
  if (shape.length <= 1) return cellsLayout(channels, width, whole);
  if (shape.length === 2) return mapLayout(points, channels, width);
  return tilesLayout(channels, shape[shape.length - 2], points, width, whole);
}

// Rows of rectangles: as many as fit, and unless all are wanted at most so many rows.
function rowsLayout(kind, count, wide, high, gap, width, whole, most) {
  const inRow = Math.max(1, Math.floor((width + gap) / (wide + gap))),
    rows = Math.ceil(count / inRow),
    shownRows = whole ? rows : Math.min(rows, Math.max(1, Math.floor(most))),
    shown = Math.min(count, shownRows * inRow);
  return {
    ...{ kind, count, shown, inRow, gap, wide, high },
    width: Math.min(width, Math.min(inRow, count) * (wide + gap) - gap),
    height: shownRows * (high + gap) - gap,
    place: (i) => [(i % inRow) * (wide + gap), Math.floor(i / inRow) * (high + gap)],
  };
}

function cellsLayout(count, width, whole) {
  const side = count <= 16 ? 24 : count <= 64 ? 16 : count <= 256 ? 12 : 8,
    gap = side > 8 ? 2 : 1,
    room = Math.max(1, Math.floor((width + gap) / (side + gap))),
    inRow = cellsInRow(count, room);
  return { ...rowsLayout("cells", count, side, side, gap, inRow * (side + gap) - gap, whole, Math.max(6, MOST_HIGH / (side + gap))), across: 1, down: 1 };
}

// How many cells of a vector stand in a row, so that places can be told by the row: all rows alike, 28 of 784, if that
// leaves less than half of the room empty; else a multiple of ten.
function cellsInRow(count, room) {
  if (count <= room) return count;
  for (let each = room; each > room / 2; each -= 1) if (count % each === 0) return each;
  return room < 10 ? room : room - (room % 10);
}

function tilesLayout(count, across, points, width, whole) {
  const down = points / across,
    longer = Math.max(across, down),
    zoom = longer <= 24 ? Math.round(SMALL_TILE / longer) : longer <= TILE / 2 ? 2 : TILE / longer,
    wide = Math.max(1, Math.round(across * zoom)),
    high = Math.max(1, Math.round(down * zoom));
  return { ...rowsLayout("tiles", count, wide, high, GAP, width, whole, ROWS), across, down };
}

// A sequence: time runs to the right, channels downwards.
function mapLayout(steps, channels, width) {
  const wide = Math.min(width, steps * Math.min(WIDEST_STEP, Math.max(1, Math.floor(width / steps)))),
    high = Math.min(TALLEST, channels * Math.max(1, Math.min(12, Math.floor(TALLEST / channels))));
  return {
    ...{ kind: "map", count: 1, shown: 1, inRow: 1, gap: 0, across: steps, down: channels },
    ...{ wide, high, width: wide, height: high, place: () => [0, 0] },
  };
}

// The channel and the point of a rectangle's cell.
export function cellAt(layout, tile, x, y) {
  if (layout.kind === "map") return { channel: y, point: x };
  return { channel: tile, point: y * layout.across + x };
}

// What lies under a place of the picture: null between rectangles.
export function hit(layout, x, y) {
  const column = Math.floor(x / (layout.wide + layout.gap)),
    row = Math.floor(y / (layout.high + layout.gap)),
    tile = row * layout.inRow + column,
    [left, top] = layout.place(tile),
    inX = Math.floor(((x - left) / layout.wide) * layout.across),
    inY = Math.floor(((y - top) / layout.high) * layout.down);
  const within = inX >= 0 && inX < layout.across && inY >= 0 && inY < layout.down;
  if (column < 0 || column >= layout.inRow || row < 0 || tile >= layout.shown || !within) return null;
  return { tile, x: inX, y: inY, ...cellAt(layout, tile, inX, inY) };
}

// ---------------------------------------------------------------- drawing

export const scratch = document.createElement("canvas");

// `dead(channel)` tells which channels have never been anything but zero; they are crossed out.
export function drawValues(canvas, values, layout, { most, each = false, dead = null }) {
  const dense = Math.min(3, devicePixelRatio || 1),
    scale = SCALES[themeInUse()],
    { across, down } = layout;
  canvas.width = Math.max(1, Math.round(layout.width * dense));
  canvas.height = Math.max(1, Math.round(layout.height * dense));
  canvas.style.width = `${layout.width}px`;
  canvas.style.height = `${layout.height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  pen.imageSmoothingEnabled = layout.wide < across;
  Object.assign(scratch, { width: across, height: down });
  const under = scratch.getContext("2d", { willReadFrequently: true }),
    image = under.createImageData(across, down),
    pixels = new Uint32Array(image.data.buffer);
  for (let tile = 0; tile < layout.shown; tile += 1) {
    const top = each && layout.kind === "tiles" ? largestIn(values, tile) : most;
    for (let y = 0, i = 0; y < down; y += 1)
      for (let x = 0; x < across; x += 1, i += 1) {
        const { channel, point } = cellAt(layout, tile, x, y);
        pixels[i] = shadeOf(scale, values.at(channel, point), top || 1);
      }
    under.putImageData(image, 0, 0);
    const [left, above] = layout.place(tile);
    pen.drawImage(scratch, left, above, layout.wide, layout.high);
    if (dead && layout.kind !== "map" && dead(tile)) crossOut(pen, left, above, layout);
  }
}

function largestIn(values, channel) {
  let most = 0;
  for (let point = 0; point < values.points; point += 1)
    most = Math.max(most, Math.abs(values.at(channel, point)) || 0);
  return most;
}

function crossOut(pen, left, top, { wide, high }) {
  pen.strokeStyle = INK[themeInUse()].less[1];
  pen.globalAlpha = 0.75;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(left + 2, top + high - 2);
  pen.lineTo(left + wide - 2, top + 2);
  pen.stroke();
  pen.globalAlpha = 1;
}

// An image as the program has it, in the range of its pixels, on a canvas of its own size.
export function drawImage(canvas, { height, width, channels, channelsAt, low, high }, numbers) {
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d"),
    image = pen.createImageData(width, height),
    points = width * height;
  const byte = (x) => Math.max(0, Math.min(255, Math.round(((x - low) / (high - low)) * 255)));
  for (let p = 0; p < points; p += 1) {
    const of = (c) => numbers[channelsAt === "first" ? c * points + p : p * channels + c];
    for (let c = 0; c < 3; c += 1) image.data[p * 4 + c] = byte(of(channels >= 3 ? c : 0));
    image.data[p * 4 + 3] = channels === 4 ? byte(of(3)) : 255;
  }
  pen.putImageData(image, 0, 0);
}
