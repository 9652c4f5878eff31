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

const TYPING = 360, // pixels for a long query
  NO_WORDS = 1390; // pixels of a window that has signs in any case

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer;
    this.title = el("h1", {});
    this.caption = el("span", { class: "caption" });
    this.search = new Search(viewer);
    this.views = segments(
      "direction",
      [
        ["both", inShort("Both", "→←"), "forward and backward (v)"],
        ["forward", inShort("Forward", "→"), "only the forward pass (v)"],
        ["backward", inShort("Backward", "←"), "only the backward pass (v)"],
      ],
      (view) => viewer.setView(view),
    );
    this.colours = selectBox("what colours mean (c)", COLOURINGS, (mode) => {
      viewer.setColour(mode);
      this.show();
    });
    this.lineage = segments(
      "what stands out",
      [
        ["ancestors", icon("up"), "what the selected op depends on (a)"],
        ["descendants", icon("down"), "what depends on the selected op (d)"],
        ["critical", icon("clock"), "the critical path: the longest chain by time (p)"],
      ],
      (kind) => viewer.setLineage(kind),
    );
    this.depth = el(
      "div",
      { class: "segments", role: "group", "aria-label": "depth" },
      button("⊖", "close a level (-)", () => viewer.changeDepth(-1)),
      el("span", { class: "label" }, "depth"),
      button("⊕", "open a level (+)", () => viewer.changeDepth(1)),
    );
    this.fold = button(icon("fold"), "show equal parts once (f)", () => viewer.setFold(!viewer.state.fold), {
      "aria-pressed": "true",
    });
    this.flaw = button("NaN", "the first op with NaN or infinity (n)", () => viewer.goToFlaw(), {
      class: "flaw",
    });
    this.steps = this.makeSteps();
    this.exports = makeExportMenu(viewer);
    this.theme = button(icon("theme"), "light or dark (t)", () =>
      viewer.setTheme(themeName() === "dark" ? "light" : "dark"),
    );
    this.help = button("?", "keys (?)", () => showHelp());
    this.side = button(icon("side"), "show or hide the side panel (\\)", () => viewer.panel.toggle());
    this.warning = el("div", { class: "toolbar-warning", role: "alert", hidden: true });
    addEventListener("resize", () => this.fitWords());
    this.node = el(
      "header",
      { class: "toolbar" },
      el("div", { class: "titles" }, this.title, this.caption),
      this.search.node,
      el(
        "div",
        { class: "controls" },
        this.steps.node,
        this.views,
        el("label", { class: "colours" }, el("span", {}, "colour"), this.colours),
        this.depth,
        this.fold,
        this.lineage,
        this.flaw,
      ),
      el("div", { class: "end" }, this.exports, this.theme, this.help, this.side),
      this.warning,
    );
  }

  makeSteps() {
    const viewer = this.viewer;
    const range = el("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "step",
      oninput: () => viewer.setStep(viewer.places[Number(range.value)]),
    });
    const move = (by) => {
      // one of the places may be null: outside of steps
      const at = viewer.places.indexOf(viewer.state.step) + by;
      if (at >= 0 && at < viewer.places.length) viewer.setStep(viewer.places[at]);
    };
    const name = el("output", {});
    const times = segments(
      "which times",
      [
        ["median", "median", ""],
        ["step", [el("span", { class: "further" }, "this\u00a0"), "step"], "times: those of this step (m)"],
      ],
      (each) => viewer.setTimes(each),
    );
    const node = el(
      "div",
      { class: "steps", role: "group", "aria-label": "training step" },
      button("‹", "the step before ([)", () => move(-1)),
      range,
      button("›", "the next step (])", () => move(1)),
      name,
      times,
    );
    return { node, range, name, times, move };
  }

  show() {
    const { viewer } = this,
      { model, state, places } = viewer;
    document.title = clean(model.data.title, 80);
    this.title.textContent = clean(model.data.title, 60);
    this.title.title = clean(model.data.title, 500);
    const caption = describe(viewer);
    this.caption.title = caption;
    this.caption.replaceChildren(...partsOfCaption(caption));
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

  // Words on buttons, where the caption beside them is seen whole then; else signs, and less of the title.
  fitWords() {
    const { caption, node } = this;
    const isWhole = () => caption.scrollHeight <= caption.clientHeight + 2 && node.scrollWidth <= node.clientWidth;
    node.classList.remove("signs", "short-title");
    if (innerWidth <= NO_WORDS || !isWhole()) node.classList.add("signs");
    if (!isWhole()) node.classList.add("short-title"); // which is also that of the window
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

// How wide the field of a search is while one types in it: it lies over what stands beside it, and covers nothing in part.
export function coverWhole(search) {
  const { left } = search.getBoundingClientRect(),
    beside = [...search.parentNode.querySelectorAll("button, select, label, input, output")].filter((each) => !search.contains(each)),
    boxes = beside.map((each) => each.getBoundingClientRect()).filter(({ width }) => width);
  let right = left + TYPING;
  for (let cut = boxes; cut.length; ) {
    cut = boxes.filter((box) => box.left - 4 < right && box.right + 2 > right);
    right = Math.max(right, ...cut.map((box) => box.right + 3));
  }
  search.style.setProperty("--typing", `${right - left}px`);
  search.style.setProperty("--left", `${left}px`); // the list is as wide as the window goes on
}

// Each is seen whole or, where it has no room, not at all, the last first.
function partsOfCaption(caption) {
  return caption.split(" · ").flatMap((part, i) =>
    part.trim().split(/(?=, )/).map((each, j) => {
      const [, which, told] = /^(this step: )?(.*)$/.exec(each);
      return el("span", {}, i && !j ? "\u00a0· " : "", which ? el("span", { class: "which" }, which) : "", told);
    }),
  );
}

export function describe({ model, state, data, selection, index }) {
  const cut = data.total_ops > model.ops.length ? `cut from ${amount(data.total_ops)}` : "",
    ids = state.view === "forward" ? index.blocks.get("").ownOps : selection.ops.filter(({ phase }) => phase === "backward" || phase === "update").map(({ id }) => id),
    took = ids.map((id) => model.ops[id]).reduce((sum, { start, end }) => sum + (end ?? 0) - (start ?? 0), 0), // of this step, as in both directions
    part = state.view === "both" ? "" : `${state.view}: ${counted(ids.length, "op")}${model.hasTimes ? `, ${model.steps.length > 1 ? "this step " : ""}${seconds(took)}` : ""}`;
  return [part || model.text(model.views.get(state.step).caption), cut].filter(Boolean).join("  ·  ");
}
