// Keys of the page, and the list of them.

const PAGE_KEYS = [
  ["1  2", "the model, its graph"],
  ["[  ]", "the sample before, the next one"],
  ["i", "to the input"],
  ["l", "to the first layer; Tab goes on, arrow keys read values"],
  ["t", "light or dark"],
  ["c", "compare with Python"],
  ["?", "this list"],
];

function listenToPageKeys(page) {
  const actions = {
    1: () => page.setTab("model"),
    2: () => page.setTab("graph"),
    "[": () => page.stepSample(-1),
    "]": () => page.stepSample(1),
    i: () => page.focusInput(),
    l: () => page.focusLayers(),
    t: () => page.toggleTheme(),
    c: () => page.check && page.check.tell(),
    "?": () => page.toggleHelp(),
  };
  addEventListener(
    "keydown",
    (event) => {
      const typing = event.target.closest && event.target.closest("input, select, textarea");
      if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
      const inGraph = page.tab === "graph"; // where the graph's own keys count
      if (event.key === "Escape" && page.help.isConnected) page.toggleHelp();
      if (!actions[event.key] || (inGraph && event.key !== "1")) return;
      event.preventDefault();
      if (inGraph) event.stopImmediatePropagation();
      actions[event.key]();
    },
    true,
  );
}

function keyList(close) {
  return el(
    "div",
    { class: "overlay", onclick: (event) => event.target.classList.contains("overlay") && close() },
    el(
      "div",
      { class: "help", role: "dialog", "aria-modal": "true", "aria-label": "keys" },
      button("×", "close (Esc)", close, { class: "close" }),
      el("h2", {}, "Keys"),
      el(
        "dl",
        {},
        PAGE_KEYS.map(([keys, what]) =>
          el(
            "div",
            {},
            el(
              "dt",
              {},
              keys.split("  ").map((key) => el("kbd", {}, key)),
            ),
            el("dd", {}, what),
          ),
        ),
      ),
      el("p", {}, "Everything happens in this page: it holds the model, and sends nothing anywhere."),
    ),
  );
}
