// Writes out again what viz/page/compact.py wrote in fewer bytes. Rows of what each step shows, the statistics of its
// tensors and the table of memory are read when they are asked for: most never are.

const NONE = -(2 ** 51); // null among numbers
const SELDOM = ["input_names", "stack", "gradients"]; // columns of ops that are read of few

function writtenOut(data) {
  if (!data.compact) return data;
  const { compact: _, ...found } = data,
    { start, end, ...ops } = columnsOf(Object.fromEntries(Object.entries(data.ops).filter(([name]) => !SELDOM.includes(name))));
  found.ops = { ...ops, ...beginsAndEnds(data.ops) };
  for (const name of SELDOM) found.ops[name] = data.ops[name] && new LazyLists(data.ops[name].lists);
  found.tensors = { ...columnsOf(data.tensors), stats: data.tensors.stats && new LazyRows(data.tensors.stats) };
  const moments = lazily(() => momentsOf(found.ops)),
    { start: began, end: ended } = data.scopes;
  found.scopes = { ...columnsOf(data.scopes), start: timesAt(moments(), began), end: timesAt(moments(), ended) };
  const memory = lazily(() => memoryOf(data.memory, moments()));
  Object.defineProperty(found, "memory", { get: memory, enumerable: true });
  for (const name of ["variables", "same"]) found[name] = columnOf(data[name]);
  found.names = columnsOf(data.names);
  found.usual = { ...data.usual, times: usualRows(data.usual, found.ops) };
  found.views = viewsOf(data.views);
  return found;
}

function lazily(make) {
  let made;
  return () => (made ??= make());
}

// ---------------------------------------------------------------------- pieces

const columnsOf = (columns) => Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnOf(column)]));

function columnOf(column) {
  if (column?.lists) return new LazyLists(column.lists).all();
  if (!column?.ints) return column;
  const values = valuesOf(column.ints),
    found = new Array(values.length);
  for (let i = 0; i < found.length; i += 1) found[i] = values[i] === NONE ? null : values[i];
  return found;
}

// Lists of which each is made when it is asked for.
class LazyLists {
  constructor([lengths, values]) {
    this.values = valuesOf(values);
    this.ends = valuesOf(lengths);
    for (let i = 1; i < this.ends.length; i += 1) this.ends[i] += this.ends[i - 1];
  }

  at(id) {
    const found = [];
    for (let i = id ? this.ends[id - 1] : 0; i < this.ends[id]; i += 1) found.push(this.values[i]);
    return found;
  }

  all() {
    return Array.from(this.ends, (_, id) => this.at(id));
  }

  toJSON() {
    return this.all();
  }
}

// All numbers of all pieces.
function valuesOf({ rows, pieces }) {
  const known = rows.map(numbersOf),
    done = [];
  for (const piece of pieces) done.push(writtenPiece(known, done, piece));
  const found = new Float64Array(done.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const numbers of done) {
    found.set(numbers, at);
    at += numbers.length;
  }
  return found;
}

function numbersOf(row) {
  const found = new Float64Array(row.length);
  for (let i = 0; i < row.length; i += 1) found[i] = row[i] ?? NONE;
  return found;
}

// A piece: a row, or the sum of one and an earlier piece, but that some places have another number.
function writtenPiece(rows, done, [number, before, ...apart]) {
  if (before === undefined) return rows[number];
  const found = rows[number].slice(),
    earlier = done[before];
  for (let i = 0; i < found.length; i += 1) found[i] += earlier[i];
  for (let i = 0; i < apart.length; i += 2) found[apart[i]] = apart[i + 1];
  return found;
}

// ---------------------------------------------------------------------- times

function beginsAndEnds({ start, end }) {
  if (!start?.gaps) return { start, end };
  let now = 0;
  const found = { start: [], end: [] };
  start.gaps.forEach((gap, i) => {
    found.start.push((now += gap));
    found.end.push((now += end.took[i]));
  });
  return found;
}

// When ops began and ended, in order.
function momentsOf({ start, end }) {
  const times = Float64Array.from([0, ...[start, end].flatMap((column) => column.filter((time) => time !== null))]).sort();
  return times.filter((time, i) => i === 0 || time !== times[i - 1]);
}

function timesAt(moments, { passed, after }) {
  let at = 0;
  return columnOf(passed).map((by, i) => (by === null ? null : moments[(at += by)] + after[i]));
}

function memoryOf([rows, ...times], moments) {
  const [start, end] = times.map((column) => timesAt(moments, column));
  return columnOf(rows).map((row, i) => [...row, start[i], end[i]]);
}

// What ops took in several steps: of rows that tell only the steps' number, it stands with the ops.
function usualRows({ steps, times }, { usual, step, start, end }) {
  const places = times.map(([number, ...row]) => (row.length ? null : new Map(steps[number].map((of, i) => [of, i + 1]))));
  const found = times.map((row) => [...row]);
  (usual || []).forEach((row, i) => {
    const place = row === null ? undefined : places[row]?.get(step[i]);
    if (place !== undefined) found[row][place] = end[i] - start[i];
  });
  return found;
}

// ---------------------------------------------------------------------- texts that are read later

// Rows of which each step's are a text: `at` as of an array, which stands for it in JSON.
class LazyRows {
  constructor({ bounds, texts }) {
    Object.assign(this, { bounds, texts, pieces: [] });
    this.length = bounds.at(-1);
  }

  at(id) {
    let [low, high] = [0, this.texts.length];
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (this.bounds[middle] <= id) low = middle;
      else high = middle;
    }
    return this.piece(low)[id - this.bounds[low]] ?? null;
  }

  piece(number) {
    if (this.pieces[number]) return this.pieces[number];
    const [places, ...columns] = JSON.parse(this.texts[number]),
      found = [];
    places.forEach((place, i) => (found[place] = columns.map((column) => column[i])));
    return (this.pieces[number] = found);
  }

  toJSON() {
    return Array.from({ length: this.length }, (_, id) => this.at(id));
  }
}

// Pairs of a step and what it shows.
function viewsOf({ told, forms, rows, pieces }) {
  const known = rows.map(lazyRowsOf),
    places = pieces.map(([form], i) => pieces.slice(0, i).filter(([other]) => other === form).length),
    members = forms.map((_, form) => pieces.filter(([other]) => other === form)),
    done = forms.map(() => []);
  const numbersAt = (form, place) => {
    for (let i = done[form].length; i <= place; i += 1) done[form].push(writtenPiece(known[form](), done[form], members[form][i][1]));
    return done[form][place];
  };
  return told.map(([step, name, caption, span], i) => {
    const [form, , floats] = pieces[i],
      read = lazily(() => filled(forms[form], numbersAt(form, places[i]), floats)),
      part = (at) => ({ get: () => read()[at], enumerable: true });
    return [step, Object.defineProperties({ name, caption, span }, { tree: part(0), forward: part(1), rest: part(2) })];
  });
}

const lazyRowsOf = (rows) => lazily(() => rows.map(numbersOf));

// A form with its numbers.
function filled(form, numbers, floats) {
  const real = new Map();
  for (let i = 0; i < floats.length; i += 2) real.set(floats[i], floats[i + 1]);
  let at = -1;
  return JSON.parse(form.replace(/0/g, () => ((at += 1), real.get(at) ?? numbers[at])));
}
