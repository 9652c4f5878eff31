// What a search finds: layers, ops, weights, and boxes that stand for several of these, the best first. All words of a query
// must be in the texts of what is found, a word with a colon in one field alone.

import { selectionOfCall, selectionOfNode } from "../app/chosen.js";
import { OUTSIDE, givenTitle } from "../graph/assembly.js";
import { amount, clean, counted } from "../recording/formatting.js";
import { labelled } from "../recording/model.js";
import { CODE_FIELDS, FIELDS, patternOf, testsOf, wordsOf } from "../recording/query.js";
import { rules } from "../recording/rules.js";
import { shownFor, standInFor, standIns } from "../recording/stand_ins.js";
import { placeOfWeight, updatesOfState } from "../recording/weights.js";
import { partsOf } from "./parts.js";
import { keyAround, pathTo } from "./places.js";
import { learningRateOf, settingText, settingsSaid } from "./settings.js";
import { inCommon } from "./several.js";
import { layersOfGradient } from "./timeline.js";

export const MANY_OPS = 20000; // with more, the search waits for the end of a word
const JUST_CODE = 5, // how well something fits that is found by a line of code, or the name of a file
  NO_FIELDS = Object.fromEntries(FIELDS.map((name) => [name, ""])),
  NOTHING = { where: "", beside: [], steps: "", others: [], byPath: 0, isWhole: false };

const rolesOf = (tensors) => [...new Set(tensors.flatMap(({ role }) => [rules.roles[role], role]))].join(" ");
const typesOf = (tensors) => tensors.map(({ dtype, dtypeName }) => `${dtype} ${dtypeName}`).join(" ");
export const makerOf = ({ phase }) => (phase === "update" ? "optimizer" : "layer");

// A path is looked for as such, so that "blocks[2] / up" is that layer with all in it, and no update of others; where there is
// none, its words are.
export function find(viewer, query) {
  const wanted = query.startsWith("/") || !query.includes("/") ? "" : query.toLowerCase().split("/").map((name) => name.trim().replace(/\s+/g, " ")).join(" / "),
    isIn = ({ path, layer, name }) => (` / ${path ?? layer} / ${name}`.toLowerCase().includes(` / ${wanted}`) ? "layer" : undefined),
    found = wanted ? ranked(viewer, query, [isIn], wanted) : [];
  if (found.length) return found;
  const others = ranked(viewer, query, testsOf(query), wanted);
  return others.length ? others : saidOnBoxes(viewer, query.toLowerCase());
}

// Where nothing else is found: the boxes that are drawn, on which the query stands in a line below the title.
function saidOnBoxes({ scene }, said) {
  const found = [...scene.nodes.values()].map((node) => [node, node.lines.find((line) => line.toLowerCase().includes(said))]);
  return found.filter(([, line]) => line !== undefined).map(([node, line]) => ({ ...NOTHING, selected: selectionOfNode(node), fields: NO_FIELDS, what: node.kind, phase: node.phase, title: clean(node.title, 60), where: clean(line, 120), names: [], rank: 4, isInCode: false }));
}

function ranked(viewer, query, tests, wanted) {
  const { index } = viewer,
    words = wordsOf(query),
    pattern = patternOf(query),
    fit = (names) => (pattern ? fitOfPattern(names, pattern) : fitOfWords(names, words)),
    matches = (fields) => tests.every((test) => test(fields)),
    isJustCode = ({ fields, byPath }) => !byPath && tests.some((test) => CODE_FIELDS.includes(test(fields))),
    fixed = (index.findable ??= [...layersFound(viewer), ...groupsFound(viewer), ...boxesOfRows(viewer), ...callsFound(viewer), ...gradientsFound(viewer), ...weightsFound(viewer), ...inputsFound(viewer)]),
    found = [];
  for (const each of fixed) {
    const byPath = each.paths && wanted ? Math.min(...each.paths.map((path) => (path === wanted ? -2 : path.endsWith(` / ${wanted}`) ? -1 : 0))) : 0,
      fields = { ...NO_FIELDS, layer: each.where, name: each.names.join(" "), ...each.fields };
    if (byPath || matches(fields)) found.push({ ...NOTHING, ...each, fields, byPath });
  }
  found.push(...opsFound(viewer, matches).map((each) => ({ ...NOTHING, ...each })));
  for (const hit of found) {
    const isBehind = hit.phase === "backward" || hit.phase === "update",
      named = fit(hit.names),
      isFirst = hit.isWhole || (hit.isPart && hit.isOther && !named), // one of equal parts stands behind all of them, unless it alone is called so
      rank = Math.min(named, 1 + fit(hit.others)) + liesInOther(viewer, hit) / 2 + (isFirst ? -0.25 : hit.isPart ? 0.25 : 0);
    hit.isInCode = isJustCode(hit);
    hit.rank = hit.byPath || (hit.isInCode ? JUST_CODE : isBehind && rank >= 1 ? rank + 0.75 : rank);
  }
  const seen = new Set();
  return found.filter((hit) => hit.rank < 1 || hit.selected.pass === undefined || !viewer.open.has(hit.selected.key)).sort((a, b) => a.rank - b.rank)
    .filter(({ selected, title }) => [JSON.stringify([selected, title])].every((key) => !seen.has(key) && seen.add(key)));
}

// How well names fit a query: 0 where one is the query, 1 where one is a word of it, 2 where a name begins with one, 3 where
// it is within one, and 4 for what was found by something else, such as a shape.
function fitOfWords(names, words) {
  const whole = words.join(" "),
    fitOf = (name) => (name === whole && whole ? 0 : Math.min(4, ...words.map((word) => (name === word ? 1 : name.startsWith(word) ? 2 : name.includes(word) ? 3 : 4))));
  return Math.min(4, ...names.map((name) => fitOf((name || "").toLowerCase().replace(/\s+/g, " "))));
}

// The same of a regular expression, which fits a name as a whole, from its beginning, or within it.
const fitOfPattern = (names, pattern) =>
  Math.min(4, ...names.filter(Boolean).map((name) => [name, pattern.exec(name)]).map(([name, found]) => (!found ? 4 : found[0].length === name.length ? 0 : found.index === 0 ? 2 : 3)));

// Is what is found drawn in a box or frame that is called otherwise, as a cast is, a part of a closed op, and the gradients of
// a layer that is open? What has a box of its own comes first.
function liesInOther({ index, model, open, scene }, { selected: { kind, id, key, pass } }) {
  if (kind === "part") return !scene.partNodes.has(id);
  if (kind === "scope") return pass !== undefined && open.has(key);
  const row = kind === "op" && index.rows.get(id);
  return row && model.ops[id].phase !== "update" && model.ops[row.ops[0]].title !== model.ops[id].title;
}

// Layers: those with blocks, and those that others stand for.
function layersFound(viewer) {
  const { model, index } = viewer,
    found = [];
  const add = (scope, title, where, rest) => {
    const names = [...new Set([scope.label, title, ...(rest.names ?? [])])],
      fields = { class: scope.cls, error: scope.error, role: scope.kind, code: scope.createdAt ? scope.createdAt.code : "" };
    fields.name = fields.layer = [scope.name, ...names].join(" ");
    fields.file = [scope.createdAt, scope.stack[0]].map((frame) => frame?.place ?? "").join(" ");
    fields.shape = scope.outputs.map((i) => model.tensors[i].shapeName).join(" ");
    const paths = [model.path(scope.id), [where, title].filter(Boolean).join(" / ")].map((path) => path.toLowerCase());
    found.push({ paths, title, where, what: clean(scope.cls || scope.kind, 24), phase: "scope", others: [scope.cls, scope.name], ...rest, fields, names, beside: [rest.by && `shown by ${rest.by}`, scope.createdAt && `made at ${scope.createdAt.place}`] });
  };
  const addPart = (id, key) => {
    const selected = { kind: "scope", key, call: id };
    add(model.scopes[id], model.scopes[id].label, model.path(model.scopes[id].parent), { selected, by: clean(standInFor(viewer, selected), 60), isPart: true, isOther: model.scopes[id].label !== index.blocks.get(key).title });
  };
  for (const { scope, key, title, names, repeats } of index.blocks.values()) {
    if (scope) add(scope, title, pathTo(index, index.parents.get(key)), { selected: { kind: "scope", key }, names });
    if (scope && repeats > 1) addPart(scope.id, key);
  }
  for (const [id, key] of standIns(viewer)) addPart(id, key);
  return found;
}

// Frames that are no layer: lines of code, and parts that are put together. And what computes the gradients of layers, which
// have a box while they are closed.
function groupsFound(viewer) {
  const { index, selection } = viewer;
  return [...index.blocks.values()].filter(({ key, title }) => key && title).flatMap((block) => {
    const { key, title, scope } = block,
      where = pathTo(index, index.parents.get(key), !scope),
      group = { what: "group", phase: "scope", where },
      parts = scope ? [] : [{ ...group, selected: { kind: "scope", key }, title, names: [title] }, ...partsOf(viewer, block).map(({ label, selected }) => ({ ...group, selected, title: label, beside: [`one of ${title}`], names: [label] }))],
      back = selection.backward ? block.back : [];
    return [...parts, ...back.map(({ name, pass }) => ({ selected: { kind: "scope", key, pass }, title: `∇ ${title}`, what: "backward", phase: "backward", where: [where, name].filter(Boolean).join("  ·  "), beside: ["of the whole layer"], names: [`∇ ${title}`] }))];
  });
}

// The boxes of rows that stand for several weights or ops.
function boxesOfRows({ model, index, selection }) {
  const found = [];
  const add = (kind, ids, title, what, phase, where) => {
    const changed = phase === "update" ? [...new Set(ids.flatMap((id) => model.changedBy(model.ops[id])).map((id) => placeOfWeight(model, id).name))].join(", ") : "",
      many = [counted(ids.length, kind === "ops" ? "op" : "weight"), changed && `for ${clean(changed, 60)}`].filter(Boolean).join(" ");
    if (ids.length > 1) found.push({ selected: { kind, id: ids[0], ids }, title: clean(title, 60), what, phase, where, beside: [many], names: [title] });
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

// Bars of the timeline that have no block: passes for gradients, and optimizers.
function callsFound(viewer) {
  const { model, selection } = viewer,
    firsts = new Map(); // calls -> the first op in them
  for (const op of selection.ops)
    for (const scope of op.phase === "forward" ? [] : model.ancestors(op.scope))
      if ((scope.kind === "backward" || scope.kind === "optimizer") && !firsts.has(scope)) firsts.set(scope, op.id);
  return [...firsts].map(([scope, first]) => {
    const title = model.titleOfCall(scope, [first]),
      isOptimizer = scope.kind === "optimizer",
      rate = isOptimizer ? learningRateOf(scope) : undefined,
      found = { selected: selectionOfCall(viewer, scope), isWhole: true, title, what: scope.kind, phase: model.ops[first].phase, where: model.path(scope.parent), names: [title, scope.name], fields: { setting: isOptimizer ? settingsSaid(scope) : "" } };
    return rate === undefined ? found : { ...found, beside: [`learning rate ${settingText(rate)}`], names: [...found.names, "learning rate", "lr"] };
  });
}

// Bars of the timeline for the gradients of layers that have no block of their own, as others stand for them.
function gradientsFound({ model, selection }) {
  const found = new Map(); // by layer and pass
  for (const op of selection.backward ? selection.ops : [])
    for (const scope of layersOfGradient(model, op)) {
      const key = `${scope.id} ${op.pass}`,
        where = [model.path(scope.parent), op.pass].filter(Boolean).join("  ·  ");
      if (!found.has(key)) found.set(key, { title: `∇ ${model.titleOfCall(scope, [op.id])}`, ids: [], where });
      found.get(key).ids.push(op.id);
    }
  return [...found.values()].map(({ title, ids, where }) => ({ selected: ids.length > 1 ? { kind: "ops", id: ids[0], ids } : { kind: "op", id: ids[0] }, title, what: "backward", phase: "backward", where, beside: ["of the whole layer"], names: [title] }));
}

function weightsFound({ model, selection }) {
  const names = new Map([...new Set(model.variables.values())].map((id) => [id, model.tensors[id].name || `variable ${id}`])),
    known = new Set(names.values());
  for (const { id, name, role } of model.tensors)
    if (role === "optimizer state" && name && !known.has(name)) {
      names.set(id, name);
      known.add(name);
    }
  // the step in which a weight is shown, where that isn't this one: no op of this one reads it
  const stepOf = (id) => {
    const readers = [...model.versionsOf(id).flatMap((each) => model.readers[each]), ...updatesOfState(model, id)];
    return !readers.length || readers.some((op) => selection.here.has(op)) ? "" : model.stepName(model.ops[Math.min(...readers)].step);
  };
  return [...names].map(([id, name]) => {
    const tensor = model.tensors[id],
      place = placeOfWeight(model, id),
      fields = { layer: `${name} ${place.path}`, shape: tensor.shapeName, dtype: typesOf([tensor]), role: rolesOf([tensor]) };
    return { selected: { kind: "tensor", id }, what: rules.roles[tensor.role], phase: "parameter", title: clean(place.name || name, 60), where: clean(place.path, 200), steps: stepOf(id), names: [name, name.split("/").pop(), place.name, place.whole], fields };
  });
}

// What comes from outside and has a box: inputs, targets, and constants, of which those that are alike are one.
function inputsFound({ model, selection, index }) {
  const known = new Map();
  for (const op of selection.ops.filter(({ id }) => shownFor(index, id) === null))
    op.inputs.forEach((id, i) => {
      const tensor = model.tensors[id],
        role = OUTSIDE[op.flows[i]];
      if (role === undefined || tensor.producer !== null) return;
      const title = givenTitle(clean(tensor.name, 30), role),
        where = role === "constant" ? model.placeOf(op) : "",
        alike = role === "constant" && title.endsWith(")") ? [title, tensor.label, where].join("\0") : id,
        fields = { shape: tensor.shapeName, dtype: typesOf([tensor]), role: rolesOf([tensor]) };
      if (!known.has(alike)) known.set(alike, { selected: { kind: "tensor", id }, title, what: role, phase: "input", fields, where, beside: [tensor.label], names: [title, tensor.name] });
    });
  return [...known.values()];
}

// Ops and parts of fused ones, those of the step that is shown first; of what is the same in several steps the first, with the
// number of those steps.
function opsFound({ model, state }, matches) {
  const found = [],
    same = new Map(),
    turns = new Map(); // how often a step has had what looks the same: each time it is something else
  for (const op of model.ops) {
    const fields = model.ops.length > MANY_OPS ? fieldsOf(model, op) : (op.searched ??= fieldsOf(model, op));
    for (const part of [null, ...model.partsOf(op)]) {
      const own = part ? fieldsOfPart(fields, part) : fields;
      if (matches(own)) found.push({ op, part, fields: own });
    }
  }
  found.sort((a, b) => (b.op.step === state.step) - (a.op.step === state.step));
  for (const each of found) {
    const { op, part, fields } = each,
      looks = [part ? part.number : "", op.phase, op.name, model.titleOf(op), model.ownerOf(op), placesOf(model, op), fields.error].join("\n"),
      turn = turns.get(`${op.step}\n${looks}`) || 0,
      key = `${turn}\n${looks}`;
    turns.set(`${op.step}\n${looks}`, turn + 1);
    if (same.has(key)) same.get(key).count += 1;
    else same.set(key, { ...each, count: 1 });
  }
  return [...same.values()].map(({ op, part, fields, count }) => ({
    ...{ fields, what: part ? "part" : op.phase, phase: op.phase, title: part ? part.name : clean(model.titleOf(op), 40), where: model.ownerOf(op) },
    selected: part ? { kind: "part", id: op.id, number: part.number } : { kind: "op", id: op.id },
    beside: [part ? `part of ${op.name}` : op.title === op.name ? "" : `op ${op.name}`, placesOf(model, op)],
    steps: [op.step === state.step ? "" : model.stepName(op.step), count > 1 ? `× ${amount(count)} steps` : ""].filter(Boolean).join("  ·  "),
    names: part ? [part.name] : [op.name, ...namesOfOp(model, op)],
  }));
}

// The line that made an op's layer, or optimizer, where the user's own line isn't the one that ran the op, and the line that did.
function placesOf(model, op) {
  const line = model.lineOf(op),
    [run] = op.stack;
  if (!line) return "";
  return run && run.place !== line.place ? `${makerOf(op)} made at ${line.place}, run at ${run.place}` : `run at ${line.place}`;
}

// What the graph calls an op beside its own name: its box, and the arrows of what it makes.
function namesOfOp(model, op) {
  const made = op.outputs.map((i) => model.tensors[i]),
    of = made.map(({ gradientOf }) => model.tensors[gradientOf]).filter((each) => each?.role === "parameter"),
    weights = [...new Set(of.map(({ name }) => name.split("/").pop() || "variable"))];
  return [model.titleOf(op), ...made.map(({ name }) => name), ...weights.map((name) => `∇ ${name}`), weights.length > 1 ? `∇ ${weights.join(", ")}` : ""].filter(Boolean);
}

// The texts of an op that can be searched.
function fieldsOf(model, op) {
  const met = [...op.inputs, ...op.outputs].map((i) => model.tensors[i]),
    scopes = model.ancestors(op.home),
    [frame] = op.stack;
  return {
    ...{ op: op.name, name: [op.name, ...namesOfOp(model, op)].join(" "), path: model.ownerOf(op, false), phase: op.phase, error: op.error, setting: "" },
    ...{ class: scopes.map((s) => s.cls).join(" "), dtype: typesOf(met), role: rolesOf(met), code: frame?.code ?? "" },
    layer: [...scopes.map((s) => `${s.name} ${s.label}`), model.originOf(op).part, op.pass].join(" "),
    shape: op.outputs.map((i) => model.tensors[i].shapeName).join(" "),
    file: [model.lineOf(op), frame].map((each) => each?.place ?? "").join(" "),
  };
}

// Those of a part of a fused op: it was made where the op was.
function fieldsOfPart(fields, { name, read, made }) {
  const shapes = made.map(({ label }) => labelled(label).shapeName),
    types = [...read, ...made].map(({ label }) => labelled(label).dtypeName);
  return { ...fields, op: name, name, shape: shapes.join(" "), dtype: types.join(" "), role: "part" };
}
