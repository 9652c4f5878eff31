// Keys of the page, and the list of them.

export const PAGE_KEYS = [
  ["1  2", "the model, its graph"],
  ["[  ]", "the sample before, the next one"],
  ["i", "to the input"],
  ["l", "to the first layer; Tab goes on, arrow keys read values"],
  ["t", "light or dark"],
  ["c", "compare with Python"],
  ["?", "this list"],
];

export function listenToPageKeys(page) {
  const actions = {
    1: () => page.setTab("model"),
    2: () => page.setTab("graph"),
    "[": () => page.stepSample(-1),
    "]": () => page.stepSample(1),
    i: () => page.focusInput(),
    l: () => page.focusLayers(),
    t: () => page.toggleTheme(),
    c: () => page.check?.tell(),
    "?": () => page.showHelp(),
  };
  const listen = (event) => {
    const { key, target } = event,
      inGraph = page.tab === "graph"; // where the graph's own keys count
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest?.("input, select, textarea, dialog")) return;
    if (!actions[key] || (inGraph && key !== "1")) return;
    event.preventDefault();
    if (inGraph) event.stopImmediatePropagation();
    actions[key]();
  };
  addEventListener("keydown", listen, true);
}
