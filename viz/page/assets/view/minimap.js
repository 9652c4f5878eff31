// The whole scene in small, and which part of it is seen.

import { batched, button, el } from "../app/dom.js";
import { coloursOf, themeNow } from "../graph/colours.js";
import { meet } from "../graph/routes.js";
import { crossing, holds } from "../graph/titles.js";
import { READABLE_SIZE } from "./reading.js";

const MAP_W = 120,
  MAP_H = 150,
  MAP_EDGE = 16, // around it, to what it stands beside
  LINGERS = 1500, // milliseconds for which it stays over what it hides, after the reader moved
  MAP_CORNERS = ["", "left", "left top"], // where it may stand, the best first; "" is right below
  BUTTONS = 270; // the height of those above it, with as much of the graph as should be seen between

export class Minimap {
  constructor(viewer) {
    this.viewer = viewer;
    this.show = batched(() => this.draw()); // asked for by every mark and every move
    this.beyond = button("", "", () => (this.isWhole ? viewer.canvas.read(true) : viewer.canvas.fit(true, true)), { class: "beyond", hidden: true });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.frame = el("div", { class: "seen" });
    this.node = el(
      "div",
      { class: "minimap", title: "where you are; drag to move" },
      this.canvas,
      this.frame,
    );
    const go = (event) => {
      const box = this.canvas.getBoundingClientRect(),
        { canvas } = viewer,
        { w, h } = canvas.size();
      const x = (event.clientX - box.left) / this.scale + this.left,
        y = (event.clientY - box.top) / this.scale,
        { scale } = canvas.view;
      canvas.movedAt = performance.now();
      canvas.setView({ x: w / 2 - x * scale, y: h / 2 - y * scale, scale });
    };
    this.node.addEventListener("pointerdown", (event) => {
      this.node.setPointerCapture(event.pointerId);
      go(event);
      this.node.onpointermove = go;
    });
    this.node.addEventListener("pointerup", () => {
      this.node.onpointermove = null;
    });
    this.node.addEventListener("pointerleave", () => this.show());
  }

  draw() {
    const { scene, canvas } = this.viewer,
      theme = themeNow(),
      dense = devicePixelRatio || 1;
    const width = scene.width - scene.left,
      height = scene.height;
    this.left = scene.left;
    this.scale = Math.min(MAP_W / width, MAP_H / height);
    const w = Math.max(8, width * this.scale),
      h = Math.max(8, height * this.scale);
    Object.assign(this.canvas, { width: w * dense, height: h * dense });
    this.canvas.style.width = `${w}px`;
    this.canvas.style.height = `${h}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(dense * this.scale, dense * this.scale);
    pen.translate(-this.left, 0);
    for (const frame of scene.frames.values()) {
      pen.fillStyle = theme.frames[frame.level % 2];
      pen.strokeStyle = theme.frame;
      pen.lineWidth = 1 / this.scale;
      pen.fillRect(frame.x, frame.y, frame.w, frame.h);
      pen.strokeRect(frame.x, frame.y, frame.w, frame.h);
    }
    const { selected, lineage } = canvas.marks,
      least = 1.5 / this.scale;
    for (const node of scene.nodes.values()) {
      const [ground, line] = coloursOf(node, theme);
      pen.globalAlpha = lineage !== null && !lineage.has(node.id) ? 0.25 : 1;
      pen.fillStyle = node.fill ? ground : line;
      pen.fillRect(node.x, node.y, Math.max(least, node.w), Math.max(least, node.h));
      if (selected.has(node.id)) {
        pen.fillStyle = theme.error[1];
        pen.fillRect(node.x - 2 * least, node.y - 2 * least, node.w + 4 * least, node.h + 4 * least);
      }
    }
    this.showView();
  }

  // Says where the graph goes on beside what is seen of it, and shows all of it: nothing else tells, where the edge cuts
  // through no box. Where all is seen, but too small to read, it leads back.
  showBeyond(left, above, below, right) {
    const { classList } = this.viewer.sight;
    classList.toggle("more-left", left);
    classList.toggle("more-right", right);
    this.isWhole = !left && !above && !below && !right;
    this.beyond.hidden = this.isWhole && this.viewer.canvas.view.scale >= READABLE_SIZE;
    this.beyond.textContent = this.isWhole
      ? "readable size (9)"
      : `${left ? "← " : ""}${above ? "↑ " : ""}fit all (0)${below ? " ↓" : ""}${right ? " →" : ""}`;
    this.beyond.title = this.isWhole ? "back to a size that can be read (9)" : "show the whole graph (0)";
    this.beyond.setAttribute("aria-label", this.beyond.title);
  }

  // Stands in the corner where it hides least. Where each would hide something, it is there while the reader moves the graph
  // by hand, and goes soon after that; and it never hides what is selected.
  moveAside(w, h) {
    const { canvas, scene } = this.viewer,
      size = canvas.size(),
      { x, y, scale } = canvas.view,
      { selected } = canvas.marks;
    const covered = (corner) => {
      const left = corner.includes("left") ? 0 : size.w - w,
        top = corner.includes("top") ? 0 : size.h - h;
      return { x: (left - x) / scale, y: (top - y) / scale, w: w / scale, h: h / scale };
    };
    const titles = [...scene.frames.values()].filter(({ title }) => title).map(({ headX, head }) => ({ x: headX, ...head }));
    const chosen = [...selected].map((id) => scene.frames.get(id)).filter(Boolean);
    const hidden = (area) => {
      if (chosen.some((frame) => meet(frame, area) && !holds(frame, area))) return Infinity; // its corner or its edge
      const boxes = [...scene.grid.within(area)].reduce((sum, box) => sum + (selected.has(box.id) ? Infinity : shared(box, area)), 0);
      return titles.reduce((sum, title) => sum + shared(title, area), boxes);
    };
    const crossed = (area) => crossing(scene, area).length, // which counts where nothing else is hidden
      costs = MAP_CORNERS.map((corner) => [corner, hidden(covered(corner)), crossed(covered(corner))]),
      [corner, least] = costs.reduce((best, each) => (each[1] < best[1] || (each[1] === best[1] && each[2] < best[2]) ? each : best));
    const left = least > 0 ? canvas.movedAt + LINGERS - performance.now() : 0;
    this.node.classList.toggle("aside", least === Infinity || (least > 0 && left <= 0 && !this.node.matches(":hover")));
    clearTimeout(this.going);
    if (left > 0) this.going = setTimeout(() => this.show(), left + 1);
    for (const word of ["left", "top"]) this.node.classList.toggle(word, corner.includes(word));
  }

  showView() {
    const { canvas, scene } = this.viewer;
    if (!scene || !this.scale) return;
    const at = canvas.window(),
      w = parseFloat(this.canvas.style.width),
      h = parseFloat(this.canvas.style.height);
    const left = Math.max(0, (at.x - this.left) * this.scale),
      top = Math.max(0, at.y * this.scale);
    const right = Math.min(w, (at.x - this.left + at.w) * this.scale),
      bottom = Math.min(h, (at.y + at.h) * this.scale);
    const above = top > 1 && at.y > canvas.tops().reduce((least, { y }) => Math.min(least, y), Infinity); // the margin isn't missed
    const whole = left <= 1 && !above && right >= w - 1 && bottom >= h - 1;
    this.showBeyond(left > 1, above, bottom < h - 1, right < w - 1);
    const low = canvas.size().h < MAP_H + BUTTONS;
    this.node.classList.toggle("all", whole || low);
    this.moveAside(w + 2 * MAP_EDGE, h + 2 * MAP_EDGE);
    Object.assign(this.frame.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${Math.max(0, right - left)}px`,
      height: `${Math.max(0, bottom - top)}px`,
    });
  }
}

// The area that two rectangles share.
const shared = (a, b) =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));
