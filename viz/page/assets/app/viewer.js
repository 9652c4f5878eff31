// The whole: one recording, one state, and the parts of the page that show it.

import { Scene } from "../graph/assembly.js";
import { domId, spoken } from "../graph/boxes.js";
import { Canvas } from "../graph/canvas.js";
import { colour } from "../graph/colours.js";
import { placeScene } from "../graph/routes.js";
import { Changes } from "../panels/changes.js";
import { Dock } from "../panels/dock.js";
import { Panel, isOnPhone } from "../panels/panel.js";
import { shownPeriod } from "../panels/period.js";
import { placeOfBox } from "../panels/places.js";
import { listOpsOf } from "../panels/several.js";
import { chooseParts, openAsBefore } from "../recording/blocks.js";
import { flawPath } from "../recording/flaws.js";
import { ancestorsOf, criticalPath, descendantsOf, partnersOf } from "../recording/lineage.js";
import { Model, stepsOf } from "../recording/model.js";
import { Selection } from "../recording/selection.js";
import { changesSince } from "../recording/step_changes.js";
import { tellTimes } from "../recording/usual_times.js";
import { updatesOfState } from "../recording/weights.js";
import { Minimap } from "../view/minimap.js";
import { placeInMiddle, showFirstView, tellsEachStep } from "../view/sight.js";
import { boxesOfParts, chosenAfter, chosenBefore, closedAround, equalPart, isFoldedNow, nodesOfSelected, opsOfSelected, selectionOfNode } from "./chosen.js";
import { batched, button, el, icon, notice } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { revealPath, showLegend, showPath, showPathLength } from "./legend.js";
import { applyHash, keyOfSelection, selectionOfKey, writeHash } from "./permalink.js";
import { deepest, freshState, indexBlocks, openTo } from "./state.js";
import { Toolbar } from "./toolbar.js";

export const NARROW = "(max-width: 900px)";

export class Viewer {
  constructor() {
    this.state = freshState();
    this.liveValues = null; // on the page of a model: shows a tensor's values of now, and sets its statistics
    this.opensPanel = false; // does it open with the first box that is chosen? See `showFirstView`.
    this.deepestAtFirst = Infinity; // how many levels are open before the reader opens any
    this.followsLast = true; // until the reader chooses a step
    this.dock = new Dock(this);
    this.panel = new Panel(this);
    this.toolbar = new Toolbar(this);
    this.canvas = new Canvas((name, detail) => this.onCanvas(name, detail));
    this.minimap = new Minimap(this);
    this.legend = el("div", { class: "legend", "aria-label": "what colours mean" });
    this.pathLength = button("", "list its ops", () => showPath(this), { class: "link path-length", "aria-label": null });
    this.message = el("div", { class: "message" });
    this.voice = el("div", { class: "voice", role: "status", "aria-live": "polite" });
    const zoom = el(
      "div",
      { class: "zoom", role: "group", "aria-label": "zoom" },
      button("+", "zoom in (z)", () => this.canvas.zoom(1.3)),
      button("−", "zoom out (x)", () => this.canvas.zoom(1 / 1.3)),
      button(icon("fit"), "fit all (0); readable (9)", () => this.canvas.fit(true, true)),
    );
    this.sight = el("div", { class: "sight" }, this.canvas.node, zoom, this.minimap.node, this.message);
    const foot = el("div", { class: "foot" }, this.legend, this.minimap.beyond);
    this.stage = el("main", { class: "stage" }, this.sight, foot);
    this.root = el("div", { class: "viewer" }, this.toolbar.node, this.stage, this.panel.node, this.dock.node, this.voice);
    document.body.append(this.root);
    if (matchMedia(NARROW).matches) {
      // little room: the graph first
      this.dock.setOpen(false);
      this.panel.setOpen(false);
    }
    listenToKeys(this);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.showTheme());
    addEventListener("hashchange", () => applyHash(this));
    addEventListener("resize", batched(() => this.dock.refresh()));
    this.saveHash = batched(() => writeHash(this));
  }

  // The time of the shown step, on which all tabs agree.
  get period() {
    return shownPeriod(this);
  }

  // Shows a recording. One that takes the place of another keeps what is open, selected and in sight.
  show(data) {
    const began = performance.now(),
      again = Boolean(this.model),
      selectedKey = again ? keyOfSelection(this) : null;
    this.data = data;
    this.model = new Model(data);
    this.difference = data.diff ? new Changes(this.model, data.diff) : null;
    this.flaw = this.model.flaw;
    if (!again && tellsEachStep(this)) this.state.times = "step";
    this.places = stepsOf(this.model);
    if (this.followsLast || !this.places.includes(this.state.step))
      this.state.step = this.places.includes(data.step) ? data.step : this.places[0];
    this.rebuild();
    this.toolbar.show();
    this.state.selected = selectedKey ? selectionOfKey(this, selectedKey) : null;
    this.dock.refresh(); // which takes or leaves room before the graph is fitted into the rest
    if (!again) {
      showFirstView(this);
      if (!applyHash(this) && this.difference) this.showDifference();
    } else this.canvas.fitAgain();
    this.update();
    this.timings = { ...this.timings, show: performance.now() - began };
  }

  // ---------------------------------------------------------------- what is drawn

  // Again from the ops: for another step, direction or folding.
  rebuild() {
    const { state, model } = this;
    tellTimes(model, state.times);
    this.selection = new Selection(model, state.step, state.view);
    this.tree = this.selection.tree;
    if (!this.data.diff) this.difference = changesSince(this);
    chooseParts(this.selection.blocks, (run) => isFoldedNow(this, run));
    this.index = indexBlocks(this.tree);
    this.depth = Math.min(this.deepestAtFirst, this.selection.depths[state.fold ? 0 : 1]);
    if (state.open === null) this.open = openTo(this.index, this.depth);
    else this.open = state.open;
    this.draw();
    this.toolbar.search.lookAgain();
  }

  // Again from what is open.
  draw() {
    const [began, before] = [performance.now(), this.scene];
    this.scene = new Scene(this.selection, this.open);
    this.scene.placeOf = (node) => placeOfBox(this, node);
    placeScene(this.scene, before);
    this.repaint();
    this.timings = { ...this.timings, draw: performance.now() - began };
  }

  repaint() {
    if (!this.scene) return;
    this.toolbar.showTheme();
    const legend = colour(this.scene, this.canColour(this.state.color) === true ? this.state.color : "op", this.difference);
    if ([...this.scene.nodes.values()].some((node) => node.note)) this.grow();
    this.canvas.show(this.scene);
    showLegend(this, legend);
    this.minimap.show();
    this.mark();
    this.showMessage();
  }

  // Boxes that got a note need a line more: the scene is laid out again around them.
  grow() {
    for (const node of this.scene.nodes.values())
      if (node.note && !node.lines.includes(node.note)) node.lines.push(node.note);
    for (const node of this.scene.nodes.values()) node.note = "";
    placeScene(this.scene, this.scene);
  }

  showMessage() {
    this.message.hidden = this.scene.nodes.size > 0;
    if (this.message.hidden) return;
    const { error } = this.model.data.meta,
      why = `No op of eagerflow ran while this was recorded.${error ? ` It ended with ${error}.` : " Run a model, a loss or a training step inside the block:"}`,
      empty = this.model.ops.length ? [`No ${this.state.view} ops here`, "Choose another direction (v) or step ([ and ])."] : ["Nothing was recorded", why, "with viz.trace() as t: model.fit(x, y)"];
    this.message.replaceChildren(notice(...empty));
  }

  // true, or in words why not.
  canColour(mode) {
    const { model } = this;
    if (mode === "time" && !model.hasTimes) return "times were not recorded: viz.trace(time=True)";
    if ((mode === "grad" || mode === "nonfinite") && !model.hasStats)
      return 'needs statistics: record with viz.trace(stats="basic")';
    if ((mode === "diff" || mode === "slower") && !this.difference) return "compare two steps, or two recordings: t.to_html(path, diff=other)";
    return true;
  }

  // ---------------------------------------------------------------- what the reader does

  onCanvas(name, detail) {
    if (name === "view") {
      this.minimap.showView();
      this.saveHash();
    } else if (name === "open") this.toggle(detail.id);
    else if (name === "click" && detail.onToggle) this.toggle(detail.id);
    else if (name === "click") this.selectNode(detail.id);
  }

  selectNode(id) {
    const node = this.scene.nodes.get(id),
      frame = this.scene.frames.get(id);
    if (frame) this.select(this.selectionOf(frame.key), false);
    else this.select(node ? selectionOfNode(node) : null, false);
  }

  // What is selected when something that opens is: a layer, or a fused op.
  selectionOf(key) {
    const row = this.index.opening.get(key);
    return row ? { kind: "op", id: row.ops[0] } : { kind: "scope", key };
  }

  // Selects something; `reveal` opens what is around it and brings it into sight.
  select(selected, reveal = true) {
    const before = { ...this.state };
    this.toolbar.hideWarning();
    this.state.selected = selected;
    if (selected) this.canvas.hold();
    const opens = selected && (this.opensPanel || matchMedia(NARROW).matches);
    if (opens && !(reveal && isOnPhone() && this.state.dock)) this.panel.setOpen(true, true); // which takes room from the graph
    else if (!selected) this.panel.closeAgain();
    if (selected && reveal) this.reveal(selected);
    this.update();
    if (opens && !reveal) this.canvas.keepInSight(this.boxOf(selected), true); // it stays under the mouse if it can
    if (this.state.step !== before.step) this.toolbar.tellStep(() => this.goBack(before), before.step);
  }

  // To the step and what was selected before.
  goBack({ step, selected }) {
    this.setStep(step, true);
    this.select(selected);
  }

  reveal(selected) {
    const op =
      selected.kind === "scope" ? null : selected.kind.startsWith("tensor") ? this.opOfTensor(selected.id) : selected.id;
    if (selected.kind === "scope" && !this.index.blocks.has(selected.key)) return;
    if (op !== null && this.model.steps.length && this.model.ops[op].step !== this.state.step)
      this.setStep(this.model.ops[op].step, true);
    const closed = closedAround(this, selected, op);
    if (closed.length) {
      this.setOpen(new Set([...this.open, ...closed]));
    }
    this.canvas.reveal(this.nodesOf(selected));
  }

  opOfTensor(id) {
    const tensor = this.model.tensors[id],
      variable = this.model.variables.get(id);
    if (variable === undefined && tensor.producer !== null) return tensor.producer;
    const isIt = (read) => read === id || (variable !== undefined && this.model.variables.get(read) === variable),
      here = this.selection.ops.find((op) => op.inputs.some(isIt)), // another version of a weight, in another step
      updates = updatesOfState(this.model, id);
    return here?.id ?? updates.find((op) => this.selection.here.has(op)) ?? updates[0] ?? this.model.readers[id][0] ?? tensor.producer;
  }

  // The key of the innermost block in which an op is shown.
  blockAround(id) {
    return id === null ? undefined : this.index.around.get(id);
  }

  nodesOf(selected) {
    return nodesOfSelected(this, selected);
  }

  boxOf(selected) {
    const [id] = this.nodesOf(selected);
    return id === undefined ? null : this.scene.nodes.get(id) || this.scene.frames.get(id);
  }

  opsOf(selected) {
    return opsOfSelected(this, selected);
  }

  update() {
    this.mark();
    this.panel.show();
    this.dock.select();
    this.saveHash();
    const [node] = this.nodesOf(this.state.selected),
      box = node && this.scene.nodes.get(node);
    this.canvas.node.setAttribute("aria-activedescendant", node ? domId(node) : "");
    this.voice.textContent = box ? spoken(box) : "";
  }

  mark() {
    const { selected, lineage } = this.state,
      ops = this.opsOf(selected),
      nodes = new Set(this.nodesOf(selected)),
      shown = (set) => new Set([...set].flatMap((op) => this.scene.boxesOf(op)));
    const partners = new Set([...partnersOf(this.model, ops)].flatMap((id) => this.nodesOf({ kind: "op", id })));
    nodes.forEach((node) => partners.delete(node));
    let near = null;
    if (lineage === "flaw" && this.flaw)
      near = shown([...flawPath(this.model, this.flaw), ...ancestorsOf(this.model, [this.flaw.id], this.selection.here)]);
    else if (lineage === "critical") near = shown(criticalPath(this.model, this.selection.ops));
    else if (lineage && ops.length) {
      const { here } = this.selection;
      near = shown([...(lineage !== "descendants" ? ancestorsOf(this.model, ops, here) : []), ...(lineage !== "ancestors" ? descendantsOf(this.model, ops, here) : [])]);
      nodes.forEach((node) => near.add(node));
    }
    if (near) this.addSources(near);
    showPathLength(this);
    this.canvas.mark(nodes, partners, near, this.toolbar.search.boxes());
    this.minimap.show();
  }

  // Inputs and weights are no ops: they stand out when something that reads them does.
  addSources(near) {
    for (const edge of this.scene.edges) {
      const tail = this.scene.nodes.get(edge.tail);
      if (near.has(edge.head) && (tail.kind === "input" || tail.kind === "parameter")) near.add(edge.tail);
    }
  }

  setLineage(lineage) {
    this.state.lineage = this.state.lineage === lineage ? null : lineage;
    this.toolbar.showLineage();
    this.update();
    const depends = { ancestors: "what it depends on", descendants: "what depends on it" }[this.state.lineage];
    if (depends && !this.state.selected) this.toolbar.warn(`Select a box: then ${depends} stands out.`);
    if (!this.pathLength.textContent) return;
    this.voice.textContent = this.pathLength.textContent;
    revealPath(this);
  }

  // The box as it is now, and as it is afterwards: it stays where it is on the screen, unless all is fitted into that.
  toggle(id) {
    const node = this.scene.nodes.get(id),
      frame = this.scene.frames.get(id),
      key = (frame || node || {}).key;
    if (!key) return listOpsOf(this, node);
    const open = new Set(this.open),
      isWhole = this.canvas.isWhole();
    if (open.has(key)) open.delete(key);
    else open.add(key);
    this.setOpen(open, isWhole ? null : this.anchorOf(id), key);
    this.select(equalPart(this.state.selected, key) ?? this.selectionOf(key), false);
    if (isWhole) this.canvas.fit(true, true);
    else this.canvas.reveal(this.nodesOf(this.state.selected).slice(0, 1), true, 0);
    return undefined;
  }

  // What stays in its place when a box opens or a frame closes: of a fused op the column of its parts.
  anchorOf(id) {
    const box = this.scene.frames.get(id) || this.scene.nodes.get(id),
      [part] = (box && this.scene.partNodes.get(box.op)) || [];
    const { x, w } = part ? this.scene.nodes.get(part) : box || {};
    return box ? { x, w, y: box.y } : null;
  }

  setOpen(open, from = null, key = null) {
    const began = performance.now();
    this.state.open = this.open = open;
    this.draw();
    if (from) {
      const [now] = this.nodesOf(this.selectionOf(key));
      this.canvas.keep(from, this.anchorOf(now));
    }
    this.canvas.cull();
    this.timings = { ...this.timings, open: performance.now() - began };
    this.saveHash();
  }

  // Opens everything down to one level more, or one less.
  changeDepth(by) {
    const back = placeInMiddle(this);
    this.depth = Math.max(0, Math.min(deepest(this.index), this.depth + by));
    this.setOpen(openTo(this.index, this.depth));
    if (!back()) this.canvas.fit(true);
    this.toolbar.showDepth();
    this.panel.show(); // which says whether what is selected is open
  }

  unfold(key) {
    const isWhole = this.canvas.isWhole(),
      was = chosenBefore(this);
    this.refold(() => {
      if (this.state.unfolded.has(key)) this.state.unfolded.delete(key);
      else this.state.unfolded.add(key);
    });
    this.select(chosenAfter(this, was));
    const parts = boxesOfParts(this, key);
    if (isWhole) this.canvas.fit(false, true);
    else this.canvas.reveal(parts);
  }

  // Draws other equal parts once than before. What is open stays open, in each part as in the one that stands for all.
  refold(change) {
    const { state } = this,
      runs = this.selection.blocks.filter(({ kind }) => kind === "run"),
      folded = () => runs.map((run) => isFoldedNow(this, run)),
      before = folded();
    change();
    const now = folded(),
      changed = (to) => runs.filter((_, i) => before[i] !== to && now[i] === to);
    state.open = openAsBefore(this.open, changed(true), changed(false));
    this.rebuild();
  }

  // What is selected stays where it is on the screen, or else what is in its middle.
  setFold(fold) {
    const back = placeInMiddle(this),
      was = chosenBefore(this),
      from = this.boxOf(this.state.selected);
    this.refold(() => {
      this.state.fold = fold;
      this.state.unfolded.clear();
    });
    this.state.selected = chosenAfter(this, was);
    const to = this.boxOf(this.state.selected);
    if (this.canvas.isWhole()) this.canvas.fit(false, true);
    else if (from && to) {
      this.canvas.keep(from, to);
      this.canvas.cull();
      this.canvas.showBeginning(this.nodesOf(this.state.selected)[0]);
    } else if (!back()) this.canvas.fit();
    this.toolbar.show();
    this.update();
  }

  // Draws the equal parts that were unfolded once again.
  foldAgain() {
    const was = chosenBefore(this);
    this.refold(() => this.state.unfolded.clear());
    this.select(chosenAfter(this, was));
  }

  setStep(step, quietly = false) {
    if (step === this.state.step || !this.places.includes(step)) return;
    this.toolbar.hideWarning();
    const key = keyOfSelection(this);
    this.state.step = step;
    this.followsLast = false;
    this.rebuild();
    this.toolbar.show();
    if (!quietly) this.state.selected = key ? selectionOfKey(this, key) : null;
    this.dock.refresh();
    if (!quietly) this.update();
  }

  // Which times of ops are told, of TIMES; where nothing ran in several steps, they are the same.
  setTimes(times) {
    if (!this.selection.medianSteps) return;
    this.state.times = times;
    this.rebuild();
    this.toolbar.show();
    this.dock.refresh();
    this.update();
  }

  setView(view) {
    this.state.view = view;
    this.state.open = null;
    this.rebuild();
    this.canvas.fit();
    this.toolbar.show();
    this.update();
  }

  setColour(mode) {
    const possible = this.canColour(mode);
    if (possible !== true) return this.toolbar.warn(possible);
    const isWhole = this.canvas.isWhole();
    this.state.color = mode;
    this.toolbar.show();
    this.draw();
    this.update();
    return isWhole ? this.canvas.fit(false, true) : undefined; // boxes with a note are higher
  }

  // What differs from the other recording: colours, the list, and the step in which something does.
  showDifference() {
    const first = this.difference.firstOp;
    if (first !== null) this.setStep(this.model.ops[first].step, true);
    this.state.tab = "changes";
    this.dock.refresh();
    this.setColour("diff");
  }

  // To the first op whose result isn't finite, with what led there and what became of it.
  goToFlaw() {
    if (!this.model.hasStats) return this.toolbar.warn(this.canColour("nonfinite"));
    if (!this.flaw) return this.toolbar.warn("all recorded tensors are finite");
    this.state.color = "nonfinite";
    this.state.lineage = "flaw";
    this.select({ kind: "op", id: this.flaw.id });
    this.setColour("nonfinite");
    this.toolbar.showLineage();
    this.canvas.reveal([this.scene.nodeOf.get(this.flaw.id)]);
    return undefined;
  }

  setTheme(name) {
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    this.showTheme();
  }

  // All that is painted in colours of its own, where the page's own follow by themselves.
  showTheme() {
    this.repaint();
    this.dock.refresh();
    this.panel.show();
  }
}
