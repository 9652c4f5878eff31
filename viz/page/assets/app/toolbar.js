// The bar on top: search, direction, colours, steps, depth, export, theme, help.

import { COLOURINGS, themeName } from "../graph/colours.js";
import { Search } from "../panels/search.js";
import { amount, clean, counted, seconds } from "../recording/formatting.js";
import { medianOf } from "../recording/usual_times.js";
import { button, el, icon, segments, selectBox } from "./dom.js";
import { makeExportMenu } from "./export.js";
import { showHelp } from "./keyboard.js";

// What a narrow bar has instead of words, as the lines of frames have them.
const inShort = (words, sign) => [el("span", { class: "spelled" }, words), el("span", { class: "in-short" }, sign)];

const NO_WORDS = 1390; // pixels of a window that has signs in any case

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer;
    this.title = el("h1", {});
    this.caption = el("span", { class: "caption" });
    this.search = new Search(viewer);
    const views = [["both", inShort("Both", "→←"), "forward and backward (v)"], ["forward", inShort("Forward", "→"), "only the forward pass (v)"], ["backward", inShort("Backward", "←"), "only the backward pass (v)"]],
      lineages = [["ancestors", icon("up"), "what the selected op depends on (a)"], ["descendants", icon("down"), "what depends on the selected op (d)"], ["critical", icon("clock"), "the critical path: the longest chain by time (p)"]],
      [less, more] = [["⊖", "close a level (-)", -1], ["⊕", "open a level (+)", 1]].map(([sign, tip, by]) => button(sign, tip, () => viewer.changeDepth(by)));
    this.views = segments("direction", views, (view) => viewer.setView(view));
    this.colours = selectBox("what colours mean (c)", COLOURINGS, (mode) => {
      viewer.setColour(mode);
      this.show();
    });
    this.lineage = segments("what stands out", lineages, (kind) => viewer.setLineage(kind));
    this.depth = el("div", { class: "segments", role: "group", "aria-label": "depth" }, less, el("span", { class: "label" }, "depth"), more);
    this.fold = button(icon("fold"), "show equal parts once (f)", () => viewer.setFold(!viewer.state.fold), { "aria-pressed": "true" });
    this.flaw = button("NaN", "the first op with NaN or infinity (n)", () => viewer.goToFlaw(), { class: "flaw" });
    this.steps = this.makeSteps();
    this.exports = makeExportMenu(viewer);
    this.theme = button(icon("theme"), "light or dark (t)", () =>
      viewer.setTheme(themeName() === "dark" ? "light" : "dark"),
    );
    this.help = button("?", "keys (?)", () => showHelp());
    this.side = button(icon("side"), "show or hide the side panel (\\)", () => viewer.panel.toggle());
    this.warning = el("div", { class: "toolbar-warning", role: "alert", hidden: true });
    addEventListener("resize", () => this.fitWords());
    const colours = el("label", { class: "colours" }, el("span", {}, "colour"), this.colours);
    this.controls = el("div", { class: "controls" }, this.steps.node, this.views, colours, this.depth, this.fold, this.lineage, this.flaw);
    this.node = el("header", { class: "toolbar" }, el("div", { class: "titles" }, this.title, this.caption), this.search.node, this.controls, el("div", { class: "end" }, this.exports, this.theme, this.help, this.side), this.warning);
  }

  makeSteps() {
    const viewer = this.viewer,
      range = el("input", { type: "range", min: 0, step: 1, "aria-label": "step", oninput: () => viewer.setStep(viewer.places[Number(range.value)]) }),
      name = el("output", {}),
      choices = [["median", "median", ""], ["step", [el("span", { class: "further" }, "this\u00a0"), "step"], "times: those of this step (m)"]],
      times = segments("which times", choices, (each) => viewer.setTimes(each));
    const move = (by) => {
      const at = viewer.places.indexOf(viewer.state.step) + by; // one of the places may be null: outside of steps
      if (at >= 0 && at < viewer.places.length) viewer.setStep(viewer.places[at]);
    };
    const [back, on] = [["‹", "the step before ([)", -1], ["›", "the next step (])", 1]].map(([sign, tip, by]) => button(sign, tip, () => move(by))),
      node = el("div", { class: "steps", role: "group", "aria-label": "training step" }, back, range, on, name, times);
    return { node, range, name, times, move };
  }

  show() {
    const { viewer } = this,
      { model, state, places } = viewer;
    document.title = clean(model.data.title, 80);
    this.title.textContent = clean(model.data.title, 60);
    this.title.title = clean(model.data.title, 500);
    const caption = describe(viewer);
    this.caption.title = this.caption.textContent = caption;
    this.views.show(state.view);
    this.colours.value = viewer.canColour(state.color) === true ? state.color : "op"; // as boxes are drawn
    for (const option of this.colours.options) {
      const possible = viewer.canColour(option.value);
      option.disabled = possible !== true;
      option.title = possible === true ? "" : possible;
      option.hidden = ["diff", "slower"].includes(option.value) && !viewer.difference;
    }
    this.fold.setAttribute("aria-pressed", String(state.fold));
    this.flaw.hidden = !viewer.flaw;
    this.steps.node.hidden = places.length < 2;
    this.steps.range.max = places.length - 1;
    this.steps.range.value = places.indexOf(state.step);
    const name = model.stepName(state.step),
      [, step = name, of = "", kind = ""] = /^(step \d+)( of \S+)(.*)$/.exec(name) || [];
    this.steps.name.replaceChildren(step, el("span", { class: kind ? "rest" : "which" }, of), kind ? el("span", { class: "further" }, kind.replace(/ step \d+\)$/, ")")) : ""); // the slider shows where among how many
    this.steps.name.title = name;
    const { medianSteps } = viewer.selection;
    this.steps.times.hidden = !medianSteps;
    this.steps.times.show(state.times);
    const [first, ...rest] = medianSteps ? medianOf(medianSteps).split(" ") : [""];
    this.steps.times.firstChild.title = medianSteps ? `times: the ${medianOf(medianSteps)} (m)` : "";
    this.steps.times.firstChild.replaceChildren(first, el("span", { class: "rest" }, `\u00a0${rest.join(" ")}`)); // where there is room
    this.showLineage();
    this.fitWords();
  }

  // Words on buttons, where all of them and the caption beside them are seen whole then; else signs.
  fitWords() {
    const { caption, controls, node } = this;
    node.classList.remove("signs");
    const isWhole = caption.scrollWidth <= caption.clientWidth && controls.scrollWidth <= controls.clientWidth;
    node.classList.toggle("signs", innerWidth <= NO_WORDS || !isWhole);
  }

  showLineage() {
    this.lineage.show(this.viewer.state.lineage);
  }

  showTheme() {
    this.theme.setAttribute("aria-pressed", String(themeName() === "dark"));
  }

  showDepth() {
    this.viewer.voice.textContent = `open to depth ${this.viewer.depth}`;
  }

  // Says for a while why something can't be done.
  warn(text) {
    this.warning.textContent = text;
    this.warning.hidden = false;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.hideWarning(), 5000);
  }

  // Says that another step is shown than before, and leads back; until something else is selected.
  tellStep(goBack, before) {
    const { model, state } = this.viewer,
      back = `back to ${model.stepName(before)}`;
    clearTimeout(this.waiting);
    this.warning.replaceChildren(`This is in ${model.stepName(state.step)}, which is shown now.`, button(back, back, goBack));
    this.warning.hidden = false;
  }

  hideWarning() {
    clearTimeout(this.waiting);
    this.warning.hidden = true;
  }
}

export function describe({ model, state, data, selection, index }) {
  const cut = data.total_ops > model.ops.length ? `cut from ${amount(data.total_ops)}` : "",
    ids = state.view === "forward" ? index.blocks.get("").ownOps : selection.ops.filter(({ phase }) => phase === "backward" || phase === "update").map(({ id }) => id),
    took = ids.map((id) => model.ops[id]).reduce((sum, { start, end }) => sum + (end ?? 0) - (start ?? 0), 0), // of this step, as in both directions
    part = state.view === "both" ? "" : `${state.view}: ${counted(ids.length, "op")}${model.hasTimes ? `, ${model.steps.length > 1 ? "this step " : ""}${seconds(took)}` : ""}`;
  return [part || model.text(model.views.get(state.step).caption), cut].filter(Boolean).join("  ·  ");
}
