// In which rows charts stand, and how high they are. Once training has told what there is to show, nothing moves by itself: a chart
// that comes later stands behind the others. Only the reader changes it, by the window's size, the divider, or what is shown.

import { PLOT_HEIGHT } from "../../page/assets/panels/plot.js";

const [LEAST_WIDE, GRID_GAP] = [262, 10]; // of charts, as in live.css and plot.css
const MOST_OF_WINDOW = 0.43; // of its height, which charts take beside the graph: less than in live.css by what is above them
const MOST_LARGE = 0.5; // the same for a chart that is shown alone
const [LOW_PLOT, HIGH_PLOT] = [84, 200]; // pixels of the curves' area, unless the reader wants more
const AROUND_PLOT = 36; // pixels of a chart without its curves and its legend, as in live.css
const LEGEND_LINE = 18;
const [KEY_WIDE, VALUE_WIDE, LEGEND_GAP, BESIDE_LEGEND] = [17, 54, 7, 20]; // pixels, as in live.css
const BELOW_PLOTS = 12; // pixels, as in live.css
const NEXT_BEGINS = 12; // pixels that are seen of a row to which one scrolls
const LOOKED_LONG = 1000; // milliseconds after the first epoch, or so many steps in a loop without any, and all numbers have come
const MANY_STEPS = 100;

export class ChartRows {
  // `grid`: holds the charts. `bar`: what stands above it.
  constructor(grid, bar) {
    Object.assign(this, { grid, bar, order: [], settlesAt: Infinity, of: "", height: 0 });
  }

  get isSettled() {
    return performance.now() >= this.settlesAt;
  }

  // The charts as they stand: those that are new behind the others, as soon as these keep their places.
  inOrder(charts, series) {
    const steps = series.get("mark|time")?.at(-1)?.[0] ?? 0;
    if (this.settlesAt === Infinity && (series.has("mark|epoch") || steps >= MANY_STEPS)) this.settlesAt = performance.now() + LOOKED_LONG;
    const place = (id) => (this.order.indexOf(id) + this.order.length + 1) % (this.order.length + 1) || Infinity;
    const rank = new Map(charts.map(([id], i) => [id, this.isSettled && this.order.length ? place(id) : i]));
    const found = [...charts].sort(([a], [b]) => (rank.get(a) === rank.get(b) ? 0 : rank.get(a) - rank.get(b)));
    this.order = ["", ...found.map(([id]) => id)]; // from 1 on
    return found;
  }

  // How many lines a legend of these names takes in a chart so wide; two at most.
  linesOf(names, wide) {
    const brush = (this.brush ??= document.createElement("canvas").getContext("2d"));
    brush.font = "11.5px system-ui, sans-serif";
    const each = names.map((name) => KEY_WIDE + brush.measureText(`${name} `).width + VALUE_WIDE + LEGEND_GAP);
    return each.reduce((a, b) => a + b, -LEGEND_GAP) > wide - BESIDE_LEGEND ? 2 : 1;
  }

  // How high the curves of charts are with these names in their legends. `alone`: whether it is a chart that the reader has enlarged. `grows`: whether
  // legends have as many lines as they need, as the reader wants several runs in a chart. `wanted`: what charts' names hold.
  highOf(legends, alone, grows, wanted) {
    const { dragged } = window.eagerflowViewer.viewer.dock, body = this.grid.closest(".dock-body"), room = dragged ? body.clientHeight : (alone ? MOST_LARGE : MOST_OF_WINDOW) * innerHeight;
    const count = legends.length, now = [this.grid.clientWidth, innerHeight, this.bar.offsetHeight, dragged ? room : 0, alone, grows, wanted, alone ? "" : count].join();
    if (this.isSettled && (this.of === now || this.isOnlyLonger(now))) return this.high;
    const most = Math.max(1, Math.floor((this.grid.clientWidth + GRID_GAP) / (LEAST_WIDE + GRID_GAP))), rows = Math.ceil(count / most), columns = Math.ceil(count / rows);
    const wide = (this.grid.clientWidth + GRID_GAP) / columns - GRID_GAP, lines = Math.max(...legends.map((names) => this.linesOf(names, wide)));
    const free = room - (this.bar.offsetHeight + 2 * 8) - BELOW_PLOTS - (rows - 1) * GRID_GAP - rows * (AROUND_PLOT + lines * LEGEND_LINE);
    this.grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    this.grid.style.setProperty("--legend", `${lines * LEGEND_LINE}px`);
    this.grid.classList.toggle("grows", Boolean(grows));
    this.high = innerWidth <= 900 ? (alone ? Math.round(innerHeight / 2) : PLOT_HEIGHT) : Math.floor(Math.max(LOW_PLOT, Math.min(alone || dragged ? Infinity : rows > 1 ? HIGH_PLOT : PLOT_HEIGHT, free / rows)));
    if (this.of !== now || this.lines !== lines) this.height = 0; // to be measured anew
    [this.of, this.lines] = [now, lines];
    return this.high;
  }

  // Have there only come more charts?
  isOnlyLonger(now) {
    const but = (key) => key.slice(0, key.lastIndexOf(",")), count = (key) => Number(key.slice(key.lastIndexOf(",") + 1));
    return but(now) === but(this.of) && count(now) > count(this.of);
  }

  // What the tab needs. Of rows of charts that have no room as many as have, and the beginning of the next, to which one scrolls.
  heightOf(node) {
    if (this.height && this.isSettled) return this.height;
    const most = (innerWidth > 900 ? Math.max(MOST_OF_WINDOW, this.grid.querySelector(".large") ? MOST_LARGE : 0) : 1) * innerHeight, tops = [...new Set([...this.grid.children].map(({ offsetTop }) => offsetTop))];
    const next = node.offsetHeight <= most + 1 || tops.length < 2 ? node.offsetHeight : (tops.slice(1).findLast((top) => top + NEXT_BEGINS <= most) ?? tops[1]) + NEXT_BEGINS;
    this.height = next;
    return next;
  }
}
