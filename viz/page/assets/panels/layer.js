// What the side panel says of a layer, or another block: of equal parts that are drawn once the sums and each of them, or
// one of them alone.

import { button, el } from "../app/dom.js";
import { opsIn } from "../recording/blocks.js";
import { amount, clean, counted, nbytes, percent, seconds, short } from "../recording/formatting.js";
import { codeOf, codeView, facts, section } from "./panel.js";
import { countOfParts, firstPart, listOfParts, partSelected, partsOf } from "./parts.js";
import { linksTo } from "./places.js";
import { settingsTable } from "./settings.js";
import { factsOfOps, opThatOpens, placeIn, withoutCommon } from "./several.js";
import { timesOfLayer, wholeOf } from "./times.js";

export function layerPanel(details, selected) {
  const { viewer, model } = details,
    { key } = selected,
    all = viewer.index.blocks.get(key);
  if (!all) return details.overview();
  if (selected.pass !== undefined && all.back.some(({ pass }) => pass === selected.pass)) return gradientsPanel(details, all, selected.pass);
  const part = partSelected(viewer, selected),
    block = part ?? all,
    { scope } = block;
  return [
    details.heading(
      scope ? scope.cls || scope.kind : "group",
      "scope",
      block.title || "equal parts",
      part && scope ? details.pathLinks(scope.parent) : linksTo(details, viewer.index.parents.get(key), true),
    ),
    buttonsOfLayer(viewer, all, part),
    scope && scope.error ? el("p", { class: "alarm" }, clean(scope.error, 500)) : null,
    factsOfLayer(viewer, block, part),
    viewer.liveValues && scope
      ? section("Output", scope.outputs.slice(0, 3).map((t) => details.tensorCard(t)))
      : null,
    part ? null : listOfParts(details, all),
    weightsOfLayer(details, block, part),
    scope && scope.createdAt ? section("Made here", codeView(viewer, [scope.createdAt])) : null,
    scope ? section("Called here", codeView(viewer, scope.stack)) : codeOfGroup(details, block),
    scope ? section("Settings", settingsTable(scope.config())) : null,
  ];
}

// What computes the gradients of a closed layer, of one loss, as its box says.
function gradientsPanel(details, block, of) {
  const { viewer, model } = details,
    { ops: ids, name } = block.back.find(({ pass }) => pass === of),
    ops = ids.map((id) => model.ops[id]),
    count = countOfParts(viewer, block),
    places = ops.map((op) => placeIn(model, op, false)),
    told = withoutCommon(places);
  return [
    details.heading("backward", "backward", `∇ ${block.title}`, name || null),
    el("p", { class: "remark" }, "The gradients of ", details.link(clean(block.title, 60), { kind: "scope", key: block.key }), name ? `, ${name}.` : "."),
    facts([
      ["sums", count > 1 ? `of ${count} equal parts together` : null],
      ...factsOfOps(viewer, ops),
    ]),
    details.list(`${counted(ops.length, "op")}`, ops.map((op, i) => opThatOpens(details, op, told[i]))),
  ];
}

function buttonsOfLayer(viewer, block, part) {
  const { key } = block,
    isOpen = viewer.open.has(key),
    count = partsOf(viewer, block).length;
  return el(
    "p",
    { class: "buttons" },
    button(isOpen ? "Close" : "Open", isOpen ? "close it (Enter)" : "open it (Enter)", () => viewer.toggle(viewer.nodesOf({ kind: "scope", key })[0])),
    part ? button(`Sums of all ${count}`, `this is one of ${count} equal parts that are drawn once`, () => viewer.select({ kind: "scope", key })) : null,
    block.repeats > 1 && block.unfoldable
      ? button(`Show all ${block.repeats}`, "draw the equal parts one by one", () => viewer.unfold(block.unfoldable))
      : null,
    viewer.state.unfolded.size ? button("Fold equal parts", "draw equal parts once again", () => viewer.foldAgain()) : null,
  );
}

function factsOfLayer(viewer, block, part) {
  const { model, selection } = viewer,
    { figures, scope, params } = block,
    whole = selection.time || 1,
    { forward, activations, flops } = figures,
    count = part ? 1 : countOfParts(viewer, block),
    [back, backwardOps] = selection.backward ? [figures.backward, figures.backwardOps] : [0, 0],
    share = (time) => `${seconds(time)}  (${percent(time / whole)} of ${wholeOf(viewer)})`,
    ofBack = block.backOps.reduce((sum, id) => sum + (model.ops[id].flops || 0), 0),
    labels = (tensors) => tensors.slice(0, 3).map((t) => model.tensors[t].label).join(", "),
    [input, output] = scope ? [scope.inputs, scope.outputs] : endsOfGroup(model, part ?? firstPart(viewer, block));
  return facts([
    ["sums", count > 1 ? `of ${count} equal parts together` : null],
    ["forward", forward ? share(forward) : null],
    ["backward", back ? share(back) : null],
    ...(back ? block.back.map(({ name, cost }) => [block.back.length > 1 ? clean(name || `∇ ${block.title}`, 60) : "∇ box", cost]) : []), // as their boxes say
    ...timesOfLayer(viewer, block),
    ["ops", amount(figures.ops) + (backwardOps ? ` + ${amount(backwardOps)} backward` : "")],
    ["FLOPs", flops ? `forward ${short(flops)}${back && ofBack ? `, backward ${short(ofBack)}` : ""}` : null],
    ["parameters", params ? amount(params) : null],
    ["activations", nbytes(activations)],
    ["input", labels(input)],
    ["output", labels(output)],
  ]);
}

// The weights that its ops read, called by where they are in it: `query/kernel`.
function weightsOfLayer(details, block, part) {
  const { model, viewer } = details,
    readers = new Map(); // of each weight the first op that reads it
  for (const op of block.ownOps.map((id) => model.ops[id]))
    for (const weight of op.inputs.map((t) => model.variables.get(t))) if (weight !== undefined && !readers.has(weight)) readers.set(weight, op);
  const outer = model.ancestors(block.scope && (part || !partsOf(viewer, block).length) ? block.scope.id : outside(viewer, block));
  return details.list(
    "Weights",
    [...readers].sort(([, one], [, other]) => one.id - other.id).map(([weight, reader]) => details.inputLine(weight, "", nameWithin(model, outer, weight, reader))),
  );
}

// The innermost call around all that a block shows.
function outside({ model, index }, { key }) {
  const ops = opsIn(index.blocks.get(key)),
    around = ops.slice(1).reduce((all, id) => new Set(model.ancestors(model.ops[id].home).filter((scope) => all.has(scope))), new Set(model.ancestors(model.ops[ops[0]].home)));
  return [...around].find((scope) => scope.id !== index.blocks.get(key).scope?.id)?.id ?? null;
}

// A weight's name from where it is within some calls, innermost first; of one that has no path, from where it is read.
function nameWithin(model, calls, weight, reader) {
  const names = (scopes) => scopes.filter(({ label }) => label).map(({ shown }) => shown).reverse(),
    frames = names(calls),
    parts = model.tensors[weight].name.split("/");
  for (let from = 0; from < frames.length; from += 1) {
    const rest = frames.slice(from);
    if (rest.length < parts.length && rest.every((name, i) => name === parts[i])) return parts.slice(rest.length).join("/");
  }
  const within = parts.length > 1 ? [] : names(model.ancestors(reader.home)).slice(frames.length);
  return [...within, ...parts].join("/");
}

// What a group of layers that stand for one is given, and makes.
function endsOfGroup(model, { ownOps }) {
  const ops = [...ownOps].sort((a, b) => a - b).map((id) => model.ops[id]),
    made = new Set(ops.flatMap(({ outputs }) => outputs)),
    read = new Set(ops.flatMap(({ inputs }) => inputs)),
    given = [...read].filter((t) => !made.has(t) && !model.variables.has(t) && model.tensors[t].role !== "constant");
  return [given, ops.length ? ops.at(-1).outputs.filter((t) => !read.has(t)) : []];
}

// The line that made its first layer, or ran its first op.
const codeOfGroup = ({ viewer, model }, { ownOps }) => (ownOps.length ? codeOf(viewer, model.ops[ownOps[0]]) : null);
