// Two numbers as a place on a pad; behind it, what the model makes of places all over. Further numbers have sliders.

import { el } from "../../../page/assets/app/dom.js";
import { clean } from "../../../page/assets/recording/formatting.js";
import { drawImage, scratch } from "../pictures.js";
import { listenToDrags } from "./pad.js";
import { Sliders } from "./sliders.js";

const PLANE = 280,
  PLANE_GAP = 6,
  PLANE_GRID = 7,
  PLANE_STEPS = 40; // of the arrow keys, from one side to the other

export class Plane {
  constructor(about, onchange) {
    this.about = about;
    this.onchange = onchange;
    this.axes = [0, 1];
    this.sliders = new Sliders(about, () => this.changed(), (i) => i > 1);
    this.ground = el("canvas", { class: "plane-ground", "aria-hidden": "true" });
    this.dot = el("span", { class: "dot" });
    this.pad = el("div", { class: "plane", tabindex: 0, role: "application", "aria-label": "a place in the latent space: arrow keys move it" }, this.ground, this.dot);
    this.told = el("p", { class: "told" });
    this.node = el("div", { class: "control" }, this.pad, this.told, this.sliders.node);
    const point = (event) => this.point(event);
    listenToDrags(this.pad, point, point);
    this.pad.addEventListener("keydown", (event) => this.key(event));
    this.show();
  }

  // Numbers at shares of the pad's width and height; up is more.
  at(across, down) {
    const [low, high] = [this.about.low, this.about.high],
      inside = (x) => Math.max(0, Math.min(1, x));
    return [low[0] + inside(across) * (high[0] - low[0]), high[1] - inside(down) * (high[1] - low[1])];
  }

  point(event) {
    const { left, top, width, height } = this.pad.getBoundingClientRect();
    this.move(this.at((event.clientX - left) / width, (event.clientY - top) / height));
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const { low, high } = this.about,
      now = this.sliders.numbers;
    this.move(step.map((by, i) => Math.max(low[i], Math.min(high[i], now[i] + (by * (high[i] - low[i])) / PLANE_STEPS))));
  }

  move([x, y]) {
    [this.sliders.numbers[0], this.sliders.numbers[1]] = [x, y];
    this.changed();
  }

  changed() {
    this.show();
    this.onchange();
  }

  // Places of samples, as small dots.
  showPlaces(places) {
    const { low, high } = this.about;
    this.pad.append(
      ...places.map(([x, y]) => {
        const dot = el("span", { class: "place-dot", "aria-hidden": "true" });
        dot.style.left = `${((x - low[0]) / (high[0] - low[0])) * 100}%`;
        dot.style.top = `${(1 - (y - low[1]) / (high[1] - low[1])) * 100}%`;
        return dot;
      }),
      this.dot,
    );
  }

  choose(numbers) {
    this.sliders.choose(numbers);
    this.show();
  }

  show() {
    const { low, high, names } = this.about,
      [x, y] = this.sliders.numbers,
      share = (value, i) => (value - low[i]) / (high[i] - low[i]);
    this.dot.style.left = `${share(x, 0) * 100}%`;
    this.dot.style.top = `${(1 - share(y, 1)) * 100}%`;
    this.told.replaceChildren(...[x, y].map((value, i) => el("span", {}, clean(names[i], 20), " ", el("b", {}, value.toFixed(2)))));
  }

  value() {
    return this.sliders.value();
  }

  // What the model makes of a grid of places, computed as one batch: `many(rows)` gives an image for each.
  async paintGround(many, image) {
    const places = [];
    for (let row = 0; row < PLANE_GRID; row += 1)
      for (let column = 0; column < PLANE_GRID; column += 1)
        places.push(this.at((column + 0.5) / PLANE_GRID, (row + 0.5) / PLANE_GRID));
    const images = await many(places.map((place) => [...place, ...this.sliders.numbers.slice(2)]));
    const { width, height } = image;
    const side = (PLANE * 2) / PLANE_GRID, // twice as fine as it is shown
      most = side - 2 * PLANE_GAP,
      zoom = most / Math.max(width, height);
    Object.assign(this.ground, { width: PLANE * 2, height: PLANE * 2 });
    const pen = this.ground.getContext("2d");
    pen.imageSmoothingEnabled = false;
    images.forEach((numbers, i) => {
      drawImage(scratch, image, numbers);
      const [left, top] = [(i % PLANE_GRID) * side, Math.floor(i / PLANE_GRID) * side];
      const [wide, high] = [width * zoom, height * zoom];
      pen.drawImage(scratch, left + (side - wide) / 2, top + (side - high) / 2, wide, high);
    });
  }
}
