// The numbers in the line at the top. Each has room for the widest value that it is likely to have, so that none of them moves
// when another one changes.

import { el } from "../../page/assets/app/dom.js";
import { NARROW_WINDOW } from "./live.js";

const SHOWN_FIRST = ["epoch", "step", "left", "problem"]; // numbers that a small screen shows
const LAST = ["run", "weights", "recording", "memory", "samples", "step takes", "graph", "speed", "step", "left", "problem"]; // numbers that make room for the others, the first of these first; the epoch stays

export class Numbers {
  constructor() {
    this.node = el("div", { class: "live-tiles" });
    this.known = new Map();
  }

  // `facts`: [name, value, tip, {slot (what takes turns at a place; else the name), widest (a value)}].
  show(facts) {
    this.makeNarrow(innerWidth <= NARROW_WINDOW);
    const tiles = facts.map(([name, value, title, { slot = name, widest = "" } = {}]) => {
      if (!this.known.has(slot)) this.known.set(slot, this.tile(slot));
      const tile = this.known.get(slot);
      this.widen(tile, name, widest);
      this.write(tile, name, value);
      tile.title = title || "";
      return tile;
    });
    if (tiles.length !== this.node.children.length || tiles.some((tile, i) => this.node.children[i] !== tile)) this.node.replaceChildren(...tiles);
    tiles.forEach((tile) => this.keep(tile));
  }

  // A narrow window has no room for what a wide one leaves.
  makeNarrow(narrow) {
    if (this.narrow === narrow) return;
    this.narrow = narrow;
    for (const tile of this.known.values()) {
      [tile.least, tile.style.minWidth] = [0, ""];
      tile.tried.clear();
    }
  }

  tile(slot) {
    const tile = el("span", { class: SHOWN_FIRST.includes(slot) ? "live-tile" : "live-tile aside" }, el("small", {}), el("b", {}));
    return Object.assign(tile, { slot, least: 0, tried: new Set() });
  }

  write({ firstChild, lastChild }, name, value) {
    if (firstChild.textContent !== name) firstChild.textContent = name;
    if (lastChild.textContent !== value) lastChild.textContent = value;
  }

  // Makes room for a value that is as wide as any may become; measured once, where the line is seen.
  widen(tile, name, widest) {
    const key = `${name} ${widest}`;
    if (!widest || tile.tried.has(key) || !tile.offsetWidth) return;
    this.write(tile, name, widest);
    tile.tried.add(key);
    this.keep(tile);
  }

  // A number that once was wider may be so again.
  keep(tile) {
    const wide = Math.ceil(tile.getBoundingClientRect().width);
    if (wide <= tile.least) return;
    tile.least = wide;
    tile.style.minWidth = `${wide}px`;
  }

  // Leaves out whole numbers, the least important first, until there is room in the line for the rest; gives whether any was.
  cut() {
    const { node } = this, tiles = [...node.children], isFull = () => node.scrollWidth > node.clientWidth;
    tiles.forEach((tile) => tile.classList.remove("left-out"));
    const found = isFull(), rank = ({ slot }) => (LAST.indexOf(slot) + LAST.length + 1) % (LAST.length + 1);
    for (const tile of tiles.sort((a, b) => rank(a) - rank(b)).slice(0, -1)) if (isFull()) tile.classList.add("left-out");
    return found;
  }
}
