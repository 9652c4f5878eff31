// The tab with what the doctor found.

const SEVERITIES = ["error", "warning", "info"]; // and kinds: in the words of the command line and the documentation

class Findings {
  constructor() {
    this.list = el("div", { class: "findings" });
    this.empty = notice("Nothing found", "The doctor watches training: dead or exploding layers, rates that are too high, data that starves the step, and more.");
    this.node = el("div", { class: "live-tab" }, this.empty, this.list);
    this.count = 0;
  }

  // What the tab needs, where it is shown: the rest of the window is the graph's.
  get height() {
    return this.node.isConnected ? this.node.offsetHeight : 0;
  }

  take(findings) {
    this.count = findings.length;
    this.empty.hidden = findings.length > 0;
    this.list.replaceChildren(...findings.map((finding) => this.entry(finding)));
  }

  entry({ kind, severity, message, layer, op, file, line, code, fix, because }) {
    const facts = [layer && `layer ${clean(layer, 80)}`, op && `op ${clean(op, 60)}`, file && `${clean(file, 120)}:${line}`].filter(Boolean);
    const mark = SEVERITIES.includes(severity) ? severity : "info";
    return el("article", { class: `finding ${mark}` },
      el("h3", {}, el("span", { class: "finding-mark" }, mark), clean(String(kind), 60)),
      el("p", {}, clean(message, 1000)), fix && el("p", { class: "finding-fix" }, clean(fix, 1000)),
      because ? el("p", { class: "finding-where" }, `a consequence of ${clean(because, 60)}, above: mend that first`) : null,
      facts.length ? el("p", { class: "finding-where" }, facts.join(" · ")) : null,
      code ? el("code", { class: "finding-code" }, clean(code, 300)) : null);
  }
}
