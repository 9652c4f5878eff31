// The live page: listens to news, and passes them on to the tabs, the line of numbers at the top, and the graph.

import { batched, button, el, notice } from "../../page/assets/app/dom.js";
import { amount, clean, nbytes, percent, seconds, short } from "../../page/assets/recording/formatting.js";
import { Curves } from "./curves.js";
import { FindingStrip, Findings, SEVERITIES, countedFindings, severityOf } from "./findings.js";
import { Histograms } from "./histograms.js";
import { Numbers } from "./numbers.js";

const GRAPH_SHARE = 0.15; // of the browser's time that drawing new graphs may take
export const NARROW_WINDOW = 640; // pixels, as in live.css
const WIDEST_MODE = "evaluating"; // of those that take turns while training runs
const SPELLED = 1390; // pixels of a window, beyond which the bar above the graph has words on its buttons
const LOOKING = 2000; // milliseconds between two looks for a later page at this port
const SCALE_BESIDE = 0.76; // of a graph that is too high for the room beside the charts: small letters that can be read
const QUIET = 5000; // milliseconds without news after which the page says so

class Live {
  constructor() {
    this.viewer = window.eagerflowViewer;
    this.curves = new Curves();
    this.histograms = new Histograms();
    this.findings = new Findings();
    this.status = {};
    this.state = "connecting";
    this.follow = true;
    this.shown = this.known = null; // facts of the graph that is shown, and of the latest
    this.nextGraph = 0;
    this.viewer.viewer.canvas.largest = SCALE_BESIDE;
    this.viewer.viewer.deepestAtFirst = 1; // beside the charts there is room for a few boxes: layers are closed
    this.build();
    this.viewer.addTab("curves", "Curves", this.curves.node, () => this.curves.draw(), this.curves);
    this.viewer.addTab("histograms", "Histograms", this.histograms.node, () => this.histograms.refresh());
    this.viewer.addTab("doctor", "Doctor", this.findings.node, null, this.findings);
    this.mark(null, 0);
    this.bringForward("doctor", "histograms", "curves");
    this.viewer.openTab("curves");
    new ResizeObserver(batched(() => this.curves.height && this.viewer.viewer.dock.fit(this.curves))).observe(this.curves.node);
    new MutationObserver(() => this.repaint()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    new ResizeObserver(() => this.showCut()).observe(this.tiles);
    const { toolbar } = this.viewer.viewer; // by the window alone: what it says of each recorded step is never as wide as before
    toolbar.fitWords = () => toolbar.node.classList.toggle("signs", innerWidth <= SPELLED || !toolbar.steps.node.hidden);
    this.keepPanel(matchMedia("(max-width: 900px)"));
    document.addEventListener("keydown", (event) => this.leaveLarge(event));
    document.addEventListener("visibilitychange", () => !document.hidden && this.catchUp());
    setInterval(() => this.state === "running" && this.say(), 1000);
    setInterval(() => this.lookForNext(), LOOKING);
    this.connect();
  }

  build() {
    this.dot = el("span", { class: "live-dot", "aria-hidden": "true" });
    this.word = el("strong", { class: "live-word", role: "status" }, "connecting");
    this.numbers = new Numbers();
    this.tiles = this.numbers.node;
    this.bar = el("div", { class: "live-progress", role: "progressbar", "aria-label": "progress of training", "aria-valuemin": 0, "aria-valuemax": 100 }, el("i", {}));
    this.pause = button("❚❚ graph", "stop following: keep this graph while training goes on", () => this.setFollow(!this.follow), { class: "live-follow", "aria-pressed": "false" });
    this.more = button("⋯", "show all numbers", () => this.showAll(), { class: "live-more", "aria-expanded": "false" });
    this.failure = el("section", { class: "live-failure", role: "alert", hidden: true });
    this.advice = el("p", { class: "live-advice", hidden: true });
    this.next = el("p", { class: "live-advice", role: "status", hidden: true });
    this.strip = new FindingStrip(() => this.viewer.openTab("doctor"));
    this.head = el("header", { class: "live-head" }, el("div", { class: "live-line" }, this.dot, this.word, this.tiles, this.more, this.pause), this.bar, el("div", { class: "live-notes" }, this.advice, this.next, this.strip.node), this.failure);
    document.body.prepend(this.head);
    this.word.textContent = WIDEST_MODE; // so much room it has from the beginning
    this.word.style.minWidth = `${Math.ceil(this.word.getBoundingClientRect().width)}px`;
    document.documentElement.classList.add("live");
    this.viewer.viewer.message.replaceChildren(notice("Waiting for a training step", "The graph is of the next one that is recorded."));
  }

  // A narrow window has no room for the side panel; when it is wide again, that is as it was.
  keepPanel(narrow) {
    const { viewer } = this.viewer;
    let open = narrow.matches || viewer.state.panel;
    narrow.addEventListener("change", () => {
      if (narrow.matches) open = viewer.state.panel;
      else if (viewer.state.panel !== open) viewer.panel.setOpen(open);
    });
  }

  // Escape shows all charts again after one was enlarged.
  leaveLarge(event) {
    const { large, node } = this.curves;
    if (event.key !== "Escape" || large === null || !node.isConnected || document.querySelector("dialog") || event.target.closest?.("input, select")) return;
    this.curves.enlarge(large);
    event.preventDefault();
    event.stopPropagation();
  }

  // The tabs of what is live come before those of the recorded step.
  bringForward(...ids) {
    for (const id of ids) {
      const tab = document.getElementById(`tab-${id}`);
      tab.parentNode.prepend(tab);
    }
  }

  // ---------------------------------------------------------------- news

  connect() {
    const source = new EventSource("events");
    source.addEventListener("news", (event) => this.take(JSON.parse(event.data)));
    source.addEventListener("bye", (event) => {
      source.close();
      this.gone = true;
      this.say();
    });
    source.addEventListener("open", () => { this.curves.series.clear(); this.lost = false; this.next.hidden = true; this.say(); });
    source.addEventListener("error", () => { this.lost = true; this.say(); });
    fetch("key").then((answer) => answer.json()).then((key) => { this.key = key; }, () => {}); // the page has just gone
  }

  // Once this page has gone: is there one of a later run at its port? Another program may have the port by now, so
  // nothing that is secret is sent: the later page shows that it knows this one's key, and the key gives a way in.
  async lookForNext() {
    if (!this.key || !(this.gone || this.lost) || document.hidden) return;
    let ticket = null;
    try {
      const { salt, known } = await (await fetch("/greeting")).json();
      if (known.includes(await proof(this.key, `known ${salt}`))) ticket = await proof(this.key, `open ${salt}`);
    } catch { /* nobody is there, or somebody else */ }
    this.next.hidden = !ticket || !(this.gone || this.lost);
    if (ticket && this.ticket !== ticket) this.next.replaceChildren("The program was started again. ", el("a", { href: `/open/${ticket}` }, "Go to its page"), "; this one keeps what it has.");
    this.ticket = ticket || this.ticket;
  }

  take(news) {
    this.lost = false;
    this.heard = performance.now();
    if (news.status) this.status = news.status;
    if (news.borders) this.curves.takeBorders(news.borders.list);
    if (news.series || news.gone) this.curves.take(news.series || {}, news.gone || []);
    if (news.histograms) this.histograms.take(news.histograms);
    if (news.findings) this.showFindings(news.findings.list);
    if (news.failure) this.showFailure(news.failure);
    if (news.advice) this.showAdvice(news.advice.words);
    if (news.about) this.problem = news.about.problem;
    if (news.end) this.end = news.end;
    if (news.end || this.status.took !== undefined) { // nothing comes that drawing could hold up
      this.nextGraph = 0;
      this.hurry?.();
    }
    if (news.end && !this.known && !news.graph) this.viewer.viewer.message.replaceChildren(notice("No training step", "The program ended without one that this page saw."));
    if (news.end && ["gone", "killed"].includes(news.end.how)) this.showAdvice(news.end.words); // which nothing else says
    if (news.graph) {
      this.known = news.graph;
      this.loadGraph();
    }
    this.say();
    document.documentElement.dataset.version = news.version;
  }

  catchUp() {
    this.loadGraph();
    this.histograms.refresh();
    this.curves.draw();
  }

  repaint() {
    this.curves.draw();
    this.histograms.resize();
  }

  // ---------------------------------------------------------------- the graph

  // Fetches the latest graph and shows it: not while another is on its way, and not more often than drawing it is cheap.
  async loadGraph() {
    if (!this.known || this.loading || document.hidden || (!this.follow && this.shown)) return;
    if (this.shown && this.shown.step === this.known.step && this.shown.ops === this.known.ops) return;
    const wait = this.nextGraph - performance.now();
    this.loading = true;
    try {
      if (wait > 0) await new Promise((done) => { this.hurry = done; setTimeout(done, wait); });
      const facts = this.known, answer = await fetch("graph");
      const data = answer.ok ? await answer.json() : null;
      if (data && (this.follow || !this.shown)) this.showGraph(data, facts);
    } catch (error) {
      this.problem = `the graph can't be shown: ${error.message}`;
    } finally {
      this.loading = false;
    }
    this.say();
    if (this.known !== this.shown && this.shown) setTimeout(() => this.loadGraph(), 1000);
  }

  showGraph(data, facts) {
    const began = performance.now(), first = !this.shown;
    data.title = facts.model || this.status.model || data.title;
    if (first) this.viewer.viewer.state.color = "time"; // before it is drawn, so that it is drawn once
    this.viewer.show(data);
    if (first) this.viewer.viewer.canvas.fit();
    this.shown = facts;
    document.documentElement.dataset.graph = facts.step;
    const took = first ? 0 : performance.now() - began; // the first takes several times as long as those that follow
    this.nextGraph = performance.now() + took / GRAPH_SHARE;
  }

  setFollow(follow) {
    this.follow = follow;
    this.pause.setAttribute("aria-pressed", String(!follow));
    this.pause.firstChild.textContent = follow ? "❚❚ graph" : "▶ graph";
    if (follow) this.loadGraph();
    this.say();
  }

  // ---------------------------------------------------------------- the line at the top

  say() {
    const [state, word] = this.condition();
    this.state = state;
    this.dot.dataset.state = state;
    this.pause.classList.toggle("over", Boolean(this.end)); // it keeps its place
    this.word.textContent = word;
    this.dot.parentNode.title = window.eagerflowTitle;
    this.word.title = [window.eagerflowTitle, this.lost || this.gone ? "What this page has stays here." : this.end && this.end.words].filter(Boolean).join(": ");
    document.documentElement.dataset.live = state;
    this.numbers.show(this.facts());
    this.showCut();
    const { epochs, epoch, in_epoch: inside, per_epoch: each } = this.status;
    const share = epochs && each ? Math.min(1, (epoch - 1 + inside / each) / epochs) : null;
    this.bar.hidden = share === null;
    this.bar.firstChild.style.width = `${100 * (share || 0)}%`;
    this.bar.setAttribute("aria-valuenow", String(Math.round(100 * (share || 0))));
    document.title = `${word} · ${clean(window.eagerflowTitle || this.status.model || "live", 60)}`;
  }

  // Offers the numbers for which there is no room in the line.
  showCut() {
    this.head.classList.toggle("cut", this.numbers.cut());
  }

  // Where there is little room only the first numbers are shown, until the reader asks for all.
  showAll() {
    const all = this.head.classList.toggle("all");
    this.more.setAttribute("aria-expanded", String(all));
  }

  condition() {
    if (this.end) {
      const how = { finished: "ended", crashed: "crashed", interrupted: "stopped", gone: "died", killed: `ended by ${clean(this.end.by || "a signal", 20)}` }[this.end.how] || "ended";
      return [this.end.how, this.gone || this.lost ? `${how} (page closed)` : how];
    }
    if (this.gone || this.lost) return ["lost", "connection lost"];
    if (!this.status.mode) return ["waiting", "waiting for training"];
    const { mode, took } = this.status; // `took` is there after `fit`
    if (took !== undefined) return [{ done: "done", failed: "crashed" }[mode] || "interrupted", mode];
    return [{ idle: "waiting", failed: "crashed" }[mode] || "running", mode];
  }

  facts() {
    const s = this.status, found = [], ended = this.end || s.took !== undefined, busy = !ended && !["idle", "failed"].includes(s.mode);
    const add = (name, value, title, room) => value !== null && value !== undefined && found.push([name, value, title, room]);
    const isWide = innerWidth > NARROW_WINDOW, each = s.per_epoch, all = s.epochs && each ? s.epochs * each : Math.max(99999, s.step || 0), inside = (at) => (each && isWide ? ` (${amount(at)} / ${amount(each)})` : "");
    if (s.epochs) add("epoch", `${s.epoch} / ${s.epochs}`, "", { widest: `${s.epochs} / ${s.epochs}` });
    add("step", s.step !== undefined ? amount(s.step) + inside(s.in_epoch) : null, this.countedAs(s), { widest: amount(all) + inside(each) });
    const mean = ended && s.epochs && each ? ((s.epoch - 1) * each + s.in_epoch) / s.took : ended ? s.step / s.elapsed : 0, rate = mean > 0 && mean < Infinity ? mean : s.rate; // beside how long it took, the mean
    add("speed", rate ? `${short(rate)} steps/s` : null, `${rate === mean ? "the mean of all steps" : "over the last ten seconds"}, with the pauses between them`, { widest: "8.88 k steps/s" });
    if (isWide) add("step takes", s.step_ms ? milliseconds(s.step_ms) : null, `the median of the last 50 steps that weren't recorded${s.whole_ms ? `: the step alone; ${milliseconds(s.whole_ms)} with data and callbacks between steps` : ", of the step alone"}`, { widest: "88.8 ms" });
    add("samples", s.samples ? `${short(s.rate ? (s.samples * rate) / s.rate : s.samples)}/s` : null, "", { widest: "88.8 k/s" });
    this.addTime(add, s, busy);
    add("memory", s.memory ? nbytes(s.memory) : null, "memory that the program holds", { widest: "888.8 MB" });
    add("weights", s.params ? amount(s.params) : null, s.optimizer ? `changed by ${clean(s.optimizer, 30)}` : undefined);
    add("recording", s.overhead !== undefined && s.step > 1 ? percent(s.overhead) : null, "share of the time that recorded steps cost", { widest: "88.8 %" });
    add("run", window.eagerflowTitle || null);
    if (this.shown) add("graph", ...this.shownStep(s, busy), { widest: `step ${amount(all)} (last)` });
    if (this.problem) add("problem", clean(this.problem, 80), clean(this.problem, 500));
    return found;
  }

  // What is counted, where evaluations run beside the training.
  countedAs({ step, others }) {
    return others ? `batches of training so far, which charts count, too; ${amount(step + others)} with those of evaluations: so recordings and --step count, from 0` : undefined;
  }

  // How long it will take, has taken, or for how long nothing was heard: all at one place.
  addTime(add, s, busy) {
    const quiet = performance.now() - this.heard, isNarrow = innerWidth <= NARROW_WINDOW, room = { slot: "left", widest: isNarrow ? "88 min" : "88 min 88 s" }, passed = s.elapsed ? `; ${duration(s.elapsed)} have passed` : "";
    if (this.state === "running" && quiet > Math.max(QUIET, 5 * (s.step_ms || 0))) add("no news for", duration(quiet / 1000), "", { slot: "left" });
    else if (busy && s.epochs) add("left", s.eta !== undefined && s.rate ? duration(s.eta) : null, `time that is left, at this speed${passed}`, room);
    else if (busy) add("passed", s.elapsed ? duration(s.elapsed) : null, "since the first step", isNarrow ? room : { ...room, widest: "88 h 88 min" });
    else if (s.took !== undefined) add("took", timeTaken(s.took), "what the last fit took", { slot: "left" });
    else if (this.end && s.elapsed) add("took", timeTaken(s.elapsed), "from the first step to the last", { slot: "left" });
  }

  // Of which step the graph is; when training is over, why it isn't of its last one. Steps are counted from 0.
  shownStep(status, busy) {
    const { step, number = step } = this.shown, words = `step ${amount(step)}`, why = number === step ? "" : `Recordings and --step call it step ${amount(number)}, as they count batches of evaluations, too.`;
    if (!this.follow) return [`${words} (held)`, why]; // by the reader, who looks there
    const isLast = busy || status.step === undefined || this.shown.step >= status.step - 1 || this.known?.step !== this.shown.step; // or one is about to be shown
    return isLast ? [words, why] : [`${words} (last)`, `Only some steps are recorded, so that training keeps its speed: this is the last of them. Steps are counted from 0. ${why}`];
  }

  // ---------------------------------------------------------------- what went wrong

  showFindings(list) {
    this.findings.take(list);
    const counted = countedFindings(list), worst = SEVERITIES.find((severity) => list.some((each) => severityOf(each) === severity));
    this.viewer.addTab("doctor", counted ? `Doctor: ${counted}` : "Doctor", this.findings.node, null, this.findings);
    this.mark(worst, list.filter((each) => severityOf(each) === worst).length);
    this.strip.show(list);
  }

  // The tab has room for the number from the beginning, so that no other tab moves.
  mark(severity, count) {
    const badge = el("span", { class: severity ? `live-badge ${severity}` : "live-badge none" }, severity ? String(count) : "");
    document.getElementById("tab-doctor").replaceChildren("Doctor ", badge);
  }

  // What the callback Cockpit makes of its numbers.
  showAdvice(words) {
    this.advice.hidden = !words;
    this.advice.textContent = clean(words, 600);
  }

  showFailure(failure) {
    this.failure.hidden = !failure.type;
    if (!failure.type) return;
    const at = [failure.op && `op ${failure.op}`, failure.layer && `layer ${failure.layer}`].filter(Boolean);
    const close = button("×", "hide this", () => { this.failure.hidden = true; }, { class: "live-close" });
    const frames = failure.frames.map(([file, line, name, code]) =>
      el("li", {}, el("span", { class: "live-place" }, `${clean(file, 200)}:${line}`), ` in ${clean(name, 80)}`, el("code", {}, clean(code, 300))));
    const whole = el("details", {}, el("summary", {}, "whole traceback"), el("pre", {}, failure.traceback));
    this.failure.replaceChildren(close, el("h2", {}, clean(failure.type, 80), at.length ? ` in ${clean(at.join(" · "), 300)}` : ""),
      el("p", { class: "live-message" }, failure.message), el("ol", {}, frames), whole);
  }
}

// As the page's process works it out (former_tabs.py).
async function proof(key, of) {
  const bytes = (text) => new TextEncoder().encode(text);
  const imported = await crypto.subtle.importKey("raw", bytes(key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return [...new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes(of)))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function duration(left) {
  const rounded = Math.round(left), hours = Math.floor(rounded / 3600), minutes = Math.floor((rounded % 3600) / 60), rest = rounded % 60;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

const milliseconds = (ms) => seconds(ms * 1e6);
export const timeTaken = (took) => (took < 0.0995 ? `${Math.max(1, Math.round(1e3 * took))} ms` : took < 9.95 ? `${Number(took.toPrecision(2))} s` : duration(took));

window.eagerflowViewer.ready.then(() => { window.eagerflowLive = new Live(); });
