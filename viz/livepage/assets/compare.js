// The curves of an earlier run, which are drawn beside those of this one: of a file, or of the last runs of this script,
// which the page's process has kept. What is read stays in the page.

import { button, el, fill } from "../../page/assets/app/dom.js";
import { RUNNING_MEAN } from "../../page/assets/panels/reported.js";
import { amount, clean } from "../../page/assets/recording/formatting.js";
import { RUNS } from "./curves.js";
import { EARLIER, readCurves } from "./curves_file.js";
import { timeTaken } from "./live.js";

const COMPARE = ["compare", "draw the curves of an earlier run beside these"]; // what a button says

export class Comparison {
  // `chartsOf`: gives the charts of curves by "run|metric". `onchange`: called when there is another run to compare with, or none.
  constructor(chartsOf, onchange) {
    Object.assign(this, { chartsOf, onchange, name: "", lines: new Map(), borders: [], series: new Map() }); // lines: of each chart by its title, {name, points}
    this.problem = el("span", { class: "live-note", role: "status" });
    this.file = el("input", { type: "file", accept: ".csv", hidden: true, "aria-label": "curves of an earlier run", onchange: async () => {
      await this.load(this.file.files[0]);
      this.file.value = "";
    } });
    this.toggle = button(...COMPARE, () => this.choose(), { "aria-pressed": "false", "aria-expanded": "false" });
    this.menu = el("div", { class: "live-menu", hidden: true });
    this.nodes = [el("span", { class: "live-compare" }, this.toggle, this.menu), this.file, this.problem];
    this.menu.parentNode.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.menu.hidden) return;
      event.stopPropagation();
      this.close();
      this.toggle.focus();
    });
    document.addEventListener("pointerdown", (event) => !this.menu.parentNode.contains(event.target) && this.close());
  }

  // Takes the other run away, or offers those that are known, or asks for a file.
  async choose() {
    if (this.lines.size) return this.set("", new Map(), []);
    if (!this.menu.hidden) return this.close();
    const runs = await fetch("runs").then((answer) => (answer.ok ? answer.json() : []), () => []); // none once the page's process has gone
    if (!runs.length) return this.file.click();
    const entries = runs.map((run, i) => button([`${i ? "run" : "last run"}, ${timeOfDay(run.ended)}`, el("small", {}, extentOf(run))], "draw the curves of this run of the script beside these", () => this.recall(run)));
    this.menu.replaceChildren(...entries, button("a file …", "curves saved by CSV", () => { this.close(); this.file.click(); }));
    this.menu.hidden = false;
    this.menu.style.left = "0";
    this.menu.style.left = `${Math.min(0, innerWidth - 8 - this.menu.getBoundingClientRect().right)}px`; // within a small screen
    this.toggle.setAttribute("aria-expanded", "true");
    entries[0].focus();
  }

  close() {
    this.menu.hidden = true;
    this.menu.replaceChildren();
    this.toggle.setAttribute("aria-expanded", "false");
  }

  // A run of this script that the page's process has kept.
  async recall(run) {
    this.close();
    try {
      const found = await (await fetch(`runs/${encodeURIComponent(run.name)}`)).json();
      const series = new Map(Object.entries(found.series).map(([name, points]) => [name, points.map(whole)])),
        lines = [...this.chartsOf(series).values()].map((chart) => [chart.title, chart.lines.map(({ name, points }) => ({ name, points }))]);
      this.set(`run of ${timeOfDay(run.ended)}`, new Map(lines), found.borders, series);
    } catch {
      this.problem.textContent = "the curves of this run aren't there any more";
    }
  }

  async load(file) {
    const name = clean(file.name.replace(/\.csv$/i, ""), 37) || EARLIER;
    this.set(name, ...readCurves(await file.text()));
    if (this.lines.size) return;
    this.problem.textContent = `${clean(file.name, 60)} holds no curves: it takes a file that "CSV" saved`;
    this.onchange();
  }

  set(name, lines, borders, series = new Map()) {
    Object.assign(this, { name, lines, borders: borders.length > 1 ? borders : [], series });
    const [word, title] = lines.size ? [`× ${name}`, `take the curves of ${name} away`] : COMPARE;
    fill(this.toggle, { title, "aria-label": title, "aria-pressed": String(lines.size > 0) }, []).textContent = word;
    this.problem.textContent = "";
    this.onchange();
  }

  // Its lines in a chart, as they are drawn beside those of this run.
  beside(title, lines) {
    const known = this.lines.get(title) || [], ended = known.some(({ name }) => name === RUNS.epoch.name), parts = this.borders.slice(1).map(({ step }) => step);
    return known.filter((line) => !ended || line.name !== RUNNING_MEAN).map(({ name, points }) => {
      const now = lines.find((line) => line.name === name);
      return { colour: "--muted", ...now, dashed: true, points, parts, name: `${name === title ? "" : `${name}, `}${this.name}`, run: EARLIER, of: now ? now.run : "", note: undefined, anew: false };
    });
  }
}

const whole = ([x, y, low = y, high = y]) => [x, y, low, high];

function timeOfDay(seconds) {
  const at = new Date(seconds * 1000), two = (number) => String(number).padStart(2, "0"), time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.toDateString() === new Date().toDateString() ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

function extentOf({ step, elapsed, how }) {
  const ends = { crashed: "crashed", interrupted: "stopped", killed: "killed", gone: "died" }[how];
  return [step && `${amount(step)} steps`, elapsed && timeTaken(elapsed), ends].filter(Boolean).join(" · ");
}
