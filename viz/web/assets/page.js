// The page: inputs and answers on the left, layers on the right, the graph behind a second tab.

import { button, el, icon, notice, segments, showKeys } from "../../page/assets/app/dom.js";
import { clean, counted, short } from "../../page/assets/recording/formatting.js";
import { arrayOf } from "./arrays.js";
import { loadBytes } from "./bytes.js";
import { Check } from "./check.js";
import { Pad } from "./controls/pad.js";
import { Picture } from "./controls/picture.js";
import { Plain } from "./controls/plain.js";
import { Plane } from "./controls/plane.js";
import { Sliders } from "./controls/sliders.js";
import { Words } from "./controls/words.js";
import { Graph } from "./graph.js";
import { PAGE_KEYS, listenToPageKeys } from "./keys.js";
import { Strip } from "./layers.js";
import { LIGHT_IS_PREFERRED, themeInUse } from "./pictures.js";
import { bubble, hideBubble } from "./readout.js";
import { Answers } from "./results.js";
import { Samples } from "./samples.js";
import { Machine } from "./session.js";

const CONTROLS = { pad: Pad, image: Picture, sliders: Sliders, plane: Plane, text: Words, numbers: Plain };
const FIRST_IN_SIGHT = 12; // layers
const SLOW = 60; // milliseconds of a run from which the page waits until the hand rests
const REST = 150;

class Page {
  constructor(content) {
    this.content = content;
    this.machine = new Machine(content);
    this.controls = content.inputs.map((about) => new CONTROLS[about.kind](about, () => this.byHand()));
    this.answers = new Answers(content.outputs);
    this.strip = new Strip(content.layers, content.samples.looked, (layer) => this.openInGraph(layer));
    this.graph = new Graph(content);
    this.tab = "model";
    this.build();
    listenToPageKeys(this);
    LIGHT_IS_PREFERRED.addEventListener("change", () => this.repaint());
    new MutationObserver(() => this.repaint()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  build() {
    const { content } = this,
      title = clean(content.title, 80);
    document.title = title;
    document.documentElement.classList.add("web");
    this.tabs = segments("what is shown", [["model", "Model", "the model at work (1)"], ["graph", "Graph", "what it is made of (2)"]], (tab) => this.setTab(tab));
    this.tabs.show("model");
    this.place = el("span", { class: "place-of-badge" });
    this.progress = el("p", { class: "progress", role: "status" }, "starting …");
    const heading = [el("h1", { title: clean(content.title, 500) }, title), el("span", { class: "caption" }, factsOf(content))],
      buttons = [button(icon("theme"), "light or dark (t)", () => this.toggleTheme()), button("?", "keys (?)", () => this.showHelp())],
      bar = el("header", { class: "web-bar" }, heading, this.place, this.tabs, buttons);
    this.samplesPlace = el("div", {});
    const box = (name, ...inside) => el("section", { class: "card-box", "aria-label": name.toLowerCase() }, el("h2", {}, name), inside),
      controls = this.controls.map((control, i) => [content.inputs.length > 1 ? el("h3", {}, clean(content.inputs[i].name, 60)) : null, control.node]),
      side = el("div", { class: "side" }, box("Input", controls, this.samplesPlace), box("Output", this.answers.node, this.progress));
    this.main = el("main", { class: "model-tab" }, side, this.strip.node);
    document.body.append(bar, this.main, this.graph.node, bubble);
  }

  // ---------------------------------------------------------------- the beginning

  async start() {
    const [bytes] = await Promise.all([loadBytes("numbers"), this.machine.start()]);
    this.samples = new Samples(this.content, this.controls, bytes, () => this.changed());
    this.samplesPlace.replaceWith(this.samples.node);
    this.check = new Check(this.content, this.samples, bytes);
    this.place.replaceWith(this.check.badge);
    const first = await this.showFirst();
    document.documentElement.dataset.model = String(Math.round(performance.now()));
    for (let i = 0; i < this.content.checks.length; i += 1) {
      await new Promise((done) => setTimeout(done));
      const results = await this.check.run(this.machine, i);
      if (i === 0 && this.results === first) this.show(results);
      this.strip.tellTime(results.time); // the first run takes longer
    }
    this.check.show();
    await this.paintGrounds();
    document.documentElement.dataset.checked = String(this.check.worst);
  }

  // A sample, with the layers that come into sight first: all of a large network take longer than it runs.
  async showFirst() {
    const { given, texts } = this.content.samples;
    if (given) this.samples.put(0);
    if (!given || texts) {
      await this.changed();
      return null;
    }
    const first = await this.machine.run(this.samples.given(0), this.content.layers.slice(0, FIRST_IN_SIGHT));
    this.show(first);
    return first;
  }

  // Behind a plane: what the model makes of places all over it.
  async paintGrounds() {
    const [control] = this.controls,
      [about] = this.content.outputs,
      [{ name, type }] = this.content.inputs;
    if (!(control instanceof Plane) || about.kind !== "image" || this.controls.length > 1) return;
    await control.paintGround(async (rows) => {
      const data = arrayOf(type, rows.flat());
      const results = await this.machine.run({ [name]: { type, data, shape: [rows.length, rows[0].length] } });
      const made = results.results[about.name],
        size = made.data.length / rows.length;
      return rows.map((_, i) => made.data.subarray(i * size, (i + 1) * size));
    }, about);
  }

  // ---------------------------------------------------------------- running

  given() {
    const found = {};
    for (const [i, { name, type }] of this.content.inputs.entries()) {
      const value = this.controls[i].value();
      if (!value) return null;
      found[name] = { type, data: arrayOf(type, value.data), shape: [1, ...value.shape] };
    }
    return found;
  }

  byHand() {
    if (this.samples) this.samples.show(-1);
    return this.changed();
  }

  // The reader has changed something: run, at once or when the hand rests, and never twice at a time.
  changed() {
    clearTimeout(this.waiting);
    this.waiting = null;
    this.skipped?.(); // who waits for an earlier change goes on
    if (!(this.time > SLOW)) return this.runNow();
    return new Promise((done) => {
      this.skipped = done;
      this.waiting = setTimeout(() => {
        this.waiting = null;
        this.runNow().then(done);
      }, REST);
    });
  }

  runNow() {
    this.again = true;
    this.running ??= this.work().finally(() => (this.running = null));
    return this.running;
  }

  async work() {
    while (this.again) {
      this.again = false;
      const given = this.machine.session && this.given();
      if (!given) return;
      try {
        const results = await this.machine.run(given);
        this.time = results.time;
        this.show(results);
      } catch (error) {
        this.fail(error);
      }
      await new Promise((done) => requestAnimationFrame(done));
    }
  }

  show(results) {
    this.progress.hidden = true;
    this.results = results;
    const [control] = this.controls;
    this.answers.show(results);
    this.strip.show(results, control.words ? control.words() : []);
    this.graph.refresh(results);
  }

  fail(error) {
    this.progress.hidden = false;
    this.progress.replaceChildren(notice("The model can't run here", clean(error.message || error, 400)));
  }

  // ---------------------------------------------------------------- what the reader does

  setTab(tab) {
    this.tab = tab;
    this.tabs.show(tab);
    this.main.hidden = tab !== "model";
    this.graph.setOpen(tab === "graph");
    hideBubble();
    if (tab === "model") this.strip.redraw();
    else if (this.results) this.graph.refresh(this.results);
  }

  openInGraph(layer) {
    this.setTab("graph");
    this.graph.select(layer);
  }

  stepSample(by) {
    const { buttons } = this.samples || { buttons: [] };
    if (!buttons.length) return;
    const now = buttons.findIndex((each) => each.getAttribute("aria-pressed") === "true");
    this.samples.choose((now + by + buttons.length) % buttons.length);
  }

  focusInput() {
    this.controls[0].node.querySelector("canvas[tabindex], [tabindex], textarea, input, button")?.focus();
  }

  focusLayers() {
    this.strip.rows[0]?.canvas.focus();
  }

  showHelp() {
    showKeys(PAGE_KEYS, "Everything happens in this page: it holds the model, and sends nothing anywhere.");
  }

  toggleTheme() {
    const name = themeInUse() === "dark" ? "light" : "dark";
    if (this.graph.viewer.model) this.graph.page.theme = name;
    else document.documentElement.dataset.theme = name;
  }

  repaint() {
    this.strip.redraw();
    if (this.results) this.answers.show(this.results);
    if (this.results) this.graph.refresh(this.results);
  }
}

const factsOf = ({ model, layers }) => [`${short(model.weights)} weights`, counted(layers.length, "layer"), `onnxruntime-web ${model.runtime}`].join("  ·  ");

const page = new Page(JSON.parse(document.getElementById("content").textContent));
window.eagerflowModel = { page, ready: null };
window.eagerflowModel.ready = page.start().catch((error) => {
  page.fail(error);
  document.documentElement.dataset.model = "failed";
});
