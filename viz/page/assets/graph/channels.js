// The lines that arrows may run along, and the cheapest way over them that enters no box: the counterpart of
// viz/geometry/channels.py, which says what counts; the distances are this one's own.

import { push } from "../recording/selection.js";
import { inside, linesOf } from "./lines.js";
import { beginningOf, onwards } from "./routes.js";

export const KEEP_OFF = 8,
  OFF_TITLES = 6, // nearer ones would underline them
  TRACK = 10, // between ways beside each other
  NEAR = 4.5,
  BEYOND = 28, // where a way turns off a line, another that runs along it so near would look like its continuation
  BEYOND_COST = 120,
  BEND = 14,
  CROSS = 250,
  KIN_CROSS = 25,
  BORDER = 1500,
  AGAINST = 16, // running against an arrow's direction, of its length: one that comes back to its box looks as if it led elsewhere
  CORNER = 2, // how a way passes a point: 0 level, 1 upright; 2 and 5 around a corner, after a level and an upright piece
  BESIDE = 3; // and 3 and 4 close beside it
const MOST_POINTS = 12e6; // for which there is memory: 40 bytes each
export const PUSHING = 500,
  NEVER = 1e15; // what it costs to be in the way of another who must move, or will not

// The index of the first of sorted numbers that is not below (or, for `after`, that is above) a value.
export function indexFrom(sorted, value, after = false) {
  let low = 0,
    high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value || (after && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// A heap of states, the one with the least hope first, and of several the one that cost most so far.
class Waiting {
  constructor() {
    this.size = 0;
    this.make(1 << 12);
  }

  make(room) {
    this.hope = new Float64Array(room);
    this.cost = new Float64Array(room);
    this.state = new Int32Array(room);
  }

  grow() {
    const { hope, cost, state } = this;
    this.make(2 * this.size);
    this.hope.set(hope);
    this.cost.set(cost);
    this.state.set(state);
  }

  push(hope, cost, state) {
    if (this.size === this.hope.length) this.grow();
    const { hope: hopes, cost: costs } = this;
    let at = this.size;
    this.size += 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (hopes[above] < hope || (hopes[above] === hope && costs[above] >= cost)) break;
      this.move(above, at);
      at = above;
    }
    this.put(at, hope, cost, state);
  }

  // Takes the first away, whose hope, cost and state stand at 0 of these.
  drop() {
    this.size -= 1;
    const { size, hope: hopes, cost: costs, state: states } = this,
      hope = hopes[size],
      cost = costs[size];
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= size) break;
      if (
        below + 1 < size &&
        (hopes[below + 1] < hopes[below] || (hopes[below + 1] === hopes[below] && costs[below + 1] > costs[below]))
      )
        below += 1;
      if (hopes[below] > hope || (hopes[below] === hope && costs[below] <= cost)) break;
      this.move(below, at);
      at = below;
    }
    this.put(at, hope, cost, states[size]);
  }

  move(from, to) {
    this.put(to, this.hope[from], this.cost[from], this.state[from]);
  }

  put(at, hope, cost, state) {
    this.hope[at] = hope;
    this.cost[at] = cost;
    this.state[at] = state;
  }
}

export class Channels {
  constructor(scene, titles, ports) {
    const boxes = [...scene.nodes.values()],
      frames = [...scene.frames.values()];
    this.edges = scene.edges;
    [this.xs, this.ys] = linesOf(boxes, titles, frames, ports);
    this.nx = this.xs.length;
    this.ny = this.ys.length;
    const size = this.nx * this.ny;
    this.looks = size > MOST_POINTS ? Infinity : 0; // points of ways that were looked at
    if (this.looks) return;
    this.shut = [new Uint8Array(size), new Uint8Array(size)];
    this.borders = [new Map(), new Map()]; // frames whose borders are in between
    this.along = [new Map(), new Map()]; // whose ways lead on to the right, and down
    this.beyond = new Map(); // whose ways turn off a line just before each point, and the line's direction
    this.passed = new Map(); // whose ways pass each point, and how
    this.kept = new Map();
    this.busyPieces = [new Uint8Array(size), new Uint8Array(size)]; // is something known of a piece, or of a point?
    this.busyPoints = new Uint8Array(size);
    this.best = new Float64Array(2 * size); // by states: twice the point, and the direction
    this.before = new Int32Array(2 * size);
    this.searched = new Int32Array(2 * size); // in which search that was
    this.searches = 0;
    this.waiting = new Waiting();
    const number = numbered();
    this.owners = this.edges.map(beginningOf);
    this.onwards = this.edges.map((edge) => onwards(scene, edge));
    this.begin = this.edges.map(({ kind }, i) => number(`${kind}<${this.owners[i]}`));
    for (const { outside, owner } of ports) {
      push(this.kept, this.at(outside), owner);
      this.busyPoints[this.at(outside)] = 1;
    }
    for (const box of boxes) this.close(box, KEEP_OFF);
    for (const title of titles) this.close(title, OFF_TITLES);
    for (const frame of frames) this.addBorders(frame);
  }

  // No piece may touch the inside of a rectangle that is so much larger.
  close(rect, by) {
    const { nx, xs, ys } = this,
      [left, right, top, bottom] = [rect.x - by, rect.x + rect.w + by, rect.y - by, rect.y + rect.h + by];
    const [i0, i1] = inside(xs, left, right),
      [j0, j1] = inside(ys, top, bottom);
    const before = Math.max(indexFrom(xs, left, true) - 1, 0),
      above = Math.max(indexFrom(ys, top, true) - 1, 0);
    for (let j = j0; j < j1; j += 1)
      for (let i = before; i < Math.min(i1, nx - 1); i += 1) this.shut[0][j * nx + i] = 1;
    for (let i = i0; i < i1; i += 1)
      for (let j = above; j < Math.min(j1, this.ny - 1); j += 1) this.shut[1][j * nx + i] = 1;
  }

  // Crossing a frame's border costs something; running along it isn't allowed.
  addBorders(frame) {
    const { nx, xs, ys } = this,
      right = frame.x + frame.w,
      bottom = frame.y + frame.h;
    for (const x of [frame.x, right]) {
      this.closeLines(x, frame.y, x, bottom, 1);
      const before = indexFrom(xs, x, true) - 1,
        [j0, j1] = inside(ys, frame.y, bottom);
      for (let j = j0; before >= 0 && j < j1; j += 1) this.addBorder(0, j * nx + before, frame.id);
    }
    for (const y of [frame.y, bottom]) {
      this.closeLines(frame.x, y, right, y, 0);
      const before = indexFrom(ys, y, true) - 1,
        [i0, i1] = inside(xs, frame.x, right);
      for (let i = i0; before >= 0 && i < i1; i += 1) this.addBorder(1, before * nx + i, frame.id);
    }
  }

  addBorder(direction, piece, id) {
    push(this.borders[direction], piece, id);
    this.busyPieces[direction][piece] = 1;
  }

  closeLines(left, top, right, bottom, direction) {
    const { nx, xs, ys } = this,
      ends = [inside(xs, left - 4, right + 4), inside(ys, top - 4, bottom + 4)];
    // Pieces that begin before the line and reach it run along it, too.
    ends[direction][0] = Math.max(indexFrom(direction ? ys : xs, (direction ? top : left) - 4, true) - 1, 0);
    const [[i0, i1], [j0, j1]] = ends;
    for (let j = j0; j < j1; j += 1) for (let i = i0; i < i1; i += 1) this.shut[direction][j * nx + i] = 1;
  }

  at([x, y]) {
    return indexFrom(this.ys, y - 0.01) * this.nx + indexFrom(this.xs, x - 0.01);
  }

  point(at) {
    return [this.xs[at % this.nx], this.ys[Math.floor(at / this.nx)]];
  }

  // The points of the cheapest way from one of `starts` to one of `targets`, both with the direction of the piece on
  // the other side; A* over points and directions. None where there is no way.
  search(arrow, starts, targets, own, pushCost) {
    const { nx, ny, xs, ys, shut, best, before, searched, busyPoints, busyPieces } = this,
      quest = { arrow, own, push: pushCost },
      [shutLevel, shutUpright] = shut,
      waiting = this.waiting,
      search = (this.searches += 1),
      goals = this.goalsOf(targets),
      [down, up] = [1, -1].map((sign) => (this.onwards[arrow] === -sign ? 1 + AGAINST : 1));
    // Comes to a point in a direction; written for speed, as this happens a million times for one picture.
    const reach = (to, turn, soFar, from) => {
      const reached = to * 2 + turn;
      if (searched[reached] === search && best[reached] <= soFar) return;
      if (soFar >= NEVER) return;
      searched[reached] = search;
      best[reached] = soFar;
      before[reached] = from;
      waiting.push(soFar + hope(goals, xs[to % nx], ys[(to / nx) | 0], turn), soFar, reached);
    };
    const step = (to, turn, soFar, piece, from) => {
      const more = busyPieces[turn][piece] ? this.pieceCost(quest, piece, turn) : 0;
      reach(to, turn, soFar + more, from);
    };
    waiting.size = 0;
    for (const [at, first] of starts) reach(at, first, 0, -1);
    let found = -1,
      least = Infinity;
    while (waiting.size) {
      const paid = waiting.cost[0],
        state = waiting.state[0];
      if (waiting.hope[0] >= least) break;
      waiting.drop();
      this.looks += 1;
      if (paid > best[state]) continue;
      const direction = state & 1,
        at = state >> 1,
        i = at % nx,
        j = (at / nx) | 0;
      if (targets.has(at)) {
        const end = paid + this.passingCost(quest, at, direction, targets.get(at));
        if (end < least) [least, found] = [end, state];
      }
      const isBusy = busyPoints[at],
        level = isBusy ? this.passingCost(quest, at, direction, 0) : direction === 0 ? 0 : BEND,
        upright = isBusy ? this.passingCost(quest, at, direction, 1) : direction === 1 ? 0 : BEND;
      if (i + 1 < nx && !shutLevel[at]) step(at + 1, 0, paid + (xs[i + 1] - xs[i]) + level, at, state);
      if (i && !shutLevel[at - 1]) step(at - 1, 0, paid + (xs[i] - xs[i - 1]) + level, at - 1, state);
      if (j + 1 < ny && !shutUpright[at]) step(at + nx, 1, paid + down * (ys[j + 1] - ys[j]) + upright, at, state);
      if (j && !shutUpright[at - nx]) step(at - nx, 1, paid + up * (ys[j] - ys[j - 1]) + upright, at - nx, state);
    }
    const way = [];
    for (let back = found; back >= 0; back = before[back]) way.push(back >> 1);
    return way.reverse();
  }

  goalsOf(targets) {
    return Float64Array.from([...targets].flatMap(([at, last]) => [...this.point(at), last]));
  }

  pieceCost(quest, piece, turn) {
    let cost = 0;
    for (const frame of this.borders[turn].get(piece) || []) cost += quest.own.has(frame) ? 0 : BORDER;
    const users = this.along[turn].get(piece);
    if (!users || users.every((user) => this.begin[user] === this.begin[quest.arrow])) return cost;
    return cost + quest.push;
  }

  // What it costs to come to a point in one direction and leave it in another.
  passingCost(quest, at, direction, turn) {
    const { head } = this.edges[quest.arrow],
      owners = this.kept.get(at);
    if (owners && !owners.includes(this.owners[quest.arrow]) && !owners.includes(head)) return NEVER;
    let cost = direction === turn ? 0 : BEND;
    for (const [other, how] of this.passed.get(at) || []) {
      const across = direction === turn && how % BESIDE === 1 - direction;
      if (this.begin[other] === this.begin[quest.arrow]) cost += across && how < BESIDE ? KIN_CROSS : 0;
      else if (across) cost += this.edges[other].head === head ? KIN_CROSS : CROSS;
      else cost += quest.push;
    }
    for (const [other, along] of this.beyond.get(at) || [])
      if ((along === direction || along === turn) && this.begin[other] !== this.begin[quest.arrow]) cost += BEYOND_COST;
    return cost;
  }

  take(arrow, way, first, last) {
    for (const [at, how] of this.passedBy(way, first, last)) {
      push(this.passed, at, [arrow, how]);
      this.busyPoints[at] = 1;
    }
    for (const [at, along] of this.pointsBeyond(way, first, last)) {
      push(this.beyond, at, [arrow, along]);
      this.busyPoints[at] = 1;
    }
    for (const [piece, turn] of this.pieces(way)) {
      push(this.along[turn], piece, arrow);
      this.busyPieces[turn][piece] = 1;
    }
  }

  free(arrow, way, first, last) {
    const without = (users, key, ofArrow) => users.set(key, users.get(key).filter((each) => !ofArrow(each)));
    for (const [at] of this.passedBy(way, first, last)) without(this.passed, at, ([other]) => other === arrow);
    for (const [at] of this.pointsBeyond(way, first, last)) without(this.beyond, at, ([other]) => other === arrow);
    for (const [piece, turn] of this.pieces(way)) without(this.along[turn], piece, (other) => other === arrow);
  }

  // Points close behind the corners of a way, on lines that it turns off there; with the lines' directions.
  pointsBeyond(way, first, last) {
    const steps = way.slice(1).map((at, k) => at - way[k]),
      along = (step) => (Math.abs(step) === 1 ? 0 : 1),
      corners = [],
      found = [];
    if (!steps.length) return found;
    if (along(steps[0]) !== first) corners.push([way[0], -steps[0]]);
    if (along(steps.at(-1)) !== last) corners.push([way.at(-1), steps.at(-1)]);
    for (let k = 1; k < steps.length; k += 1)
      if (steps[k] !== steps[k - 1]) corners.push([way[k], steps[k - 1]], [way[k], -steps[k]]);
    for (const [at, step] of corners) {
      const lines = along(step) ? this.ys : this.xs,
        place = along(step) ? Math.floor(at / this.nx) : at % this.nx,
        sign = Math.sign(step);
      for (let k = 1; Math.abs(lines[place + sign * k] - lines[place]) < BEYOND; k += 1)
        found.push([at + step * k, along(step)]);
    }
    return found;
  }

  // The other ways that a way crosses, sharing no end with it, once for each time; and whose it runs along or touches.
  met(arrow, way, first, last) {
    const crossed = [],
      touched = new Set(),
      { begin, edges } = this;
    for (const [at, direction, turn] of turnsOf(way, first, last)) {
      for (const [other, how] of this.passed.get(at) || []) {
        if (begin[other] === begin[arrow]) continue;
        if (direction !== turn || how % BESIDE !== 1 - direction) touched.add(other);
        else if (edges[other].head !== edges[arrow].head) crossed.push(other);
      }
    }
    for (const [piece, turn] of this.pieces(way))
      for (const user of this.along[turn].get(piece) || []) if (begin[user] !== begin[arrow]) touched.add(user);
    return { crossed, touched };
  }

  passedBy(way, first, last) {
    return turnsOf(way, first, last).flatMap(([at, direction, turn]) => {
      if (direction !== turn) return [[at, CORNER + BESIDE * direction]];
      return this.near(at, direction).map((near) => [near, direction + (near === at ? 0 : BESIDE)]);
    });
  }

  pieces(way) {
    const found = [];
    for (let k = 1; k < way.length; k += 1) {
      const turn = Math.abs(way[k] - way[k - 1]) === 1 ? 0 : 1;
      for (const near of this.near(Math.min(way[k], way[k - 1]), turn)) found.push([near, turn]);
    }
    return found;
  }

  // A point or piece, and those beside it that are too near to look like others.
  near(at, direction) {
    const found = [at],
      lines = direction === 0 ? this.ys : this.xs,
      place = direction === 0 ? Math.floor(at / this.nx) : at % this.nx,
      step = direction === 0 ? this.nx : 1;
    for (const sign of [1, -1]) {
      for (let k = 1; Math.abs(lines[place + sign * k] - lines[place]) < NEAR; k += 1) found.push(at + sign * k * step);
    }
    return found;
  }
}

// What the way from a point to the nearest goal costs at least, begun in a direction. Each goal takes three numbers.
function hope(goals, x, y, direction) {
  let least = NEVER;
  for (let k = 0; k < goals.length; k += 3) {
    const dx = Math.abs(goals[k] - x),
      dy = Math.abs(goals[k + 1] - y),
      last = goals[k + 2],
      bends = direction !== last ? 1 : (last === 0 ? dy : dx) !== 0 ? 2 : 0,
      long = dx + dy + BEND * bends;
    if (long < least) least = long;
  }
  return least;
}

// A number for each text.
function numbered() {
  const known = new Map();
  return (text) => {
    if (!known.has(text)) known.set(text, known.size);
    return known.get(text);
  };
}

function turnsOf(way, first, last) {
  return way.map((at, k) => [
    at,
    k === 0 ? first : Math.abs(at - way[k - 1]) === 1 ? 0 : 1,
    k === way.length - 1 ? last : Math.abs(way[k + 1] - at) === 1 ? 0 : 1,
  ]);
}
