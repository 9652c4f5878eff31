// A pad to draw on. Strokes are smoothed, brought to the size and place that samples have, and then painted, so it doesn't
// matter how large or where one draws.

import { button, el } from "../../../page/assets/app/dom.js";
import { drawImage, scratch } from "../pictures.js";
import { acceptPictures, cropped, greysOf } from "./picture.js";

const PAD_SIZE = 280,
  PEN = 14, // how wide lines look on the pad
  KEY_STEP = PAD_SIZE / 28,
  LEAST_SIZE = PAD_SIZE * 0.2; // a dot isn't blown up to a digit

export class Pad {
  constructor(about, onchange) {
    this.about = about;
    this.onchange = onchange;
    this.strokes = [];
    this.shown = null; // numbers of a sample or a picture, in place of strokes
    this.pen = null; // where the keys are: {x, y, down}
    this.canvas = el("canvas", {
      ...{ class: "pad", width: PAD_SIZE * 2, height: PAD_SIZE * 2, tabindex: 0, role: "application" },
      "aria-label": "drawing pad: arrow keys move the pen, Space lowers and lifts it, Backspace takes a line back",
    });
    this.small = el("canvas", { class: "seen", role: "img", "aria-label": "what the model sees" });
    const undo = button("Undo", "take the last line back (Backspace)", () => this.undo()),
      clear = button("Clear", "begin again (Delete)", () => this.clear()),
      tools = el("div", { class: "tools" }, undo, clear, el("span", { class: "sees" }, "the model sees", this.small));
    this.node = el("div", { class: "control" }, this.canvas, tools);
    listenToDrags(this.canvas, (event) => this.down(event), (event) => this.move(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => {
      this.pen = null;
      this.paint();
    });
    acceptPictures(this.node, (bitmap) => this.picture(bitmap));
    this.paint();
  }

  place(event) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * PAD_SIZE, ((event.clientY - top) / height) * PAD_SIZE];
  }

  down(event) {
    this.pen = null;
    this.begin(this.place(event));
  }

  move(event) {
    const stroke = this.strokes[this.strokes.length - 1];
    const steps = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of steps.length ? steps : [event]) stroke.push(this.place(each));
    this.changed();
  }

  begin(point) {
    this.shown = null;
    this.strokes.push([point]);
    this.changed();
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step && !["Delete", "Backspace", " "].includes(event.key)) return;
    event.preventDefault();
    if (event.key === "Delete") this.clear();
    else if (event.key === "Backspace") this.undo();
    else {
      this.pen = this.pen || { x: PAD_SIZE / 2, y: PAD_SIZE / 4, down: false };
      if (event.key === " ") this.lower();
      else this.walk(step);
    }
  }

  lower() {
    this.pen.down = !this.pen.down;
    if (this.pen.down) this.begin([this.pen.x, this.pen.y]);
    else this.paint();
  }

  walk([dx, dy]) {
    this.pen.x = Math.max(0, Math.min(PAD_SIZE, this.pen.x + dx * KEY_STEP));
    this.pen.y = Math.max(0, Math.min(PAD_SIZE, this.pen.y + dy * KEY_STEP));
    if (this.pen.down) this.strokes[this.strokes.length - 1].push([this.pen.x, this.pen.y]);
    if (this.pen.down) this.changed();
    else this.paint();
  }

  undo() {
    this.strokes.pop();
    this.shown = null;
    this.changed();
  }

  clear() {
    this.strokes = [];
    this.shown = null;
    this.changed();
  }

  changed() {
    this.paint();
    this.onchange();
  }

  // Numbers of a sample.
  choose(numbers) {
    this.strokes = [];
    this.shown = Float32Array.from(numbers);
    this.paint();
    this.value();
  }

  // A picture in place of a drawing; its ground becomes dark or light as that of samples is.
  picture(bitmap) {
    const { width, height } = this.about,
      grey = greysOf(cropped(bitmap, width, height)),
      edge = [...grey.slice(0, width), ...grey.slice(-width)].sort((a, b) => a - b);
    const turn = edge[width] > 0.5 === this.about.dark;
    this.strokes = [];
    this.shown = Float32Array.from(grey, (x) => this.inRange(turn ? 1 - x : x, true));
    this.changed();
  }

  inRange(share, isShade = false) {
    const { low, high, dark } = this.about,
      bright = dark || isShade ? share : 1 - share;
    return low + bright * (high - low);
  }

  // What the model is given, which is also shown as it is.
  value() {
    const numbers = this.shown || Float32Array.from(inked(this.strokes, this.about), (x) => this.inRange(x));
    this.small.style.aspectRatio = `${this.about.width} / ${this.about.height}`;
    drawImage(this.small, this.about, numbers);
    return { data: numbers, shape: this.about.shape };
  }

  paint() {
    const pen = this.canvas.getContext("2d"),
      { dark } = this.about;
    pen.setTransform(2, 0, 0, 2, 0, 0);
    pen.fillStyle = dark ? "#000" : "#fff";
    pen.fillRect(0, 0, PAD_SIZE, PAD_SIZE);
    if (this.shown) {
      drawImage(scratch, this.about, this.shown);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(scratch, 0, 0, PAD_SIZE, PAD_SIZE);
    }
    const ink = dark ? "#fff" : "#000";
    for (const stroke of this.strokes) drawStroke(pen, stroke, PEN, ink);
    if (!this.strokes.length && !this.shown) this.invite(pen, dark ? "#8a95a0" : "#6b7680");
    if (this.pen) {
      pen.strokeStyle = this.pen.down ? "#e69f00" : "#56b4e9";
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(this.pen.x, this.pen.y, PEN / 2 + 2, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  invite(pen, colour) {
    pen.fillStyle = colour;
    pen.font = "14px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.fillText("draw here", PAD_SIZE / 2, PAD_SIZE / 2);
  }
}

// A press on a part of the page, and the moves until it ends.
export function listenToDrags(node, down, move) {
  node.addEventListener("pointerdown", (event) => {
    node.setPointerCapture(event.pointerId);
    down(event);
  });
  node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && move(event));
}

// A smooth line: through the middles between neighbouring points, bent towards the points.
function drawStroke(pen, points, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  const [first] = points;
  pen.moveTo(...first);
  if (points.length === 1) pen.lineTo(first[0] + 0.01, first[1]);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [x, y] = points[i],
      [nextX, nextY] = points[i + 1];
    pen.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  pen.lineTo(...points[points.length - 1]);
  pen.stroke();
}

const FINE_STEP = 8; // how many times finer strokes are painted than the image is

// How much ink each pixel has, 0 to 1: the strokes in a box as large as samples have, with its centre, or that of the ink,
// in the middle.
function inked(strokes, { width, height, box, stroke, centre }) {
  if (!strokes.length) return new Float32Array(width * height);
  const points = strokes.flat(),
    xs = points.map(([x]) => x),
    ys = points.map(([, y]) => y),
    [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)],
    side = box * Math.max(width, height),
    line = stroke * side,
    scale = Math.max(0, side - line) / Math.max(right - left, bottom - top, LEAST_SIZE);
  const painted = (dx, dy) => {
    const place = ([x, y]) => [width / 2 + dx + (x - (left + right) / 2) * scale, height / 2 + dy + (y - (top + bottom) / 2) * scale];
    return averaged(strokes.map((each) => each.map(place)), width, height, line);
  };
  const first = painted(0, 0);
  if (centre !== "mass") return first;
  let [mass, x, y] = [0, 0, 0];
  first.forEach((ink, i) => {
    mass += ink;
    x += ink * ((i % width) + 0.5);
    y += ink * (Math.floor(i / width) + 0.5);
  });
  return mass ? painted(width / 2 - x / mass, height / 2 - y / mass) : first;
}

function averaged(strokes, width, height, line) {
  Object.assign(scratch, { width: width * FINE_STEP, height: height * FINE_STEP });
  const pen = scratch.getContext("2d", { willReadFrequently: true });
  pen.setTransform(FINE_STEP, 0, 0, FINE_STEP, 0, 0);
  for (const stroke of strokes) drawStroke(pen, stroke, line, "#000");
  const { data } = pen.getImageData(0, 0, width * FINE_STEP, height * FINE_STEP);
  const found = new Float32Array(width * height);
  for (let y = 0; y < height * FINE_STEP; y += 1)
    for (let x = 0; x < width * FINE_STEP; x += 1)
      found[Math.floor(y / FINE_STEP) * width + Math.floor(x / FINE_STEP)] += data[(y * width * FINE_STEP + x) * 4 + 3];
  return found.map((sum) => sum / (255 * FINE_STEP * FINE_STEP));
}
