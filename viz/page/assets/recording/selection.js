// What one step shows, as viz/page/views.py found it, and what of it the reader wants to see.

import { readTree } from "./blocks.js";
import { nameAlone, nameShort } from "./model.js";
import { fasterOf, medianOf, retimed, stepsOfMedians, toldTime } from "./usual_times.js";

export class Selection {
  constructor(model, step, view) {
    const found = model.views.get(step);
    this.model = model;
    this.view = view;
    this.backward = view !== "forward";
    this.ops = model.ops.filter((op) => (model.steps.length ? op.step === step : true));
    this.here = new Set(this.ops.map((op) => op.id));
    this.rest = this.backward
      ? found.rest.map(([ops, title, cost, ...lines]) => ({
          ...{ ops, title: model.text(title), cost: retimed(model, model.text(cost), ops), lines: lines.map(model.text) },
        }))
      : []; // updates that belong to no row
    this.time = toldTime(model, this.ops);
    this.medianSteps = stepsOfMedians(this.ops);
    this.faster = fasterOf(model, this.ops);
    // Of which steps the told times are; "" where there is but one.
    this.timesOf = !this.medianSteps ? "" : model.tellsStep ? nameAlone(model, step) : this.faster === undefined ? medianOf(this.medianSteps) : `${nameShort(model, this.faster)}, the ${medianOf(this.medianSteps)}`;
    const columns = (!this.backward && found.forward) || found.tree;
    this.depths = columns.depths; // how deep the tree is open at first, folded and not
    this.blocks = readTree(model, columns);
    this.tree = this.blocks[0];
  }

  // The words for times forward and backward, with one that says of both whether they are of several equal parts.
  spent([forward, backward, together]) {
    const told = [forward, this.backward ? backward : ""].filter(Boolean).join("   ");
    return told && told + together;
  }
}

export function push(map, key, value) {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
