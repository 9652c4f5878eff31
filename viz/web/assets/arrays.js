// Arrays of numbers: those that go into the model, and those that come out of it.

export const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint64: BigUint64Array, int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array };

// Numbers as an array of a type of NumPy's.
export function arrayOf(type, numbers) {
  const Made = ARRAYS[type] || Float32Array;
  if (type === "int64" || type === "uint64") return Made.from(numbers, (x) => BigInt(Math.trunc(x)));
  return type.startsWith("float") || type === "bool" ? Made.from(numbers) : Made.from(numbers, Math.round);
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1,
    exponent = (bits >> 10) & 31,
    fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}

// What the runtime gives, as ordinary numbers.
export function ordinary(data, type) {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (type === "float16" && data instanceof Uint16Array) return Float32Array.from(data, half);
  return data;
}

// One tensor's numbers, without the axis of the batch. The program has the channels last; the graph may have them first.
export class Values {
  constructor(data, shape, first) {
    const inner = shape.slice(1);
    this.data = data;
    this.first = first && inner.length > 1;
    this.shape = this.first ? [...inner.slice(1), inner[0]] : inner; // as the program has it
    this.channels = this.shape.length ? this.shape[this.shape.length - 1] : 1;
    this.points = this.channels ? data.length / this.channels : 0;
  }

  // The number of a channel at a point: positions in all axes but the last count as one.
  at(channel, point) {
    return this.data[this.first ? channel * this.points + point : point * this.channels + channel];
  }

  // In the program's order.
  number(i) {
    return this.at(i % this.channels, Math.floor(i / this.channels));
  }

  inOrder() {
    if (!this.first) return this.data;
    return Float32Array.from({ length: this.data.length }, (_, i) => this.number(i));
  }
}

// What is known of all numbers together.
export function statistics(data) {
  let [min, max, sum, squares, zeros, nan, inf] = [Infinity, -Infinity, 0, 0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 1) {
    const x = data[i];
    if (x !== x) nan += 1;
    else if (x === Infinity || x === -Infinity) inf += 1;
    else {
      if (x < min) min = x;
      if (x > max) max = x;
      if (x === 0) zeros += 1;
      sum += x;
      squares += x * x;
    }
  }
  const count = data.length - nan - inf,
    mean = count ? sum / count : null;
  if (!count) return { min: null, max: null, mean, std: null, nan, inf, zeros, l2: null };
  return { min, max, mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)), nan, inf, zeros, l2: Math.sqrt(squares) };
}

const BINS = 32;

// Counts in equal bins from the least to the most.
export function binned(data, { min, max }) {
  const counts = new Array(BINS).fill(0);
  if (min === null) return [];
  const scale = max > min ? BINS / (max - min) : 0;
  for (const x of data)
    if (Number.isFinite(x)) counts[Math.min(BINS - 1, Math.floor((x - min) * scale))] += 1;
  return counts;
}

// The places that travel with the page for a comparison; viz/web/exporter.py takes the same.
export function probed(values, count) {
  const size = values.data.length;
  return Array.from({ length: count }, (_, i) => values.number(Math.floor((i * size) / count)));
}
