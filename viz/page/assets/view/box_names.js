// What boxes of closed layers say from afar, as frames do: where their lines couldn't be read, their title alone, in
// letters that can be.

const LEAST_TITLE = 6.5, // pixels of a box's own letters: lower ones can't be read
  NAME_LETTERS = [10, 9, 8, 7, LEAST_TITLE],
  NAME_HEIGHT = 1.25, // of its letters' size
  NAME_KEPT = 4, // letters of a title that is cut; fewer tell nothing
  BESIDE_NAME = 1; // pixels, to the edge of the box

// Puts the titles over the lines of boxes that are seen.
function nameBoxes({ shown, theme, view: { scale } }, nodes) {
  const isFar = TITLE_SIZE * scale < LEAST_TITLE;
  for (const node of nodes.filter(({ kind }) => kind === "scope")) {
    const element = shown.get(`n${node.id}`),
      key = isFar ? String(scale) : "";
    if ((element.dataset.named ?? "") === key) continue; // as it is while the graph is moved
    element.dataset.named = key;
    element.querySelector(".name")?.remove();
    const name = isFar && nameFromAfar(node, scale);
    if (name) element.append(nameElement(node, name, scale, theme));
  }
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
