// A picture: dropped, pasted, chosen, or from the camera. Nothing of it leaves the page.

import { button, el } from "../../../page/assets/app/dom.js";
import { drawImage } from "../pictures.js";
import { Camera } from "./camera.js";

export class Picture {
  constructor(about, onchange) {
    this.about = about;
    this.onchange = onchange;
    this.numbers = null;
    this.canvas = el("canvas", { class: "photo", role: "img", "aria-label": "the picture" });
    this.canvas.style.aspectRatio = `${about.width} / ${about.height}`;
    this.hint = el("p", { class: "hint" }, "Drop a picture here, or paste one");
    const files = el("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "picture" });
    files.addEventListener("change", () => files.files[0] && createImageBitmap(files.files[0]).then((x) => this.take(x)));
    this.camera = new Camera((frame) => this.take(frame));
    const choose = button("Choose…", "choose a picture; it stays on this device", () => files.click());
    this.node = el("div", { class: "control" }, el("div", { class: "photo-frame" }, this.canvas, this.hint), el("div", { class: "tools" }, choose, this.camera.button, files), this.camera.message);
    acceptPictures(this.node, (bitmap) => {
      this.camera.stop();
      this.take(bitmap);
    });
  }

  take(bitmap) {
    const { width, height } = this.about;
    this.numbers = numbersOf(cropped(bitmap, width, height), this.about);
    this.paint();
    return this.onchange();
  }

  choose(numbers) {
    this.camera.stop();
    this.numbers = Float32Array.from(numbers);
    this.paint();
  }

  paint() {
    this.hint.hidden = true;
    drawImage(this.canvas, this.about, this.numbers);
  }

  value() {
    return this.numbers && { data: this.numbers, shape: this.about.shape };
  }
}

// The middle of a picture at a size, on a canvas. Large pictures are halved step by step, as one step would leave most of
// their pixels out.
export function cropped(source, width, height) {
  const [fullWidth, fullHeight] = [source.videoWidth || source.width, source.videoHeight || source.height],
    share = Math.min(fullWidth / width, fullHeight / height);
  let [wide, high] = [width * share, height * share],
    [left, top] = [(fullWidth - wide) / 2, (fullHeight - high) / 2],
    from = source;
  for (;;) {
    const last = wide / 2 <= width,
      [nextWide, nextHigh] = last ? [width, height] : [Math.ceil(wide / 2), Math.ceil(high / 2)];
    const canvas = el("canvas", { width: nextWide, height: nextHigh }),
      pen = canvas.getContext("2d", { willReadFrequently: last });
    pen.fillStyle = "#fff"; // behind what is transparent
    pen.fillRect(0, 0, nextWide, nextHigh);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(from, left, top, wide, high, 0, 0, nextWide, nextHigh);
    if (last) return canvas;
    [wide, high, left, top, from] = [nextWide, nextHigh, 0, 0, canvas];
  }
}

const bytesOfCanvas = (canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;

// Shades from 0 to 1, as the eye weighs colours.
export function greysOf(canvas) {
  const bytes = bytesOfCanvas(canvas);
  return Float32Array.from({ length: bytes.length / 4 }, (_, p) => {
    const [r, g, b] = [0, 1, 2].map((c) => bytes[p * 4 + c]);
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  });
}

// A picture's numbers as the model wants them.
function numbersOf(canvas, { channels, channelsAt, low, high }) {
  const points = canvas.width * canvas.height,
    found = new Float32Array(points * channels),
    scaled = (share) => low + share * (high - low);
  const at = (p, c) => (channelsAt === "first" ? c * points + p : p * channels + c);
  if (channels === 1) return greysOf(canvas).map(scaled);
  const bytes = bytesOfCanvas(canvas);
  for (let p = 0; p < points; p += 1)
    for (let c = 0; c < channels; c += 1) found[at(p, c)] = scaled(bytes[p * 4 + c] / 255);
  return found;
}

// Pictures that are dropped on a part of the page, or pasted anywhere.
export function acceptPictures(node, take) {
  const takeFirst = (items) => {
    const file = [...(items || [])].map((item) => (item.getAsFile ? item.getAsFile() : item)).find((each) => each?.type.startsWith("image/"));
    if (file) createImageBitmap(file).then(take);
  };
  node.addEventListener("dragover", (event) => {
    event.preventDefault();
    node.classList.add("over");
  });
  node.addEventListener("dragleave", () => node.classList.remove("over"));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("over");
    takeFirst(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => takeFirst(event.clipboardData?.items));
}
