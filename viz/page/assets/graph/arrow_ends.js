// Arrows that reach a box from the same side end beside each other, so that its inputs can be counted: the counterpart
// of viz/geometry/arrow_ends.py, which says how.

import { push } from "../recording/selection.js";
import { KEEP_OFF, OFF_TITLES } from "./channels.js";
import { ROUND, boundsOf, meet, roundedCorners } from "./routes.js";

export const APART = 24,
  LEAST_APART = 7, // between arrows that end side by side; with less room they end as one
  OFF_CORNERS = 6, // how far the outermost ends keep from the corners of the box
  NEXT_LEVEL = 10, // from the level piece next to a box to the box
  LEVEL_STEP = 8,
  LEVEL_STEPS = 3, // how far level pieces are moved apart, and how often that is tried
  OFF_BOXES = 6, // how far moved pieces keep off boxes
  ALIKE = 7, // lines nearer than this would look like one
  HEAD = 12, // as long as the head of an arrow, and a little more
  JOG = 24, // what turns aside no farther before it ends might as well come from there
  TOUCH = 4, // how far lines go on at least behind a crossing
  GOES_ON = 60; // so far behind a line's turn, an end at the same place would be taken for its continuation

// Moves the last pieces of ways apart that end at the same place; `lost` edges have no such pieces, and `own` are the
// frames around the ends of each.
export function partEnds(scene, heads, own, lost) {
  const together = new Map(),
    without = new Set(lost);
  scene.edges.forEach((edge, i) => {
    const [[ax], [bx, by]] = edge.corners.slice(-2);
    if (!without.has(edge) && ax === bx) push(together, `${edge.head} ${bx} ${by}`, i);
  });
  const parting = new Parting(scene, heads, own);
  const several = [...together.values()].filter(({ length }) => length > 1);
  for (const arrows of several) parting.part(arrows);
  for (const arrows of several) {
    for (const i of arrows) parting.straighten(i);
    for (const i of arrows) for (const other of arrows) if (i !== other) parting.partBefore(i, other);
  }
  for (const arrows of together.values()) for (const i of arrows) parting.partFromLine(i);
}

class Parting {
  constructor(scene, heads, own) {
    Object.assign(this, { scene, heads, own, edges: scene.edges });
    this.sparesHeads = true; // no line may come to cross an arrow's head, unless ends would stay one for that
    this.bounds = this.edges.map(({ corners }) => areaAround(corners));
    this.pieces = this.edges.map(({ corners }) => piecesOf(corners));
  }

  part(arrows) {
    this.partLevels(arrows);
    const bundles = this.bundlesOf(arrows);
    if (bundles.length < 2) return;
    this.lower(bundles);
    const { head, corners } = this.edges[arrows[0]],
      box = this.scene.nodes.get(head),
      middle = corners[corners.length - 1][0],
      straight = bundles.findIndex(([i]) => !this.side(i)),
      last = bundles.length - 1,
      centres = straight < 0 ? [last / 2, last, 0] : [straight], // the one that ends in the middle
      tried = centres.flatMap((c) => distancesOfEnds(box, Math.max(c, last - c)).map((apart) => [apart, c]));
    tried.sort((a, b) => b[0] - a[0]);
    const isParted = ([apart, centre]) => {
      const moved = new Map();
      bundles.forEach((each, n) => each.forEach((i) => moved.set(i, this.endingAt(i, middle + (n - centre) * apart))));
      return this.moveIfFit(moved);
    };
    for (const sparesHeads of [true, false]) {
      this.sparesHeads = sparesHeads;
      if (tried.some(isParted)) break;
      if (!sparesHeads) this.partOneByOne(box, middle, bundles);
    }
    this.sparesHeads = true;
  }

  // Those from the left end left of the middle, and those from the right right of it, as far as they can.
  partOneByOne(box, middle, bundles) {
    for (const side of [-1, 1]) {
      const beside = bundles.filter(([i]) => this.side(i) === side);
      if (side < 0) beside.reverse();
      for (let n = beside.length; n > 0; n -= 1) {
        const ending = (at) => new Map(beside[n - 1].map((i) => [i, this.endingAt(i, at)]));
        distancesOfEnds(box, beside.length).some((apart) => this.moveIfFit(ending(middle + side * n * apart)));
      }
    }
  }

  // An arrow that turns aside next to its box, to end beside another, leads there from farther off.
  straighten(i) {
    const { corners } = this.edges[i];
    if (corners.length < 5) return;
    const [[before], [turn, level], , [, last], [x, end]] = corners.slice(-5),
      isBeside = Math.abs(x - turn) <= JOG && before !== x && before < turn === before < x,
      comesFromThere = (level - end) * (last - end) > 0; // or it comes around the box, from its other side
    if (isBeside && comesFromThere) this.moveIfFit(new Map([[i, [...corners.slice(0, -4), [x, level], [x, end]]]]));
  }

  // An arrow's line moves aside where it lies on another's that ends beside it: they would join and part again.
  partBefore(i, other) {
    const [{ corners, tail }, { corners: others, tail: from }] = [this.edges[i], this.edges[other]],
      isOne = tail === from || String(corners.at(-1)) === String(others.at(-1)),
      meets = (way) => sharedBy(piecesOf(way).slice(-3), this.pieces[other]) > 0;
    if (corners.length < 5 || isOne || !meets(corners)) return;
    const [[begin], [turn, above], [, below], [x]] = corners.slice(-5, -1);
    for (let n = 1; n <= LEVEL_STEPS; n += 1) {
      const by = n * LEVEL_STEP * Math.sign(begin - turn || 1),
        to = turn + by,
        moved = [...corners.slice(0, -4), [to, above], [to, below], ...corners.slice(-2)],
        isLong = Math.abs(begin - turn) >= Math.abs(by) + 2 * ROUND && Math.abs(x - to) >= 2 * ROUND;
      if (isLong && !meets(moved) && this.moveIfFit(new Map([[i, moved]]))) return;
    }
  }

  // An end that would be taken for the continuation of another arrow, which turned off before it, moves aside.
  partFromLine(i) {
    const { head, corners } = this.edges[i],
      n = corners.length;
    if (n < 4 || !this.continues(i, corners)) return;
    const { x, w } = this.scene.nodes.get(head),
      [at, y] = corners[n - 1],
      others = this.edges.filter((edge, j) => j !== i && edge.head === head && edge.corners.at(-1)[1] === y),
      isOpen = (to) =>
        [to - x, x + w - to].every((off) => off >= OFF_CORNERS) &&
        Math.abs(to - corners[n - 3][0]) >= 2 * ROUND &&
        others.every((edge) => Math.abs(edge.corners.at(-1)[0] - to) >= LEAST_APART);
    for (const apart of [APART, (APART + LEAST_APART) / 2, LEAST_APART])
      for (const side of [this.side(i) || 1, -this.side(i) || -1]) {
        const moved = this.endingAt(i, at + side * apart);
        if (isOpen(at + side * apart) && !this.continues(i, moved) && this.moveIfFit(new Map([[i, moved]]))) return;
      }
  }

  // Does an arrow end where another that has no end in common with it would lead, if it hadn't turned off?
  continues(i, corners) {
    const { tail, head } = this.edges[i],
      [[, begin], [x, end]] = corners.slice(-2),
      [low, high] = [Math.min(begin, end), Math.max(begin, end)];
    const isBefore = (piece) => {
      const far = begin < end ? low - piece.high : piece.low - high,
        area = { x: x - 1, y: Math.min(piece.high, high), w: 2, h: Math.max(far, 0) };
      return piece.upright && Math.abs(piece.place - x) < TOUCH && far > -1 && far < GOES_ON && !this.scene.grid.meets(area);
    };
    return this.edges.some(
      (other, j) => ![other.tail, other.head].some((id) => id === tail || id === head) && this.pieces[j].slice(0, -1).some(isBefore),
    );
  }

  // Does an arrow come from the left (-1), straight (0), or from the right (1)?
  side(i) {
    const { corners } = this.edges[i],
      n = corners.length;
    if (n === 2) return 0;
    return corners[n - 3][0] < corners[n - 1][0] ? -1 : 1;
  }

  // How far from the box an arrow's last level piece is.
  distance(i) {
    const { corners } = this.edges[i],
      n = corners.length;
    return Math.abs(corners[n - 1][1] - corners[n - 2][1]);
  }

  // Arrows from the left to the right, those together whose last level pieces lie on each other.
  bundlesOf(arrows) {
    const found = new Map();
    for (const i of arrows) push(found, `${this.side(i)} ${this.distance(i)}`, i);
    const key = ([i]) => [this.side(i), -this.side(i) * this.distance(i)];
    return [...found.values()].sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1]);
  }

  // Of level pieces that lie on each other, first those that begin next to the box move, away from it.
  partLevels(arrows) {
    for (const side of [-1, 1]) {
      const beside = arrows.filter((i) => this.side(i) === side).sort((a, b) => this.reach(a) - this.reach(b));
      beside.forEach((i, n) => {
        const others = beside.slice(n + 1).filter((j) => this.distance(j) === this.distance(i));
        if (!others.length || this.moveLevel(i, beside, this.comesFromAfar(i), others.length)) return;
        if (!this.moveLevels(beside.slice(0, n + 1), others.length)) this.partFromLast(others, beside);
      });
    }
  }

  // The last level piece of the last of some arrows moves away, and with it those that run behind it.
  moveLevels(nearer, others) {
    const last = nearer[nearer.length - 1],
      behind = nearer.filter((i) => this.distance(i) >= this.distance(last)),
      moved = new Map(behind.map((i) => [i, this.atLevel(i, this.distance(i) + others * LEVEL_STEP)]));
    return behind.length > 1 && ![...moved.values()].includes(null) && this.moveIfFit(moved);
  }

  // Those move away that begin far from the box, which come around the others, or the last of them to the box.
  partFromLast(others, beside) {
    if (this.moveLevel(others[others.length - 1], beside, false)) return;
    for (let n = others.length; n > 0; n -= 1) if (!this.moveLevel(others[n - 1], beside, true, n)) return;
  }

  // Does an arrow turn towards its box, before it runs level?
  comesFromAfar(i) {
    const { corners } = this.edges[i],
      n = corners.length;
    if (n < 4) return false;
    const [level, before] = [2, 4].map((k) => corners[n - k][1] - corners[n - 1][1]);
    return Math.abs(before) > Math.abs(level) && before * level > 0;
  }

  reach(i) {
    const { corners } = this.edges[i],
      n = corners.length;
    return Math.abs(corners[n - 3][0] - corners[n - 1][0]);
  }

  // So far, if that may be, that there is a level left for each of so many others.
  moveLevel(i, beside, away, others = 1) {
    const counts = new Set([others, ...Array.from({ length: LEVEL_STEPS }, (_, k) => k + 1)]),
      steps = [...counts].map((k) => k * (away ? LEVEL_STEP : -LEVEL_STEP));
    return this.setLevel(
      [i],
      beside,
      steps.map((step) => this.distance(i) + step),
    );
  }

  // Level pieces run next to the box, so that there is room for labels behind them.
  lower(bundles) {
    for (const side of [-1, 1]) {
      const beside = bundles.filter(([i]) => this.side(i) === side),
        distances = beside.map((_, k) => NEXT_LEVEL + k * LEVEL_STEP);
      for (const bundle of [...beside].sort(([a], [b]) => this.distance(a) - this.distance(b))) {
        const here = this.distance(bundle[0]);
        this.setLevel(
          bundle,
          beside.flat(),
          distances.filter((distance) => distance < here),
        );
      }
    }
  }

  // The last level pieces of a bundle run at one of some distances from the box, if nothing is in the way.
  setLevel(bundle, beside, distances) {
    const taken = beside.filter((i) => !bundle.includes(i)).map((i) => this.distance(i));
    return distances.some((distance) => {
      const moved = new Map(bundle.map((i) => [i, this.atLevel(i, distance)]));
      if (taken.some((other) => Math.abs(distance - other) < ALIKE)) return false;
      return [...moved.values()].every((corners) => corners) && this.moveIfFit(moved);
    });
  }

  // An arrow's corners with the last level piece elsewhere; null if it leads nowhere then.
  atLevel(i, distance) {
    const { corners } = this.edges[i];
    if (corners.length < 4) return null;
    const [[, before], [turn, level], [middle], [, end]] = corners.slice(-4),
      y = end + (level < end ? -distance : distance);
    if (distance < KEEP_OFF || Math.abs(y - before) < KEEP_OFF || y > before !== level > before) return null;
    return [...corners.slice(0, -3), [turn, y], [middle, y], corners[corners.length - 1]];
  }

  endingAt(i, x) {
    const { corners } = this.edges[i],
      [[, level], [, end]] = corners.slice(-2);
    return corners.length > 2 ? [...corners.slice(0, -2), [x, level], [x, end]] : corners;
  }

  // Moves ways, if they keep off everything in their new places, and cross nothing that they don't cross now.
  moveIfFit(moved) {
    for (const [i, corners] of moved) if (!this.isFree(i, corners) || !this.keepsOffOthers(i, corners, moved)) return false;
    for (const [i, corners] of moved) {
      this.bounds[i] = areaAround(corners);
      this.pieces[i] = piecesOf(corners);
      Object.assign(this.edges[i], { corners, points: roundedCorners(corners) });
    }
    return true;
  }

  keepsOffOthers(i, corners, moved) {
    const near = areaAround(corners.slice(-4), ALIKE),
      pieces = piecesOf(corners.slice(-4));
    for (let j = 0; j < this.edges.length; j += 1) {
      const to = moved.get(j);
      if (j === i || !(to || meet(near, this.bounds[j]))) continue;
      if (!this.keepsOff(i, j, pieces, to ? piecesOf(to) : this.pieces[j])) return false;
    }
    return true;
  }

  // Do the last pieces of a way keep off boxes, titles, and the borders of frames?
  isFree(i, corners) {
    const { tail, head } = this.edges[i],
      { nodes } = this.scene,
      pieces = piecesOf(corners.slice(-4)),
      enter = (box, off, some = pieces) => some.some((piece) => enters(piece, box, off));
    const near = [...this.scene.grid.within(areaAround(corners.slice(-4), KEEP_OFF))].some((box) => {
      const first = box === nodes.get(tail) && corners.length <= 4 ? 1 : 0,
        last = pieces.length - (box === nodes.get(head) ? 1 : 0);
      return enter(box, OFF_BOXES, pieces.slice(first, last));
    });
    if (near || this.heads.some((title) => enter(title, OFF_TITLES))) return false;
    for (const [id, frame] of this.scene.frames) {
      if (pieces.some((piece) => runsAlong(piece, frame))) return false;
      if (!this.own[i].has(id) && enter(frame, 0) && !enter(frame, 0, this.pieces[i].slice(-3))) return false;
    }
    return true;
  }

  keepsOff(i, j, pieces, others) {
    const [a, b] = [this.edges[i], this.edges[j]],
      kin = a.tail === b.tail || a.head === b.head,
      now = metBy(pieces, others, kin);
    const before = metBy(this.pieces[i].slice(-3), this.pieces[j], kin);
    if (now.crossed > before.crossed || (this.sparesHeads && now.tips > before.tips) || now.touched > before.touched || now.along > before.along) return false;
    // Two that come from different boxes mustn't lie on each other farther off than they did.
    return a.tail === b.tail || sharedBy(pieces, others) <= sharedBy(this.pieces[i].slice(-3), this.pieces[j]);
  }
}

// How far ends may be from each other if there are so many on one side of the middle of a box, the best first.
function distancesOfEnds(box, most) {
  const widest = Math.min(APART, (box.w / 2 - OFF_CORNERS) / Math.max(most, 0.5));
  return [widest, (widest + LEAST_APART) / 2, LEAST_APART].filter((apart) => apart <= widest && apart >= LEAST_APART);
}

// The straight pieces between corners: are they upright, where are they, and from where to where do they lead?
function piecesOf(corners) {
  const found = [];
  for (let k = 1; k < corners.length; k += 1) {
    for (const upright of [0, 1]) {
      const [a, b] = [corners[k - 1], corners[k]];
      if (a[1 - upright] === b[1 - upright] && (upright || a[0] !== b[0]))
        found.push({
          ...{ upright, place: a[1 - upright], tip: k === corners.length - 1 ? b[upright] : NaN },
          ...{ low: Math.min(a[upright], b[upright]), high: Math.max(a[upright], b[upright]) },
        });
    }
  }
  return found;
}

// How often pieces cross others, how closely they touch any, and how far they run beside it; arrows that share an end may
// lie on each other.
function metBy(pieces, others, kin) {
  const slack = kin ? 0.01 : TOUCH,
    isWithin = (at, { low, high }, by) => low - by < at && at < high + by;
  let crossed = 0,
    tips = 0, // crossings of the head of an arrow
    touched = 0,
    along = 0;
  for (const piece of pieces) {
    for (const other of others) {
      const off = Math.abs(piece.place - other.place);
      if (piece.upright === other.upright) {
        const near = off < ALIKE && (off > 0 || !kin);
        if (!near || piece.low >= other.high + slack || other.low >= piece.high + slack) continue;
        touched = Math.max(touched, ALIKE - off);
        along = Math.max(along, Math.min(piece.high, other.high) - Math.max(piece.low, other.low));
      } else if (isWithin(other.place, piece, -slack) && isWithin(piece.place, other, -slack)) {
        crossed += 1;
        tips += Math.abs(piece.tip - other.place) < HEAD || Math.abs(other.tip - piece.place) < HEAD;
      } else if (!kin && isWithin(other.place, piece, slack) && isWithin(piece.place, other, slack))
        touched = Math.max(touched, 1);
    }
  }
  return { crossed, tips, touched, along };
}

// How far two ways lie on each other before their last pieces, which are parted in the end.
function sharedBy(pieces, others) {
  let length = 0;
  for (const a of pieces)
    for (const b of others)
      if (a.upright === b.upright && a.place === b.place && !(a === pieces.at(-1) && b === others.at(-1)))
        length += Math.max(0, Math.min(a.high, b.high) - Math.max(a.low, b.low));
  return length;
}

// From where to where a box reaches, across a piece and along it.
function spansOf({ upright }, { x, y, w, h }) {
  return upright ? [x, x + w, y, y + h] : [y, y + h, x, x + w];
}

function enters(piece, box, off) {
  const [a, b, c, d] = spansOf(piece, box);
  return a - off < piece.place && piece.place < b + off && piece.low < d + off && c - off < piece.high;
}

function runsAlong(piece, frame) {
  const [a, b, c, d] = spansOf(piece, frame),
    isNear = Math.abs(piece.place - a) < TOUCH || Math.abs(piece.place - b) < TOUCH;
  return isNear && piece.low < d + TOUCH && c - TOUCH < piece.high;
}

function areaAround(corners, off = 0) {
  const { x, y, w, h } = boundsOf(corners);
  return { x: x - off, y: y - off, w: w + 2 * off, h: h + 2 * off };
}
