// The drawing area: which part of the scene is seen, and only that part as elements. So a graph of ten thousand boxes
// moves as smoothly as one of twenty.

import { batched, empty, svg } from "../app/dom.js";
import { push } from "../recording/selection.js";
import { dimNames, nameBoxes } from "../view/box_names.js";
import { besideInput, leftOfFirstView, wholeColumns, withoutHidden } from "../view/opening.js";
import { onScreen, readIn, viewAsBefore, zoomed } from "../view/reading.js";
import { lackOf, leastRevealed, rowInSight, viewWith, viewWithAll } from "../view/sight.js";
import { untoldLines } from "../view/untold.js";
import { boxElement, boxesFromAfar, edgeElement, edgesFromAfar, frameElement, headElement, markers } from "./boxes.js";
import { themeNow } from "./colours.js";
import { UNDER_BUTTONS } from "./measures.js";
import { framesAround, meet, middleOf } from "./routes.js";
import { holds, moveTitle, placeOfTitle, signElement, signsFromAfar } from "./titles.js";

export const MOST_ELEMENTS = 700,
  NEAREST = 3,
  FARTHEST = 0.002,
  MARGIN = 200,
  ALMOST = 0.92,
  SMALLEST = 0.74, // of a page's first view, where frames' titles can be read: a larger scene is shown in part
  CLEAR = 24, // at least so much room is left beside the first box
  BUTTONS_HEIGHT = 108, // of three, with the room around them
  BESIDE_BUTTONS = UNDER_BUTTONS - 20, // which lie over the graph at its right edge, more than the room that is left anyway
  LEADING = 3, // boxes without a forward pass are worth as much as one of its
  FIRST = 2, // and what runs first with what it is given as so many more: alone they are worth less than several others
  LEFT_BORDER = 1000, // more than all boxes: where the frame around what runs first is cut off at the left, that looks like a mistake
  WITH_INPUT = 2000, // more than that: what runs first is seen with what it is given
  BORDER_ON_PHONE = 4, // but as much as so many boxes where few fit beside each other
  PHONE = 480,
  BESIDE_FRAME = 12,
  BELOW_FIRST = 8,
  PLACES = 300; // that are compared for the first view

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
        "aria-label":
          "graph of operations; arrow keys walk along it, Enter opens and closes, ? lists all keys",
      },
      this.defs,
      this.world,
    );
    this.shown = new Map(); // key -> element
    this.movedAt = -Infinity; // by the reader's hand
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
      signs = signsFromAfar(frames, this);
    for (const frame of frames) {
      wanted.set(`f${frame.id}`, ["frames", () => frameElement(frame, this.theme)]);
      if (!afar && !signs.has(frame.id)) wanted.set(`h${frame.id}`, ["heads", () => headElement(frame, this.theme)]);
    }
    if (!afar) {
      for (const node of nodes)
        wanted.set(`n${node.id}`, ["nodes", () => boxElement(node, this.theme, this.scene)]);
      for (const edge of edges)
        wanted.set(`e${edge.id}`, ["edges", () => edgeElement(edge, this.theme, this.scene.model)]);
    }
    this.replace(wanted);
    if (!afar) nameBoxes(this, nodes, signs);
    this.layers.signs.replaceChildren(
      ...[...signs].map(([id, sign]) => signElement(this.scene.frames.get(id), sign, this, this.theme)),
    );
    const titles = frames.filter(({ id }) => this.shown.has(`h${id}`)).map((frame) => [frame, placeOfTitle(frame, this)]);
    for (const [frame, place] of titles) moveTitle(this, frame, place); // after all are measured, so that the browser lays out once
    this.layers.afar.replaceChildren(
      ...(afar ? [...edgesFromAfar(edges, this.theme), ...boxesFromAfar(nodes, this.theme)] : []),
    );
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
        element.classList.toggle(
          "strong",
          selected.has(tail) ||
            selected.has(head) ||
            (lineage !== null && lineage.has(tail) && lineage.has(head)),
        );
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
    this.layers.marks.replaceChildren(...untoldLines(this), ...rings);
    dimNames(this);
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
      this.view = Object.fromEntries(
        ["x", "y", "scale"].map((k) => [k, from[k] + (view[k] - from[k]) * eased]),
      );
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

  // The view that shows a part of the world as large as it can be, beside the buttons.
  viewOf({ x, y, w, h }, largest = 1) {
    const size = this.size(),
      room = size.w - BESIDE_BUTTONS,
      scale = Math.max(FARTHEST, Math.min(largest, (room - 40) / w, (size.h - 40) / h));
    return { x: room / 2 - (x + w / 2) * scale, y: size.h / 2 - (y + h / 2) * scale, scale };
  }

  // All of the scene; or, where it would be too small to read, its beginning: as wide as it is, if that can be read.
  fit(smooth = false, whole = false, smallest = SMALLEST) {
    const { width, height, left } = this.scene,
      size = this.size();
    const view = this.viewOf({ x: left, y: 0, w: width - left, h: height });
    const across = (size.w - BESIDE_BUTTONS - 40) / (width - left),
      least = smallest > SMALLEST || across < ALMOST * SMALLEST ? smallest : Math.min(SMALLEST, across); // nothing is cut off for little
    const readable = this.lowered(Math.min(this.largest, Math.max(least, across)), least),
      chosen = whole || view.scale >= least ? view : withoutHidden(this, this.start(readable, smallest === SMALLEST));
    if (whole && !this.isWhole())
      this.before = { middle: middleOf(this.window()), scale: this.view.scale, begins: this.isAsFitted() };
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
    const had = this.had;
    this.had = this.size();
    if (!this.scene) return;
    const fitted = this.isAsFitted(),
      [box, ...more] = this.selectedBoxes();
    this.fitAgain();
    if (!fitted && box && !more.length && holds({ x: 0, y: 0, ...had }, onScreen(this.goal ?? this.view)(box))) this.keepInSight(box);
  }

  // What is seen stays from now on, as the reader works with it.
  hold() {
    this.fitted = null;
  }

  // A scale that is at most the given one, at which a low window shows what runs first and all that is above it; but one
  // that can be read.
  lowered(scale, least) {
    const first = this.first(least);
    if (!first) return scale;
    const top = this.tops().reduce((least, { y }) => Math.min(least, y), Infinity);
    return Math.min(scale, Math.max(least, (this.size().h - CLEAR - BELOW_FIRST) / (first.y + first.h - top)));
  }

  // All boxes and frames: one of them is the highest.
  tops() {
    return [...this.scene.nodes.values(), ...this.scene.frames.values()];
  }

  // The part of the scene that is seen first, at a given scale: what is empty above its boxes is left out. Where the scene
  // is wider than the window, it may be at a smaller scale, if whole columns are seen for that.
  start(scale, mayShrink = false) {
    const { width, left } = this.scene,
      wide = this.size().w - BESIDE_BUTTONS,
      fits = (width - left) * scale <= wide - 40,
      at = fits || !mayShrink ? null : wholeColumns(this, scale),
      { scale: chosen, from } = at ?? { scale, from: fits ? (left + width - wide / scale) / 2 : leftOfFirstView(this, scale) };
    return { x: -from * chosen, y: this.upper(this.tops(), from, wide / chosen, chosen, this.first(chosen)), scale: chosen };
  }

  // How far down the world begins where the highest of what stands in some columns of it is seen. Where there is too
  // little room below that for what runs first, the corner of a frame around it is seen instead, or at least itself.
  upper(boxes, from, room, scale, first) {
    const meets = ({ x, w }) => x < from + room && x + w > from;
    const ys = boxes.filter(meets).map(({ y }) => y),
      tops = [ys.length ? ys.reduce((a, b) => Math.min(a, b)) : 0];
    if (first && meets(first)) {
      const around = framesAround(this.scene, first.id).map((id) => this.scene.frames.get(id).y);
      tops.push(...around.reverse(), first.y);
    }
    const isSeen = (y) => tops.length === 1 || (first.y + first.h - y) * scale + CLEAR + BELOW_FIRST <= this.size().h;
    return Math.min(20, CLEAR - (tops.find(isSeen) ?? first.y) * scale);
  }

  // Does a box stand for what runs forward: where most of it runs in layers, for what they run?
  leading() {
    const nodes = [...this.scene.nodes.values()],
      runs = (node) => (node.kind === "op" || node.kind === "scope") && node.lane === "forward",
      forward = nodes.filter(runs),
      isLayer = (node) => node.frame !== null || node.kind === "scope", // closed, it has no frame around it
      layered = 2 * forward.filter(isLayer).length >= forward.length;
    return (node) => runs(node) && (!layered || isLayer(node));
  }

  // The box of what runs first, or null; but the one of another reader of its input, where that is nearer: see `besideInput`.
  first(scale) {
    const turn = (node) => node.ops[0] ?? node.main ?? Infinity, // parts of an op run in the order in which they stand
      order = (a, b) => turn(a) - turn(b) || a.y - b.y || a.x - b.x,
      isFirst = (node, best) => order(node, best) < 0;
    const leading = [...this.scene.nodes.values()].filter(this.leading()),
      first = leading.reduce((best, node) => (best && !isFirst(node, best) ? best : node), null);
    return first && besideInput(this, first, leading, scale);
  }

  // The left border of the frame around what runs first; or what computes its input outside of all frames, a GAN's
  // random numbers say, if that is further left and there is room for both.
  leftmost(around, first, given, room) {
    const nodes = [...given].map((id) => this.scene.nodes.get(id)),
      outside = nodes.filter((node) => node.kind === "op" && node.frame === null),
      left = Math.min(around.x, ...outside.map(({ x }) => x));
    return first.x + first.w - left <= room ? left : around.x;
  }

  zoom(factor, at = null) {
    this.stop();
    this.movedAt = performance.now();
    this.view = zoomed(this, Math.max(FARTHEST, Math.min(NEAREST, this.view.scale * factor)), at);
    this.refresh();
  }

  pan(dx, dy) {
    this.stop();
    this.movedAt = performance.now();
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.refresh();
  }

  // Brings a box into sight, with as little movement as that takes; several, or as many as can be read together.
  reveal(id, smooth = true) {
    const [box] = this.boxesOf([id]);
    if (box) this.jump(viewWith(this, box, leastRevealed(this)), smooth);
  }

  // The same of a box or a frame that was opened, closed or chosen; at the reader's scale.
  settle(box) {
    const view = box && viewWith(this, box, 0);
    if (view) this.setView(view, true);
  }

  revealAll(ids, smooth = true) {
    this.jump(viewWithAll(this, this.boxesOf(ids)), smooth);
  }

  // To a view, or (null) nowhere, as all is in sight.
  jump(view, smooth) {
    this.movedAt = -Infinity;
    if (view) this.setView(view, smooth);
  }

  // Where the buttons lie over it, with some room around them.
  buttons() {
    return { x: this.size().w - UNDER_BUTTONS, y: 0, w: UNDER_BUTTONS, h: BUTTONS_HEIGHT };
  }

  // Brings a box into sight if its middle isn't.
  showIfUnseen(id) {
    const box = this.scene.nodes.get(id) || this.scene.frames.get(id);
    if (!box) return;
    const { x, y, w, h } = this.window(),
      middle = [box.x + box.w / 2, box.y + Math.min(box.h, h) / 2];
    if (middle[0] < x || middle[0] > x + w || middle[1] < y || middle[1] > y + h) this.reveal(id, false);
  }

  // Keeps the middle of what is seen of a box where it is on the screen while everything around it is laid out again.
  keep(before, after) {
    if (before && after) this.view = viewAsBefore(this, before, after);
  }

  // Of a frame that is larger than the window, its beginning.
  showBeginning(box) {
    const { w, h } = this.window();
    if (box && (box.w > w || box.h > h)) this.settle(box);
  }

  // Moves by no more than what a box or a frame lacks to be seen as a whole; or all of its row, if there is room.
  keepInSight(box, withRow = false) {
    const [dx, dy] = box ? lackOf(this, withRow ? rowInSight(this, box) : box) : [0, 0],
      { x, y, scale } = this.goal ?? this.view;
    if (dx || dy) this.setView({ x: x + dx, y: y + dy, scale }, true);
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
        if (event.ctrlKey || event.metaKey) {
          // so pinches on a touchpad arrive too
          this.zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * unit)) / 300), [
            event.clientX - left,
            event.clientY - top,
          ]);
        } else if (event.shiftKey && !event.deltaX) this.pan(-event.deltaY * unit, 0);
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
