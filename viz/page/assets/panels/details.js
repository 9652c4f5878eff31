// What the side panel says of an op, a tensor, and of the whole.

import { selectionOfCall } from "../app/chosen.js";
import { button, el } from "../app/dom.js";
import { describe } from "../app/toolbar.js";
import { cameInSo, flawText, flawsOf, isMeasured } from "../recording/flaws.js";
import { amount, clean, counted, nbytes, numeral, seconds, short } from "../recording/formatting.js";
import { MOST_PARTS, gradientText, ratioText } from "../recording/gradient_sizes.js";
import { criticalPath, partnersOf } from "../recording/lineage.js";
import { nameShort } from "../recording/model.js";
import { rules } from "../recording/rules.js";
import { chooseCompared } from "../recording/step_changes.js";
import { durationOf, passesOf, shareWord } from "../recording/usual_times.js";
import { isWeight, placeOfWeight, updatesOfState } from "../recording/weights.js";
import { comparedWith } from "./changes.js";
import { namesOfTensor } from "./memory.js";
import { codeOf, codeView, facts, section, statsView } from "./panel.js";
import { betweenOpsText, stepWords, tookText } from "./period.js";
import { isInView, makerSeen, readersSeen } from "./places.js";
import { makerOf } from "./found.js";
import { learningRates, settingsOfOptimizer, settingsTable } from "./settings.js";
import { oneOf, placeIn, stepOf, whereOf } from "./several.js";
import { timesOfOps } from "./times.js";

const MOST_LINKS = 24;

export class Details {
  constructor(viewer) {
    Object.assign(this, { viewer, model: viewer.model });
  }

  heading(kind, phase, title, where) {
    return el("header", {}, el("span", { class: `tag ${phase}` }, kind), el("h2", { title: String(title).slice(0, 500) }, clean(title, 90)), where && el("p", { class: "where" }, where));
  }

  link(label, selected, hint = null) {
    return button(label, hint, () => this.viewer.select(selected), { class: "link", "aria-label": null });
  }

  opLink(id) {
    const op = this.model.ops[id],
      hint = this.model.ownerOf(op);
    return this.link(clean(this.model.titleOf(op), 40), { kind: "op", id }, hint);
  }

  opList(title, ids) {
    return this.list(title, this.placed(ids));
  }

  // Ops, each with its place: of calls of one layer only that differs.
  placed(ids) {
    return [...new Set(ids)].map((id) => [this.opLink(id), el("span", { class: "where" }, el("bdi", {}, placeIn(this.model, this.model.ops[id])))]);
  }

  list(title, items) {
    return items.length ? section(title, el("ul", { class: "links" }, this.lines(items))) : null;
  }

  // The lines of a list, of which a click shows the last ones, too.
  lines(items) {
    const lines = (some) => some.map((item) => el("li", {}, item)),
      rest = items.slice(MOST_LINKS),
      showAll = () => more.replaceWith(...lines(rest)),
      more = rest.length ? el("li", { class: "more" }, button(`… and ${amount(rest.length)} more`, "show them all", showAll, { class: "link" })) : null;
    return [lines(items.slice(0, MOST_LINKS)), more];
  }

  // Ops, or several that ran as one, with a bar for the time that each took.
  bars(title, passes) {
    const { model, viewer } = this,
      times = passes.map(durationOf),
      most = Math.max(1, ...times),
      row = (ops, i) => [
        el("span", { class: `bar ${ops[0].phase}`, style: `width:${Math.max(1, (times[i] / most) * 100)}%` }),
        ops.length > 1 ? this.linkToSeveral(ops) : this.opLink(ops[0].id),
        el("span", { class: "where", title: ops.length > 1 ? null : placeIn(model, ops[0]) }, el("bdi", {}, ops.length > 1 ? counted(ops.length, "op") : placeIn(model, ops[0]))),
        el("b", {}, seconds(times[i]) + shareWord(model, ops)),
      ];
    return passes.length ? section([title, viewer.selection.timesOf ? el("small", {}, viewer.selection.timesOf) : ""], el("ul", { class: "bars" }, this.lines(passes.map(row)))) : null;
  }

  linkToSeveral(ops) {
    const ids = ops.map(({ id }) => id);
    return this.link(clean(this.model.titleOf(ops[0]), 40), { kind: "ops", id: ids[0], ids });
  }

  // While the critical path stands out: its ops in the order in which they wait for each other.
  criticalPath() {
    const { model, viewer } = this;
    if (viewer.state.lineage !== "critical") return null;
    return this.bars("Critical path", [...criticalPath(model, viewer.selection.ops)].reverse().map((id) => [model.ops[id]]));
  }

  // ---------------------------------------------------------------- an op

  op(id) {
    const { model } = this,
      op = model.ops[id];
    return [this.heading(op.phase, op.phase, model.titleOf(op), whereOf(this, op)), this.notesOf(op), oneOf(this, id), this.factsOf(op), settingsOfOptimizer(model, op), ...this.restOf(op)];
  }

  // What is wrong with an op, and what differs from another recording.
  notesOf(op) {
    return [op.error ? el("p", { class: "alarm" }, clean(op.error, 500)) : null, this.flawNote(op), this.changeNote((difference) => difference.about(op.id))];
  }

  // In the panel of its box, which tells of the step, that isn't said again.
  factsOf(op, isInBox = false) {
    const { model, viewer } = this,
      times = timesOfOps([op], viewer);
    return facts([
      ...(isInBox ? times.slice(0, -1) : times),
      ["gradient of", isInBox || !hasForward(op) ? null : this.opLink(op.forward)],
      ["FLOPs", op.flops ? `${short(op.flops)}${op.duration ? `  (${short((op.flops / op.duration) * 1e9)}/s)` : ""}` : null],
      ["makes", op.made ? nbytes(op.made) : "no new memory"],
      ["step", isInBox ? null : stepOf(viewer, op)],
      ["op", op.title === op.name ? `#${op.id}` : `${op.name} #${op.id}`],
      ["thread", op.thread ? String(op.thread) : null],
      ["ran", op.replayed ? "in a captured step, replayed" : null],
    ]);
  }

  // Where an op comes from, what it reads and makes, and who reads that. `whose` stands behind each title where other ops
  // are told of, too: "of gather".
  restOf(op, whose = "") {
    const { model } = this,
      titled = (title) => (whose ? [title, el("small", {}, whose)] : title);
    return [
      this.attentionOf(op),
      ...codeOf(this.viewer, op),
      ...this.readsOf(op),
      section(titled(op.outputs.length > 1 ? "Outputs" : "Output"), op.outputs.map((t) => this.tensorCard(t))),
      this.list(titled("Inputs"), op.inputs.map((t, i) => this.inputLine(t, op.inputNames[i]))),
      this.readOfForward(op),
      section(titled("Settings"), settingsTable(op.settings())),
      this.list(titled("Parts, which ran as one"), model.partsOf(op).map((part) => this.partLine(part))),
      this.opList(titled(op.phase === "backward" ? "Gradient of" : "Backward"), partnersOf(model, [op.id])),
      this.opList(titled("Read by"), readersSeen(this.viewer, op.outputs)),
    ];
  }

  // What the rule of a gradient has beside what it is given: what its forward op read and made, which isn't recorded again
  // as inputs of it. Which of these a rule keeps is its own affair.
  readOfForward(op) {
    if (!hasForward(op)) return null;
    const { inputs, inputNames, outputs } = this.model.ops[op.forward],
      given = new Set(op.inputs),
      read = inputs.flatMap((t, i) => (given.has(t) ? [] : [this.inputLine(t, inputNames[i])])),
      made = outputs.flatMap((t) => (given.has(t) ? [] : [this.inputLine(t, "output")]));
    return this.list(["Its rule can also read", el("small", {}, "of the forward pass")], [...read, ...made]);
  }

  // Where Python took values out of what the op made: what runs after that may depend on them.
  readsOf(op) {
    return (this.model.reads.get(op.id) || []).map(({ how, frame }) =>
      section(`Read by Python, with ${clean(how, 20)}`, frame ? codeView(this.viewer, [frame]) : "its line wasn't recorded"),
    );
  }

  // What each head looks at, where the recording kept what that is computed from.
  attentionOf(op) {
    const heads = this.model.attention.get(op.id) || [],
      drawn = heads.map((address, i) => el("figure", {}, el("img", { src: address, alt: `head ${i}` }), el("figcaption", {}, `head ${i}`)));
    return heads.length ? section(["Attention", el("small", {}, "first row of the batch: downwards who looks, to the right at what")], el("div", { class: "heads" }, drawn)) : null;
  }

  // A part of a fused op: its name, and what it makes.
  partLine(part) {
    return [
      this.link(part.name, { kind: "part", id: part.op.id, number: part.number }),
      el("span", { class: "mono" }, part.made.map(({ label }) => label).join(", ")),
    ];
  }

  // ---------------------------------------------------------------- a part of a fused op

  part({ id, number }) {
    const { model } = this,
      op = model.ops[id],
      parts = model.partsOf(op),
      part = parts[number];
    if (!part) return this.op(id);
    const maker = (at) => parts.find(({ made }) => made.some((each) => each.at === at)),
      made = ({ at, label }, name) => [name ? el("span", { class: "name" }, clean(name, 30)) : null, el("span", { class: "mono" }, label), this.link(maker(at).name, { kind: "part", id, number: maker(at).number })],
      from = (each, name) => (each.id !== null && !maker(each.at) ? this.inputLine(each.id, name) : made(each, name)),
      readers = parts.filter(({ read }) => read.some(({ at }) => part.made.some((each) => each.at === at))),
      readBy = [...readers.map((each) => this.partLine(each)), ...this.placed(readersSeen(this.viewer, part.made.flatMap((each) => each.id ?? [])))];
    return [
      this.heading("part", op.phase, part.name, [...this.pathLinks(op.home), " / ", this.opLink(id)]),
      model.guilty.get(id) === number ? el("p", { class: "alarm" }, "NaN or infinity arises here: all that it reads is finite.") : null,
      el("p", { class: "remark" }, `${op.name} ran as one op: its parts have no time and no memory of their own.`),
      this.list("Inputs", part.read.map((each, i) => from(each, part.inputNames[i]))),
      section(part.made.length > 1 ? "Outputs" : "Output", part.made.map((each) => (each.id === null ? el("div", { class: "card mono" }, each.label) : this.tensorCard(each.id)))),
      section("Settings", settingsTable(part.settings())),
      this.list("Read by", readBy),
      ...codeOf(this.viewer, op),
    ];
  }

  pathLinks(scope) {
    const scopes = this.model.ancestors(scope).filter(({ label }) => label).reverse();
    return scopes.flatMap((s, i) => {
      const selected = selectionOfCall(this.viewer, s);
      return [i ? " / " : "", selected?.kind === "scope" ? this.link(s.label, selected) : s.label];
    });
  }

  flawNote(op) {
    const text = flawText(this.model, op);
    if (!text) return null;
    const guilty = this.model.origins.has(op.id) && this.model.partsOf(op)[this.model.guilty.get(op.id)];
    return el("p", { class: "alarm" }, text, guilty ? [" They come from ", this.partLine(guilty)[0], "."] : "");
  }

  changeNote(about) {
    const changes = this.viewer.difference ? about(this.viewer.difference) : [];
    return changes.length ? el("div", { class: "remark" }, changes.map((text) => el("p", {}, clean(text, 300)))) : null;
  }

  // The tensor that is read as an argument of this name; a weight is called so, or by its own name.
  inputLine(id, name, weight = "") {
    const tensor = this.model.tensors[id],
      { producer } = tensor,
      isWeightHere = this.model.variables.has(id),
      role = rules.roles[tensor.role],
      called = isWeightHere ? clean(weight || tensor.name.split("/").pop() || role, 60) : clean(tensor.name, 40) || role,
      isMade = !isWeightHere && producer !== null;
    return [
      name ? el("span", { class: "name" }, clean(name, 30)) : null,
      el("span", { class: "mono" }, tensor.label),
      isMade ? this.opLink(makerSeen(this.viewer, producer)) : this.link(called, { kind: "tensor", id }, isWeightHere ? placeOfWeight(this.model, id).whole : null),
      flawsOf(tensor) ? el("span", { class: "alarm" }, "not finite") : null,
    ];
  }

  tensorCard(id) {
    const tensor = this.model.tensors[id],
      told = [tensor.nbytes ? nbytes(tensor.nbytes) : "empty", tensor.device !== "cpu" && tensor.device, tensor.role !== "activation" && rules.roles[tensor.role] + gradientOfWhat(this.model, tensor)],
      head = el("div", { class: "card-head" }, el("span", { class: "mono" }, tensor.label), told.filter(Boolean).map((text) => el("span", {}, text)));
    return el("div", { class: "card" }, head, this.gradientLine(tensor), this.values(tensor));
  }

  // What is known of a tensor's values; where the model runs beside the graph, those of now.
  values(tensor) {
    const { liveValues } = this.viewer;
    return liveValues ? [liveValues(tensor), statsView(tensor)] : statsView(tensor);
  }

  // Of a weight as the step that is shown reads it where that was measured: after updates, only where these left NaN or
  // infinity in it. Else as it was before them, and what its norm is now.
  valuesSection(tensor, versions) {
    const { model, viewer } = this;
    if (versions.length < 2 || viewer.liveValues) return section("Values", this.values(tensor));
    const read = model.asRead(tensor.id, viewer.selection.here),
      shown = isMeasured(read) ? read : model.tensors[versions[0]],
      { step } = viewer.state,
      now = `as read ${step === null ? "outside of steps" : `in ${nameShort(model, step)}`}`,
      norm = shown === read ? null : model.norm(read);
    return section(
      ["Values", el("small", {}, shown.version ? now : "before the first recorded update")],
      norm === null ? null : el("p", { class: "remark" }, `L2 ${now}: `, el("b", {}, numeral(norm))),
      this.values(shown),
    );
  }

  gradientLine(tensor) {
    const text = gradientText(this.model, [tensor.id], this.viewer.selection.here);
    return text ? el("p", { class: "remark" }, `gradient |g|: ${text}`) : null;
  }

  // ---------------------------------------------------------------- a tensor

  tensor(id) {
    const { model } = this,
      tensor = model.tensors[id],
      variable = model.variables.get(id);
    const versions = variable === undefined ? [] : model.versionsOf(id);
    const { here } = this.viewer.selection,
      given = tensor.producer === null && variable === undefined ? model.givenAs(tensor) : null,
      place = isWeight(model, tensor) ? placeOfWeight(model, id) : null,
      told = namesOfTensor(model, tensor),
      title = told.name === rules.roles[tensor.role] && !given ? "" : told.name, // an input is called so by its box, too
      around = place && place.scope !== null ? this.pathLinks(place.scope) : [told.layer];
    return [
      this.heading(
        given?.role ?? rules.roles[tensor.role],
        tensor.role === "gradient" ? "backward" : tensor.role,
        title || tensor.label,
        title ? [...around, around.some(Boolean) && "  ·  ", tensor.label].filter(Boolean) : "",
      ),
      this.stepNote(tensor),
      this.changeNote((difference) => difference.aboutTensors([id])),
      facts([
        ["memory", nbytes(tensor.nbytes)],
        ["elements", amount(tensor.shape.reduce((a, b) => a * b, 1))],
        ["type", tensor.dtype],
        ["device", tensor.device],
        ["changed", versions.length > 1 ? `${counted(versions.length - 1, "time")} while recorded` : null],
        ["|gradient|", gradientText(model, [id], here)],
        ["|g| / |w|", variable === undefined ? null : ratioText(model, id, here)],
      ]),
      this.valuesSection(tensor, versions),
      ...gradientSections(model, id, here),
      this.opList("Made by", tensor.producer === null ? [] : [tensor.producer]),
      this.opList("Gradient computed by", model.gradients[variable ?? id].map((t) => model.tensors[t].producer).filter((op) => here.has(op))),
      this.opList("Brought up to date by", updatesOfState(model, id).filter((op) => here.has(op))),
      this.opList("Read by", (versions.length ? versions : [id]).flatMap((v) => model.readers[v]).filter((op) => here.has(op))),
    ];
  }

  // Of a tensor that is of another step than what is shown, which it is, and a way there.
  stepNote(tensor) {
    const { model, viewer } = this,
      words = stepWords(viewer, tensor);
    if (!words) return null;
    const { step, id } = model.ops[tensor.producer];
    return el("p", { class: "remark" }, `${words}, still in memory: `, this.link("go there", { kind: "op", id }, `shows ${model.stepName(step)}`));
  }

  // ---------------------------------------------------------------- the whole

  // The line that an op comes from, as the doctor names it, and that which ran it, where these are two.
  madeAndRun(op) {
    const made = this.model.lineOf(op),
      [run] = op.stack;
    if (!made) return "";
    return run && run.place !== made.place
      ? ` of the ${makerOf(op)} made at ${clean(made.place, 120)}, run at ${clean(run.place, 120)}`
      : ` at ${clean(made.place, 120)}`;
  }

  overview() {
    const { viewer, model } = this,
      { data } = viewer,
      here = viewer.selection.ops;
    const layers = new Set(model.scopes.filter((s) => s.kind === "layer").map((s) => s.owner)).size,
      top = passesOf(model, here.filter((op) => op.duration && isInView(viewer, op))).sort((a, b) => durationOf(b) - durationOf(a)).slice(0, 8),
      failed = model.ops.filter((op) => op.error).slice(-3),
      flaw = viewer.flaw && button(clean(model.titleOf(viewer.flaw), 40), null, () => viewer.goToFlaw(), { class: "link", "aria-label": null }),
      madeWith = [["Python", data.meta.python], ["NumPy", data.meta.numpy]].filter(([, version]) => version).map((each) => each.join(" "));
    return [
      this.heading("recording", "scope", data.title, String(data.meta.began || "").replace("T", " ").slice(0, 19)),
      ...data.notes.map((note) => el("p", { class: "remark" }, note)),
      ...failed.map((op) => el("p", { class: "alarm" }, "failed in ", this.opLink(op.id), ` — ${clean(op.error, 400)}`)),
      flaw ? el("p", { class: "alarm" }, cameInSo(model) || "the first NaN or infinity: ", flaw, this.madeAndRun(viewer.flaw)) : null,
      facts([
        ["ops", amount(model.ops.length)],
        ["shown", describe(viewer)], // for which the bar above may have no room
        ["steps", model.steps.length ? stepsText(model.steps.length, data.step_kinds) : null],
        ["compare with", chooseCompared(viewer)],
        ["compared with", comparedWith(viewer)],
        ...learningRates(viewer),
        ["layers", layers ? amount(layers) : null],
        ["tensors", amount(model.tensors.length)],
        ["took", tookText(viewer)],
        ["between ops", betweenOpsText(viewer)],
        ["statistics", viewer.liveValues || !model.ops.length ? null : statisticsText(data)],
        ["made with", madeWith.join(", ")],
      ]),
      this.criticalPath(),
      this.bars("What takes longest here", top),
      el("p", { class: "hint" }, "Click a box to see what it is; double-click one with a ⊕ to open it. The ops of others are listed here. ", el("kbd", {}, "/"), " searches, ", el("kbd", {}, "?"), " lists all keys."),
    ];
  }
}

// " of kernel" behind a gradient, where that of which it is has a name.
function gradientOfWhat(model, { gradientOf }) {
  const { name } = gradientOf === null ? { name: "" } : model.variables.has(gradientOf) ? placeOfWeight(model, gradientOf) : model.tensors[gradientOf];
  return name ? ` of ${clean(name, 40)}` : "";
}

export const hasForward = ({ phase, forward }) => phase === "backward" && forward !== null;

// What is known of the values of each gradient of a tensor, of many parts of the first few.
function gradientSections(model, id, here) {
  return [...model.gradientsByPass(id, here)].flatMap(([pass, found]) =>
    found.slice(0, MOST_PARTS).map((each, i) => {
      const name = [found.length > 1 ? `part ${i + 1} of ${amount(found.length)}` : "", pass].filter(Boolean).join(" ");
      return section(name ? ["Gradient", el("small", {}, name)] : "Gradient", statsView(each));
    }),
  );
}

// What was measured, and of how many tensors.
function statisticsText({ measured: [basic, full] }) {
  if (!basic && !full) return 'no: viz.trace(stats="basic") records them';
  const what = "minimum, maximum, mean, standard deviation, NaN and infinity";
  return `of ${counted(basic + full, "tensor")}: ${full > basic ? `${what}, zeros, norm, histogram and first values` : what}`;
}

// How many steps there are, of which kind where these differ, and how many of them the page has.
function stepsText(count, kinds) {
  const all = kinds.reduce((sum, [, each]) => sum + each, 0);
  const parts = kinds.map(([kind, each]) => `${amount(each)} ${kind}`);
  const shown = count < all ? `${amount(count)} of ${amount(all)}` : amount(count);
  return shown + (parts.length > 1 ? ` (${parts.join(", ")})` : "");
}
