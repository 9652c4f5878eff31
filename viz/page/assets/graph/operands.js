// Arrows reach a box in the order of the arguments that they bring, from the left to the right, where that makes no more
// crossings.

const MOST_OPERANDS = 4; // with more, some come from one side anyway

// From where an arrow comes to its box: from the left (-1), straight down (0), or from the right (1).
function sideOfEnd({ corners }) {
  return corners.length < 3 ? 0 : Math.sign(corners.at(-1)[0] - corners.at(-3)[0]) * -1;
}

// The arrows that bring the arguments of one op to its box from above, in the order of these; for each such box.
function operandsOf({ nodes, edges }) {
  const found = new Map();
  for (const edge of edges) {
    const { kind, operand, head, corners } = edge;
    if (kind !== "data" || !operand || nodes.get(head).kind !== "op") continue;
    const [[ax, ay], [bx, by]] = corners.slice(-2);
    if (ax === bx && ay < by) push(found, `${head} ${operand[0]}`, edge);
  }
  return [...found.values()]
    .filter(({ length }) => length > 1 && length <= MOST_OPERANDS)
    .map((arrows) => arrows.sort((a, b) => a.operand[1] - b.operand[1]));
}

// Where arrows should end that come from a side on which others bring later or earlier arguments: edge -> how far from
// the middle of its box.
function endsInTurn(scene) {
  const ends = new Map();
  for (const arrows of operandsOf(scene)) {
    const sides = arrows.map(sideOfEnd),
      straight = sides.indexOf(0);
    if (sides.every((side, n) => !n || side >= sides[n - 1])) continue;
    const centre = straight < 0 ? (arrows.length - 1) / 2 : straight,
      { w } = scene.nodes.get(arrows[0].head),
      apart = Math.min(APART, (w / 2 - OFF_CORNERS) / Math.max(centre, arrows.length - 1 - centre));
    if (apart < LEAST_APART) continue;
    arrows.forEach((edge, n) => sides[n] !== Math.sign(n - centre) && ends.set(edge, (n - centre) * apart));
  }
  return ends;
}

// Does a way come to its end from the side on which that is?
const comesInTurn = (edge, by) => sideOfEnd(edge) === Math.sign(by) || (sideOfEnd(edge) === 0 && edge.corners.length === 2);
