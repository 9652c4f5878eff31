// What the colours of boxes mean. The colours themselves come from viz/picture/palette.py.

import { signed } from "../panels/changes.js";
import { flawsOf } from "../recording/flaws.js";
import { amount, counted, magnitude, nbytes, seconds } from "../recording/formatting.js";
import { sizeOfGradient, sizeTogether, sizeWord } from "../recording/gradient_sizes.js";
import { rules } from "../recording/rules.js";
import { timeOf } from "../recording/usual_times.js";
import { OUTSIDE, VARIABLES } from "./assembly.js";

export const COLOURINGS = [
  ["op", "kind of op"],
  ["time", "time"],
  ["memory", "memory made"],
  ["grad", "size of gradient"],
  ["nonfinite", "NaN and infinity"],
  ["dtype", "data type"],
  ["diff", "difference"],
  ["slower", "Δ time"],
];

// "light" or "dark": what the switch says, else what the reader's system says.
export function themeName() {
  const chosen = document.documentElement.dataset.theme;
  return chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export const themeNow = () => rules.themes[themeName()];

// The colour for a share from 0 to 1: the square root shows small shares too.
const heat = (share, theme, ramp = theme.heat) =>
  ramp[Math.floor(Math.sqrt(Math.max(0, Math.min(1, share))) * (ramp.length - 1) + 0.5)];

// Dark or light, whichever stands out more.
export const inkOn = (ground) => themeNow().inks[ground];

// Fill and line of a box.
export function coloursOf(node, theme) {
  if (node.error) return theme.error;
  const [own, line] = theme.phases[node.phase] || theme.phases.forward;
  return [node.fill || own, line];
}

// Sets the `fill` and `note` of all boxes, and gives the legend: pairs of colour and meaning.
export function colour(scene, mode, difference) {
  for (const node of scene.nodes.values()) node.fill = node.note = "";
  const painter = new Painter(scene, difference);
  return mode === "op" ? painter.byOp() : painter[PAINTERS[mode]]();
}

const PAINTERS = {
  time: "byTime",
  memory: "byMemory",
  grad: "byGradient",
  nonfinite: "byNonFinite",
  dtype: "byDtype",
  diff: "byDifference",
  slower: "byTimeDifference",
};

class Painter {
  constructor(scene, difference) {
    Object.assign(this, { scene, difference, model: scene.model, theme: themeNow() });
  }

  byOp() {
    const shown = new Set([...this.scene.nodes.values()].map((node) => node.phase));
    const boxes = Object.keys(rules.phases)
      .filter((phase) => shown.has(phase))
      .map((phase) => [this.theme.phases[phase][0], phase === "input" ? this.given() : rules.phases[phase], this.theme.phases[phase][1], phase === "input"]);
    return [...boxes, ...this.shared(shown)];
  }

  // What comes from outside: inputs, targets, and constants that the code makes, of which each picture has others.
  given() {
    const there = new Set([...this.scene.nodes.values()].filter(({ phase }) => phase === "input").map(({ role }) => role ?? "input"));
    return Object.values(OUTSIDE).filter((role) => there.has(role)).join(", ");
  }

  // What arrows bring from the box of the call that has weights to that of a later call, where no box shows weights.
  shared(shown) {
    const { nodes, edges } = this.scene,
      calls = edges.filter(({ kind, tail }) => kind === "parameter" && nodes.get(tail).kind !== "parameter"),
      kinds = new Set(calls.map(({ label }) => label === "state")),
      words = kinds.size > 1 ? "shared weights or state" : kinds.has(true) ? "shared state" : "shared weights",
      told = VARIABLES.some((phase) => shown.has(phase) && (phase !== "state" || !kinds.has(false)));
    return kinds.size && !told ? [[null, words, this.theme.lines.parameter]] : [];
  }

  // What a box's own ops made, without the casts and the parts of weights that it is shown with.
  madeButCasts(node) {
    const { ops, tensors } = this.model;
    const takes = ({ name, inputs }) =>
      name === "take_index" && inputs.every((i) => ["parameter", "frozen", "state"].includes(tensors[i].role));
    const own = node.ops.filter((i) => ops[i].name !== "cast" && !takes(ops[i]));
    return [...this.madeByOps({ ops: own.length ? own : node.ops }), ...this.ownOf(node).map((i) => tensors[i])];
  }

  madeByOps({ ops }) {
    return ops.flatMap((i) => this.model.ops[i].outputs).map((i) => this.model.tensors[i]);
  }

  // The tensors that a box stands for which no op made here: inputs, and of weights the first versions.
  ownOf({ variables, tensor }) {
    return [...(variables || []), ...(tensor === undefined ? [] : [tensor])];
  }

  // ---------------------------------------------------------------- quantities

  byTime() {
    return this.byShare("time", seconds, (node) => timeOf(this.model, node.ops));
  }

  byMemory() {
    return this.byShare("memory made", nbytes, (node) => node.ops.reduce((sum, i) => sum + this.model.ops[i].made, 0));
  }

  byShare(what, shown, cost) {
    let largest = 0;
    for (const node of this.scene.nodes.values()) largest = Math.max(largest, (node.cost = cost(node)));
    // A part of a fused op took and made nothing by itself.
    for (const node of this.scene.nodes.values())
      node.fill = node.part === undefined ? heat(node.cost / (largest || 1), this.theme) : this.theme.plain;
    return [0, 0.25, 1].map((share) => [heat(share, this.theme), `${what} ${shown(largest * share)}`]);
  }

  // The size of the gradient of what each box makes, on a logarithmic scale.
  byGradient() {
    const sizes = new Map(),
      bad = [],
      parts = new Set();
    for (const node of this.scene.nodes.values()) {
      const found = this.gradientsOf(node).filter(({ stats }) => stats),
        size = sizeTogether(found.map(sizeOfGradient));
      if (new Set(found.map(({ gradientOf }) => gradientOf)).size < found.length) parts.add(node);
      node.fill = this.theme.plain;
      if (!Number.isFinite(size)) {
        [node.fill, node.note] = [this.theme.flaw, `|g| is ${sizeWord(size)}`];
        bad.push(node);
      } else if (found.length) sizes.set(node, size);
    }
    const logs = [...sizes.values()].filter((size) => size > 0).map(Math.log10);
    const low = logs.length ? Math.min(...logs) : 0,
      high = logs.length ? Math.max(...logs) : 0;
    for (const [node, size] of sizes) {
      const share = high === low ? 1 : size > 0 ? (Math.log10(size) - low) / (high - low) : 0;
      node.fill = heat(share ** 2, this.theme);
      const together = node.lines.some((line) => line.endsWith(" together")) ? " together" : ""; // of several equal parts
      node.note = `|g| ${magnitude(size)}${together}${parts.has(node) ? " (of parts)" : ""}`;
    }
    const marks = [
      [0, low],
      [0.25, (low + high) / 2],
      [1, high],
    ];
    const found = logs.length
      ? marks.map(([share, log]) => [heat(share, this.theme), `|gradient| ${magnitude(10 ** log)}`])
      : [];
    const flawed = bad.length ? [[this.theme.flaw, "|gradient| is NaN or infinite"]] : [];
    return [...found, ...flawed, [this.theme.plain, "no gradient"]];
  }

  gradientsOf(node) {
    const { tensors, ops } = this.model,
      { here } = this.scene.selection;
    if (node.kind === "gradient") return [tensors[node.tensor]];
    const whole = this.ownOf(node).flatMap((t) => [...this.model.gradientsByPass(t, here).values()].flat());
    return [...new Set([...node.ops.flatMap((i) => ops[i].gradients).map((i) => tensors[i]), ...whole])];
  }

  // ---------------------------------------------------------------- kinds

  byNonFinite() {
    const { here } = this.scene.selection;
    for (const node of this.scene.nodes.values()) {
      const own = this.ownOf(node).map((t) => this.model.asRead(t, here)),
        count = [...this.madeByOps(node), ...own].reduce((sum, t) => sum + flawsOf(t), 0);
      node.fill = count ? this.theme.flaw : this.theme.plain;
      if (count) node.note = `${amount(count)} not finite`;
      const guilty = node.part !== undefined && this.model.guilty.get(node.main) === node.part;
      const before = own.some(({ id }) => this.model.cameIn.has(id));
      if (guilty || before || node.ops.some((i) => this.model.origins.has(i))) node.fill = this.theme.origin;
    }
    const { origins, cameIn } = this.model,
      began = cameIn.size && !origins.size ? "held NaN or infinity before" : "made from finite numbers";
    return [
      [this.theme.plain, "finite"],
      [this.theme.flaw, "NaN or infinity"],
      [this.theme.origin, began],
      ...(cameIn.size && origins.size ? [[this.theme.origin, "or held NaN or infinity before"]] : []),
    ];
  }

  byDtype() {
    const types = new Map([...this.scene.nodes.values()].map((node) => [node, new Set(this.madeButCasts(node).map((t) => t.dtype))]));
    const shown = new Set([...types.values()].flatMap((found) => [...found])),
      { kinds } = this.theme;
    const fills = new Map(this.model.data.types.map((dtype, i) => [dtype, kinds[i % kinds.length]]));
    let mixed = false;
    for (const [node, found] of types) {
      node.fill = found.size === 1 ? fills.get([...found][0]) : this.theme.plain;
      mixed = mixed || found.size > 1;
    }
    return [
      ...[...fills].filter(([dtype]) => shown.has(dtype)).map(([dtype, fill]) => [fill, dtype]),
      ...(mixed ? [[this.theme.plain, "several"]] : []),
    ];
  }

  byDifference() {
    const kinds = { added: this.theme.kinds[2], changed: this.theme.kinds[4], first: this.theme.origin },
      found = new Set();
    for (const node of this.scene.nodes.values()) {
      const worst = this.difference.kindOfBox(node);
      node.fill = worst ? kinds[worst] : this.theme.plain;
      found.add(worst ?? "equal");
      const gone = node.ops.reduce((sum, i) => sum + this.difference.goneBefore(i), 0);
      if (gone) node.note = `${counted(gone, "op")} removed here`;
    }
    const equal = this.difference.diff.isOfSteps ? "same ops and shapes (times and gradients: see the tab)" : "equal",
      told = [["equal", this.theme.plain, equal], ["added", kinds.added, "added"], ["changed", kinds.changed, "changed"], ["first", kinds.first, "first differing value"]];
    return told.filter(([kind]) => found.has(kind)).map(([, fill, words]) => [fill, words]);
  }

  // How much longer or shorter what a box stands for took than on the other side.
  byTimeDifference() {
    const more = new Map(),
      { theme } = this;
    for (const node of this.scene.nodes.values()) {
      const spans = node.part === undefined ? node.ops.map((op) => this.difference.took.get(op)).filter(Boolean) : [];
      node.fill = theme.plain;
      if (spans.length) more.set(node, spans.reduce((sum, [before, now]) => sum + now - before, 0));
    }
    const most = Math.max(1, ...[...more.values()].map(Math.abs)),
      shade = (time) => heat(Math.abs(time) / most, theme, time < 0 ? theme.cool : theme.heat);
    for (const [node, time] of more) [node.fill, node.note] = [shade(time), time ? `Δ ${signed(time, seconds)}` : ""];
    const told = [-most, -most / 4, 0, most / 4, most].filter((time) => !time || [...more.values()].some((each) => each * time > 0));
    return told.map((time) => [shade(time), time ? `Δ ${signed(time, seconds)}` : "as long"]);
  }
}
