// Places for the labels of arrows, beside their lines where nothing else is: the counterpart of viz/geometry/labels.py.

import { push } from "../recording/selection.js";
import { LABEL_SIZE } from "./measures.js";
import { Grid } from "./routes.js";
import { textWidth } from "./sizes.js";

const ABOVE = 0.8 * LABEL_SIZE,
  BELOW = 0.26 * LABEL_SIZE,
  OFF_LINES = 3, // how far labels keep above and below lines, where there is room: those look like rules under them
  OFF_OTHERS = [8, 5], // and how far above and below, and beside those of other arrows, to which they seem to belong
  OFF_LABELS = 6, // and above and below the labels of those
  OFF_RINGS = 7, // how far labels keep off boxes, where there is room: what is selected has a ring, closed layers a second edge
  LABEL_STEP = 5, // places along a line are tried so far apart
  SAME_LINE = 0.5; // lines that are so near to each other are seen as one

// Gives edges their `labelAt`; tells for which there was no room. Of several that leave a box with the same label the
// first has it. Where several with other labels begin as one line, a label stands behind the place where its own arrow
// leaves them, if there is room.
export function placeLabels(scene, heads) {
  const free = {
      taken: new Grid(obstacles(scene, heads)),
      lines: new Grid(aroundLines(scene, OFF_LINES, 0)),
      others: new Grid(aroundLines(scene, ...OFF_OTHERS)),
      boxes: new Grid([...scene.nodes.values()].map(({ x, y, w, h }) => ({ x: x - OFF_RINGS, y: y - OFF_RINGS, w: w + 2 * OFF_RINGS, h: h + 2 * OFF_RINGS }))),
    },
    said = new Map(),
    lost = [],
    leaving = new Map();
  for (const edge of scene.edges) push(leaving, `${edge.tail}\0${edge.kind}`, edge);
  for (const edge of scene.edges) {
    edge.labelAt = null;
    if (!edge.label || scene.nodes.get(edge.tail).row === scene.nodes.get(edge.head).row) continue;
    const key = `${edge.tail}\0${edge.kind}\0${edge.label}`,
      width = textWidth(edge.label, LABEL_SIZE);
    if (said.get(key)) continue;
    const beside = leaving.get(`${edge.tail}\0${edge.kind}`),
      others = beside.filter(({ label }) => label !== edge.label),
      same = beside.filter(({ label }) => label === edge.label); // it is the label of all of them
    if (others.length) edge.labelAt = placeOfLabel(same, edge.corners, width, free, others);
    edge.labelAt ??= placeOfLabel(same, edge.corners, width, free, []);
    said.set(key, edge.labelAt !== null);
    if (!edge.labelAt) {
      lost.push([edge, key]);
      continue;
    }
    const { x, y, w, h } = areaOfLabel(...edge.labelAt, width);
    free.taken.add({ x, y, w, h });
    free.others.add({ edge, x, y: y - OFF_LABELS, w, h: h + 2 * OFF_LABELS });
  }
  return lost.filter(([, key]) => !said.get(key)).map(([edge]) => edge);
}

// The best place for the label of some arrows, beside the line of one, where nothing else is, and no other line lies on
// it. It may be close to a box or another line rather than have no place; null where there is none.
function placeOfLabel(same, corners, width, free, others) {
  const worse = []; // by how bad they are, the first place of each kind
  for (const [at, place] of labelPlaces(corners, width)) {
    const here = areaOfLabel(...place, width);
    if (others.some((other) => liesOn(at, other.corners)) || free.taken.within(here).size) continue;
    if (free.lines.within(here).size) worse[2] ??= place;
    else if (![...free.others.within(here)].every((line) => same.includes(line.edge))) worse[1] ??= place;
    else if (free.boxes.within(here).size) worse[0] ??= place;
    else return place;
  }
  return worse.find(Boolean) ?? null;
}

const liesOn = ([x, y], corners) =>
  corners.slice(1).some(([bx, by], k) => {
    const [ax, ay] = corners[k];
    return (
      Math.min(ax, bx) - SAME_LINE <= x &&
      x <= Math.max(ax, bx) + SAME_LINE &&
      Math.min(ay, by) - SAME_LINE <= y &&
      y <= Math.max(ay, by) + SAME_LINE
    );
  });

export const areaOfLabel = (x, y, width) => ({ x: x - 1, y: y - ABOVE - 0.5, w: width + 2, h: ABOVE + BELOW + 1 });

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
    found.push(ax === bx ? { x: bx - 4, y: by < ay ? by : by - 6, w: 8, h: 6 } : { x: bx - 3, y: by - 4, w: 6, h: 8 });
  }
  return found;
}

// Where a label would lie close above or below a line, or beside it.
function aroundLines(scene, above, beside) {
  return scene.edges.flatMap((edge) =>
    edge.corners.slice(1).flatMap(([bx, by], k) => {
      const [ax, ay] = edge.corners[k],
        [x, y, w, h] = [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];
      if (h < 0.1 && w > 0.1) return [{ edge, x, y: y - above, w, h: 2 * above }];
      return w < 0.1 && beside ? [{ edge, x: x - beside, y, w: 2 * beside, h }] : [];
    }),
  );
}

// Points of a line, and where a label may begin there, the best first: near the tail, right of the line.
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
        for (const left of [x + 4, x - 4 - width]) found.push([[x, y], [left, baseline]]);
      } else
        for (const left of [x - width / 2, x, x - width])
          for (const base of [y - 2 - BELOW, y + 2 + ABOVE]) found.push([[x, y], [left, base]]);
    }
  }
  return found;
}
