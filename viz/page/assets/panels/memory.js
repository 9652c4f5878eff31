// Memory over time, and what holds it at the peak or at any other moment.

const CURVE_H = 120,
  LONGEST_PATH = 28;

class MemoryCurve {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "memory", title: "Memory", moment: null });
    this.canvas = el("canvas", {
      class: "curve",
      tabindex: 0,
      role: "slider",
      "aria-label": "memory over time; left and right move the moment",
      onclick: (event) => this.choose(event),
      onkeydown: (event) => this.onKey(event),
    });
    this.head = el("p", { class: "summary" });
    this.table = el("div", { class: "owners" });
    this.content = el(
      "div",
      { class: "memory" },
      el("div", { class: "memory-curve" }, this.head, this.canvas),
      this.table,
    );
    this.node = el("div", {});
  }

  make() {
    const { model } = this.viewer;
    if (this.made === model) return;
    this.made = model;
    this.spans = model.data.memory.map(([tensor, size, start, end]) => ({
      tensor: model.tensors[tensor],
      size,
      start,
      end,
    }));
    // As viz/facts/memory_use.py does: the curve is not in the data, since it would be a sixth of a page.
    const changes = this.spans
      .flatMap(({ size, start, end }) => [[start, 1, size], ...(end === null ? [] : [[end, 0, -size]])])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.curve = [];
    this.peak = { time: 0, size: 0 };
    let live = 0;
    for (const [time, , change] of changes) {
      live += change;
      this.curve.push([time, live]);
      if (live > this.peak.size) this.peak = { time, size: live };
    }
    this.end = Math.max(
      this.curve.length ? this.curve[this.curve.length - 1][0] : 1,
      ...model.steps.map((s) => s.end || 0),
      model.data.meta.duration || 0,
    );
    this.moment = this.peak.time;
  }

  show() {
    this.make();
    if (!this.spans.length) {
      this.node.replaceChildren(
        notice(
          "No memory curve",
          this.viewer.model.ops.length ? "Memory was not recorded." : "There are no ops in this recording.",
          "viz.trace(memory=True)",
        ),
      );
      return;
    }
    if (this.node.firstChild !== this.content) this.node.replaceChildren(this.content);
    this.draw();
    this.showOwners();
  }

  liveAt(time) {
    let low = 0,
      high = this.curve.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.curve[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    return low ? this.curve[low - 1][1] : 0;
  }

  draw() {
    const width = this.canvas.parentNode.clientWidth || 500;
    this.paint(sharpen(this.canvas, width, CURVE_H), width);
    this.canvas.setAttribute(
      "aria-valuetext",
      `${nbytes(this.liveAt(this.moment))} at ${seconds(this.moment)}`,
    );
    this.canvas.setAttribute("aria-valuemin", "0");
    this.canvas.setAttribute("aria-valuemax", String(Math.round(this.end)));
    this.canvas.setAttribute("aria-valuenow", String(Math.round(this.moment)));
  }

  paint(pen, width) {
    const theme = themeNow(),
      x = (time) => (time / this.end) * width,
      y = (size) => CURVE_H - 16 - (size / (this.peak.size || 1)) * (CURVE_H - 34);
    pen.clearRect(0, 0, width, CURVE_H);
    const { step } = this.viewer.state,
      shown = step === null ? null : this.viewer.model.steps[step];
    if (shown && shown.start !== null && this.viewer.model.steps.length > 1) {
      pen.fillStyle = theme.frames[0];
      pen.fillRect(x(shown.start), 0, x((shown.end ?? this.end) - shown.start), CURVE_H - 16);
    }
    pen.beginPath();
    pen.moveTo(0, y(0));
    let last = 0,
      lastX = -1;
    for (const [time, size] of this.curve) {
      if (x(time) - lastX > 0.3 || size === this.peak.size) pen.lineTo(x(time), y(last));
      pen.lineTo(x(time), y(size));
      [last, lastX] = [size, x(time)];
    }
    pen.lineTo(width, y(last));
    pen.lineTo(width, y(0));
    pen.fillStyle = theme.phases.forward[0];
    pen.strokeStyle = theme.phases.forward[1];
    pen.fill();
    pen.stroke();
    this.mark(pen, x(this.peak.time), y(this.peak.size), theme.error[1], theme, width);
    pen.fillStyle = theme.ink;
    pen.fillRect(x(this.moment), 4, 1.2, CURVE_H - 20);
    pen.fillStyle = theme.muted;
    pen.font = `10.5px ${FONT}`;
    for (const at of ticks(0, this.end, width / 110))
      pen.fillText(at ? seconds(at) : "0", Math.min(x(at) + 2, width - 44), CURVE_H - 3);
  }

  mark(pen, x, y, colour, theme, width) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x, y, 4, 0, 7);
    pen.fill();
    pen.font = `600 11px ${FONT}`;
    const text = `peak ${nbytes(this.peak.size)}`;
    const long = pen.measureText(text).width,
      fits = x + 7 + long + 4 <= width; // else it stands left, clear of the line of the moment
    pen.fillText(text, fits ? x + 7 : Math.max(0, x - 7 - long), Math.max(11, y - 5));
  }

  // What was in use at the chosen moment, the largest first.
  showOwners() {
    const { model } = this.viewer,
      here = this.spans
        .filter(({ start, end }) => start <= this.moment && (end === null || end > this.moment))
        .sort((a, b) => b.size - a.size);
    const total = here.reduce((sum, each) => sum + each.size, 0),
      roles = new Map();
    for (const { tensor, size } of here) roles.set(tensor.role, (roles.get(tensor.role) || 0) + size);
    const atPeak = this.moment === this.peak.time;
    this.head.replaceChildren(
      el("strong", {}, `${atPeak ? "peak: " : ""}${nbytes(total)}`),
      ` at ${seconds(this.moment)}  ·  `,
      [...roles]
        .sort((a, b) => b[1] - a[1])
        .map(([role, size]) => `${role} ${nbytes(size)}`)
        .join("  ·  "),
      atPeak
        ? ""
        : button("go to the peak", "the moment of the most memory", () => this.moveTo(this.peak.time), {
            class: "link",
          }),
    );
    const row = ({ tensor, size }) => {
      const op = tensor.producer === null ? null : model.ops[tensor.producer],
        go = () =>
          this.viewer.select(
            tensor.producer === null || model.variables.has(tensor.id)
              ? { kind: "tensor", id: tensor.id }
              : { kind: "op", id: tensor.producer },
          );
      const name = tensor.name || (op ? op.name : "from outside"),
        layer = op ? model.ownerOf(op) : "",
        line = op && model.lineOf(op);
      const cells = [
        nbytes(size),
        percent(size / (total || 1)),
        tensor.label + (tensor.nbytes && tensor.nbytes < size ? ` (${nbytes(tensor.nbytes)} of it)` : ""),
        el("button", { type: "button", class: "link", onclick: go, title: clean(name, 200) }, ending(clean(name, 200))),
        el("span", { title: layer }, ending(layer)),
        tensor.role,
        line ? line.place : "",
      ];
      return el(
        "tr",
        {},
        cells.map((cell, i) => el("td", { class: i < 2 ? "right" : "" }, cell)),
      );
    };
    const rest = here.slice(40),
      more = rest.length
        ? [
            el(
              "tr",
              {},
              el("td", { class: "right" }, nbytes(rest.reduce((sum, each) => sum + each.size, 0))),
              el("td", {}),
              el("td", { colspan: 5 }, `${amount(rest.length)} more`),
            ),
          ]
        : [];
    this.table.replaceChildren(
      el(
        "table",
        {},
        el("caption", { class: "voice" }, "what holds memory at this moment"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["memory", "share", "tensor", "of", "layer", "role", "line"].map((name) =>
              el("th", { scope: "col" }, name),
            ),
          ),
        ),
        el("tbody", {}, here.slice(0, 40).map(row), more),
      ),
    );
  }

  moveTo(time) {
    this.moment = Math.max(0, Math.min(this.end, time));
    this.draw();
    this.showOwners();
  }

  choose(event) {
    const box = this.canvas.getBoundingClientRect();
    this.moveTo(((event.clientX - box.left) / box.width) * this.end);
  }

  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(this.moment + (by * this.end) / 100);
  }
}

// A path's last part, which tells most, with as much before it as has room.
function ending(path) {
  return path.length > LONGEST_PATH ? `…${path.slice(1 - LONGEST_PATH)}` : path;
}
