// The film of a step: one op after the other, forward and backward, with the numbers; play, pause, forward, back.

import { button, el, selectBox } from "../app/dom.js";
import { clean } from "../recording/formatting.js";

const FILM_SPEEDS = [["2000", "slow"], ["900", "normal"], ["300", "fast"]];

export class Film {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "film", title: "Film", at: 0, timer: null, pace: 900 });
    this.back = button("◀", "the op before (,)", () => this.move(-1));
    this.play = button("▶ play", "play or pause (k)", () => this.toggle(), { class: "play" });
    this.forth = button("▶|", "the next op (.)", () => this.move(1));
    this.range = el("input", { type: "range", min: 0, step: 1, "aria-label": "frame", oninput: () => this.go(Number(this.range.value)) });
    this.speed = selectBox("how fast it plays", FILM_SPEEDS, (pace) => {
      this.pace = Number(pace);
      if (this.timer) this.start();
    });
    this.speed.value = "900";
    this.count = el("output", { class: "count" });
    this.name = el("h3", {});
    this.lines = el("pre", { class: "film-lines", tabindex: 0, "aria-label": "the numbers" });
    this.bar = el("div", { class: "film-bar", role: "group", "aria-label": "film" }, this.back, this.play, this.forth, this.range, this.count, this.speed);
    this.node = el("div", { class: "film" }, this.bar, this.name, this.lines);
  }

  get frames() {
    const { data, ops } = this.viewer.model;
    if (this.of !== data) {
      const film = Array.isArray(data.meta.film) ? data.meta.film : [];
      const found = film.map((frame) => frame && { ...frame, op: frame.op - data.first_op });
      this.known = found.filter((frame) => frame && ops[frame.op] && typeof frame.title === "string" && Array.isArray(frame.lines));
      [this.of, this.at] = [data, 0];
    }
    return this.known;
  }

  get isUseful() {
    return this.frames.length > 0;
  }

  // What is selected has changed: on to its frame.
  select() {
    if (!this.moving) this.show();
  }

  show() {
    const { frames } = this,
      { selected } = this.viewer.state;
    if (!frames.length) return;
    if (!this.moving && selected && (selected.kind === "op" || selected.kind === "ops")) {
      const found = frames.findIndex((frame) => frame.op === selected.id);
      if (found >= 0) this.at = found;
    }
    this.at = Math.min(this.at, frames.length - 1);
    const frame = frames[this.at],
      op = this.viewer.model.ops[frame.op];
    this.range.max = frames.length - 1;
    this.range.value = this.at;
    this.count.textContent = `${this.at + 1} of ${frames.length}${op ? ` · ${op.phase}` : ""}`;
    this.name.textContent = clean(frame.title, 300);
    this.lines.replaceChildren(
      ...frame.lines.map((line) =>
        el("span", { class: String(line).includes("upstream × local") ? "rule" : null }, `${line}\n`),
      ),
    );
    this.back.disabled = this.at === 0;
    this.forth.disabled = this.at === frames.length - 1;
  }

  go(at) {
    const { frames, viewer } = this;
    this.at = Math.max(0, Math.min(frames.length - 1, at));
    this.moving = true;
    this.show();
    this.lines.scrollTop = 0;
    const { panel } = viewer.state;
    viewer.select({ kind: "op", id: frames[this.at].op });
    viewer.panel.setOpen(panel); // on a phone the panel would cover the film
    this.moving = false;
  }

  move(by) {
    this.stop();
    this.go(this.at + by);
  }

  toggle() {
    if (this.timer) this.stop();
    else this.start();
  }

  start() {
    clearInterval(this.timer);
    if (this.at === this.frames.length - 1) this.at = -1;
    this.timer = setInterval(() => {
      if (this.at + 1 >= this.frames.length || this.viewer.dock.tabs.get("film").tab.hidden) this.stop();
      else this.go(this.at + 1);
    }, this.pace);
    this.play.textContent = "❚❚ pause";
    if (this.at < 0) this.go(0);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "▶ play";
  }
}

export function filmOf(viewer) {
  const tab = viewer.dock.tabs.get("film");
  return tab && !tab.tab.hidden ? tab.owner : null;
}
