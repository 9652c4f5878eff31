// The whole scene in small, and which part of it is seen.

import { batched, button, el } from "../app/dom.js";
import { coloursOf, themeNow } from "../graph/colours.js";
import { READABLE } from "./sight.js";

const MAP_W = 120,
  MAP_H = 150,
  MAP_EDGE = 16, // around it, to what it stands beside
  MAP_CORNERS = ["", "left", "left top"], // where it may stand, the best first; "" is right below
  BUTTONS = 270; // the height of those above it, with as much of the graph as should be seen between

export class Minimap {
  constructor(viewer) {
    this.viewer = viewer;
    this.show = batched(() => this.draw()); // asked for by every mark and every move
    this.beyond = button("", "", () => (this.isWhole ? viewer.canvas.read(true) : viewer.canvas.fit(true, true)), { class: "beyond", hidden: true });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.frame = el("div", { class: "seen" });
    this.node = el("div", { class: "minimap", title: "where you are; drag to move" }, this.canvas, this.frame);
    const go = (event) => {
      const { x: left, y: top } = this.canvas.getBoundingClientRect(),
        { canvas } = viewer,
        { w, h } = canvas.size(),
        { scale } = canvas.view,
        [x, y] = [(event.clientX - left) / this.scale + this.left, (event.clientY - top) / this.scale];
      canvas.setView({ x: w / 2 - x * scale, y: h / 2 - y * scale, scale });
    };
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      go(event);
    });
    this.node.addEventListener("pointermove", (event) => this.node.hasPointerCapture(event.pointerId) && go(event));
  }

  draw() {
    const { scene, canvas } = this.viewer,
      theme = themeNow(),
      dense = devicePixelRatio || 1,
      width = scene.width - scene.left;
    this.left = scene.left;
    this.scale = Math.min(MAP_W / width, MAP_H / scene.height);
    [this.w, this.h] = [width, scene.height].map((length) => Math.max(8, length * this.scale));
    Object.assign(this.canvas, { width: this.w * dense, height: this.h * dense });
    Object.assign(this.canvas.style, { width: `${this.w}px`, height: `${this.h}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(dense * this.scale, dense * this.scale);
    pen.translate(-this.left, 0);
    for (const { x, y, w, h, level } of scene.frames.values()) {
      Object.assign(pen, { fillStyle: theme.frames[level % 2], strokeStyle: theme.frame, lineWidth: 1 / this.scale });
      pen.fillRect(x, y, w, h);
      pen.strokeRect(x, y, w, h);
    }
    const { selected, lineage } = canvas.marks,
      least = 1.5 / this.scale;
    for (const node of scene.nodes.values()) {
      const [ground, line] = coloursOf(node, theme),
        by = selected.has(node.id) ? 2 * least : 0;
      pen.globalAlpha = lineage !== null && !lineage.has(node.id) ? 0.25 : 1;
      pen.fillStyle = by ? theme.error[1] : node.fill ? ground : line;
      pen.fillRect(node.x - by, node.y - by, Math.max(least, node.w) + 2 * by, Math.max(least, node.h) + 2 * by);
    }
    this.showView();
  }

  // Says where the graph goes on beside what is seen of it, and shows all of it: nothing else tells, where the edge cuts
  // through no box. Where all is seen, but too small to read, it leads back.
  showBeyond(left, above, below, right) {
    this.isWhole = !left && !above && !below && !right;
    this.beyond.hidden = this.isWhole && this.viewer.canvas.view.scale >= READABLE;
    this.beyond.textContent = this.isWhole ? "readable size (9)" : `${left ? "← " : ""}${above ? "↑ " : ""}fit all (0)${below ? " ↓" : ""}${right ? " →" : ""}`;
    this.beyond.title = this.isWhole ? "back to a size that can be read (9)" : "show the whole graph (0)";
    this.beyond.setAttribute("aria-label", this.beyond.title);
  }

  // Stands in the corner where it hides the fewest boxes; and is not there where it would hide what is selected.
  moveAside(w, h) {
    const { canvas, scene } = this.viewer,
      size = canvas.size(),
      { x, y, scale } = canvas.view,
      { selected } = canvas.marks;
    const hidden = MAP_CORNERS.map((corner) => {
      const [left, top] = [corner.includes("left") ? 0 : size.w - w, corner.includes("top") ? 0 : size.h - h],
        boxes = [...scene.grid.within({ x: (left - x) / scale, y: (top - y) / scale, w: w / scale, h: h / scale })];
      return boxes.some(({ id }) => selected.has(id)) ? Infinity : boxes.length;
    });
    const least = Math.min(...hidden),
      corner = MAP_CORNERS[hidden.indexOf(least)];
    this.node.classList.toggle("aside", least === Infinity);
    for (const word of ["left", "top"]) this.node.classList.toggle(word, corner.includes(word));
  }

  showView() {
    const { canvas, scene } = this.viewer;
    if (!scene || !this.scale) return;
    const at = canvas.window(),
      [left, top] = [Math.max(0, (at.x - this.left) * this.scale), Math.max(0, at.y * this.scale)],
      right = Math.min(this.w, (at.x - this.left + at.w) * this.scale),
      bottom = Math.min(this.h, (at.y + at.h) * this.scale),
      above = top > 1 && [...scene.nodes.values(), ...scene.frames.values()].some(({ y }) => y < at.y), // the margin isn't missed
      below = bottom < this.h - 1;
    this.showBeyond(left > 1, above, below, right < this.w - 1);
    this.node.classList.toggle("all", this.isWhole || canvas.size().h < MAP_H + BUTTONS);
    this.moveAside(this.w + 2 * MAP_EDGE, this.h + 2 * MAP_EDGE);
    const edges = { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    for (const [name, length] of Object.entries(edges)) this.frame.style[name] = `${length}px`;
  }
}
