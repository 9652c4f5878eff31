// Columns for the boxes of several backward passes through the same ops, the counterpart of viz/geometry/passes.py.

export const BACKWARD = ["backward", "backward 2", "backward 3"];

// Gives these boxes their lanes, those of passes whose gradients are applied first; and to each that another stands left
// of in its row, that as its `nearest`.
export function partPasses({ nodes, edges, frames }) {
  const outermost = new Map();
  for (const node of nodes.values()) {
    if (node.pass === undefined) continue;
    let around = node.frame;
    while (around !== null && frames.get(around).parent !== null) around = frames.get(around).parent;
    outermost.set(around, [...(outermost.get(around) || []), node]);
  }
  const applied = new Set();
  for (const { tail, head } of edges) {
    const [from, to] = [nodes.get(tail), nodes.get(head)];
    if (to.lane === "update" && to.row === from.row) applied.add(from);
  }
  for (const boxes of outermost.values()) partAmong(boxes, applied);
}

function partAmong(boxes, applied) {
  const rows = new Map(),
    columns = new Map(),
    counts = new Map(boxes.map(({ pass }) => [pass, 0]));
  for (const box of boxes) rows.set(box.row, [...(rows.get(box.row) || []), box]);
  for (const box of boxes) if (applied.has(box)) counts.set(box.pass, counts.get(box.pass) + 1);
  for (const pass of [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || a - b)) {
    const beside = [...rows.values()].filter((row) => row.some((box) => box.pass === pass)).flat(),
      taken = new Set(beside.map((box) => columns.get(box.pass)));
    let column = 0;
    while (taken.has(column)) column += 1;
    columns.set(pass, column);
  }
  for (const box of boxes) box.lane = BACKWARD[Math.min(columns.get(box.pass), BACKWARD.length - 1)];
  for (const row of rows.values()) {
    row.sort((a, b) => columns.get(a.pass) - columns.get(b.pass));
    row.forEach((box, n) => {
      if (n) box.nearest = row[n - 1].id;
    });
  }
}
