// What boxes of closed layers say from afar, as frames do: where their lines couldn't be read, their title alone, in
// letters that can be.

const LEAST_TITLE = 6.5, // pixels of a box's own letters: lower ones can't be read
  NAME_LETTERS = [10, 9, 8, 7, LEAST_TITLE],
  NAME_HEIGHT = 1.25, // of its letters' size
  NAME_KEPT = 4, // letters of a title that is cut; fewer tell nothing
  BESIDE_NAME = 1, // pixels, to the edge of the box
  OUTSIDE_NAME = 4; // pixels from a box to its name beside it

// Puts the titles over the lines of boxes that are seen; of one that has no room for its title, beside it, where nothing is.
function nameBoxes(canvas, nodes, signs) {
  const { shown, theme, scene, view: { scale } } = canvas,
    isFar = TITLE_SIZE * scale < LEAST_TITLE,
    key = isFar ? String(scale) : "",
    boxes = nodes.filter(({ kind }) => kind === "scope"),
    taken = [...signs.values()].map((sign) => areaOfSign(canvas, sign));
  if (boxes.every(({ id }) => (shown.get(`n${id}`).dataset.named ?? "") === key)) return; // as they are while the graph is moved
  for (const node of boxes) {
    const element = shown.get(`n${node.id}`);
    element.dataset.named = key;
    element.querySelector(".name")?.remove();
    const name = isFar && nameFromAfar(node, scale),
      beside = isFar && name?.lines.join(" ") !== node.title ? nameBeside(scene, node, scale, taken) : null;
    if (beside) {
      taken.push(beside.area);
      element.append(nameBesideElement(beside, node, scale, theme));
    } else if (name) element.append(nameElement(node, name, scale, theme));
  }
}

const areaOfSign = ({ view }, { x, y, w, h }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale, w: w / view.scale, h: h / view.scale });

// Where the whole title of what runs forward stands beside its box: on the left before the right, in letters that are no
// higher than the box, where no other box, arrow or title is; null where there is no such place.
function nameBeside(scene, node, scale, taken) {
  if (node.lane !== "forward") return null;
  const around = new Set(framesAround(scene, node.id)),
    others = [...scene.frames.values()].filter(({ id }) => !around.has(id)); // it may reach beyond its own, not into them
  for (const letters of NAME_LETTERS.slice(1)) {
    const w = textWidth(node.title, letters, true) / scale,
      h = (letters * NAME_HEIGHT) / scale,
      y = node.y + (node.h - h) / 2;
    for (const [x, anchor] of [[node.x - w - OUTSIDE_NAME / scale, "end"], [node.x + node.w + OUTSIDE_NAME / scale, "start"]]) {
      const area = { x, y, w, h };
      if (h > node.h || [...others, ...taken].some((other) => meet(area, other))) continue;
      if (!scene.grid.within(area).size && !crossing(scene, area, false).length) return { area, letters, anchor };
    }
  }
  return null;
}

function nameBesideElement({ area, letters, anchor }, node, scale, theme) {
  const size = letters / scale,
    x = anchor === "end" ? area.x + area.w : area.x;
  return svg("g", { class: "name", "pointer-events": "none" }, textAt(node.title, x, area.y + area.h / 2 + size * 0.36, size, theme.ink, anchor, true));
}

// The title of a box in lines as its room has place for, and the size of its letters; null where that tells nothing. Which
// call it is, or of how many equal parts, stands in a line of its own where one has no room for all.
function nameFromAfar(node, scale) {
  const width = node.w * scale - 2 * BESIDE_NAME,
    [end = ""] = TITLE_END.exec(node.title) ?? [],
    inTwo = end ? [node.title.slice(0, node.title.indexOf(end)), end.trim()] : [],
    fitting = (lines) => NAME_LETTERS.filter((letters) => lines * letters * NAME_HEIGHT <= node.h * scale),
    whole = (lines) => fitting(lines.length).find((letters) => lines.every((line) => textWidth(line, letters, true) <= width));
  for (const lines of [[node.title], inTwo]) if (lines.length && whole(lines)) return { lines, letters: whole(lines) };
  const letters = fitting(1).at(-1),
    text = letters && cutName(node.title, width, letters);
  return text ? { lines: [text], letters } : null;
}

// The beginning of a title, with the number at its end, which tells it from others: "conv2d_trans…_2".
function cutName(title, width, size) {
  const [end] = /(_\d+)?$/u.exec(title),
    cut = shortened(title.slice(0, title.length - end.length), width - textWidth(end, size, true), size);
  return cut.replace(/^∇ |….*$/gu, "").length < NAME_KEPT ? "" : cut + end;
}

function nameElement({ x, y, w, h, ...node }, { lines, letters }, scale, theme) {
  const [ground] = coloursOf(node, theme),
    edge = 1 / scale,
    size = letters / scale;
  return svg(
    "g",
    { class: "name", "pointer-events": "none" },
    rect(x + edge, y + edge, w - 2 * edge, h - 2 * edge, 0, ground, "none", 0),
    lines.map((text, i) => textAt(text, x + w / 2, y + h / 2 + size * (0.36 + NAME_HEIGHT * (i - (lines.length - 1) / 2)), size, inkOn(ground), "middle", true)),
  );
}
