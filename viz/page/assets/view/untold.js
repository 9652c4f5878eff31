// Lines that the graph has words for instead, as they would lead around all of it: those from weights to the penalties
// of several layers. They are drawn for as long as one of their ends is selected.

const UNTOLD_BEND = 0.6; // of the way between two boxes

// The lines of some edges that aren't drawn, from one selected box, or to it: from the side of the upper box to the top of
// the lower one, behind boxes.
function untoldLines({ scene, theme, marks: { selected } }) {
  const seen = scene.untold.filter(({ tail, head }) => selected.has(tail) || selected.has(head));
  return seen.map(({ tail, head, kind }) => {
    const boxes = [tail, head].map((id) => scene.nodes.get(id)),
      [upper, lower] = [...boxes].sort((a, b) => a.y - b.y),
      isRight = lower.x + lower.w / 2 > upper.x + upper.w / 2,
      from = [upper.x + (isRight ? upper.w : 0), upper.y + upper.h / 2],
      to = [lower.x + lower.w / 2, lower.y],
      bends = [[from[0] + (to[0] - from[0]) * UNTOLD_BEND, from[1]], [to[0], to[1] - (to[1] - from[1]) * UNTOLD_BEND]],
      points = [from, ...bends, to];
    if (upper !== boxes[0]) points.reverse();
    const d = `M${points[0]} C${points.slice(1).join(" ")}`;
    return svg("path", { class: "untold", d, fill: "none", stroke: theme.lines[kind], "stroke-width": 2, "stroke-dasharray": "7 4", "marker-end": `url(#head-${kind})` });
  });
}
