// How large boxes and the titles of frames are, by the widths of their texts.

const TITLE_SIZE = 12,
  LINE_SIZE = 10.5,
  LINE_HEIGHT = 15,
  HEAD_HEIGHT = 18,
  LID = 5;
const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Verdana, sans-serif";

const widths = new Map(); // measured texts, since measuring is the slowest part of laying out
const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, size, bold = false) {
  const key = `${size}${bold}${text}`;
  let found = widths.get(key);
  if (found === undefined) {
    ruler.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    found = ruler.measureText(text).width;
    if (widths.size > 50000) widths.clear();
    widths.set(key, found);
  }
  return found;
}

function sizeOf(node) {
  const lines = node.lines.map((line) => textWidth(line, LINE_SIZE));
  const width = Math.max(textWidth(node.title, TITLE_SIZE, true) + (node.key ? 20 : 0), ...lines);
  const lid = node.kind === "parameter" ? 2 * LID : 0;
  return {
    w: 2 * Math.ceil(Math.max(48, width + 24) / 2), // so that middles stand exactly below each other
    h: 14 + lid + LINE_HEIGHT * (node.lines.length + (node.title ? 1 : 0)),
  };
}

const titleWidth = (frame) => (frame.title ? textWidth(frame.title, 13, true) + 26 : 0);

function headOf(frame) {
  const title = titleWidth(frame);
  const below = frame.subtitle ? textWidth(frame.subtitle, LINE_SIZE) : 0;
  return {
    w: 2 * Math.ceil((Math.max(title, below) + 8) / 2),
    h: HEAD_HEIGHT * ((frame.title ? 1 : 0) + (frame.subtitle ? 1 : 0)),
  };
}

const MOST_LEVELS = 4; // more arrows than two that reach a box below a frame's title, for each of which there is a level

// Room below each frame's title, and for gradients above its lower border, for the level pieces of arrows that reach one
// box from outside.
function leaveLevels(scene) {
  const counts = new Map();
  for (const frame of scene.frames.values()) Object.assign(frame, { below: BELOW_HEAD, under: PAD });
  for (const { kind, tail, head } of scene.edges) {
    const [side, least] = { data: ["below", BELOW_HEAD], gradient: ["under", PAD] }[kind] || [],
      outside = side && framesAround(scene, tail);
    for (const id of side ? framesAround(scene, head) : []) {
      if (outside.includes(id)) continue;
      const count = (counts.get(`${id} ${side} ${head}`) || 0) + 1,
        frame = scene.frames.get(id);
      counts.set(`${id} ${side} ${head}`, count);
      frame[side] = Math.max(frame[side], least + TRACK * Math.min(count - 2, MOST_LEVELS));
    }
  }
}
