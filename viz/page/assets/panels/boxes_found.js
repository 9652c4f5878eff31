// What a search finds beside layers, ops and single variables: boxes and frames that stand for several of them, bars of the
// timeline, and what comes from outside.

import { selectionOfCall, selectionOfNode } from "../app/chosen.js";
import { OUTSIDE, givenTitle } from "../graph/assembly.js";
import { clean, counted } from "../recording/formatting.js";
import { CODE_FIELDS, FIELDS, testsOf } from "../recording/query.js";
import { shownFor } from "../recording/stand_ins.js";
import { placeOfWeight } from "../recording/weights.js";
import { namesOfTensor } from "./memory.js";
import { partsOf } from "./parts.js";
import { keyAround, pathTo } from "./places.js";
import { rolesOf } from "./search.js";
import { learningRateOf, settingText, settingsSaid } from "./settings.js";
import { inCommon } from "./several.js";
import { layersOfGradient } from "./timeline.js";

// Adds the boxes that match to what was found; one that stands for ops which are all found takes their place.
export function withBoxes(viewer, tests, found) {
  const known = new Map(found.filter(({ selected }) => "id" in selected).map((hit) => [`${hit.selected.kind}${hit.selected.id}`, hit])),
    ofTree = (viewer.index.named ??= [...boxesOfRows(viewer), ...framesFound(viewer), ...callsFound(viewer), ...gradientsFound(viewer), ...sumsFound(viewer)]),
    boxes = [...ofTree, ...arrowsFound(viewer), ...inputsFound(viewer)],
    added = new Map(),
    replaced = new Set();
  for (const { selects, ...box } of boxes) {
    const fields = { ...NO_FIELDS, ...box.fields, name: box.names.filter(Boolean).join(" "), layer: box.where };
    if (!tests.every((test) => test(fields))) continue;
    const selected = selects(),
      { kind, ids = [], call } = selected,
      members = ids.map((id) => known.get(`${kind.slice(0, -1)}${id}`)).filter(Boolean);
    if (kind === "tensors" && members.length) continue; // the weights are there themselves
    if (call === undefined && members.length === ids.length) members.forEach((hit) => replaced.add(hit));
    added.set(JSON.stringify([selected, box.title]), { ...box, fields, selected });
  }
  found.splice(0, found.length, ...added.values(), ...found.filter((hit) => !replaced.has(hit)));
}

// Where nothing else is found: the boxes that are drawn, on which the query stands in a line below the title.
export function saidOnBoxes({ scene }, query) {
  const said = query.toLowerCase().replace(/\s+/g, " ");
  return [...scene.nodes.values()].flatMap((node) => {
    const line = node.lines.find((each) => each.toLowerCase().includes(said));
    if (line === undefined) return [];
    return [{ selected: selectionOfNode(node), fields: NO_FIELDS, what: node.kind, phase: node.phase, title: clean(node.title, 60), where: clean(line, 120), names: [node.title] }];
  });
}

const NO_FIELDS = Object.fromEntries(FIELDS.map((name) => [name, ""]));

// Frames that are no layer: lines of code, and parts that are put together. And what computes the gradients of layers, which
// have a box while they are closed.
function framesFound(viewer) {
  const { index, selection } = viewer;
  const found = [];
  for (const block of index.blocks.values()) {
    const { key, title, scope } = block,
      where = pathTo(index, index.parents.get(key), !scope),
      selects = () => ({ kind: "scope", key });
    if (!key || !title) continue;
    if (!scope) found.push({ selects, title, what: "group", phase: "scope", where, names: [title] });
    for (const { label, selected } of scope ? [] : partsOf(viewer, block)) found.push({ selects: () => selected, title: label, what: "group", phase: "scope", where, beside: [`one of ${title}`], names: [label] });
    for (const { name, pass } of selection.backward ? block.back : [])
      found.push({
        ...{ selects: () => ({ kind: "scope", key, pass }), title: `∇ ${title}`, what: "backward", phase: "backward" },
        ...{ where: [where, name].filter(Boolean).join("  ·  "), beside: ["of the whole layer"], names: [`∇ ${title}`] },
      });
  }
  return found;
}

// The boxes of rows that stand for several weights or ops.
function boxesOfRows({ model, index, selection }) {
  const found = [],
    add = (kind, ids, title, what, phase, where) => {
      if (ids.length < 2) return;
      const changed = phase === "update" ? [...new Set(ids.flatMap((id) => model.changedBy(model.ops[id])).map((id) => placeOfWeight(model, id).name))].join(", ") : "",
        many = [counted(ids.length, kind === "ops" ? "op" : "weight"), changed && `for ${clean(changed, 60)}`].filter(Boolean).join(" ");
      found.push({
        ...{ selects: () => ({ kind, id: ids[0], ids }), title: clean(title, 60), what, phase },
        ...{ where, beside: [many], names: [title] },
      });
    };
  const ownerOf = (ids) => {
    const path = pathTo(index, keyAround(index, ids));
    return path ? [path, inCommon(ids.map((id) => model.ops[id].pass))].filter(Boolean).join("  ·  ") : model.ownerOf(model.ops[ids[0]]);
  };
  for (const row of new Set(index.rows.values())) {
    const op = model.ops[row.ops[0]];
    for (const [weights, update] of [[row.weights, row.update], ...(row.isFused ? row.opens.beside : [])]) {
      if (weights) add("tensors", weights.ids, weights.title, "weights", "parameter", pathTo(index, index.around.get(op.id)));
      if (update && selection.backward) add("ops", update.ops, update.title, "update", "update", ownerOf(update.ops));
    }
    for (const { ops } of selection.backward ? row.back : []) add("ops", ops, `∇ ${op.title}`, "backward", "backward", ownerOf(ops));
  }
  for (const { ops, title } of selection.rest) add("ops", ops, title, "update", "update", ownerOf(ops));
  return found;
}

// Arrows that carry the gradients of several weights.
function arrowsFound({ model, scene, index }) {
  const several = scene.edges.filter(({ label }) => label.startsWith("∇") && label.includes(","));
  return several.flatMap(({ label, tensors, tail }) => {
    const ids = [...new Set(tensors.map((id) => model.tensors[id].producer).filter((id) => id !== null))],
      where = [pathTo(index, keyAround(index, ids)), inCommon(ids.map((id) => model.ops[id].pass))].filter(Boolean).join("  ·  "),
      said = { title: label, what: "gradients", phase: "backward", where, beside: [`from ${scene.nodes.get(tail).title}`], names: [label] };
    return ids.length > 1 ? [{ selects: () => ({ kind: "ops", id: ids[0], ids }), ...said }] : []; // one op is found itself
  });
}

// Bars of the timeline that have no block: passes for gradients, and optimizers.
function callsFound(viewer) {
  const { model, selection } = viewer,
    firsts = new Map(); // calls -> the first op in them
  for (const op of selection.ops)
    for (const scope of op.phase === "forward" ? [] : model.ancestors(op.scope))
      if ((scope.kind === "backward" || scope.kind === "optimizer") && !firsts.has(scope)) firsts.set(scope, op.id);
  return [...firsts].map(([scope, first]) => {
    const title = model.titleOfCall(scope, [first]),
      selects = () => selectionOfCall(viewer, scope),
      rate = scope.kind === "optimizer" ? learningRateOf(scope) : undefined,
      found = { selects, isWhole: true, title, what: scope.kind, phase: model.ops[first].phase, where: model.path(scope.parent), names: [title, scope.name] };
    if (scope.kind === "optimizer") found.fields = { setting: settingsSaid(scope) };
    return rate === undefined ? found : { ...found, beside: [`learning rate ${settingText(rate)}`], names: [...found.names, "learning rate", "lr"] };
  });
}

// Bars of the timeline for the gradients of layers that have no block of their own, as others stand for them.
function gradientsFound({ model, index, selection }) {
  const drawn = new Set([...index.blocks.values()].map(({ title }) => title)),
    found = new Map(); // by layer and pass
  for (const op of selection.backward ? selection.ops : [])
    for (const scope of layersOfGradient(model, op)) {
      const title = model.titleOfCall(scope, [op.id]),
        key = `${scope.id} ${op.pass}`;
      if (drawn.has(title)) continue;
      if (!found.has(key)) found.set(key, { title: `∇ ${title}`, ids: [], where: [model.path(scope.parent), op.pass].filter(Boolean).join("  ·  ") });
      found.get(key).ids.push(op.id);
    }
  return [...found.values()].map(({ title, ids, where }) => {
    const selected = ids.length > 1 ? { kind: "ops", id: ids[0], ids } : { kind: "op", id: ids[0] };
    return { selects: () => selected, title, what: "backward", phase: "backward", where, beside: ["of the whole layer"], names: [title] };
  });
}

// Gradients that no op of this step returned, as sums of several are, which the table of memory lists.
function sumsFound({ model, selection: { backward, here } }) {
  const isHere = ({ id, gradientOf: of }) => [id, of].some((each) => model.readers[each].some((op) => here.has(op))),
    sums = backward ? model.tensors.filter((tensor) => tensor.producer === null && tensor.gradientOf !== null && isHere(tensor)) : [];
  return sums.map((tensor) => {
    const { name: title, layer: where } = namesOfTensor(model, tensor);
    return { selects: () => ({ kind: "tensor", id: tensor.id }), title: clean(title, 60), what: "gradient", phase: "backward", where, names: [title] };
  });
}

// What comes from outside and has a box: inputs, targets, and constants, of which those that are alike are one.
function inputsFound({ model, selection, index, scene }) {
  const known = new Map();
  for (const op of selection.ops) {
    if (shownFor(index, op.id) !== null) continue; // its equal is drawn
    op.inputs.forEach((id, i) => {
      const tensor = model.tensors[id],
        role = OUTSIDE[op.flows[i]];
      if (role === undefined || tensor.producer !== null) return;
      const title = givenTitle(clean(tensor.name, 30), role),
        where = role === "constant" ? model.placeOf(op) : "",
        alike = role === "constant" && title.endsWith(")") ? [title, tensor.label, where].join("\0") : id;
      if (known.has(alike)) return;
      const fields = { shape: tensor.shapeName, dtype: `${tensor.dtype} ${tensor.dtypeName}`, role: rolesOf([tensor]) };
      known.set(alike, {
        ...{ selects: () => ({ kind: "tensor", id }), title, what: role, phase: "input", fields },
        ...{ where, beside: [tensor.label], names: [title, tensor.name, scene.nodes.get(`in${id}`)?.title] },
      });
    });
  }
  return [...known.values()];
}

// Where names, shapes and the like were found, what only stands on the same line of code, or in a file of that name, is apart:
// of a model that is written in one line, that is every layer.
export function withLinesOfCode(found, query) {
  const isAsked = query.startsWith("/") || /(^|\s)(code|file):/iu.test(query),
    tests = testsOf(query),
    byCode = (hit) => !hit.byPath && !hit.isIn && tests.some((test) => CODE_FIELDS.includes(test(hit.fields))),
    hits = isAsked ? [] : found.filter((hit) => !byCode(hit));
  return hits.length ? { hits, inCode: found.length - hits.length } : { hits: found, inCode: 0 };
}

// A query for lines of code and names of files alone.
export const queryForCode = (query) => query.split(/\s+/).map((word) => `code:${word.replace(/^[a-z]+:/, "")}`).join(" ");
