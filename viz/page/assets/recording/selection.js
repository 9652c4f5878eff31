// What one step shows, and which of its ops belong together, as viz/page/views.py found it.

class Selection {
  constructor(model, step, view) {
    const found = model.views.get(step);
    this.model = model;
    this.view = view;
    this.backward = view !== "forward";
    this.ops = model.ops.filter((op) => (model.steps.length ? op.step === step : true));
    this.here = new Set(this.ops.map((op) => op.id));
    this.backwardOf = new Map(this.backward ? found.backward_of : []); // forward op -> ops that compute its gradient
    this.ridersOf = new Map(found.riders_of); // forward op -> changes in place next to it (moving averages, seeds)
    this.weightsOf = new Map(found.weights_of); // op -> variables that it is the first to read
    this.updatesOf = new Map(this.backward ? found.updates_of : []); // variable -> ops that change it
    this.riders = new Set([...this.ridersOf.values()].flat());
    this.tree = (!this.backward && found.forward) || found.tree;
  }
}

function push(map, key, value) {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}
