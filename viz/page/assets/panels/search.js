// The field for a search, and the list of what it found.

import { el } from "../app/dom.js";
import { amount, clean } from "../recording/formatting.js";
import { FIELDS } from "../recording/query.js";
import { MANY_OPS, find } from "./found.js";

const MOST_HITS = 200,
  MOST_MARKED = 500; // boxes of what was found

export class Search {
  constructor(viewer) {
    Object.assign(this, { viewer, hits: [], at: -1 });
    this.input = el("input", {
      ...{ type: "search", placeholder: "Search ( / )", "aria-label": "search", autocomplete: "off", spellcheck: "false" },
      ...{ role: "combobox", "aria-expanded": "false", "aria-controls": "hits" },
      title: `words, or field:word with ${FIELDS.join(", ")}; /…/ is a regular expression. Enter goes to the first, then g to the next (/)`,
      oninput: () => this.run(),
      onkeydown: (event) => this.onKey(event),
      onfocus: () => this.run(),
    });
    this.count = el("span", { class: "count" });
    this.list = el("ul", { class: "hits", id: "hits", role: "listbox", hidden: true });
    this.node = el("div", { class: "search", role: "search" }, el("div", { class: "field" }, this.input, this.count), this.list);
    document.addEventListener("pointerdown", (event) => !this.node.contains(event.target) && this.close());
  }

  get query() {
    return this.input.value.trim();
  }

  run() {
    clearTimeout(this.waiting);
    this.waiting = this.viewer.model?.ops.length > MANY_OPS ? setTimeout(() => this.look(), 150) : null;
    if (!this.waiting) this.look();
  }

  // What was asked before stays at the answer that was chosen.
  look() {
    const { query, viewer } = this,
      chosen = query === this.asked && this.at >= 0 ? JSON.stringify(this.hits[this.at].selected) : null;
    clearTimeout(this.waiting);
    viewer.state.query = this.asked = query;
    Object.assign(this, { waiting: null, hits: [], at: -1, problem: "" });
    if (!viewer.model) return;
    try {
      this.hits = query ? find(viewer, query) : [];
    } catch {
      this.problem = "not a regular expression";
    }
    if (chosen) this.at = this.hits.findIndex(({ selected }) => JSON.stringify(selected) === chosen);
    this.showCount();
    this.show();
    viewer.mark();
  }

  // The same again where other boxes are drawn: what was found before may be shown by others.
  lookAgain() {
    if (!this.asked || !this.query) return;
    const { hidden } = this.list;
    this.look();
    if (hidden) this.close();
  }

  showCount() {
    const count = this.hits.length;
    this.count.textContent = !this.query ? "" : this.problem || (!count ? "none" : this.at < 0 ? amount(count) : `${this.at + 1} / ${amount(count)}`);
  }

  // Forgets what was looked for; whether there was anything.
  clear() {
    if (!this.input.value) return false;
    this.input.value = "";
    this.look();
    return true;
  }

  // The boxes of the graph that hold what was found; what only stands on the same line of code counts where nothing else does.
  boxes() {
    const best = this.hits.filter(({ isInCode }) => isInCode === this.hits[0].isInCode);
    return new Set(best.slice(0, MOST_MARKED).flatMap(({ selected }) => this.viewer.nodesOf(selected)));
  }

  show() {
    const row = (hit, i) => el("li", { role: "option", id: `hit${i}`, "aria-selected": String(i === this.at), title: [`${hit.title} (${hit.what})`, hit.where, ...hit.beside, hit.steps].filter(Boolean).join("\n"), onclick: () => this.choose(i) }, rowOf(hit)),
      more = this.hits.length - MOST_HITS;
    this.list.replaceChildren(...this.hits.slice(0, MOST_HITS).map(row), ...(more > 0 ? [el("li", { class: "more" }, `… and ${amount(more)} more: add words`)] : []));
    this.setOpen(this.hits.length > 0);
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  setOpen(open) {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
  }

  close() {
    this.setOpen(false);
    this.input.removeAttribute("aria-activedescendant");
  }

  // One hit further, in the list, where Enter then chooses that.
  browse(by) {
    this.setOpen(this.hits.length > 0);
    this.goOn(by);
    this.isBrowsing = true;
  }

  goOn(by) {
    if (this.waiting) this.look();
    this.go(by < 0 && this.at < 0 ? -1 : this.at + by);
  }

  choose(i) {
    this.go(i);
    this.leave();
  }

  // What was found is behind the list; the keys are the graph's again.
  leave() {
    this.isBrowsing = false;
    this.close();
    if (!this.hits.length) return;
    this.viewer.canvas.node.classList.add("pointed"); // what was found has a ring: the graph needs none
    this.viewer.canvas.node.focus();
  }

  // To the next answer, or the one before, wherever the focus is.
  chooseNext(by) {
    if (!this.query) return this.viewer.toolbar.warn("nothing was searched for (/)");
    if (!this.isBrowsing || !this.hits[this.at]) this.goOn(by);
    return this.leave();
  }

  go(i) {
    const { viewer, hits, list } = this;
    if (!hits.length) {
      // what was selected before isn't what was looked for
      viewer.select(null);
      return viewer.toolbar.warn(`${this.problem || "nothing found"}: ${clean(this.query, 60)}`);
    }
    this.at = (i + hits.length) % hits.length;
    viewer.select(hits[this.at].selected);
    this.showCount();
    [...list.children].forEach((each, j) => each.setAttribute("aria-selected", String(j === this.at)));
    const chosen = list.children[this.at];
    chosen?.scrollIntoView({ block: "nearest" });
    return chosen && this.input.setAttribute("aria-activedescendant", chosen.id);
  }

  onKey(event) {
    if ((event.key === "Enter" || event.key === "F3") && this.query) this.chooseNext(event.shiftKey ? -1 : 1);
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

// Its name first, then what it is and where; what differs least between hits comes last, and gives way first.
function rowOf({ title, phase, what, where, beside, steps }) {
  const told = [
    el("span", { class: "path" }, el("bdi", {}, where)),
    el("span", { class: "beside" }, beside.filter(Boolean).map((text, i) => `${where || i ? "  ·  " : ""}${text}`)),
    steps && el("span", { class: "times" }, steps),
  ];
  return [el("strong", {}, title), el("span", { class: `tag ${phase}` }, what), el("span", { class: "where" }, told)];
}
