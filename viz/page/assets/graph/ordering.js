// The order of what stands side by side, so that few arrows cross (Sugiyama, Tagawa and Toda, 1981); the counterpart of
// viz/geometry/layer_order.py. An arrow that passes layers takes a place in each of them. Where in a unit an arrow
// begins or ends counts too: 0 is left, 1 is right. Of orders that cross as little, one is looked for in which what runs
// first stands farther left, so that the main path stays where it was when a block is opened.

const SWEEPS = 8,
  SWAPS = 4, // rounds of swaps of neighbours, after each sweep
  SWAPPED = 2, // so many crossings an input on the left of one that the code has before it is as bad as
  TURNED = 6, // and two units that stood the other way round before a click
  MOST_KNOWN = 40, // units of a layer for which that counts
  MAIN = 2 / 3, // so many of all rows are on the main way at least
  MOST_SWAPPED = 3000, // links; with more, there are sweeps alone
  TRIES = 60, // to let what runs first stand farther left
  MOST_TRIED = 20000, // links that all of these may have together
  LONGER = 1.2, // how much longer arrows may become for that
  MOST_PLACES = 4000; // that long arrows take in layers; with more, only their ends count

// `layers`: arrays of numbers, the units, as the code has them; `links`: {upper, lower, begins, ends}; `widths`: by unit;
// `inputs`: the units that are inputs; `lengths`: by unit, how many rows are in it; `before`: by unit, how far right it
// stood before a click, where it did. Gives the layers in a better order.
export function inOrder(layers, links, widths, { inputs = new Set(), lengths = [], before = [] } = {}) {
  if (layers.every((layer) => layer.length < 2)) return layers;
  const { rows, steps, count } = withPassing(layers, links),
    wanted = { inputs, before, turn: turnsFromLeft(layers, links, lengths, inputs) },
    quick = steps.length > MOST_SWAPPED;
  let best = rows,
    least = new Ordering(rows, steps, count, wanted).cost();
  for (const start of quick ? [rows] : startingOrders(rows, before)) {
    if (!least) break;
    const [found, crossed] = new Ordering(start, steps, count, wanted).untangled(quick ? 0 : SWAPS);
    if (crossed < least) [best, least] = [found, crossed];
  }
  const units = new Set(layers.flat());
  if (!quick) best = new Ordering(best, steps, count, wanted).inTurn(units, widths);
  return best.map((row) => row.filter((unit) => units.has(unit)));
}

// When each unit has its turn from the left: as the code runs, but where a few units are beside a long way through all others,
// as a shortcut is, those on the way first. So the main path of a block stays where it was when the block is opened.
function turnsFromLeft(layers, links, lengths, inputs) {
  const turns = [],
    all = layers.flat(),
    from = new Map(all.map((unit) => [unit, []])),
    best = new Map(); // of each unit, the longest way to it and what is before it there
  for (const unit of all) turns[unit] = unit;
  for (const { upper, lower } of links) from.get(lower).push(upper);
  let last = -1;
  for (const unit of all) {
    const ways = from.get(unit).map((upper) => [best.get(upper)?.[0] ?? 0, upper]),
      [length, upper] = ways.reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] < a[1]) ? b : a), [0, -1]);
    best.set(unit, [length + (inputs.has(unit) ? 0 : lengths[unit] ?? 1), upper]);
    if (last < 0 || best.get(unit)[0] > best.get(last)[0]) last = unit;
  }
  const isMain = new Set(),
    total = all.reduce((sum, unit) => sum + (inputs.has(unit) ? 0 : lengths[unit] ?? 1), 0);
  for (let unit = last; unit >= 0; unit = best.get(unit)[1]) isMain.add(unit);
  if (best.get(last)[0] >= MAIN * total) for (const unit of isMain) if (!inputs.has(unit)) turns[unit] -= 2 * all.length;
  return turns;
}

// The order given, that from before, and its mirror image.
function startingOrders(rows, before) {
  const mirrored = rows.map((row) => [...row].reverse());
  if (before.every((x) => x === undefined)) return [rows, mirrored];
  return [rows, rows.map((row) => [...row].sort((a, b) => (before[a] ?? 0) - (before[b] ?? 0))), mirrored];
}

// Links from each layer to the next, by way of new places in the layers between.
function withPassing(layers, links) {
  const rows = layers.map((layer) => [...layer]),
    layerOf = new Map(rows.flatMap((row, i) => row.map((unit) => [unit, i]))),
    steps = [];
  let count = 1 + layers.flat().reduce((a, b) => Math.max(a, b), 0);
  const between = links.reduce((sum, { upper, lower }) => sum + layerOf.get(lower) - layerOf.get(upper) - 1, 0);
  for (const { upper, lower, begins, ends } of links) {
    let last = upper,
      out = begins;
    for (let at = layerOf.get(upper) + 1; at < layerOf.get(lower) && between <= MOST_PLACES; at += 1) {
      rows[at].push(count);
      steps.push({ upper: last, lower: count, begins: out, ends: 0.5 });
      [last, out] = [count, 0.5];
      count += 1;
    }
    if (layerOf.get(upper) < layerOf.get(lower)) steps.push({ upper: last, lower, begins: out, ends });
  }
  return { rows, steps, count };
}

// An order of the units of each layer, and what there is to make it better.
class Ordering {
  constructor(rows, steps, count, { inputs, before, turn }) {
    Object.assign(this, { steps, inputs, before, turn });
    this.ranked = rows.map((row) => row.filter((unit) => inputs.has(unit) || before[unit] !== undefined)).map((row) => row.length > 1 && row.length <= MOST_KNOWN);
    this.rows = rows.map((row) => [...row]);
    this.place = new Array(count).fill(0);
    this.layerOf = new Array(count).fill(0);
    this.rows.forEach((row, i) =>
      row.forEach((unit, k) => {
        this.place[unit] = k;
        this.layerOf[unit] = i;
      }),
    );
    // Of each unit: where its arrows meet it, the units at their other ends, and where they meet those.
    this.above = Array.from({ length: count }, () => []);
    this.below = Array.from({ length: count }, () => []);
    for (const { upper, lower, begins, ends } of steps) {
      this.above[lower].push([ends, upper, begins]);
      this.below[upper].push([begins, lower, ends]);
    }
  }

  // The best order that sweeps and swaps find, and its cost.
  untangled(swaps) {
    const copy = () => this.rows.map((row) => [...row]);
    let best = copy(),
      least = this.cost();
    for (let sweep = 0; sweep < SWEEPS && least; sweep += 1) {
      const up = sweep % 2 === 1;
      for (const row of up ? [...this.rows].reverse() : this.rows) this.byMeans(row, up ? this.below : this.above);
      this.swap(swaps);
      const cost = this.cost();
      if (cost < least) [best, least] = [copy(), cost];
    }
    return [best, least];
  }

  // Orders a layer by where the neighbours of its units are on average.
  byMeans(row, around) {
    const means = new Map(
      row.map((unit) => {
        const ends = around[unit].map(([here, other, there]) => this.place[other] + there - here);
        return [unit, ends.length ? ends.reduce((a, b) => a + b, 0) / ends.length : this.place[unit]];
      }),
    );
    row.sort((a, b) => means.get(a) - means.get(b));
    row.forEach((unit, i) => {
      this.place[unit] = i;
    });
  }

  // Swaps neighbours as long as that removes crossings.
  swap(rounds) {
    for (let round = 0; round < rounds; round += 1) {
      let swapped = false;
      for (const row of this.rows) {
        for (let i = 0; i < row.length - 1; i += 1) {
          const [a, b] = [row[i], row[i + 1]];
          if (this.between(b, a) + this.turned(b, a) >= this.between(a, b) + this.turned(a, b)) continue;
          [row[i], row[i + 1]] = [b, a];
          [this.place[a], this.place[b]] = [i + 1, i];
          swapped = true;
        }
      }
      if (!swapped) break;
    }
  }

  // An order that crosses no more, in which what runs first stands farther left wherever that is found; nor may its
  // arrows be longer, or some would be led around what is wide. `units`: the numbers that are no places of arrows that pass.
  inTurn(units, widths) {
    let best = this.rows.map((row) => [...row]),
      least = this.worth(units),
      longest = LONGER * this.along(units, widths),
      tries = Math.min(TRIES, Math.floor(MOST_TRIED / Math.max(1, this.steps.length)));
    for (let goesOn = true; goesOn && least[1] && tries > 0; ) {
      goesOn = false;
      for (const worth of this.exchanged(best, units)) {
        tries -= 1;
        goesOn = worth[0] < least[0] || (worth[0] === least[0] && worth[1] < least[1]);
        goesOn = goesOn && this.along(units, widths) <= longest;
        if (goesOn) [best, least] = [this.rows.map((row) => [...row]), worth];
        if (goesOn || tries <= 0) break;
      }
    }
    return best;
  }

  // How far arrows run to the side, about: as if each layer stood in the middle.
  along(units, widths) {
    const wide = (unit) => (units.has(unit) ? widths[unit] : 0),
      lefts = [];
    for (const row of this.rows) {
      let x = -row.reduce((sum, unit) => sum + wide(unit), 0) / 2;
      for (const unit of row) {
        lefts[unit] = x;
        x += wide(unit);
      }
    }
    const at = (unit, share) => lefts[unit] + share * wide(unit);
    return this.steps.reduce((sum, { upper, lower, begins, ends }) => {
      return sum + Math.abs(at(upper, begins) - at(lower, ends));
    }, 0);
  }

  // What it costs, and how many pairs of units stand side by side in another order than they run.
  worth(units) {
    let turned = 0;
    for (const row of this.rows) {
      const real = row.filter((unit) => units.has(unit));
      real.forEach((a, i) => (turned += real.slice(i + 1).filter((b) => this.turn[a] > this.turn[b]).length));
    }
    return [this.cost(), turned];
  }

  // Lets two units of a layer change places, alone and with what is below them, and above; gives what that is worth.
  *exchanged(rows, units) {
    for (let at = 0; at < rows.length; at += 1) {
      const real = rows[at].filter((unit) => units.has(unit));
      for (const [i, b] of real.entries())
        for (const a of real.slice(i + 1))
          for (const on of this.turn[a] < this.turn[b] ? [[], ["below"], ["below", "above"]] : []) {
            this.put(rows);
            this.exchange(at, a, b, on);
            yield this.worth(units);
          }
    }
  }

  put(rows) {
    rows.forEach((row, i) => {
      this.rows[i] = [...row];
      row.forEach((unit, k) => (this.place[unit] = k));
    });
  }

  // Exchanges two units of a layer; what is below it, or above, is ordered by it where `on` says so.
  exchange(at, a, b, on) {
    const row = this.rows[at],
      [i, k] = [row.indexOf(a), row.indexOf(b)];
    [row[i], row[k]] = [b, a];
    [this.place[a], this.place[b]] = [k, i];
    if (!on.length) return;
    for (const below of this.rows.slice(at + 1)) this.byMeans(below, this.above);
    if (on.includes("above")) for (const above of this.rows.slice(0, at).reverse()) this.byMeans(above, this.below);
    this.swap(SWAPS);
  }

  // How often the arrows of two neighbours cross each other, if they stand like this.
  between(left, right) {
    let count = 0;
    for (const around of [this.above, this.below]) {
      const ends = around[right].map(([, other, there]) => this.place[other] + there).sort((a, b) => a - b);
      for (const [, other, there] of around[left]) count += firstAt(ends, this.place[other] + there, false);
    }
    return count;
  }

  // What it costs that one unit stands on the left of another: inputs stand as the code has them, and all as before.
  turned(left, right) {
    const asCoded = left > right && this.inputs.has(left) && this.inputs.has(right) ? SWAPPED : 0;
    return asCoded + (this.before[left] > this.before[right] ? TURNED : 0);
  }

  // How many pairs of links cross each other, and what it costs that pairs of units stand in another order than they should.
  cost() {
    let sum = this.crossings();
    for (const [at, row] of this.rows.entries())
      if (this.ranked[at]) row.forEach((a, i) => row.slice(i + 1).forEach((b) => (sum += this.turned(a, b))));
    return sum;
  }

  // How many pairs of links cross each other.
  crossings() {
    const rows = this.rows.map(() => []);
    for (const { upper, lower, begins, ends } of this.steps)
      rows[this.layerOf[upper]].push([this.place[upper] + begins, this.place[lower] + ends]);
    let count = 0;
    for (const row of rows) {
      row.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      const seen = [];
      for (let i = 0; i < row.length; ) {
        let next = i;
        while (next < row.length && row[next][0] === row[i][0]) next += 1;
        const together = row.slice(i, next).map(([, end]) => end);
        for (const end of together) count += seen.length - firstAt(seen, end, true);
        for (const end of together) seen.splice(firstAt(seen, end, true), 0, end);
        i = next;
      }
    }
    return count;
  }
}

// Where in a sorted array the first number stands that isn't less than a value, or with `beyond`, that is greater.
function firstAt(sorted, value, beyond) {
  let low = 0,
    high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value || (beyond && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
