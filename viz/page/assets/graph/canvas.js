// The drawing area: which part of the scene is seen, and only that part as elements. So a graph of ten thousand boxes
// moves as smoothly as one of twenty.

import { batched, empty, svg } from "../app/dom.js";
import { push } from "../recording/selection.js";
import { dimLabels, labelElement, labelsFromAfar } from "../view/from_afar.js";
import { SMALLEST, firstView, leastRevealed, nudged, readIn, viewOf, viewWith, zoomed } from "../view/sight.js";
import { boxElement, boxesFromAfar, edgeElement, edgesFromAfar, frameElement, headElement, markers } from "./boxes.js";
import { themeNow } from "./colours.js";
import { meet, middleOf } from "./routes.js";
import { holds, shiftOfTitle } from "./titles.js";

const MOST_ELEMENTS = 700,
  NEAREST = 3,
  FARTHEST = 0.002,
  MARGIN = 200;

export class Canvas {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.view = { x: 0, y: 0, scale: 1 };
    this.layers = {};
    for (const name of ["frames", "afar", "marks", "edges", "heads", "nodes", "names", "signs"]) // no outline crosses a label
      this.layers[name] = svg("g", { class: name });
    this.world = svg("g", { class: "world" }, Object.values(this.layers));
    this.defs = svg("g", {});
    this.node = svg(
      "svg",
      {
        class: "graph",
        tabindex: 0,
        role: "application",
        "aria-label": "graph of operations; arrow keys walk along it, Enter opens and closes, ? lists all keys",
      },
      this.defs,
      this.world,
    );
    this.shown = new Map(); // key -> element
    this.largest = 1; // scale of a scene that is shown in part
    this.marks = { selected: new Set(), partners: new Set(), lineage: null, found: new Set() };
    this.refresh = batched(() => this.cull());
    this.listen();
    this.had = this.size();
    new ResizeObserver(() => {
      this.resized();
      this.refresh();
    }).observe(this.node);
  }

  show(scene) {
    if (!this.scene || ["width", "height", "left"].some((each) => scene[each] !== this.scene[each])) this.before = null;
    this.scene = scene;
    this.theme = themeNow();
    for (const layer of Object.values(this.layers)) empty(layer);
    this.shown.clear();
    this.defs.replaceChildren(markers(this.theme));
    this.cull();
  }

  // ---------------------------------------------------------------- what is seen

  size() {
    return { w: this.node.clientWidth || 800, h: this.node.clientHeight || 600 };
  }

  // The seen part of the world.
  window(margin = 0) {
    const { w, h } = this.size(),
      { x, y, scale } = this.view;
    return {
      x: (-x - margin) / scale,
      y: (-y - margin) / scale,
      w: (w + 2 * margin) / scale,
      h: (h + 2 * margin) / scale,
    };
  }

  cull() {
    if (!this.scene) return;
    const { x, y, scale } = this.view;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    const area = this.window(MARGIN);
    const frames = [...this.scene.frames.values()].filter((frame) => meet(area, frame));
    const nodes = [...this.scene.grid.within(area)],
      edges = [...this.scene.edgeGrid.within(area)];
    const afar = nodes.length + edges.length > MOST_ELEMENTS * (scale < 0.3 ? 1 : 4);
    const wanted = new Map(),
      labels = labelsFromAfar(this, afar ? [] : nodes, frames),
      signed = new Set(labels.map(({ of }) => of.id));
    for (const frame of frames) {
      wanted.set(`f${frame.id}`, ["frames", () => frameElement(frame, this.theme)]);
      if (!afar && !signed.has(frame.id)) wanted.set(`h${frame.id}`, ["heads", () => headElement(frame, this.theme)]);
    }
    if (!afar) {
      for (const node of nodes) wanted.set(`n${node.id}`, ["nodes", () => boxElement(node, this.theme, this.scene)]);
      for (const edge of edges) wanted.set(`e${edge.id}`, ["edges", () => edgeElement(edge, this.theme, this.scene.model)]);
    }
    this.replace(wanted);
    const of = (isFrame) => labels.filter((label) => this.scene.frames.has(label.of.id) === isFrame).map((label) => labelElement(label, this));
    this.layers.signs.replaceChildren(...of(true));
    this.layers.names.replaceChildren(...of(false));
    const seen = { scene: this.scene, view: this.view, window: this.window() };
    for (const frame of frames) this.shown.get(`h${frame.id}`)?.setAttribute("transform", `translate(${shiftOfTitle(frame, seen)} 0)`);
    this.layers.afar.replaceChildren(...(afar ? [...edgesFromAfar(edges, this.theme), ...boxesFromAfar(nodes, this.theme)] : []));
    this.applyMarks();
    this.onEvent("view");
  }

  // Takes away what is no longer seen, and adds what is new, so that panning touches few elements.
  replace(wanted) {
    for (const [key, element] of this.shown) {
      if (!wanted.has(key)) {
        element.remove();
        this.shown.delete(key);
      }
    }
    const fresh = new Map();
    for (const [key, [layer, make]] of wanted) {
      if (this.shown.has(key)) continue;
      const element = make();
      this.shown.set(key, element);
      push(fresh, layer, element);
    }
    for (const [layer, elements] of fresh) {
      this.layers[layer].append(...elements);
      if (layer === "frames") this.sortFrames();
    }
  }

  sortFrames() {
    // outer ones behind inner ones
    const level = (element) => this.scene.frames.get(element.dataset.id).level;
    const all = [...this.layers.frames.children].sort((a, b) => level(a) - level(b));
    this.layers.frames.append(...all);
  }

  // ---------------------------------------------------------------- marks

  // Which boxes stand out: the selected ones, those of the other direction, (or null) all that are not dimmed, and what a
  // search has found.
  mark(selected, partners, lineage, found) {
    this.marks = { selected, partners, lineage, found };
    this.applyMarks();
  }

  applyMarks() {
    const { selected, partners, lineage, found } = this.marks,
      rings = [];
    for (const [key, element] of this.shown) {
      if (key[0] === "n") {
        const id = key.slice(1);
        element.classList.toggle("selected", selected.has(id));
        element.classList.toggle("partner", partners.has(id));
        element.classList.toggle("dim", lineage !== null && !lineage.has(id));
      } else if (key[0] === "e") {
        const { tail, head } = this.scene.edges[Number(key.slice(2))];
        element.classList.toggle("dim", lineage !== null && !(lineage.has(tail) && lineage.has(head)));
        element.classList.toggle("strong", selected.has(tail) || selected.has(head) || Boolean(lineage?.has(tail) && lineage.has(head)));
      }
    }
    for (const [ids, name] of [
      [found, "found"],
      [partners, "partner"],
      [selected, "selected"],
    ]) {
      for (const id of ids) {
        const box = this.scene.nodes.get(id) || this.scene.frames.get(id);
        const by = this.scene.frames.has(id) ? 1 : 5; // labels stand close below frames
        if (box) rings.push(svg("rect", { class: `ring ${name}`, x: box.x - by, y: box.y - by, width: box.w + 2 * by, height: box.h + 2 * by, rx: 11 }));
      }
    }
    this.layers.marks.replaceChildren(...rings);
    dimLabels(this);
  }

  // ---------------------------------------------------------------- moving

  setView(view, smooth = false) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !smooth;
    this.stop();
    if (still) {
      this.view = view;
      this.cull();
      return;
    }
    const from = this.view,
      begin = performance.now(),
      length = 180;
    this.goal = view;
    const step = (now) => {
      const t = Math.min(1, (now - begin) / length),
        eased = 1 - (1 - t) ** 3;
      this.view = Object.fromEntries(["x", "y", "scale"].map((k) => [k, from[k] + (view[k] - from[k]) * eased]));
      this.cull();
      if (t < 1) this.moving = requestAnimationFrame(step);
      else [this.view, this.goal] = [view, null]; // itself, by which `fitAgain` knows it
    };
    this.moving = requestAnimationFrame(step);
  }

  // Where the view moves to is left.
  stop() {
    cancelAnimationFrame(this.moving);
    this.goal = null;
  }

  // The view in which all of the scene is seen.
  wholeView() {
    const { width, height, left } = this.scene;
    return viewOf(this, { x: left, y: 0, w: width - left, h: height }, FARTHEST);
  }

  // All of the scene; or, where it would be too small to read, its beginning.
  fit(smooth = false, whole = false, smallest = SMALLEST) {
    const all = this.wholeView(),
      chosen = whole || all.scale >= smallest ? all : firstView(this, smallest);
    if (whole && !this.isWhole()) this.before = { middle: middleOf(this.window()), scale: this.view.scale, begins: this.isAsFitted() };
    this.fitted = { view: chosen, whole, smallest };
    if (whole) this.whole = chosen;
    this.setView(chosen, smooth);
  }

  // Is all of the scene seen, as it was fitted, or about to be?
  isWhole() {
    return Boolean(this.whole) && this.whole === (this.goal ?? this.view);
  }

  // A size at which all can be read: see `readIn`.
  read(smooth = false) {
    readIn(this, smooth);
  }

  selectedBoxes() {
    return this.boxesOf(this.marks.selected);
  }

  boxesOf(ids) {
    return [...ids].map((id) => this.scene.nodes.get(id) || this.scene.frames.get(id)).filter(Boolean);
  }

  // Has the reader left the view as it was fitted?
  isAsFitted() {
    return Boolean(this.fitted && this.fitted.view === this.view);
  }

  // Fits again what is as it was fitted, as the window or the scene has another size now.
  fitAgain() {
    if (this.scene && this.isAsFitted()) this.fit(false, this.fitted.whole, this.fitted.smallest);
  }

  // Fits again; or, where the reader has moved the view, keeps in sight what is selected, as when the panel takes its room.
  resized() {
    const { w, h } = this.had;
    this.had = this.size();
    if (!this.scene) return;
    const [box, ...more] = this.selectedBoxes(),
      { x, y, scale } = this.goal ?? this.view,
      seen = { x: -x / scale, y: -y / scale, w: w / scale, h: h / scale };
    if (this.isAsFitted()) this.fitAgain();
    else if (box && !more.length && holds(seen, box)) this.keepInSight(box);
  }

  // What is seen stays from now on, as the reader works with it.
  hold() {
    this.fitted = null;
  }

  zoom(factor, at = null) {
    this.stop();
    this.view = zoomed(this, Math.max(FARTHEST, Math.min(NEAREST, this.view.scale * factor)), at);
    this.refresh();
  }

  pan(dx, dy) {
    this.stop();
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.refresh();
  }

  // Brings boxes into sight, or as many as can be read together, with as little movement as that takes.
  reveal(ids, smooth = true, least = leastRevealed(this)) {
    const boxes = this.boxesOf(ids),
      view = boxes.length ? viewWith(this, boxes, least) : null;
    if (view) this.setView(view, smooth);
  }

  // Brings a box into sight if its middle isn't.
  showIfUnseen(id) {
    const [box] = this.boxesOf([id]),
      { x, y, w, h } = this.window(),
      [left, top] = box ? [box.x + box.w / 2, box.y + Math.min(box.h, h) / 2] : [x, y];
    if (left < x || left > x + w || top < y || top > y + h) this.reveal([id], false);
  }

  // Keeps the middle of what is seen of a box where it is on the screen while everything around it is laid out again.
  keep(before, after) {
    if (!before || !after) return;
    const { x, y, scale } = this.view,
      seen = this.window(),
      [from, to] = [Math.max(before.x, seen.x), Math.min(before.x + before.w, seen.x + seen.w)],
      middle = from < to ? (from + to) / 2 : before.x + before.w / 2;
    this.view = { scale, x: x + (middle - after.x - after.w / 2) * scale, y: y + (before.y - after.y) * scale };
  }

  // Of a frame that is larger than the window, its beginning.
  showBeginning(id) {
    const { w, h } = this.window(),
      [box] = this.boxesOf([id]);
    if (box && (box.w > w || box.h > h)) this.reveal([id], true, 0);
  }

  // Moves by no more than what a box or a frame lacks to be seen as a whole; or all of its row, if there is room.
  keepInSight(box, withRow = false) {
    const { x, y } = this.goal ?? this.view,
      view = box ? nudged(this, box, withRow) : { x, y };
    if (view.x !== x || view.y !== y) this.setView(view, true);
  }

  // ---------------------------------------------------------------- the reader's hand

  listen() {
    const { node } = this;
    node.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const { left, top } = node.getBoundingClientRect();
        const unit = event.deltaMode === 1 ? 30 : 1; // lines, in Firefox
        // so pinches on a touchpad arrive too
        if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * unit)) / 300), [event.clientX - left, event.clientY - top]);
        else if (event.shiftKey && !event.deltaX) this.pan(-event.deltaY * unit, 0);
        else this.pan(-event.deltaX * unit, -event.deltaY * unit);
      },
      { passive: false },
    );
    let pressed = null;
    const fingers = new Map();
    // After a click, browsers keep the ring that a key has brought: it is only for those who walk by keys.
    node.addEventListener("blur", () => node.classList.remove("pointed"));
    node.addEventListener("keydown", ({ key }) => key.startsWith("Arrow") && node.classList.remove("pointed"));
    node.addEventListener("pointerdown", (event) => {
      node.classList.add("pointed");
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      pressed = { x: event.clientX, y: event.clientY, moved: false };
    });
    node.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId) || !pressed) return;
      const [x, y] = fingers.get(event.pointerId);
      if (fingers.size === 2) this.pinch(fingers, event);
      else if (pressed.moved || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > 4) {
        if (!pressed.moved) node.setPointerCapture(event.pointerId);
        pressed.moved = true;
        node.classList.add("moving");
        this.pan(event.clientX - x, event.clientY - y);
      }
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
    });
    const release = (event) => {
      fingers.delete(event.pointerId);
      node.classList.remove("moving");
    };
    node.addEventListener("pointerup", release);
    node.addEventListener("pointercancel", release);
    node.addEventListener("click", (event) => {
      if ((pressed && pressed.moved) || event.detail > 1) return; // the end of a drag, or of a double click
      this.opening = event.target.closest("[data-id]:not(.frame)")?.dataset.id ?? null; // of an open layer its title, not the empty space in it
      const target = event.target.closest("[data-id]"),
        onToggle = Boolean(event.target.closest("[data-toggle]"));
      this.onEvent("click", { id: target ? target.dataset.id : null, onToggle, event });
    });
    // What the first of two clicks has hit: the side panel may have opened for that, and the graph moved under the mouse.
    document.addEventListener("click", ({ detail, target }) => (this.opening = detail > 1 || node.contains(target) ? this.opening : null), true);
    document.addEventListener("dblclick", () => this.opening && this.onEvent("open", { id: this.opening }));
  }

  pinch(fingers, event) {
    const other = [...fingers].find(([id]) => id !== event.pointerId)[1],
      before = fingers.get(event.pointerId);
    const far = Math.hypot(before[0] - other[0], before[1] - other[1]) || 1;
    const now = Math.hypot(event.clientX - other[0], event.clientY - other[1]);
    const { left, top } = this.node.getBoundingClientRect();
    this.zoom(now / far, [(event.clientX + other[0]) / 2 - left, (event.clientY + other[1]) / 2 - top]);
  }
}
