// What training reported: losses and metrics over batches and epochs.

class Training {
  constructor(viewer) {
    Object.assign(this, { viewer, id: "training", title: "Training" });
    this.node = el("div", { class: "training" });
  }

  get isUseful() {
    return this.viewer.model.data.logs.length > 0;
  }

  show() {
    const series = new Map();
    for (const [kind, step, values] of this.viewer.model.data.logs) {
      for (const [name, value] of Object.entries(values))
        push(series, `${kind === "epoch" ? "epoch: " : "batch: "}${name}`, [
          step,
          Number(value === "inf" ? Infinity : value === "-inf" ? -Infinity : value),
        ]);
    }
    this.node.replaceChildren(...[...series].map(([name, points]) => lineChart(name, points)));
  }
}
