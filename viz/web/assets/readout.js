// What a picture says of the place under the pointer, or under a cursor that the arrow keys move.

import { el } from "../../page/assets/app/dom.js";
import { numeral } from "../../page/assets/recording/formatting.js";
import { cellAt, hit } from "./pictures.js";

export const bubble = el("div", { class: "bubble", role: "status", "aria-live": "polite", hidden: true });

function showBubble(x, y, ...content) {
  bubble.replaceChildren(...content);
  bubble.hidden = false;
  const { width, height } = bubble.getBoundingClientRect();
  bubble.style.left = `${Math.max(6, Math.min(innerWidth - width - 6, x + 14))}px`;
  bubble.style.top = `${y + 18 + height > innerHeight ? y - height - 10 : y + 18}px`;
}

export const hideBubble = () => {
  bubble.hidden = true;
};

// A canvas with values on it that tells each of them.
//
// `picture` has the canvas, and gives its `values` and `layout` as they are now; `names(hit)` says where a hit is.
export class Readout {
  constructor(canvas, picture, names) {
    this.canvas = canvas;
    this.picture = picture;
    this.names = names;
    this.cursor = null; // where the arrow keys are
    this.mark = el("span", { class: "mark", hidden: true });
    this.node = el("div", { class: "values" }, canvas, this.mark);
    canvas.tabIndex = 0;
    canvas.addEventListener("pointermove", (event) => this.follow(event));
    canvas.addEventListener("pointerdown", (event) => this.follow(event));
    canvas.addEventListener("pointerleave", () => this.clear());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.clear());
  }

  follow(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const { layout } = this.picture();
    const found = layout && hit(layout, event.clientX - left, event.clientY - top);
    this.point = found && [event.clientX, event.clientY];
    this.show(found);
  }

  key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const { layout } = this.picture();
    if (event.key === "Escape") this.clear();
    if (!step || !layout) return;
    event.preventDefault();
    const now = this.cursor;
    this.cursor = now ? shifted(layout, now, step) : { tile: 0, x: 0, y: 0 };
    const [left, top] = this.placeOf(this.cursor),
      box = this.canvas.getBoundingClientRect();
    this.point = [box.left + left, box.top + top];
    const { tile, x, y } = this.cursor;
    this.show({ tile, x, y, ...cellAt(layout, tile, x, y) });
  }

  placeOf({ tile, x, y }) {
    const { layout } = this.picture(),
      [left, top] = layout.place(tile);
    return [left + (x / layout.across) * layout.wide, top + (y / layout.down) * layout.high];
  }

  show(found) {
    this.found = found;
    if (!found) {
      this.clear();
      return;
    }
    const { values, layout } = this.picture(),
      [left, top] = this.placeOf(found),
      wide = Math.max(3, layout.wide / layout.across),
      high = Math.max(3, layout.high / layout.down);
    this.mark.hidden = false;
    this.mark.style.cssText = `left:${left}px;top:${top}px;width:${wide}px;height:${high}px`;
    const value = values.at(found.channel, found.point);
    showBubble(...this.point, el("b", {}, numeral(Number.isFinite(value) ? value : String(value))), el("span", {}, this.names(found, values)));
  }

  // The same place after another run.
  refresh() {
    if (this.found) this.show(this.found);
  }

  clear() {
    this.found = null;
    this.mark.hidden = true;
    hideBubble();
  }
}

// A step of the cursor, from the edge of a tile into the next one.
function shifted(layout, { tile, x, y }, [dx, dy]) {
  const inside = { tile, x: x + dx, y: y + dy };
  if (inside.x >= 0 && inside.x < layout.across && inside.y >= 0 && inside.y < layout.down) return inside;
  const next = tile + dx + dy * layout.inRow;
  if (next < 0 || next >= layout.shown) return { tile, x, y };
  return { tile: next, x: (inside.x + layout.across) % layout.across, y: (inside.y + layout.down) % layout.down };
}

// Where a value is, in words.
export function placeName({ channel, point }, { shape }) {
  if (shape.length === 0) return "";
  if (shape.length === 1) return `unit ${channel}`;
  if (shape.length === 2) return `step ${point}, channel ${channel}`;
  const width = shape[shape.length - 2];
  return `channel ${channel}, row ${Math.floor(point / width)}, column ${point % width}`;
}
