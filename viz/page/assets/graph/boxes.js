// The elements of boxes, frames and arrows: the counterpart of viz/picture/svg.py. Colours are written as attributes, so that
// an exported picture looks like the page.

import { svg } from "../app/dom.js";
import { amount, clean } from "../recording/formatting.js";
import { timesOf } from "../recording/usual_times.js";
import { coloursOf, inkOn } from "./colours.js";
import { LABEL_SIZE } from "./measures.js";
import { MARK_SIZE } from "./operands.js";
import { pathOf } from "./routes.js";
import { HEAD_HEIGHT, LID, LINE_HEIGHT, LINE_SIZE, TITLE_SIZE, headOf, linesBelow, textWidth } from "./sizes.js";

export function boxElement(node, theme, scene) {
  const [ground, line] = coloursOf(node, theme),
    ink = inkOn(ground),
    { x, y, w, h } = node;
  const width = node.error ? 3 : 1.3;
  const group = svg("g", { class: `node ${node.kind}`, id: domId(node.id), "data-id": node.id, role: "button", "aria-label": spoken(node) });
  group.append(svg("title", { text: tipOf(node, scene) }));
  if (node.kind === "parameter") group.append(cylinder(node, ground, line, width));
  else {
    const rounded = node.kind === "op" || node.kind === "scope" ? 7 : 1,
      front = rect(x, y, w, h, rounded, ground, line, width);
    front.setAttribute("class", "ground");
    if (["input", "gradient"].includes(node.kind)) front.setAttribute("stroke-dasharray", "5 3");
    if (node.key) group.append(rect(x + 3.5, y + 3.5, w, h, rounded, ground, line, 1)); // a second edge behind it: there is more inside
    group.append(front);
  }
  const lines = [node.title, ...node.lines, node.note].filter(Boolean);
  const middle = y + h / 2 + (node.kind === "parameter" ? LID : 0),
    top = middle - (LINE_HEIGHT * lines.length) / 2 + LINE_HEIGHT * 0.76;
  lines.forEach((text, i) =>
    group.append(textAt(text, x + w / 2 + (i || !node.key ? 0 : 6), top + LINE_HEIGHT * i, i ? LINE_SIZE : TITLE_SIZE, ink, "middle", !i)),
  );
  for (const [text, left, down] of node.marks ?? [])
    group.append(textAt(text, left, down + MARK_SIZE * 0.36, MARK_SIZE, ink, "middle", false));
  if (node.key) {
    const wide = textWidth(node.title, TITLE_SIZE, true);
    group.append(toggle(x + w / 2 - wide / 2 - 9, top - 4, false, ink, `open ${node.title}`));
  }
  return group;
}

export const domId = (id) => `n-${id.replace(/[^\w-]/g, (c) => `.${c.codePointAt(0).toString(16)}`)}`; // without spaces
export const rect = (x, y, w, h, rx, ground, line, width) =>
  svg("rect", { x, y, width: w, height: h, rx, fill: ground, stroke: line, "stroke-width": width });

export const textAt = (text, x, y, size, fill, anchor, bold) => svg("text", { x, y, "font-size": size, fill, "text-anchor": anchor, "font-weight": bold ? 600 : null, text });

// Nothing is seen of it; it takes clicks between letters.
export function clickable(x, y, w, h) {
  const area = rect(x, y, w, h, 0, "none", "none", 0);
  area.setAttribute("pointer-events", "all");
  return area;
}

const EDGE_TIPS = { update: "changes in place", link: "gradient of this op" };

// What a box tells under the mouse: whose op it is and where it comes from.
function tipOf(node, { model, placeOf }) {
  const op = model.ops[node.main ?? node.ops[0]];
  const weights = (node.variables || [])
    .slice(0, 6)
    .map((id) => `${clean(model.tensors[id].name, 120)}: ${model.tensors[id].label}`),
    more = (node.variables || []).length - weights.length;
  if (!op) return [node.title, ...weights, more > 0 && `and ${amount(more)} more`].filter(Boolean).join("\n");
  const frame = model.lineOf(op); // as in its panel
  return [
    node.title,
    node.part === undefined ? null : `a part of ${op.name}, which ran as one`,
    [placeOf(node), op.pass].filter(Boolean).join("  ·  "),
    frame && `${clean(frame.place, 160)}  ${clean(frame.code, 120)}`,
    clean(op.error, 200),
    timesOf(model, node.part === undefined ? node.ops.map((id) => model.ops[id]) : []),
  ]
    .filter(Boolean)
    .join("\n");
}

// What screen readers say for a box.
export function spoken(node) {
  const kind = node.kind === "scope" ? "closed layer" : node.phase === "backward" ? "backward op" : kindOf(node);
  return [kind, node.title, ...node.lines, node.note].filter(Boolean).join(", ");
}

const kindOf = (node) => (node.part !== undefined ? "part" : node.key ? "closed op" : node.kind);

// A small + or − that opens or closes.
function toggle(x, y, isOpen, colour, label) {
  const r = 5.5;
  return svg(
    "g",
    { class: "toggle", "data-toggle": "1", role: "button", "aria-label": label },
    svg("circle", { cx: x, cy: y, r: 11, fill: "transparent" }), // a larger target than what is seen
    svg("circle", { cx: x, cy: y, r, fill: "none", stroke: colour, "stroke-width": 1.1 }),
    svg("path", {
      d: `M${x - 2.8} ${y}h5.6${isOpen ? "" : `M${x} ${y - 2.8}v5.6`}`,
      stroke: colour,
      "stroke-width": 1.1,
      fill: "none",
    }),
  );
}

function cylinder({ x, y, w, h }, ground, line, width) {
  const r = w / 2,
    low = y + h - LID,
    top = y + LID;
  const d = `M${x} ${top} a${r} ${LID} 0 0 1 ${w} 0 V${low} a${r} ${LID} 0 0 1 ${-w} 0 z M${x} ${top} a${r} ${LID} 0 0 0 ${w} 0`;
  return svg("path", { d, fill: ground, stroke: line, "stroke-width": width, class: "ground" });
}

export function frameElement(frame, theme) {
  return svg(
    "g",
    { class: "frame", "data-id": frame.id },
    rect(frame.x, frame.y, frame.w, frame.h, 10, theme.frames[frame.level % 2], theme.frame, 1.2),
  );
}

// A frame's title, whose place keeps off arrows.
export function headElement(frame, theme) {
  const head = headOf(frame),
    middle = frame.headX + head.w / 2;
  const group = svg("g", {
    class: "head",
    "data-id": frame.id,
    role: "button",
    "aria-label": `open ${frame.op === undefined ? "layer" : "op"}, ${frame.title}, ${frame.subtitle}`,
  });
  group.append(clickable(middle - head.w / 2, frame.y + 4, head.w, head.h + 2));
  let y = frame.y + HEAD_HEIGHT;
  if (frame.title) {
    group.append(textAt(frame.title, middle + 8, y, 13, theme.ink, "middle", true));
    group.append(toggle(middle - textWidth(frame.title, 13, true) / 2 - 7, y - 4.5, true, theme.muted, `close ${frame.title}`));
    y += HEAD_HEIGHT;
  }
  for (const line of linesBelow(frame)) {
    const text = textAt(line, middle, y, LINE_SIZE, theme.muted, "middle", false);
    group.append(text);
    y += HEAD_HEIGHT;
  }
  return group;
}

export function edgeElement(edge, theme, model) {
  const colour = theme.lines[edge.kind],
    link = edge.kind === "link";
  const group = svg("g", { class: `edge ${edge.kind}`, "data-id": edge.id });
  const tip =
    EDGE_TIPS[edge.kind] ||
    edge.tensors
      .slice(0, 12)
      .map((t) => model.tensors[t].label)
      .join("\n");
  group.append(svg("title", { text: tip || edge.label }));
  const line = { d: pathOf(edge.points), fill: "none", stroke: colour, "stroke-width": link ? 1 : 1.4, "stroke-dasharray": link ? "4 3" : null };
  group.append(svg("path", { ...line, "marker-end": link ? null : `url(#head-${edge.kind})` }));
  if (edge.label && edge.labelAt) group.append(textAt(edge.label, ...edge.labelAt, LABEL_SIZE, theme.muted, "start", false));
  return group;
}

export function markers(theme) {
  return svg(
    "defs",
    {},
    Object.entries(theme.lines).map(([kind, colour]) =>
      svg(
        "marker",
        {
          id: `head-${kind}`,
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 9,
          markerHeight: 9,
          markerUnits: "userSpaceOnUse",
          orient: "auto-start-reverse",
        },
        svg("path", { d: "M0 0.5L8 4L0 7.5z", fill: colour }),
      ),
    ),
  );
}

// Very many boxes seen from afar: one path for each colour instead of an element for each box.
export function boxesFromAfar(nodes, theme) {
  const paths = new Map();
  for (const node of nodes) {
    const [ground, line] = coloursOf(node, theme),
      key = `${ground}\0${line}`;
    paths.set(key, (paths.get(key) || "") + `M${node.x | 0} ${node.y | 0}h${node.w | 0}v${node.h | 0}h${-node.w | 0}z`);
  }
  return [...paths].map(([key, d]) => {
    const [ground, line] = key.split("\0");
    return svg("path", { d, fill: ground, stroke: line, "stroke-width": 2 });
  });
}

export function edgesFromAfar(edges, theme) {
  const paths = new Map();
  for (const edge of edges) paths.set(edge.kind, (paths.get(edge.kind) || "") + pathOf(edge.points));
  return [...paths].map(([kind, d]) =>
    svg("path", { d, fill: "none", stroke: theme.lines[kind], "stroke-width": 2 }),
  );
}
