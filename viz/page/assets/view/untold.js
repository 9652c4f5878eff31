// Lines that the graph has words for instead, as they would lead around all of it: those from weights to the penalties
// of several layers. They are drawn for as long as one of their ends is selected, or a frame around it.

const UNTOLD_BELOW = 9; // below the upper box, where no other box of its row is
const UNTOLD_CURVE = 40; // the radius with which lines go down into the lower box

// The lines of some edges that aren't drawn, from one selected box, or to it: from below the upper box past its row, and
// down into the top of the lower one, all along one line; behind boxes.
function untoldLines({ scene, theme, marks: { selected } }) {
  const isChosen = (id) => [id, ...framesAround(scene, id)].some((each) => selected.has(each)),
    seen = scene.untold.filter(({ tail, head }) => isChosen(tail) || isChosen(head));
  return seen.map(({ tail, head, kind }) => {
    const boxes = [tail, head].map((id) => scene.nodes.get(id)),
      [upper, lower] = [...boxes].sort((a, b) => a.y - b.y),
      end = lower.x + lower.w / 2,
      side = end > upper.x + upper.w / 2 ? 1 : -1,
      begin = upper.x + upper.w * (0.5 + 0.25 * side), // the arrow to the next layer leaves in the middle
      low = upper.y + upper.h + UNTOLD_BELOW,
      round = Math.max(0, Math.min(UNTOLD_CURVE, Math.abs(end - begin), lower.y - low)),
      path = [[begin, upper.y + upper.h], [begin, low], [end - side * round, low], [end, low], [end, low + round], [end, lower.y]],
      [a, b, c, corner, e, f] = upper === boxes[0] ? path : path.reverse(),
      d = upper === boxes[0] ? `M${a} L${b} L${c} Q${corner} ${e} L${f}` : `M${a} L${b} Q${c} ${corner} L${e} L${f}`;
    return svg("path", { class: "untold", d, fill: "none", stroke: theme.lines[kind], "stroke-width": 2, "stroke-dasharray": "7 4", "marker-end": `url(#head-${kind})` });
  });
}
