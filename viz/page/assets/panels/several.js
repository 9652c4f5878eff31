// What the side panel says of a box or bar that stands for several ops, weights or inputs: their sums, and each of them
// to click on; and where an op is.

import { nodesOfSelected, selectionOfNode } from "../app/chosen.js";
import { el } from "../app/dom.js";
import { flawText } from "../recording/flaws.js";
import { amount, clean, counted, nbytes, seconds, short } from "../recording/formatting.js";
import { gradientText } from "../recording/gradient_sizes.js";
import { partnersOf } from "../recording/lineage.js";
import { rules } from "../recording/rules.js";
import { shareWord } from "../recording/usual_times.js";
import { isWeight, placeOfWeight } from "../recording/weights.js";
import { hasForward } from "./details.js";
import { codeOf, facts } from "./panel.js";
import { keyAround, keyAroundWeights, linksTo } from "./places.js";
import { settingsOfOptimizer } from "./settings.js";
import { timesOfOps } from "./times.js";

// The frames around an op, each to click on, and of which pass it is; of an update the weights that it changes.
export function whereOf(details, op) {
  const { model, viewer } = details,
    changed = model.changedBy(op),
    { part, id } = model.originOf(op),
    links = details.pathLinks(op.home),
    block = viewer.index.blocks.get(viewer.blockAround(id));
  if (changed.length)
    return changed.flatMap((id, i) => [i ? ", " : "", details.link(clean(placeOfWeight(model, id).whole, 90), { kind: "tensor", id })]);
  if (part) links.push(links.length ? " / " : "", block?.title === part ? details.link(part, { kind: "scope", key: block.key }) : part);
  if (op.pass) links.push(links.length ? "  ·  " : "", op.pass);
  return links;
}

// Which of several steps an op is of.
export const stepOf = ({ model, places }, { step }) => (places.length > 1 ? model.stepName(step).replace(/^step /, "") : null);

// Where an op is, in a list of such: else its line of code.
export const placeIn = (model, op, withPass = true) => model.ownerOf(op, withPass) || clean(model.lineOf(op)?.place ?? "", 120);

// Says of an op, or of several, that their box stands for others, too, and leads to all of them.
export function oneOf({ viewer }, ...ids) {
  const [id, ...others] = new Set(ids.map((each) => viewer.scene.nodeOf.get(each))),
    node = others.length ? undefined : viewer.scene.nodes.get(id);
  if (!node || node.kind === "scope" || node.part !== undefined || node.ops.length <= ids.length) return null;
  const all = () => viewer.select(selectionOfNode(node), false);
  return el(
    "p",
    { class: "remark" },
    `${ids.length > 1 ? amount(ids.length) : "One"} of ${counted(node.ops.length, "op")} of the box `,
    el("button", { type: "button", class: "link", onclick: all }, clean(node.title, 60)),
    ".",
  );
}

// The box that stands for just what is selected; undefined where none does.
function boxOfAll(viewer, { ids }, members) {
  const found = nodesOfSelected(viewer, viewer.state.selected).map((id) => viewer.scene.nodes.get(id));
  return found.length === 1 && found[0] && (members(found[0]) || []).length === ids.length ? found[0] : undefined;
}

// What several things have in common; "" where they differ.
export function inCommon(texts) {
  return new Set(texts).size === 1 ? texts[0] : "";
}

// Where several ops are: the frames around their box, what their own have in common, or the layer whose weights they change.
function whereOfAll(details, ops) {
  const { model } = details,
    changed = ops.flatMap((op) => model.changedBy(op)).map((id) => placeOfWeight(model, id).path),
    links = linksTo(details, keyAround(details.viewer.index, ops.map(({ id }) => id))),
    pass = inCommon(ops.map((op) => op.pass));
  if (links.length) return [...links, pass && `  ·  ${pass}`];
  if (changed.length) return inCommon(changed);
  return inCommon(ops.map((op) => model.placeOf(op))) ? whereOf(details, ops[0]) : inCommon(ops.map(({ pass }) => pass));
}

// What a double click on a box does that never opens: the panel has its ops, where there are several.
export function listOpsOf(viewer, node) {
  if (!node || node.ops.length < 2) return;
  viewer.panel.setOpen(true);
  viewer.selectNode(node.id);
  viewer.toolbar.warn(`Its ${node.ops.length} ops are always drawn as one box: the panel lists them.`);
}

// What several ops took and made, as rows.
export function factsOfOps(viewer, ops) {
  const sum = (of) => ops.reduce((total, op) => total + of(op), 0),
    flops = sum((op) => op.flops || 0);
  return [
    ["ops", amount(ops.length)],
    ...timesOfOps(ops, viewer),
    ["FLOPs", flops ? short(flops) : null],
    ["makes", nbytes(sum((op) => op.made))],
  ];
}

export function severalOps(details, selected) {
  const { model, viewer } = details,
    ops = selected.ids.map((id) => model.ops[id]),
    node = selected.call === undefined ? boxOfAll(viewer, selected, (box) => box.ops) : undefined,
    main = node && node.main !== undefined && node.lane === "forward" ? model.ops[node.main] : undefined,
    titles = [...new Set(ops.map((op) => model.titleOf(op)))],
    pass = inCommon(ops.map((op) => op.pass)),
    title = selected.call === undefined ? node?.title ?? titles.join(", ") : model.titleOfCall(model.scopes[selected.call], selected.ids),
    where = pass && title.endsWith(` ${pass}`) ? null : whereOfAll(details, ops),
    places = ops.map((op) => placeIn(model, op, !pass)),
    told = where?.length ? withoutCommon(places) : places, // what is above needn't be said again in each row
    line = inCommon(ops.map((op) => model.lineOf(op)?.place ?? ""));
  return [
    details.heading(inCommon(ops.map(({ phase }) => phase)) || "ops", ops[0].phase, title, where),
    notesOfAll(details, ops),
    node ? null : oneOf(details, ...selected.ids),
    facts([...factsOfOps(viewer, ops), ["step", stepOf(viewer, ops[0])]]),
    settingsOfOptimizer(model, ops[0]),
    details.list(`${amount(ops.length)} ops`, ops.map((op, i) => opThatOpens(details, op, told[i]))),
    details.opList("Gradient of", partnersOf(model, ops.filter(hasForward).map(({ id }) => id))),
    ...(main ? details.restOf(main, `of ${nameAmong(model, main, ops)}`) : line ? codeOf(viewer, ops[0]) : []),
  ];
}

// What is wrong with some of several ops, and what differs from another recording: else it would only be seen in the
// rows that are opened.
function notesOfAll(details, ops) {
  const flawed = ops.filter((op) => op.error || flawText(details.model, op)),
    [first, ...more] = flawed;
  return [
    first?.error ? el("p", { class: "alarm" }, clean(first.error, 500)) : first && details.flawNote(first),
    more.length ? el("p", { class: "remark" }, `So it is in ${counted(more.length, "more op")} of this box.`) : null,
    details.changeNote((difference) => difference.aboutOps(ops.map(({ id }) => id))),
  ];
}

// An op of a box as a row, which opens to its own numbers: those above it are the box's.
export function opThatOpens(details, op, place) {
  const { model } = details,
    row = el(
      "details",
      { class: "op", ontoggle: () => row.open && row.childElementCount === 1 && row.append(el("div", { class: "card" }, [details.notesOf(op), details.factsOf(op, true)].flat())) },
      el(
        "summary",
        {},
        details.opLink(op.id),
        op.duration ? el("b", {}, seconds(op.duration) + shareWord(model, [op])) : null,
        el("span", { class: "where" }, place),
      ),
    );
  return row;
}

// Places without the frames around all of them.
export function withoutCommon(places) {
  const paths = places.map((place) => place.split(" / "));
  let count = 0;
  while (count < paths[0].length && paths.every((path) => path[count] === paths[0][count])) count += 1;
  return paths.map((path) => path.slice(count).join(" / "));
}

// What an op is called where others of its box may be called so, too: "gather", or "the first reshape".
function nameAmong(model, op, ops) {
  const title = clean(model.titleOf(op), 40),
    alike = ops.filter((each) => model.titleOf(each) === model.titleOf(op)),
    at = alike.indexOf(op);
  return alike.length < 2 || at < 0 ? title : at === 0 ? `the first ${title}` : `${title} number ${at + 1}`;
}

export function severalTensors(details, selected) {
  const { model, viewer } = details,
    tensors = selected.ids.map((id) => model.tensors[id]),
    node = boxOfAll(viewer, selected, (box) => box.variables ?? box.tensors),
    role = rules.roles[inCommon(tensors.map((tensor) => tensor.role))] ?? "tensor",
    owner = (tensor) => (isWeight(model, tensor) ? placeOfWeight(model, tensor.id).path : ""),
    links = linksTo(details, keyAroundWeights(viewer, selected.ids)),
    layer = inCommon(tensors.map(owner)),
    within = tensors.map((tensor) => (isWeight(model, tensor) ? placeOfWeight(model, tensor.id).name.split(" / ").slice(0, -1).join(" / ") : "")),
    places = !layer ? tensors.map(owner) : new Set(within).size > 1 ? within : [], // those of both directions are called alike
    whose = node?.lines?.find((line) => line.startsWith("of ")), // as of one direction of a fused op, which no frame tells
    where = [...(links.length ? links : [layer]), whose ? `  ·  ${whose}` : ""],
    { here } = viewer.selection;
  return [
    details.heading(`${role}s`, tensors[0].role, node?.title ?? tensors.map(({ name }) => name.split("/").pop()).join(", "), where),
    details.changeNote((difference) => difference.aboutTensors(selected.ids)),
    facts([
      [`${role}s`, amount(tensors.length)],
      ["memory", nbytes(tensors.reduce((sum, tensor) => sum + tensor.nbytes, 0))],
      ["elements", amount(tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0))],
      ["|gradient|", gradientText(model, selected.ids, here)],
    ]),
    details.list(
      `${amount(tensors.length)} ${role}s`,
      tensors.map((tensor, i) => [
        ...details.inputLine(model.asRead(tensor.id, here).id, ""),
        el("b", {}, nbytes(tensor.nbytes)),
        places.length ? el("span", { class: "where" }, clean(places[i], 120)) : null,
      ]),
    ),
  ];
}
