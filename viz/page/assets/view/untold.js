// Lines that the graph has words for instead, as they would lead around all of it: those from weights to the penalties
// of several layers. They are drawn for as long as one of their ends is selected, or a frame around it.

import { svg } from "../app/dom.js";
import { framesAround } from "../graph/routes.js";

const UNTOLD_BELOW = 9, // below the upper box, where no other box of its row is
  UNTOLD_ABOVE = 12, // the lower box, where a line leads to its middle
  UNTOLD_CURVE = 40, // the radius with which lines go down
  UNTOLD_ASIDE = 14, // from a box that a line leads past
  UNTOLD_INSIDE = 10; // from the ends of the lower box's upper edge

// The lines of some edges that aren't drawn, from one selected box, or to it: from below the upper box past its row, down
// past all boxes, and into the top of the lower one, all along one line; behind boxes where there is no other way.
export function untoldLines({ scene, theme, marks: { selected } }) {
  const isChosen = (id) => [id, ...framesAround(scene, id)].some((each) => selected.has(each)),
    seen = scene.untold.filter(({ tail, head }) => isChosen(tail) || isChosen(head));
  return seen.map(({ tail, head, kind }) => {
    const boxes = [tail, head].map((id) => scene.nodes.get(id)),
      [upper, lower] = [...boxes].sort((a, b) => a.y - b.y),
      points = untoldWay(scene, upper, lower);
    return svg("path", {
      ...{ class: "untold", d: roundedWay(upper === boxes[0] ? points : points.reverse()), fill: "none", stroke: theme.lines[kind] },
      ...{ "stroke-width": 2, "stroke-dasharray": "7 4", "marker-end": `url(#head-${kind})` },
    });
  });
}

// The corners of a line from one box to another below it.
function untoldWay(scene, upper, lower) {
  const middle = lower.x + lower.w / 2,
    low = upper.y + upper.h + UNTOLD_BELOW,
    high = Math.max(low, lower.y - UNTOLD_ABOVE),
    across = { x: scene.left, y: low, w: scene.width - scene.left, h: Math.max(1, lower.y - low) },
    others = [...scene.grid.within(across)].filter((box) => box !== upper && box !== lower),
    isFree = (x) => others.every((box) => x < box.x - 2 || x > box.x + box.w + 2),
    isInside = (x) => x >= lower.x + UNTOLD_INSIDE && x <= lower.x + lower.w - UNTOLD_INSIDE,
    places = others.flatMap((box) => [box.x - UNTOLD_ASIDE, box.x + box.w + UNTOLD_ASIDE]).filter(isFree),
    down = isFree(middle) ? middle : places.reduce((best, x) => (Math.abs(x - middle) < Math.abs(best - middle) ? x : best), Infinity),
    x = down === Infinity ? middle : down,
    side = x > upper.x + upper.w / 2 ? 1 : -1,
    begin = upper.x + upper.w * (0.5 + 0.25 * side); // the arrow to the next layer leaves in the middle
  const end = isInside(x) ? [[x, lower.y]] : [[x, high], [middle, high], [middle, lower.y]];
  return [[begin, upper.y + upper.h], [begin, low], [x, low], ...end];
}

// A line through some points, round where it turns.
function roundedWay(points) {
  const toward = ([a, b], [x, y]) => {
    const length = Math.hypot(x - a, y - b),
      by = Math.min(UNTOLD_CURVE, length / 2) / (length || 1);
    return [a + (x - a) * by, b + (y - b) * by];
  };
  const turns = points.slice(1, -1).map((point, i) => ` L${toward(point, points[i])} Q${point} ${toward(point, points[i + 2])}`);
  return `M${points[0]}${turns.join("")} L${points.at(-1)}`;
}
