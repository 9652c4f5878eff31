// Search by name, op, layer, shape, data type, file, and more: all words must be found, a word with a colon only there.

import { el } from "../app/dom.js";
import { coverWhole } from "../app/toolbar.js";
import { amount, clean } from "../recording/formatting.js";
import { labelled } from "../recording/model.js";
import { FIELDS, patternOf, testsOf, wordsOf } from "../recording/query.js";
import { rules } from "../recording/rules.js";
import { standInFor, standIns } from "../recording/stand_ins.js";
import { placeOfWeight, updatesOfState } from "../recording/weights.js";
import { queryForCode, saidOnBoxes, withBoxes, withLinesOfCode } from "./boxes_found.js";
import { pathTo } from "./places.js";
import { reasonsOf } from "./why_found.js";

const MOST_HITS = 200;
const MANY_OPS = 20000; // with more, the search waits for the end of a word
const MOST_MARKED = 500; // boxes of what was found
// What tensors are, in the word that the page has for it, and as a recording has it.
export const rolesOf = (tensors) => [...new Set(tensors.flatMap(({ role }) => [rules.roles[role], role]))].join(" ");

export class Search {
  constructor(viewer) {
    this.viewer = viewer;
    this.hits = [];
    this.inCode = 0; // how many more there are in lines of code
    this.at = -1;
    this.input = el("input", {
      type: "search",
      placeholder: "Search ( / )", // fits where the bar is full
      "aria-label": "search",
      autocomplete: "off",
      spellcheck: "false",
      title: `words, or field:word with ${FIELDS.join(", ")}; /…/ is a regular expression. Enter goes to the first, then g to the next (/)`,
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": "hits",
      oninput: () => this.run(),
      onkeydown: (event) => this.onKey(event),
      onfocus: () => {
        coverWhole(this.node);
        this.run();
      },
    });
    this.count = el("span", { class: "count" });
    this.list = el("ul", { class: "hits", id: "hits", role: "listbox", hidden: true });
    this.node = el("div", { class: "search", role: "search" }, el("div", { class: "field" }, this.input, this.count), this.list);
    document.addEventListener("pointerdown", (event) => {
      if (!this.node.contains(event.target)) this.close();
    });
  }

  run() {
    this.stopWaiting();
    if (this.viewer.model && this.viewer.model.ops.length > MANY_OPS) this.waiting = setTimeout(() => this.look(), 150);
    else this.look();
  }

  stopWaiting() {
    clearTimeout(this.waiting);
    this.waiting = null;
  }

  // What was asked before stays at the answer that was chosen.
  look() {
    const query = this.input.value.trim(),
      chosen = query === this.asked && this.at >= 0 ? JSON.stringify(this.hits[this.at].selected) : null;
    this.stopWaiting();
    this.viewer.state.query = this.asked = query;
    this.at = -1;
    this.inCode = 0;
    if (!query || !this.viewer.model) {
      this.hits = [];
      this.count.textContent = "";
      this.close();
      if (this.viewer.model) this.viewer.mark();
      return;
    }
    try {
      ({ hits: this.hits, inCode: this.inCode } = withLinesOfCode(find(this.viewer, query), query));
      if (chosen) this.at = this.hits.findIndex(({ selected }) => JSON.stringify(selected) === chosen);
      this.showCount();
    } catch (error) {
      this.hits = [];
      this.count.textContent = "not a regular expression";
    }
    this.show();
    this.viewer.mark();
  }

  // The same again where other boxes are drawn: what was found before may be shown by others.
  lookAgain() {
    if (!this.asked || !this.input.value) return;
    const { hidden } = this.list;
    this.look();
    if (hidden) this.close();
  }

  showCount() {
    const count = this.hits.length;
    this.count.textContent = !count ? "none" : this.at < 0 ? amount(count) : `${this.at + 1} / ${amount(count)}`;
  }

  // Forgets what was looked for; whether there was anything.
  clear() {
    if (!this.input.value) return false;
    this.input.value = "";
    this.look();
    return true;
  }

  // The boxes of the graph that hold what was found.
  boxes() {
    return new Set(this.hits.slice(0, MOST_MARKED).flatMap(({ selected }) => this.viewer.nodesOf(selected)));
  }

  show() {
    const tests = this.hits.length ? testsOf(this.asked) : [],
      row = (hit, i) => {
        const why = reasonsOf(hit, tests, this.asked),
          title = [`${hit.title} (${hit.what})`, ...toldOf(hit), ...why, hit.steps].filter(Boolean).join("\n");
        return el("li", { role: "option", id: `hit${i}`, "aria-selected": String(i === this.at), title, onclick: () => this.choose(i) }, rowOf(hit, why));
      },
      shown = this.hits.slice(0, MOST_HITS).map(row);
    if (this.hits.length > MOST_HITS) shown.push(el("li", { class: "more" }, `… and ${amount(this.hits.length - MOST_HITS)} more: add words`));
    if (this.inCode) shown.push(el("li", { class: "more in-code", onclick: () => this.lookInCode() }, `${amount(this.inCode)} more in code and file names`));
    this.list.replaceChildren(...shown);
    this.list.hidden = !shown.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  lookInCode() {
    this.input.value = queryForCode(this.input.value.trim());
    this.input.focus();
    this.look();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  // One hit further, in the list, where Enter then chooses that.
  browse(by) {
    if (this.hits.length) this.list.hidden = false;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    this.goOn(by);
    this.isBrowsing = true;
  }

  goOn(by) {
    if (this.waiting) this.look();
    this.go(by < 0 && this.at < 0 ? -1 : this.at + by);
  }

  // What was found is behind the list; the keys are the graph's again.
  choose(i) {
    this.go(i);
    this.leave();
  }

  leave() {
    this.isBrowsing = false;
    this.close();
    if (!this.hits.length) return;
    this.viewer.canvas.node.classList.add("pointed"); // what was found has a ring: the graph needs none
    this.viewer.canvas.node.focus();
  }

  // To the next answer, or the one before, wherever the focus is.
  chooseNext(by) {
    if (!this.input.value.trim()) return this.viewer.toolbar.warn("nothing was searched for (/)");
    if (!this.isBrowsing || !this.hits[this.at]) this.goOn(by);
    return this.leave();
  }

  go(i) {
    if (!this.hits.length) return this.tellNone();
    this.at = (i + this.hits.length) % this.hits.length;
    const hit = this.hits[this.at];
    this.viewer.select(hit.selected);
    this.showCount();
    [...this.list.children].forEach((each, j) => each.setAttribute("aria-selected", String(j === this.at)));
    const chosen = this.list.children[this.at];
    if (chosen) {
      chosen.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", chosen.id);
    }
  }

  // What was selected before isn't what was looked for.
  tellNone() {
    if (!this.input.value.trim() || !this.viewer.model) return;
    this.viewer.select(null);
    this.viewer.toolbar.warn(`${this.count.textContent === "none" ? "nothing found" : this.count.textContent}: ${clean(this.input.value.trim(), 60)}`);
  }

  onKey(event) {
    if ((event.key === "Enter" || event.key === "F3") && this.input.value.trim()) this.chooseNext(event.shiftKey ? -1 : 1);
    else if (event.key === "ArrowDown") this.browse(1);
    else if (event.key === "ArrowUp") this.browse(-1);
    else if (event.key === "Escape") {
      this.leave(); // what was found stays marked until the key is pressed again, in the graph
      this.viewer.canvas.node.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// What is told of a hit beside its name and kind.
export const toldOf = ({ where, beside = [] }) => [where, ...beside].filter(Boolean);

// Its name first, then what it is and where; what differs least between hits comes last, and gives way first.
function rowOf(hit, why) {
  const [first = "", ...others] = toldOf(hit),
    told = [
      el("span", { class: "path" }, el("bdi", {}, first)),
      el("span", { class: "beside" }, why.map((text, i) => [(first || i > 0) && "  ·  ", el("q", {}, text)]), others.map((text) => `  ·  ${text}`)),
      hit.steps && el("span", { class: "times" }, hit.steps),
    ];
  return [el("strong", {}, hit.title), el("span", { class: `tag ${hit.phase}` }, hit.what), el("span", { class: "where" }, told)];
}

// What matches. A path is looked for as such, so that "blocks[2] / up" is that layer with all in it, and no update of others;
// where there is none, its words are.
function find(viewer, query) {
  const wanted = pathIn(query),
    isIn = ({ path, layer, name }) => ` / ${path ?? layer} / ${name}`.toLowerCase().includes(` / ${wanted}`),
    found = wanted ? findBy(viewer, query, [isIn]) : [];
  for (const hit of found) hit.isIn = true; // in what was asked for, or that itself
  return found.length ? found : findBy(viewer, query, testsOf(query));
}

// What is called so comes first; ops and layers of the step that is shown before those of other steps.
function findBy(viewer, query, tests) {
  const { model, state, index } = viewer;
  let found = layersFound(viewer, tests, pathIn(query), wordsOf(query).join(" "));
  for (const [id, name] of variableNames(model)) {
    const t = model.tensors[id],
      place = placeOfWeight(model, id),
      names = [name, name.split("/").pop(), place.name, place.whole],
      fields = {
        name: names.join(" "),
        layer: `${name} ${place.path}`,
        class: "",
        file: "",
        error: "",
        shape: t.shapeName,
        op: "",
        dtype: `${t.dtype} ${t.dtypeName}`,
        phase: "",
        role: rolesOf([t]),
        code: "",
      };
    if (tests.every((test) => test(fields)))
      found.push({
        fields,
        selected: { kind: "tensor", id },
        what: rules.roles[t.role],
        phase: "parameter",
        title: clean(place.name || name, 60),
        where: clean(place.path, 200),
        steps: stepOfWeight(viewer, id),
        names,
      });
  }
  const ops = [];
  for (const op of model.ops) {
    const fields = searchedIn(model, op);
    if (tests.every((test) => test(fields))) ops.push({ op, part: null, fields });
    for (const part of model.partsOf(op))
      if (tests.every((test) => test(fieldsOfPart(fields, part)))) ops.push({ op, part, fields: fieldsOfPart(fields, part) });
  }
  ops.sort((a, b) => (b.op.step === state.step) - (a.op.step === state.step));
  for (const { op, part, fields, steps } of onceForAllSteps(model, ops)) {
    found.push({
      fields,
      selected: part ? { kind: "part", id: op.id, number: part.number } : { kind: "op", id: op.id },
      what: part ? "part" : op.phase,
      phase: op.phase,
      title: part ? part.name : clean(model.titleOf(op), 40),
      where: model.ownerOf(op),
      beside: [part ? `part of ${op.name}` : op.title === op.name ? "" : `op ${op.name}`, placesOf(model, op)],
      steps: [op.step === state.step ? "" : model.stepName(op.step), steps > 1 ? `× ${amount(steps)} steps` : ""].filter(Boolean).join("  ·  "),
      names: part ? [part.name] : [op.name, ...namesOfOp(model, op)],
    });
  }
  withBoxes(viewer, tests, found);
  if (!found.length) found = saidOnBoxes(viewer, query);
  const words = wordsOf(query),
    pattern = patternOf(query),
    rank = (names) => (pattern ? fitOfNames(names, pattern) : rankOf(names, words));
  for (const hit of found) hit.rank = hit.byPath || Math.min(rank(hit.names), 1 + rank(hit.others || [])) + liesInOther(viewer, hit) / 2 - (hit.isWhole ? 0.25 : 0);
  rankBehindLayers(found);
  found = found.filter((hit) => hit.rank < 1 || !isOfOpenLayer(viewer, hit)); // theirs are those of the ops in them
  return found.sort((a, b) => a.rank - b.rank); // which leaves equal ones in their order
}

// Of what was found in several steps alike, the first one, with the number of those steps.
function onceForAllSteps(model, found) {
  const first = new Map(),
    turns = new Map(); // how often a step has had what looks the same: each time it is something else
  for (const each of found) {
    const { op, part, fields } = each,
      looks = [part ? part.number : "", op.phase, op.name, model.titleOf(op), model.ownerOf(op), placesOf(model, op), fields.error].join("\n"),
      here = `${op.step}\n${looks}`,
      turn = turns.get(here) || 0,
      same = `${turn}\n${looks}`;
    turns.set(here, turn + 1);
    if (first.has(same)) first.get(same).steps += 1;
    else first.set(same, { ...each, steps: 1 });
  }
  return [...first.values()];
}

// The path of a layer that a query may be: "blocks[0] / attn"; "" for others.
function pathIn(query) {
  if (query.startsWith("/") || !query.includes("/")) return "";
  return query.toLowerCase().split("/").map((name) => name.trim().replace(/\s+/g, " ")).join(" / ");
}

// How well a path fits such a query: best where it is all of it, well where it ends so; 0 for all others.
function fitOfPath(path, wanted) {
  const whole = path.toLowerCase();
  if (!wanted) return 0;
  return whole === wanted ? -2 : whole.endsWith(` / ${wanted}`) ? -1 : 0;
}

// The layers that match, or whose path was typed: those with blocks, and those that others stand for. Of equal parts that are
// drawn once, one that is called just so comes before all of them.
function layersFound(viewer, tests, wanted, asked) {
  const { model, index } = viewer,
    isCalled = ({ label }, key) => label.toLowerCase() === asked && index.blocks.get(key).title.toLowerCase() !== asked,
    found = [];
  const add = (scope, names, selected, title, path, by, isWhole = false) => {
    const fields = fieldsOfLayer(model, scope, [scope.name, ...names].join(" ")),
      byPath = fitOfPath(model.path(scope.id), wanted) || fitOfPath([path, title].filter(Boolean).join(" / "), wanted);
    if (!byPath && !tests.every((test) => test(fields))) return;
    const madeAt = scope.createdAt ? `made at ${scope.createdAt.place}` : "";
    found.push({
      ...{ fields, selected, byPath, title, what: clean(scope.cls || scope.kind, 24), phase: "scope", isWhole },
      where: path,
      beside: [by && `shown by ${by}`, madeAt],
      names,
      others: [scope.cls, scope.name], // what else stands on its box
    });
  };
  const addPart = (id, key) => {
    const scope = model.scopes[id],
      selected = { kind: "scope", key, call: id };
    add(scope, [scope.label], selected, scope.label, model.path(scope.parent), clean(standInFor(viewer, selected), 60), isCalled(scope, key));
  };
  for (const { scope, key, title, names, repeats } of index.blocks.values()) {
    if (scope) add(scope, [scope.label, title, ...names], { kind: "scope", key }, title, pathTo(index, index.parents.get(key)), "");
    if (scope && repeats > 1 && isCalled(scope, key)) addPart(scope.id, key);
  }
  for (const [id, key] of standIns(viewer))
    if (fitOfPath(model.path(id), wanted) || isCalled(model.scopes[id], key) || !index.blocks.get(key).names.includes(model.scopes[id].name)) addPart(id, key);
  return found;
}

// The texts of a layer that can be searched.
function fieldsOfLayer(model, scope, names) {
  return {
    name: names,
    layer: names,
    class: scope.cls,
    file: `${scope.createdAt ? scope.createdAt.place : ""} ${scope.stack.length ? scope.stack[0].place : ""}`,
    error: scope.error,
    shape: scope.outputs.map((i) => model.tensors[i].shapeName).join(" "),
    op: "",
    dtype: "",
    phase: "",
    role: scope.kind,
    code: scope.createdAt ? scope.createdAt.code : "",
  };
}

// Is what is found the gradients of a layer, whose box isn't there while the layer is open?
const isOfOpenLayer = ({ open }, { selected: { key, pass } }) => pass !== undefined && open.has(key);

// Is what is found drawn in a box or frame that is called otherwise, as a cast is, a part of a closed op, and the gradients
// of a layer that is open?
// What has a box of its own comes first.
function liesInOther({ index, model, open, scene }, { selected: { kind, id, key, pass } }) {
  if (kind === "part") return !scene.partNodes.has(id);
  if (kind === "scope") return isOfOpenLayer({ open }, { selected: { key, pass } });
  const row = kind === "op" && index.rows.get(id);
  return row && model.ops[id].phase !== "update" && model.ops[row.ops[0]].title !== model.ops[id].title;
}

// How well names fit a query: 0 where one is the query, 1 where one is a word of it, 2 where a name begins with one, 3 where
// it is within one, and 4 for what was found by something else, such as a line of code.
function rankOf(names, words) {
  const whole = words.join(" ");
  let least = 4;
  for (const name of names.map((each) => (each || "").toLowerCase().replace(/\s+/g, " "))) {
    if (name === whole && whole) return 0;
    for (const word of words)
      least = Math.min(least, name === word ? 1 : name.startsWith(word) ? 2 : name.includes(word) ? 3 : 4);
  }
  return least;
}

// The same of a regular expression, which fits a name as a whole, from its beginning, or within it.
function fitOfNames(names, pattern) {
  const fits = names.filter(Boolean).map((name) => {
    const found = pattern.exec(name);
    return !found ? 4 : found[0].length === name.length ? 0 : found.index === 0 ? 2 : 3;
  });
  return Math.min(4, ...fits);
}

// Where a layer is found by its name, its gradients and updates stand behind it, but for what is called just so itself.
function rankBehindLayers(found) {
  const layers = new Map(); // by path
  for (const { phase, rank, where, title } of found) {
    const path = [where, title].filter(Boolean).join(" / ");
    if (phase === "scope" && rank < 4) layers.set(path, Math.min(rank, layers.get(path) ?? 4));
  }
  for (const hit of layers.size ? found : []) {
    if (hit.rank < 1 || (hit.phase !== "backward" && hit.phase !== "update")) continue;
    const frames = [...hit.where.split("  ·  ")[0].split(" / "), hit.title.replace("∇ ", "")], // the last where it is a layer's
      around = frames.map((_, i) => layers.get(frames.slice(0, i + 1).join(" / "))).filter((rank) => rank !== undefined);
    hit.rank = Math.max(hit.rank, ...around.map((rank) => rank + 0.25));
  }
}

function variableNames(model) {
  const found = new Map([...new Set(model.variables.values())].map((id) => [id, model.tensors[id].name || `variable ${id}`])),
    known = new Set(found.values());
  for (const { id, name, role } of model.tensors) {
    if (role !== "optimizer state" || !name || known.has(name)) continue;
    found.set(id, name);
    known.add(name);
  }
  return [...found];
}

// The step in which a weight is shown, where that isn't this one: no op of this one reads it.
function stepOfWeight({ model, selection }, id) {
  const readers = [...model.versionsOf(id).flatMap((each) => model.readers[each]), ...updatesOfState(model, id)];
  return !readers.length || readers.some((op) => selection.here.has(op)) ? "" : model.stepName(model.ops[Math.min(...readers)].step);
}

export const makerOf = ({ phase }) => (phase === "update" ? "optimizer" : "layer");

// The line that made an op's layer, or optimizer, where the user's own line isn't the one that ran the op, and the line that did.
function placesOf(model, op) {
  const line = model.lineOf(op),
    [run] = op.stack;
  if (!line) return "";
  const isMade = run && run.place !== line.place;
  return isMade ? `${makerOf(op)} made at ${line.place}, run at ${run.place}` : `run at ${line.place}`;
}

// What the graph calls an op beside its own name: its box, and the arrows of what it makes.
function namesOfOp(model, op) {
  const made = op.outputs.map((i) => model.tensors[i]),
    of = made.map(({ gradientOf }) => model.tensors[gradientOf]).filter((each) => each && each.role === "parameter");
  const weights = [...new Set(of.map(({ name }) => name.split("/").pop() || "variable"))].map((name) => `∇ ${name}`);
  return [model.titleOf(op), ...made.map(({ name }) => name), ...weights, weights.length > 1 ? `∇ ${weights.map((name) => name.slice(2)).join(", ")}` : ""].filter(Boolean);
}

// The texts of an op that can be searched.
function fieldsOf(model, op) {
  const met = [...op.inputs, ...op.outputs].map((i) => model.tensors[i]),
    scopes = model.ancestors(op.home);
  return {
    op: op.name,
    name: [op.name, ...namesOfOp(model, op)].join(" "),
    path: model.ownerOf(op, false),
    phase: op.phase,
    error: op.error,
    layer: [...scopes.map((s) => `${s.name} ${s.label}`), model.originOf(op).part, op.pass].join(" "),
    class: scopes.map((s) => s.cls).join(" "),
    shape: op.outputs.map((i) => model.tensors[i].shapeName).join(" "),
    dtype: met.map((t) => `${t.dtype} ${t.dtypeName}`).join(" "),
    role: rolesOf(met),
    file: [model.lineOf(op), op.stack[0]].map((frame) => (frame ? frame.place : "")).join(" "),
    code: op.stack
      .slice(0, 1)
      .map((frame) => frame.code)
      .join(" "),
  };
}

// These texts, which are kept from letter to letter where they aren't too many.
function searchedIn(model, op) {
  if (model.ops.length > MANY_OPS) return fieldsOf(model, op);
  return (op.searched ??= fieldsOf(model, op));
}

// Those of a part of a fused op: it was made where the op was.
function fieldsOfPart(fields, { name, read, made }) {
  const shapes = made.map(({ label }) => labelled(label).shapeName),
    types = [...read, ...made].map(({ label }) => labelled(label).dtypeName);
  return { ...fields, op: name, name, shape: shapes.join(" "), dtype: types.join(" "), role: "part" };
}
