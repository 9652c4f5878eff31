// What ran when: layers within each other, and ops in them (a flame chart by scope). Wheel zooms, drag moves.

import { selectionOfCall } from "../app/chosen.js";
import { el, notice, placeTip } from "../app/dom.js";
import { inkOn, themeNow } from "../graph/colours.js";
import { FONT } from "../graph/sizes.js";
import { shortened } from "../graph/titles.js";
import { clean, counted, seconds } from "../recording/formatting.js";
import { partnersOf } from "../recording/lineage.js";
import { push } from "../recording/selection.js";
import { shareWord, tookOf, usualTime } from "../recording/usual_times.js";
import { sharpen } from "./charts.js";
import { partsOf } from "./parts.js";
import { gapsOfOps, stepAlone } from "./period.js";
import { barStart } from "./times.js";

const ROW = 19,
  AXIS = 22,
  NARROWEST_NAMED = 26, // pixels of a bar
  NAME_GAP = 3; // pixels from a bar that is narrower to its name

export class Timeline {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "timeline", title: "Timeline" });
    this.canvas = el("canvas", {
      class: "flame",
      tabindex: 0,
      role: "img",
      "aria-label": "what ran when, by layer",
    });
    this.tip = el("div", { class: "tip", hidden: true });
    this.place = el("div", { class: "flame-place" }, this.canvas);
    this.node = el("div", { class: "timeline" }, this.place, this.tip);
    this.listen();
  }

  get note() {
    return stepOfTimeline(this.viewer);
  }

  show() {
    const { model, selection } = this.viewer;
    if (!model.hasTimes || !selection.ops.length) {
      this.node.replaceChildren(
        model.ops.length
          ? notice("No times", "They were not recorded.", "viz.trace(time=True)")
          : notice("Nothing ran", "There are no ops in this recording."),
      );
      return;
    }
    if (this.place.parentNode !== this.node) this.node.replaceChildren(this.place, this.tip);
    if (this.made !== selection) this.make(selection);
    this.bringIntoSight();
    this.draw();
  }

  // Bars: every op, and every stretch of neighbouring ops in the same scope.
  make(selection) {
    this.made = selection;
    const { model } = this.viewer,
      timed = selection.ops.filter((op) => op.start !== null && op.end !== null);
    const threads = [...new Set(timed.map((op) => op.thread))].sort((a, b) => a - b);
    this.bars = [];
    let base = 0;
    for (const thread of threads) {
      const open = [];
      let deepest = 0;
      for (const op of timed.filter((each) => each.thread === thread)) {
        const around = model
            .ancestors(op.scope)
            .reverse()
            .filter((s) => s.kind !== "step"),
          scopes = [...around, ...layersOfGradient(model, op)];
        let same = 0;
        while (same < open.length && same < scopes.length && open[same].scope === scopes[same]) same += 1;
        open.length = same;
        for (const [i, scope] of scopes.entries()) {
          if (i < same) continue;
          const ofGradient = i >= around.length, // none of its ops ran while the layer did
            title = model.titleOfCall(scope, [op.id]);
          const bar = {
            ...{ scope, ofGradient, ops: [], end: op.end, phase: op.phase, row: base + open.length },
            start: ofGradient ? op.start : barStart(scope, op),
            title: ofGradient ? `∇ ${title}` : title,
          };
          open.push(bar);
          this.bars.push(bar);
        }
        for (const bar of open) {
          bar.end = Math.max(bar.end, op.end);
          bar.ops.push(op);
        }
        this.bars.push({ op, title: model.titleOf(op), start: op.start, end: op.end, row: base + scopes.length, phase: op.phase });
        deepest = Math.max(deepest, scopes.length + 1);
      }
      base += deepest + 1;
    }
    this.rows = Math.max(1, base - 1);
  }

  // The stretch of time that is seen, which the curve of memory shows, too.
  get from() {
    return this.viewer.period.from;
  }

  get to() {
    return this.viewer.period.to;
  }

  get first() {
    return this.viewer.period.first;
  }

  // All of it; null where there are no times.
  get height() {
    return this.place.parentNode === this.node ? this.rows * ROW + AXIS + 6 : null;
  }

  draw() {
    const width = this.node.clientWidth || 600,
      { height } = this;
    this.paint(sharpen(this.canvas, width, height), width, height);
    if (!this.tip.hidden) this.point(this.pointed); // another bar may be there now, or none
  }

  paint(pen, width, height) {
    const theme = themeNow(),
      { selected } = this.viewer.state,
      chosen = new Set(this.viewer.opsOf(selected)),
      partners = partnersOf(this.viewer.model, chosen); // as the graph marks them
    const { lineage } = this.viewer.canvas.marks,
      calls = callsOf(this.viewer, selected);
    const { period } = this.viewer,
      scale = width / period.span;
    pen.clearRect(0, 0, width, height);
    pen.font = `10.5px ${FONT}`;
    pen.textBaseline = "middle";
    for (const [x, words] of period.ticks(width, 120)) {
      pen.fillStyle = theme.frame;
      pen.fillRect(x, AXIS - 6, 1, height);
      pen.fillStyle = theme.muted;
      const isCut = x + 4 + pen.measureText(words).width > width;
      pen.textAlign = isCut ? "right" : "left";
      pen.fillText(words, isCut ? x - 4 : x + 4, 9);
    }
    pen.textAlign = "left";
    const drawn = [],
      rows = new Map();
    let lastEnd = -1,
      lastRow = -1;
    for (const bar of this.bars) {
      if (bar.end < this.from || bar.start > this.to) continue;
      const x = (bar.start - this.from) * scale,
        w = Math.max(1, (bar.end - bar.start) * scale - 0.5),
        strong = bar.op ? chosen.has(bar.op.id) : calls.has(bar.scope.id);
      if (!strong && w <= 1 && bar.row === lastRow && x < lastEnd) continue; // would lie under the one before
      [lastEnd, lastRow] = [x + w, bar.row];
      const isFar = lineage !== null && bar.op && !lineage.has(this.viewer.scene.nodeOf.get(bar.op.id));
      const ink = bar.op ? inkOn((theme.phases[bar.phase] || theme.phases.forward)[0]) : theme.ink;
      const place = { bar, x, y: AXIS + bar.row * ROW, w, strong, ink, alpha: isFar ? 0.3 : 1 };
      drawn.push(place);
      push(rows, bar.row, place);
    }
    for (const isStrong of [false, true]) // what is selected lies over its neighbours, however narrow it is
      for (const place of drawn) if (place.strong === isStrong) this.paintBar(pen, place, !isStrong && place.bar.op && partners.has(place.bar.op.id), theme);
    for (const row of rows.values()) this.writeNames(pen, row, width, theme.muted);
  }

  paintBar(pen, { bar, x, y, w, strong, alpha }, isPartner, theme) {
    const phase = theme.phases[bar.phase] || theme.phases.forward,
      tiny = w <= 3 ? 1 : 0, // too thin for fill and line: only the line's colour is seen
      [ground, line] = bar.op ? (bar.op.error ? theme.error : phase) : [theme.frames[0], theme.frame];
    pen.globalAlpha = alpha;
    pen.fillStyle = tiny ? line : ground;
    pen.strokeStyle = strong ? theme.ink : line;
    pen.lineWidth = strong ? 2 : 1;
    pen.fillRect(x, y, w, ROW - 3);
    if (isPartner) {
      pen.setLineDash(w > 12 ? [4, 2] : []);
      Object.assign(pen, { strokeStyle: theme.error[1], lineWidth: 2 });
    }
    if (w > 3 || strong) pen.strokeRect(x + 0.5, y + 0.5, Math.max(0.5, w - 1), ROW - 4);
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  // The names of a row's bars, cut where they have little room; of a narrow bar the whole name beside it, where the row is free.
  writeNames(pen, row, width, muted) {
    row.forEach(({ bar, x, y, w, ink, alpha }, i) => {
      const name = clean(bar.title, 60),
        left = Math.max(0, x),
        inside = w > NARROWEST_NAMED ? shortened(name, Math.min(x + w, width) - left - 7, 10.5) : "",
        isFree = !inside && x >= 0 && x + w + 4 * NAME_GAP + pen.measureText(name).width <= (row[i + 1]?.x ?? width);
      Object.assign(pen, { globalAlpha: alpha, fillStyle: inside ? ink : muted });
      if (inside || isFree) pen.fillText(inside || name, inside ? left + 4 : x + w + NAME_GAP, y + ROW / 2 - 1);
    });
    pen.globalAlpha = 1;
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect(),
      scale = box.width / (this.to - this.from);
    const time = this.from + (event.clientX - box.left) / scale,
      row = Math.floor((event.clientY - box.top - AXIS) / ROW),
      slack = 2 / scale;
    let found = null;
    for (const bar of this.bars)
      if (
        bar.row === row &&
        bar.start - slack <= time &&
        time <= bar.end + slack &&
        (!found || bar.end - bar.start < found.end - found.start || bar.start > found.start)
      )
        found = bar;
    return found;
  }

  // Of what has been selected since the last time, a bar is in sight: one that is nearest to the top.
  bringIntoSight() {
    const { period, state } = this.viewer,
      { selected } = state,
      pane = this.node.parentNode;
    if (this.sought === selected && this.soughtIn === this.made) return;
    [this.sought, this.soughtIn] = [selected, this.made];
    const bars = selected ? this.barsOf(selected) : [];
    if (!bars.length) return;
    const inTime = bars.filter(({ start, end }) => start < period.to && end > period.from),
      first = (inTime.length ? inTime : bars).reduce((one, other) => (other.row < one.row ? other : one));
    if (!inTime.length) period.move((first.start + first.end - period.from - period.to) / 2);
    const top = AXIS + first.row * ROW;
    if (pane && (top < pane.scrollTop || top + ROW > pane.scrollTop + pane.clientHeight)) pane.scrollTop = top - AXIS;
  }

  // The bars that are marked for what is selected.
  barsOf(selected) {
    const chosen = new Set(this.viewer.opsOf(selected)),
      calls = callsOf(this.viewer, selected);
    return this.bars.filter(({ op, scope }) => (op ? chosen.has(op.id) : calls.has(scope.id)));
  }

  // What is selected may be of other ops than before: those of folded parts, say.
  select() {
    this.show();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (
          !(event.ctrlKey || event.metaKey) &&
          this.rows * ROW + AXIS > this.node.parentNode.clientHeight &&
          Math.abs(event.deltaY) > Math.abs(event.deltaX)
        )
          return; // scrolls
        event.preventDefault();
        const box = canvas.getBoundingClientRect(),
          time = this.from + ((event.clientX - box.left) / box.width) * (this.to - this.from);
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY))
          this.move((event.deltaX / box.width) * (this.to - this.from));
        else this.zoom(Math.exp(event.deltaY / 300), time);
      },
      { passive: false },
    );
    let last = null,
      moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      [last, moved] = [event.clientX, false];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && last !== null) {
        if (Math.abs(event.clientX - last) > 2) moved = true;
        if (moved) this.move(((last - event.clientX) / canvas.clientWidth) * (this.to - this.from));
        if (moved) last = event.clientX;
      } else this.point(event);
    });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
    });
    canvas.addEventListener("click", (event) => {
      const bar = moved ? null : this.at(event);
      this.tip.hidden = true; // the panel says more
      if (bar) this.viewer.select(this.selectionOf(bar));
    });
    canvas.addEventListener("dblclick", () => {
      this.viewer.period.showAll();
      this.draw();
    });
  }

  // Arrows lead to the bar before or after in a row, to that around it, and to the first within it.
  onKey(event) {
    const [by, deeper] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
    if (by === undefined || !this.bars?.length) return;
    event.preventDefault();
    this.tip.hidden = true; // it is of the mouse
    const from = this.barSelected(),
      inRow = (row) => this.bars.filter((bar) => bar.row === row);
    const row = from && inRow(from.row),
      isIn = (one, other) => one.start >= other.start && one.end <= other.end;
    const to = !from ? this.bars[0] : by ? row[row.indexOf(from) + by] : inRow(from.row + deeper).find((bar) => (deeper > 0 ? isIn(bar, from) : isIn(from, bar)));
    if (!to) return;
    const { period } = this.viewer;
    if (to.start < period.from || to.end > period.to) period.move((to.start + to.end - period.from - period.to) / 2);
    this.viewer.select(this.selectionOf(to));
    this.reached = { bar: to, selected: this.viewer.state.selected };
  }

  // The bar that the arrows have led to, or the first bar of what is selected.
  barSelected() {
    const { selected } = this.viewer.state,
      { reached } = this;
    if (reached && reached.selected === selected && this.bars.includes(reached.bar)) return reached.bar;
    const calls = callsOf(this.viewer, selected);
    return this.bars.find(({ op, scope }) => (op ? selected?.kind === "op" && selected.id === op.id : calls.has(scope.id)));
  }

  selectionOf({ op, ops, scope, ofGradient }) {
    if (ofGradient && ops.length > 1) return { kind: "ops", id: ops[0].id, ids: ops.map(({ id }) => id) };
    return op || ofGradient ? { kind: "op", id: (op ?? ops[0]).id } : selectionOfCall(this.viewer, scope);
  }

  move(by) {
    this.viewer.period.move(by);
    this.draw();
  }

  zoom(factor, time) {
    this.viewer.period.zoom(factor, time);
    this.draw();
  }

  // Where no op ran: for how long, and between which.
  tellGap(event) {
    const { model } = this.viewer,
      box = this.canvas.getBoundingClientRect(),
      time = this.from + ((event.clientX - box.left) / box.width) * (this.to - this.from),
      gap = gapsOfOps(this.viewer).find(({ start, end }) => start < time && time < end);
    if (!gap || !gap.before || !gap.after) return false;
    const [before, after] = [gap.before, gap.after].map((op) => clean(model.titleOf(op), 40));
    this.tip.textContent = `${seconds(gap.end - gap.start)} between ${before} and ${after} · Python, the tracer, and what isn't recorded as an op`;
    placeTip(this.tip, event);
    return true;
  }

  point(event) {
    this.pointed = event;
    const bar = this.at(event);
    this.tip.hidden = !bar && !this.tellGap(event);
    if (!bar) return;
    const { model, selection, state } = this.viewer,
      ops = bar.ops ?? [bar.op],
      place = bar.op ? model.ownerOf(bar.op) : model.path(bar.scope.parent),
      share = shareWord(model, ops),
      isOther = !model.tellsStep && selection.faster !== state.step && ops.some(({ usual }) => usual), // than boxes tell of
      told = [clean(bar.title, 60), place && clean(place, 100), `${seconds(bar.end - bar.start)}${bar.op ? share : " from start to end"}`];
    if (bar.ops) told.push(`${seconds(tookOf(ops))} in ${counted(ops.length, "op")}`);
    if (isOther) told.push(`in boxes ${seconds(usualTime(ops))} (${selection.timesOf})`);
    this.tip.textContent = [...told, `at ${seconds(bar.start - this.first)}`].filter(Boolean).join(" · ");
    placeTip(this.tip, event);
  }
}

// The layers of which an op computes gradients, from the outside in, without the model around all of them: the pass that the
// op is part of stands for that.
export function layersOfGradient(model, op) {
  if (op.phase !== "backward" || op.home === op.scope) return [];
  const layers = model
    .ancestors(op.home)
    .reverse()
    .filter((scope) => scope.kind !== "step" && scope.kind !== "backward");
  return layers.length > 1 ? layers.slice(1) : layers;
}

// Which step the timeline shows, and whether boxes tell times of the same.
function stepOfTimeline(viewer) {
  const { model, selection, state } = viewer,
    alone = stepAlone(viewer);
  if (!alone) return "";
  if (model.tellsStep || selection.faster === state.step) return `${alone}, as in the boxes`;
  return `${alone}; boxes: ${selection.timesOf}`;
}

// The calls that are selected, by the number of their scope: of a layer all that its block shows.
function callsOf(viewer, selected) {
  if (selected?.call !== undefined) return new Set([selected.call]);
  const block = selected?.kind === "scope" && selected.round === undefined ? viewer.index.blocks.get(selected.key) : undefined,
    parts = block ? partsOf(viewer, block) : [];
  return new Set(block?.scope ? [block.scope.id, ...parts.map(({ scope }) => scope.id)] : []);
}
