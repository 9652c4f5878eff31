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
        push(series, `${kind}: ${name}`, [step, asNumber(value)]);
    }
    this.node.replaceChildren(...[...series].map(([name, points]) => lineChart(name, onwards(points))));
  }
}

const asNumber = (value) => Number({ inf: Infinity, "-inf": -Infinity }[value] ?? value);

// Batches are counted from 0 in every epoch; a curve goes on where the last epoch ended.
function onwards(points) {
  let begin = 0,
    last = -1;
  return points.map(([step, value]) => {
    if (step <= last) begin += last + 1;
    last = step;
    return [begin + step, value];
  });
}
