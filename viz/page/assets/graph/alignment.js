// How far right each unit of a layered graph stands: below what its arrows come from, so that these are straight. The
// counterpart of viz/geometry/alignment.py, which says how.

import { GAP_X } from "./layout.js";

const FREE = 0.01, // how much it counts that a unit without neighbours, and one that has its place, stay
  SETTLED = 100,
  TRUNK = 1e6, // and that of a layer those stay from which the way goes on longest
  SAME_PLACE = 0.01, // parts of the width of a unit that are one place
  WIDER = 1.1, // so much wider all may become for straight ways: a part of the width, and more
  AT_LEAST = 100;

// The left edge of each unit, by its number: of layers of numbers, with the widths of all and the links between them.
export function aligned(layers, widths, links) {
  const spans = layers.map((layer) => layer.reduce((sum, unit) => sum + widths[unit] + GAP_X, -GAP_X)),
    whole = Math.max(0, ...spans),
    centred = new Map();
  layers.forEach((layer, i) => {
    let left = Math.round((whole - spans[i]) / 2);
    for (const unit of layer) {
      centred.set(unit, left);
      left += widths[unit] + GAP_X;
    }
  });
  const around = new Around(layers, widths, links),
    found = around.placed(centred, around.weights(), null),
    first = Math.min(...found.values()),
    width = Math.max(...[...found].map(([unit, left]) => left + widths[unit])) - first;
  if (width > WIDER * whole + AT_LEAST) return around.placed(centred, null, whole + GAP_X);
  return new Map([...found].map(([unit, left]) => [unit, left - first]));
}

// What each unit of layers has for neighbours: where arrows meet it, the other unit, and where they meet that.
class Around {
  constructor(layers, widths, links) {
    Object.assign(this, { layers, widths });
    this.layerOf = new Map(layers.flatMap((layer, i) => layer.map((unit) => [unit, i])));
    [this.above, this.below] = [0, 1].map(() => new Map([...this.layerOf.keys()].map((unit) => [unit, []])));
    for (const { upper, lower, begins, ends } of links) {
      const [a, b] = [upper, lower].map((unit) => this.layerOf.get(unit));
      if (a === undefined || b === undefined || a === b) continue;
      this.above.get(lower).push([ends, upper, begins]);
      this.below.get(upper).push([begins, lower, ends]);
    }
  }

  // The left edges, begun with some, where units stand by their neighbours within a width. With weights, they stand by
  // the nearest layer's neighbours above, and the heaviest below; without, by all.
  placed(lefts, weights, room) {
    const found = new Map(lefts),
      above = new Map(),
      loose = new Map();
    for (const [unit, given] of this.above) above.set(unit, weights ? this.ofLowest(this.straightOn(unit, given)) : given);
    for (const [unit, given] of this.above) {
      const below = given.length ? [] : this.below.get(unit),
        heaviest = Math.max(...below.map(([, other]) => (weights ? weights.get(other) : 0))),
        straight = (each) => weights.get(each[1]) === heaviest && this.endsStraight(unit, each);
      loose.set(unit, weights ? this.ofHighest(below.filter(straight)) : below);
    }
    const settle = (layer, around, alone) => {
      const wishes = layer.map((unit) => {
        const ends = around
          .get(unit)
          .map(([here, other, there]) => found.get(other) + there * this.widths[other] - here * this.widths[unit])
          .sort((a, b) => a - b);
        if (!ends.length) return [found.get(unit), alone];
        return [ends[Math.floor((ends.length - 1) / 2)], weights ? weights.get(unit) : 1];
      });
      nearest(wishes, layer.map((unit) => this.widths[unit] + GAP_X), room).forEach((left, i) => {
        found.set(layer[i], left);
      });
    };
    for (const layer of this.layers) settle(layer, above, FREE);
    for (const layer of [...this.layers].reverse())
      if (layer.some((unit) => loose.get(unit).length)) settle(layer, loose, SETTLED);
    return found;
  }

  // Those of the lowest layer: what passes more layers comes from a shorter branch.
  ofLowest(given) {
    const lowest = Math.max(...given.map(([, other]) => this.layerOf.get(other))),
      near = given.filter(([, other]) => this.layerOf.get(other) === lowest),
      units = this.carryingOn(near.map(([, other]) => other));
    return near.filter(([, other]) => units.includes(other));
  }

  // Those of the highest layer: what is read soonest, if several ways lead on as long.
  ofHighest(given) {
    const highest = Math.min(...given.map(([, other]) => this.layerOf.get(other)));
    return given.filter(([, other]) => this.layerOf.get(other) === highest);
  }

  // Of arrows from one place to several branches within a frame, that whose branch goes straight on below it.
  straightOn(unit, given) {
    const leaving = this.below.get(unit),
      aside = given.map(([here]) => (leaving.length ? Math.min(...leaving.map(([each]) => Math.abs(here - each))) : 0)),
      least = (begins) => Math.min(...given.map(([, ...others], i) => (String(others) === String(begins) ? aside[i] : Infinity)));
    return given.filter(([, ...begins], i) => aside[i] - least(begins) < SAME_PLACE);
  }

  // Is an arrow down from a unit one of those that `straightOn` keeps?
  endsStraight(unit, [here, other, there]) {
    const kept = this.straightOn(other, this.above.get(other));
    return kept.some((each) => String(each) === String([there, unit, here]));
  }

  // Of units side by side those that something leads to, if there are such: the way doesn't lead on from what reads
  // nothing, such as noise, though that stands lower here than in pictures, right above what reads it.
  carryingOn(units) {
    const fed = units.filter((unit) => this.above.get(unit).length);
    return fed.length ? fed : units;
  }

  // How much it counts what each unit wants: much for those from which the way leads on longest, layer by layer.
  weights() {
    const found = new Map(),
      lengths = new Map();
    for (let i = this.layers.length - 1; i >= 0; i -= 1) {
      for (const unit of this.layers[i]) {
        const next = this.below.get(unit).filter(([, other]) => this.layerOf.get(other) === i + 1);
        lengths.set(unit, 1 + Math.max(0, ...next.map(([, other]) => lengths.get(other))));
      }
      const leading = this.carryingOn(this.layers[i]),
        longest = Math.max(...leading.map((unit) => lengths.get(unit)));
      for (const unit of this.layers[i])
        found.set(unit, leading.includes(unit) && lengths.get(unit) === longest ? TRUNK : 1);
    }
    return found;
  }
}

// Left edges as near to what is wished for (a place and its weight each) as neighbours and the borders let.
function nearest(wishes, widths, whole) {
  const before = [0],
    blocks = []; // the weighted sum of wishes, their weight, and how many units
  for (const width of widths) before.push(before.at(-1) + width);
  wishes.forEach(([place, weight], i) => {
    let [total, heavy, count] = [(place - before[i]) * weight, weight, 1];
    while (blocks.length && blocks.at(-1)[0] / blocks.at(-1)[1] >= total / heavy) {
      const [other, more, units] = blocks.pop();
      [total, heavy, count] = [total + other, heavy + more, count + units];
    }
    blocks.push([total, heavy, count]);
  });
  const found = [];
  for (const [total, heavy, count] of blocks) {
    let shift = Math.round(total / heavy);
    if (whole !== null) shift = Math.min(Math.max(0, shift), Math.floor(whole - before.at(-1)));
    for (let k = 0; k < count; k += 1) found.push(shift + before[found.length]);
  }
  return found;
}
