// The graph of viz's own page, with the values of the last run in its side panel.

import { el } from "../../page/assets/app/dom.js";
import { binned, statistics } from "./arrays.js";
import { drawValues, layoutOf } from "./pictures.js";
import { Readout, placeName } from "./readout.js";

export class Graph {
  constructor(content) {
    this.content = content;
    this.page = window.eagerflowViewer;
    this.viewer = this.page.viewer;
    this.node = el("section", { class: "graph-tab", "aria-label": "graph", hidden: true });
    this.node.append(this.viewer.root);
    this.viewer.root.hidden = true; // its keys are listened to only while it is seen
    this.viewer.liveValues = (tensor) => this.values(tensor);
    this.pending = new Set();
  }

  setOpen(open) {
    this.node.hidden = !open;
    this.viewer.root.hidden = !open;
    if (open && !this.viewer.model) {
      this.viewer.dock.setOpen(false);
      this.page.show(this.content.record);
      if (!matchMedia(NARROW_PAGE).matches) this.viewer.panel.setOpen(true);
    }
  }

  // A layer; where equal ones are drawn once, what it makes.
  select({ scope, tensor }) {
    const block = [...this.viewer.index.blocks.values()].find((each) => each.scope?.id === scope);
    this.viewer.select(block ? { kind: "scope", key: block.key } : { kind: "tensor", id: tensor });
  }

  // After another run: what the panel shows is shown again.
  refresh(results) {
    this.results = results;
    this.computed = new Map();
    if (this.viewer.model && !this.node.hidden) this.viewer.panel.show();
  }

  // The picture of a tensor's values for the panel; null for what the graph that runs here doesn't have.
  values(tensor) {
    const { results } = this;
    if (!results || !results.machine.places.has(tensor.id)) {
      tensor.stats = null;
      return null;
    }
    const values = results.tensor(tensor.id) || this.computed.get(tensor.id);
    if (!values) {
      this.ask(tensor.id);
      return el("p", { class: "remark" }, "computing …");
    }
    const known = statistics(values.data);
    tensor.stats = { ...known, histogram: binned(values.data, known), preview: [] };
    return livePicture(values, known, this.viewer.panel.body.clientWidth - CARD);
  }

  async ask(id) {
    const { results } = this;
    if (this.pending.has(id)) return;
    this.pending.add(id);
    try {
      const values = await results.machine.computed(id, results.given);
      if (results !== this.results) return;
      this.computed.set(id, values);
    } finally {
      this.pending.delete(id);
    }
    this.viewer.panel.show();
  }
}

const CARD = 58; // what lies around a picture in the panel, in pixels
const NARROW_PAGE = "(max-width: 900px)";

function livePicture(values, known, width) {
  const canvas = el("canvas", { role: "img", "aria-label": "values now" }),
    layout = layoutOf(values, Math.max(80, width), false);
  const most = Math.max(Math.abs(known.min ?? 0), Math.abs(known.max ?? 0));
  drawValues(canvas, values, layout, { most });
  const readout = new Readout(canvas, () => ({ values, layout }), placeName);
  return el("div", { class: "live-values" }, readout.node);
}
