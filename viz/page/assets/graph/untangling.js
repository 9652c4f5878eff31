// Ways that cross others move off them, and those that they cross then off theirs; the counterpart of what
// viz/geometry/edge_routes.py does when all ways are found.

import { BEND } from "./channels.js";
import { distance } from "./routes.js";

const CHAIN = 6, // so many ways are moved, one after the other, to rid a way of crossings
  DETOUR = 600, // how much longer each may become
  ROUND_ABOUT = 20, // ways that are so much longer than they could be are looked for again
  UNTANGLING = 5e5; // points that may be looked at for all that: some 50 ms

export class Untangling {
  constructor(router) {
    Object.assign(this, { router, channels: router.channels });
    this.most = Math.min(router.mostLooks, this.channels.looks + UNTANGLING);
  }

  run(order) {
    for (let round = 0; round < 2; round += 1) {
      let changed = false;
      for (const i of order) {
        if (this.isTired) return;
        if (this.router.found.has(i) && this.crossed(i).length) changed = this.moveChain(i) || changed;
      }
      if (!changed) break;
    }
    for (const i of order) if (!this.isTired) this.shorten(i);
  }

  get isTired() {
    return this.channels.looks > this.most;
  }

  crossed(i) {
    return this.router.met(i).crossed;
  }

  lengthOf(i) {
    return this.channels.lengthOf(this.router.found.get(i)[0], i);
  }

  // Undone if no crossing is won.
  moveChain(first) {
    const before = new Map(), // the ways as they were
      { router } = this;
    let won = 0; // crossings that are gone
    const moving = [first];
    while (moving.length && before.size < CHAIN) {
      const i = moving.shift(),
        shunned = this.crossed(i);
      if (before.has(i) || !shunned.length || router.isBetweenNeighbours(i)) continue;
      before.set(i, router.found.get(i));
      const limit = this.lengthOf(i) + DETOUR;
      router.drop(i);
      if (!router.look(i, false, limit, new Set(shunned))) break;
      const crossed = this.crossed(i);
      won += shunned.length - crossed.length;
      if (won > 0) return true;
      moving.push(...new Set(crossed));
    }
    for (const i of before.keys()) if (router.found.has(i)) router.drop(i);
    for (const [i, found] of before) router.take(i, found);
    return false;
  }

  // How long a way must be, with what its bends cost, whatever is between.
  leastOf(i) {
    const [tails, heads] = this.router.ports[i];
    return Math.min(
      ...tails.flatMap(({ outside: a }) =>
        heads.map(({ outside: b }) => distance(a, b) + (a[0] === b[0] || a[1] === b[1] ? 0 : 2 * BEND)),
      ),
    );
  }

  // Ways that go round about, for the sake of ways that have moved since, look for shorter ones.
  shorten(i) {
    const { router } = this,
      found = router.found.get(i);
    if (!found || this.lengthOf(i) <= this.leastOf(i) + ROUND_ABOUT) return;
    const crossed = this.crossed(i).length,
      length = this.lengthOf(i);
    router.drop(i);
    if (router.look(i, false) && this.crossed(i).length <= crossed && this.lengthOf(i) < length) return;
    if (router.found.has(i)) router.drop(i);
    router.take(i, found);
    this.goFirst(i);
  }

  // Lets a way that goes round about be looked for before those that end where it does; undone if nothing is won. A line
  // that runs straight down to a box would else step aside for a shorter one that comes to it from the side.
  goFirst(i) {
    const { router } = this,
      kin = [...this.channels.endingOn(i, router.found.get(i)[0])];
    if (!kin.length || kin.length > CHAIN) return;
    const moved = [i, ...kin.sort((a, b) => this.leastOf(a) - this.leastOf(b) || a - b)],
      before = moved.map((j) => [j, router.found.get(j)]),
      sum = (of) => moved.reduce((all, j) => all + of(j), 0),
      crossings = () => sum((j) => this.crossed(j).length),
      crossed = crossings(),
      length = sum((j) => this.lengthOf(j));
    moved.forEach((j) => router.drop(j));
    const found = moved.map((j) => router.look(j, false)).every(Boolean);
    if (found && crossings() <= crossed && sum((j) => this.lengthOf(j)) < length) return;
    for (const j of moved) if (router.found.has(j)) router.drop(j);
    for (const [j, way] of before) router.take(j, way);
  }
}
