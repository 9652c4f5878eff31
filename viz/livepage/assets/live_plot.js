// A chart of the live page. What stands above its curves has the same height whatever it says, so that nothing moves while
// training runs, and a button at its corner shows it alone.

import { button } from "../../page/assets/app/dom.js";
import { Plot } from "../../page/assets/panels/plot.js";
import { clean } from "../../page/assets/recording/formatting.js";

export class LivePlot extends Plot {
  // `onLarge`: called when the reader wants to see it alone, or all charts again.
  constructor(title, unit, note, onSpan, onToggle, onPoint, onLarge) {
    super(title, unit, note, onSpan, onToggle, onPoint);
    this.larger = button("⤢", "", onLarge, { class: "plot-larger" });
    this.beside.after(this.larger);
    this.tipsAbove = true;
    this.setLarge(false);
  }

  setLarge(large) {
    if (this.large === large) return;
    this.large = large;
    const words = large ? "show all charts again (Esc)" : `enlarge the chart of ${clean(this.title)}`;
    this.larger.textContent = large ? "⤡" : "⤢";
    this.larger.title = words;
    this.larger.setAttribute("aria-label", words);
    this.larger.setAttribute("aria-pressed", String(large));
    this.node.classList.toggle("large", large);
  }

  // Beside the title there is seldom room for all of the words about values outside: the tip has them.
  explain() {
    super.explain();
    this.all.forEach(({ untold }, i) => { this.legend.children[i].hidden = Boolean(untold); });
    const { beside } = this;
    beside.title = beside.hidden ? "" : `${beside.textContent}: ${beside.title}`;
    if (beside.scrollWidth > beside.clientWidth) beside.textContent = `${beside.textContent.split(" ")[0]} outside`; // a number that is cut says nothing
  }

  // Escape shows all charts again, where nothing is left that it would do in the chart itself.
  onKey(event) {
    if (event.key === "Escape" && this.large && !this.options.span) return;
    super.onKey(event);
  }
}
