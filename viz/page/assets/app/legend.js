// What stands below the graph: what its colours mean, and of which steps its times are.

function showLegend(viewer, legend) {
  const swatches = legend.map(([ground, text, line]) =>
    el("span", { class: "swatch" }, svg("svg", { width: 16, height: 12, "aria-hidden": "true" }, colourSign(ground, line)), text),
  );
  const { timesOf } = viewer.selection, // which nothing else says where the numbers are
    note = timesOf ? [el("span", { class: "note" }, `times in the graph: ${timesOf}`)] : [];
  viewer.legend.replaceChildren(...swatches, ...note);
}

const colourSign = (ground, line) =>
  svg("rect", { ...{ x: 1, y: 1, width: 14, height: 10, rx: 2 }, fill: ground, stroke: line || themeNow().frame });
