// Places for the labels of arrows, beside their lines where nothing else is: the counterpart of viz/geometry/labels.py.

const ABOVE = 0.8 * LABEL_SIZE,
  BELOW = 0.26 * LABEL_SIZE,
  OFF_LINES = 3, // how far labels keep above and below lines, where there is room
  LABEL_STEP = 5; // places along a line are tried so far apart

// Gives edges their `labelAt`; tells for which there was no room. Of several that leave a box with the same label the
// first has it.
function placeLabels(scene, heads) {
  const taken = new Grid(obstacles(scene, heads)),
    beside = new Grid(besideLines(scene)),
    said = new Map(),
    lost = [];
  for (const edge of scene.edges) {
    edge.labelAt = null;
    if (!edge.label || scene.nodes.get(edge.tail).row === scene.nodes.get(edge.head).row) continue;
    const key = `${edge.tail}\0${edge.kind}\0${edge.label}`,
      width = textWidth(edge.label, LABEL_SIZE);
    if (said.get(key)) continue;
    for (const place of labelPlaces(edge.corners, width)) {
      const here = areaOfLabel(...place, width);
      if (taken.within(here).size) continue;
      edge.labelAt ??= place;
      if (beside.within(here).size) continue;
      edge.labelAt = place;
      break;
    }
    said.set(key, edge.labelAt !== null);
    if (edge.labelAt) taken.add(areaOfLabel(...edge.labelAt, width));
    else lost.push([edge, key]);
  }
  return lost.filter(([, key]) => !said.get(key)).map(([edge]) => edge);
}

const areaOfLabel = (x, y, width) => ({ x: x - 1, y: y - ABOVE - 0.5, w: width + 2, h: ABOVE + BELOW + 1 });

function obstacles(scene, heads) {
  const found = [];
  for (const { x, y, w, h } of [...scene.nodes.values(), ...heads]) found.push({ x: x - 1, y: y - 1, w: w + 2, h: h + 2 });
  for (const { x, y, w, h } of scene.frames.values()) {
    for (const at of [x, x + w]) found.push({ x: at - 1, y, w: 2, h });
    for (const at of [y, y + h]) found.push({ x, y: at - 1, w, h: 2 });
  }
  for (const { corners } of scene.edges) {
    for (let k = 1; k < corners.length; k += 1) {
      const [[ax, ay], [bx, by]] = [corners[k - 1], corners[k]];
      found.push({
        ...{ x: Math.min(ax, bx) - 1, y: Math.min(ay, by) - 1 },
        ...{ w: Math.abs(ax - bx) + 2, h: Math.abs(ay - by) + 2 },
      });
    }
    const [[ax, ay], [bx, by]] = corners.slice(-2); // the arrow's head is wider than its line
    found.push(
      ax === bx ? { x: bx - 4, y: by < ay ? by : by - 6, w: 8, h: 6 } : { x: bx - 3, y: by - 4, w: 6, h: 8 },
    );
  }
  return found;
}

// Where a label would lie close above or below a line, which then looks like a rule under it.
function besideLines(scene) {
  return scene.edges.flatMap(({ corners }) =>
    corners.slice(1).flatMap(([bx, by], k) => {
      const [ax, ay] = corners[k];
      return Math.abs(ay - by) < 0.1 && Math.abs(ax - bx) > 0.1
        ? [{ x: Math.min(ax, bx), y: ay - OFF_LINES, w: Math.abs(ax - bx), h: 2 * OFF_LINES }]
        : [];
    }),
  );
}

// Where a label may begin, the best first: near the tail, right of the line.
function labelPlaces(corners, width) {
  const found = [];
  for (let k = 1; k < corners.length; k += 1) {
    const [[ax, ay], [bx, by]] = [corners[k - 1], corners[k]],
      steps = Math.max(1, Math.floor((Math.abs(ax - bx) + Math.abs(ay - by)) / LABEL_STEP));
    for (let i = 0; i <= steps; i += 1) {
      const x = ax + ((bx - ax) * i) / steps,
        y = ay + ((by - ay) * i) / steps;
      if (Math.abs(ax - bx) < 0.1) {
        const baseline = y + (ABOVE - BELOW) / 2;
        found.push([x + 4, baseline], [x - 4 - width, baseline]);
      } else for (const left of [x - width / 2, x, x - width]) found.push([left, y - 2 - BELOW], [left, y + 2 + ABOVE]);
    }
  }
  return found;
}
