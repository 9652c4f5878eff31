// The tab with what the doctor found.

import { button, el, notice } from "../../page/assets/app/dom.js";
import { clean } from "../../page/assets/recording/formatting.js";

export const SEVERITIES = ["error", "warning", "info"]; // and kinds: in the words of the command line and the documentation

// How many there are of each severity, the worst first, as words: "1 error, 2 hints".
export function countedFindings(findings) {
  const words = { error: "error", warning: "warning", info: "hint" };
  const counts = SEVERITIES.map((severity) => [findings.filter((each) => severityOf(each) === severity).length, words[severity]]);
  return counts.filter(([n]) => n).map(([n, word]) => `${n} ${word}${n > 1 ? "s" : ""}`).join(", ");
}

const COMMAND = /`(viz [^`]*)`/; // in what a finding says to do

export const severityOf = ({ severity }) => (SEVERITIES.includes(severity) ? severity : "info");

// The strip above the tabs: the worst finding, so that nobody has to open a tab to hear of an error. Hints aren't told
// there. What the reader has put away comes back when there is something else to tell.
export class FindingStrip {
  // `onopen`: leads to the tab.
  constructor(onopen) {
    this.hidden = new Set(); // kinds that were put away
    this.words = el("button", { type: "button", class: "live-finding-words", onclick: onopen });
    const close = button("×", "hide this", () => { this.found.forEach(({ kind }) => this.hidden.add(kind)); this.show(this.found); }, { class: "live-close" });
    this.command = el("code", { class: "live-finding-command", title: "what to run next" });
    this.node = el("section", { class: "live-finding", "aria-label": "what the doctor found", hidden: true }, this.words, this.command, close);
    this.found = [];
  }

  show(findings) {
    this.found = findings.filter((each) => severityOf(each) !== "info");
    const [worst] = this.found.filter(({ kind }) => !this.hidden.has(kind)).sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
    this.node.hidden = !worst;
    if (!worst) return;
    const { severity, kind, message, file, line, fix } = worst, [, command] = COMMAND.exec(fix || "") || [], rest = this.found.length - 1;
    this.node.className = `live-finding ${severity}`;
    this.node.setAttribute("role", severity === "error" ? "alert" : "status");
    this.command.hidden = !command;
    this.command.textContent = clean(command || "", 120);
    this.words.title = "open the tab Doctor, which says what to do";
    this.words.replaceChildren(el("span", {}, el("b", {}, `${severity} ${clean(String(kind), 60)}`), " ", clean(message, 300)), el("span", { class: "live-finding-more" },
      [file && `${clean(file.split(/[\\/]/).pop(), 60)}:${line}`, rest > 0 && `and ${rest} more`].filter(Boolean).join(" · "), " → Doctor"));
  }
}

export class Findings {
  constructor() {
    this.list = el("div", { class: "findings" });
    this.empty = notice("Nothing found", "The doctor watches training: dead or exploding layers, rates that are too high, data that starves the step, and more.");
    this.node = el("div", { class: "live-tab" }, this.empty, this.list);
    this.count = 0;
    this.told = new Map(); // what the doctor said, by kind and place, also of what it no longer says
  }

  // What the tab needs, where it is shown: the rest of the window is the graph's.
  get height() {
    return this.node.isConnected ? this.node.offsetHeight : 0;
  }

  take(findings) {
    this.count = findings.length;
    const keyOf = ({ kind, layer, file, line }) => [kind, layer, file, line].join("\0"), now = new Set(findings.map(keyOf));
    for (const finding of findings) this.told.set(keyOf(finding), finding);
    const gone = [...this.told].filter(([key]) => !now.has(key)).map(([, finding]) => finding);
    this.empty.hidden = findings.length + gone.length > 0;
    this.list.replaceChildren(...findings.map((finding) => this.entry(finding)), ...(gone.length ? [this.withdrawn(gone)] : []));
  }

  // What the doctor said while this page was open, and takes back by what it has seen since.
  withdrawn(findings) {
    return el("section", { class: "findings-gone" }, el("h3", {}, "No longer found"), ...findings.map(({ kind, severity, message }) =>
      el("p", {}, `${severityOf({ severity })} ${clean(String(kind), 60)}: ${clean(message, 300)}`)));
  }

  entry({ kind, severity, message, layer, op, file, line, code, fix, because }) {
    const facts = [layer && `layer ${clean(layer, 80)}`, op && `op ${clean(op, 60)}`, file && `${clean(file, 120)}:${line}`].filter(Boolean);
    const mark = severityOf({ severity });
    return el("article", { class: `finding ${mark}` },
      el("h3", {}, el("span", { class: "finding-mark" }, mark), clean(String(kind), 60)),
      el("p", {}, clean(message, 1000)), fix && el("p", { class: "finding-fix" }, clean(fix, 1000)),
      because ? el("p", { class: "finding-where" }, `a consequence of ${clean(because, 60)}, above: mend that first`) : null,
      facts.length ? el("p", { class: "finding-where" }, facts.join(" · ")) : null,
      code ? el("code", { class: "finding-code" }, clean(code, 300)) : null);
  }
}
