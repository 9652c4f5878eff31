// The tabs below the graph. Each is made when it is first looked at.

import { button, el } from "../app/dom.js";
import { ChangeList } from "./changes.js";
import { Film } from "./film.js";
import { LayerTable } from "./layers.js";
import { MemoryCurve } from "./memory.js";
import { isOnPhone } from "./panel.js";
import { Timeline } from "./timeline.js";
import { Training } from "./training.js";

const LOWEST_DOCK = 120;
const HARDLY_MORE = 44; // pixels

export class Dock {
  constructor(viewer) {
    this.viewer = viewer;
    this.tabs = new Map();
    this.bar = el("div", {
      class: "tabs",
      role: "tablist",
      "aria-label": "below the graph",
      onkeydown: (event) => this.onKey(event),
    });
    this.body = el("div", { class: "dock-body", role: "tabpanel", tabindex: 0 });
    this.grip = el("div", {
      class: "grip",
      title: "drag to resize",
      role: "separator",
      "aria-orientation": "horizontal",
    });
    this.note = el("span", { class: "dock-note" }); // which steps the numbers are of
    this.closer = button("▾", "hide what is below the graph (`)", () => this.setOpen(!viewer.state.dock), {
      class: "closer",
    });
    this.head = el("div", { class: "dock-head" }, this.bar, this.note, this.closer);
    this.node = el("section", { class: "dock" }, this.grip, this.head, this.body);
    this.listen();
    for (const tab of [
      new Timeline(viewer),
      new MemoryCurve(viewer),
      new LayerTable(viewer),
      new Training(viewer),
      new Film(viewer),
      new ChangeList(viewer),
    ]) {
      this.add(tab.id, tab.title, tab.node, () => tab.show(), tab);
    }
  }

  add(id, title, element, onshow = null, owner = null) {
    const known = this.tabs.get(id);
    const tab = button(title, title, () => this.choose(id), {
      role: "tab",
      id: `tab-${id}`,
      "aria-selected": "false",
      tabindex: -1,
    });
    if (known) known.tab.replaceWith(tab);
    else this.bar.append(tab);
    this.tabs.set(id, { tab, element, onshow, owner });
    if (this.viewer.state.tab === id || known) this.refresh();
  }

  choose(id) {
    if (!this.tabs.has(id) || this.tabs.get(id).tab.hidden) return;
    this.viewer.state.tab = id;
    this.left = null;
    this.setOpen(true);
    this.viewer.saveHash();
  }

  setOpen(open) {
    const { panel, state } = this.viewer;
    if (open && isOnPhone() && state.panel) panel.setOpen(false);
    state.dock = open;
    this.viewer.root.classList.toggle("dockless", !open);
    this.closer.textContent = open ? "▾" : "▴";
    this.closer.setAttribute("aria-expanded", String(open));
    this.refresh();
  }

  // Draws the chosen tab again.
  refresh() {
    if (!this.viewer.model) return;
    for (const { tab, owner } of this.tabs.values())
      if (owner && "isUseful" in owner) tab.hidden = !owner.isUseful;
    const { state } = this.viewer;
    if (this.left && !this.tabs.get(this.left)?.tab.hidden) [state.tab, this.left] = [this.left, null]; // it is useful again
    let chosen = this.tabs.get(state.tab);
    if (!chosen || chosen.tab.hidden) {
      this.left = chosen ? state.tab : null;
      chosen = this.tabs.get((state.tab = "timeline"));
    }
    for (const { tab } of this.tabs.values()) {
      tab.setAttribute("aria-selected", String(tab === chosen.tab));
      tab.tabIndex = tab === chosen.tab ? 0 : -1;
    }
    this.showTab(chosen.tab);
    this.viewer.root.dataset.tab = this.viewer.state.tab;
    this.note.textContent = "";
    if (!this.viewer.state.dock) return;
    this.body.setAttribute("aria-labelledby", chosen.tab.id);
    if (this.body.firstChild !== chosen.element) this.body.replaceChildren(chosen.element);
    if (chosen.onshow) chosen.onshow();
    this.note.textContent = chosen.owner?.note || ""; // which may tell of what there is no room for
    this.fit(chosen.owner);
  }

  // Brings the tab into sight where there isn't room for all of them.
  showTab({ offsetLeft, offsetWidth }) {
    const { bar } = this,
      left = offsetLeft - bar.offsetLeft;
    bar.scrollLeft = Math.max(Math.min(bar.scrollLeft, left), left + offsetWidth - bar.clientWidth);
  }

  // As high as its tab needs, where that is less than usual, or hardly more: what it doesn't need is the graph's, and nobody
  // likes to scroll for a line. Until the reader drags it.
  fit(owner) {
    const { root } = this.viewer;
    if (this.dragged) return;
    root.style.removeProperty("--dock");
    const usual = getComputedStyle(root).getPropertyValue("--dock"), // in pixels, or in parts of the window's height
      most = parseFloat(usual) * (usual.trim().endsWith("vh") ? innerHeight / 100 : 1);
    root.style.setProperty("--dock", `${most + HARDLY_MORE}px`); // so that it is asked without a scroll bar, beside which lines may break
    const need = owner && owner.height ? owner.height + this.node.offsetHeight - this.body.clientHeight : Infinity;
    if (need < most + HARDLY_MORE) root.style.setProperty("--dock", `${Math.max(LOWEST_DOCK, need)}px`);
    else root.style.removeProperty("--dock");
  }

  // What is selected has changed.
  select() {
    const chosen = this.tabs.get(this.viewer.state.tab);
    if (this.viewer.state.dock && chosen && chosen.owner && chosen.owner.select) chosen.owner.select();
  }

  onKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const ids = [...this.tabs.keys()].filter((id) => !this.tabs.get(id).tab.hidden);
    const next = ids[(ids.indexOf(this.viewer.state.tab) + by + ids.length) % ids.length];
    this.choose(next);
    this.tabs.get(next).tab.focus();
    event.stopPropagation();
  }

  // On the live page the tabs stand above the graph.
  isAbove() {
    return this.node.getBoundingClientRect().top < this.viewer.stage.getBoundingClientRect().top;
  }

  listen() {
    this.grip.addEventListener("pointerdown", (event) => {
      this.grip.setPointerCapture(event.pointerId);
      const move = (to) => {
        const { top } = this.node.getBoundingClientRect();
        const wanted = this.isAbove() ? to.clientY - top : innerHeight - to.clientY;
        const height = Math.max(LOWEST_DOCK, Math.min(innerHeight * 0.8, wanted));
        this.dragged = true;
        this.viewer.root.style.setProperty("--dock", `${height}px`);
        this.refresh();
      };
      this.grip.addEventListener("pointermove", move);
      this.grip.addEventListener("pointerup", () => this.grip.removeEventListener("pointermove", move), {
        once: true,
      });
    });
  }
}
