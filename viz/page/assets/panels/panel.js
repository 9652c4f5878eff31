// The panel at the side: all that is known of what is selected; of nothing, an overview.

import { button, el, icon } from "../app/dom.js";
import { showPanelHint } from "../app/legend.js";
import { NARROW } from "../app/viewer.js";
import { isMeasured } from "../recording/flaws.js";
import { amount, clean, counted, numeral, percent } from "../recording/formatting.js";
import { nameOfCall, standInFor } from "../recording/stand_ins.js";
import { histogram } from "./charts.js";
import { Details } from "./details.js";
import { layerPanel } from "./layer.js";
import { severalOps, severalTensors } from "./several.js";

export class Panel {
  constructor(viewer) {
    this.viewer = viewer;
    this.node = el("aside", { class: "panel", "aria-label": "details" });
    this.grip = el("div", { class: "panel-grip", title: "drag to resize" });
    this.body = el("div", { class: "panel-body" });
    this.node.append(this.grip, this.body);
    this.grip.addEventListener("pointerdown", (event) => {
      this.grip.setPointerCapture(event.pointerId);
      const move = (to) =>
        this.viewer.root.style.setProperty("--panel", `${Math.max(220, Math.min(innerWidth * 0.7, innerWidth - to.clientX))}px`);
      this.grip.addEventListener("pointermove", move);
      const release = () => {
        this.grip.removeEventListener("pointermove", move);
        this.viewer.dock.refresh();
      };
      this.grip.addEventListener("pointerup", release, { once: true });
    });
  }

  // On a phone, where the tabs close for it: together they would leave the graph a strip.
  setOpen(open, isForChoice = false) {
    const { viewer } = this;
    this.isForChoice = open && isForChoice && (this.isForChoice || !viewer.state.panel);
    if (open && viewer.opensPanel) viewer.root.classList.add("whole-dock"); // whose bars stay where they are
    if (open) viewer.opensPanel = false;
    viewer.state.panel = open;
    viewer.root.classList.toggle("panelless", !open);
    if (open && isOnPhone() && viewer.state.dock) viewer.dock.setOpen(false);
    else viewer.dock.refresh(); // whose bars and letters are drawn for its width
    showPanelHint(viewer);
  }

  // Where it lies over half of a narrow window only since something was chosen, it is closed with that.
  closeAgain() {
    if (this.isForChoice && matchMedia(NARROW).matches) this.setOpen(false);
  }

  // By the reader's hand: from then on it stays as it is.
  toggle() {
    this.viewer.opensPanel = false;
    this.setOpen(!this.viewer.state.panel);
  }

  show() {
    const { selected } = this.viewer.state,
      details = new Details(this.viewer);
    const panels = {
      op: () => details.op(selected.id),
      scope: () => layerPanel(details, selected),
      part: () => details.part(selected),
      tensor: () => details.tensor(selected.id),
      ops: () => severalOps(details, selected),
      tensors: () => severalTensors(details, selected),
    };
    const content = selected ? panels[selected.kind]() : details.overview();
    const same =
      this.last && selected && ["kind", "id", "ids", "number", "key", "call", "round"].every((name) => String(this.last[name]) === String(selected[name]));
    this.body.replaceChildren(this.shownBy(selected), ...[content].flat(Infinity).filter(Boolean));
    if (!same) this.body.scrollTop = 0;
    this.last = selected;
  }

  // Says whose box is marked where what is selected has none, as equal parts are drawn once.
  shownBy(selected) {
    const by = selected ? standInFor(this.viewer, selected) : "",
      name = selected?.kind === "scope" && selected.call !== undefined ? `${nameOfCall(this.viewer, selected)} is ` : "";
    return by ? el("p", { class: "remark" }, clean(`${name}shown by ${by}: equal parts are drawn once (f)`, 200)) : "";
  }
}

export const isOnPhone = () => matchMedia("(max-width: 600px)").matches;

// A heading with what belongs to it; nothing where there is nothing.
export function section(title, ...content) {
  const shown = content.flat(Infinity).filter(Boolean);
  return shown.length ? el("section", {}, el("h3", {}, title), shown) : null;
}

// What words of panels and tables mean, as their tips.
export const MEANINGS = {
  FLOPs: "floating-point operations: additions and multiplications, each counted as one",
  makes: "the memory of what it makes: its outputs",
  activations: "the memory of what its forward ops make",
  "∇ box": "what the box of its gradients says",
  range: "the shortest and the longest of the recorded steps",
  share: "the optimizer updates several weights in one pass: its time is divided among them by their size",
  parameters: "how many numbers its weights hold",
  "|gradient|": "the length of the gradient: the root of the sum of its squares (L2 norm)",
  "|g| / |w|": "the length of the gradient, of that of the weight",
  "these times": "the sum of what each op usually took: so times of parts add up to that of the whole",
  "between ops": "time of the step in which no op ran: Python, the tracer, and what isn't recorded as an op",
};

// Names with values: pairs of which those without a value are left out.
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return shown.length
    ? el("dl", { class: "facts" }, shown.map(([name, value]) => [el("dt", { title: MEANINGS[name] ?? null }, name), el("dd", {}, value)]))
    : null;
}

// How many blanks all lines that hold anything begin with: a panel has no room for them.
function commonIndentation(lines) {
  const [first, ...others] = lines.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)[0]);
  let count = first ? first.length : 0;
  for (const blanks of others) while (!blanks.startsWith(first.slice(0, count))) count -= 1;
  return count;
}

// A line of code beside its number. What has no room goes on below, further in than it began: the line's own indentation is
// a padding, since as blanks a browser would break the line behind it, before a long word.
function codeLine(number, text, isHere) {
  const written = text.trimStart(),
    code = el("code", {}, written || " ");
  code.style.setProperty("--indent", `${text.length - written.length}ch`);
  return el("div", { class: isHere ? "line here" : "line" }, el("span", { class: "number" }, String(number)), code);
}

// The user's line with the lines around it where they were at hand; then the calls that led there.
export function codeView(viewer, stack) {
  if (!stack.length) return null;
  const [frame, ...outer] = stack,
    near = (viewer.data.excerpts || {})[frame.file] || {};
  const shown = [];
  for (let number = frame.line - 3; number <= frame.line + 3; number += 1) {
    const text = near[number] ?? (number === frame.line ? frame.code : null);
    if (text !== null && text !== undefined) shown.push([number, text]);
  }
  const indented = commonIndentation(shown.map(([, text]) => text)),
    lines = shown.map(([number, text]) => codeLine(number, text.slice(indented), number === frame.line));
  const called = outer.map((each) => el("li", {}, el("span", { class: "place" }, clean(each.place, 200)), el("code", {}, clean(each.code, 160))));
  return [
    el("div", { class: "place" }, el("strong", {}, clean(frame.place, 200)), frame.fn && frame.fn !== "<module>" ? ` in ${clean(frame.fn, 80)}` : "", button(icon("copy"), "copy the place", () => copy(viewer, frame.place), { class: "small" })),
    lines.length ? el("div", { class: "code" }, lines) : null,
    outer.length ? el("details", {}, el("summary", {}, `called from ${counted(outer.length, "place")}`), el("ol", { class: "stack" }, called)) : null,
  ];
}

function copy(viewer, text) {
  const done = () => {
    viewer.voice.textContent = `copied ${text}`;
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => viewer.toolbar.warn(text));
  else viewer.toolbar.warn(text);
}

export function statsView(tensor) {
  const { stats } = tensor;
  if (!stats || !isMeasured(tensor)) return null;
  const size = tensor.shape.reduce((a, b) => a * b, 1),
    bad = stats.nan + stats.inf;
  const pair = (name, value, alarm) => el("div", { class: alarm ? "alarm" : "" }, el("span", {}, name), el("b", {}, value)),
    known = ["min", "max", "mean", "std"].map((name) => pair(name, numeral(stats[name])));
  if (stats.l2 !== null) known.push(pair("L2", numeral(stats.l2)));
  if (stats.zeros !== null && size) known.push(pair("zeros", percent(stats.zeros / size), stats.zeros === size));
  if (bad) known.push(pair("NaN", amount(stats.nan), stats.nan > 0), pair("inf", amount(stats.inf), stats.inf > 0));
  return [
    el("div", { class: "numbers" }, known),
    stats.histogram.length && stats.min !== null ? histogram(stats.histogram, stats.min, stats.max) : null,
    stats.preview.length ? el("p", { class: "preview" }, `${stats.preview.map(numeral).join("  ")}${size > stats.preview.length ? " …" : ""}`) : null,
  ];
}

// The user's line that an op comes from, as the doctor names it: of what `fit` runs by itself that which made the layer,
// and behind it that which ran it.
export function codeOf(viewer, op) {
  const made = viewer.model.lineOf(op),
    [run] = op.stack;
  if (!made || (run && run.place === made.place)) return [section("Code", codeView(viewer, op.stack))];
  return [
    section("Made here", codeView(viewer, [made])),
    section("Called here", codeView(viewer, op.stack)),
  ];
}
