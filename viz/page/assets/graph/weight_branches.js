// Rows that compute something from weights alone, for one op that reads it, stand above that, each below the other: the
// counterpart of viz/geometry/weight_branches.py, which says why.

import { push } from "../recording/selection.js";
import { TRACK } from "./channels.js";
import { GAP_X } from "./layout.js";

const BESIDE_BRANCH = 24, // room on each side of such a row, and more for each row of its branch
  MOST_TRACKS = 6;

// The rows that read a branch, each with the rows of the branch, in the order in which they run.
export function weightBranches({ nodes, edges }) {
  const forward = [...nodes.values()].filter(({ lane }) => lane === "forward"),
    order = new Map([...new Set(forward.map(({ row }) => row))].map((row, i) => [row, i])),
    frameOf = new Map(forward.map(({ row, frame }) => [row, frame])),
    inputs = new Set(forward.filter(({ kind }) => kind === "input").map(({ row }) => row)),
    [read, readers] = [0, 1].map(() => new Map([...order.keys()].map((row) => [row, new Set()]))),
    ofWeights = new Set();
  for (const { tail, head, kind } of edges) {
    const [from, to] = [nodes.get(tail), nodes.get(head)];
    if (to.lane !== "forward") continue;
    if (kind === "parameter") ofWeights.add(to.row);
    if (kind !== "data" || from.lane !== "forward") continue;
    read.get(to.row).add(from.row);
    readers.get(from.row).add(to.row);
  }
  const branches = new Set(),
    isOfBranch = (row) => branches.has(row);
  for (const row of order.keys())
    if (ofWeights.has(row) && !inputs.has(row) && [...read.get(row)].every(isOfBranch)) branches.add(row);
  const first = new Map(); // the first op that reads a branch, at last
  for (const row of [...branches].reverse()) {
    const last = [...new Set([...readers.get(row)].map((reader) => first.get(reader) || reader))],
      isReader = (each) =>
        !isOfBranch(each) && ![...read.get(each)].every(isOfBranch) && frameOf.get(each) === frameOf.get(row);
    if (last.length && last.every(isReader)) first.set(row, last.sort((a, b) => order.get(a) - order.get(b))[0]);
  }
  const found = new Map();
  for (const row of branches) if (first.has(row)) push(found, first.get(row), row);
  return found;
}

// For each row of a branch how wide it is, and how much room arrows need on each side of it.
export function spansOfBranches({ nodes }, branches) {
  const boxes = new Map(),
    found = new Map();
  for (const { row, w } of nodes.values()) push(boxes, row, w);
  for (const branch of branches.values())
    for (const row of branch) {
      const span = boxes.get(row).reduce((sum, w) => sum + w + GAP_X, -GAP_X);
      found.set(row, { span, beside: BESIDE_BRANCH + TRACK * Math.min(branch.length, MOST_TRACKS) });
    }
  return found;
}

// Units in the order in which they run, but for branches, which come right before their readers.
export function branchesLast(units, branches) {
  const rows = new Set([...branches.values()].flat()),
    isOf = (branch) => (unit) => unit.row !== undefined && branch.includes(unit.row);
  return units
    .filter((unit) => !rows.has(unit.row))
    .flatMap((unit) => [...units.filter(isOf(branches.get(unit.row) || [])), unit]);
}
