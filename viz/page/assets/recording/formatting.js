// Numbers as people read them, and names cut to the room that there is, as viz/facts/formatting.py writes them: what
// follows from the reader's hand (an axis, a moment, a legend) and what a live page is sent is not known before.
// tests/viz/page/test_both_sides.py compares the two.

// Halves are rounded to even numbers, as Python does.
function rounded(number) {
  const below = Math.floor(number);
  return number - below === 0.5 ? below + (below % 2) : Math.round(number);
}

const tenths = (number) => (number % 1 === 0.25 ? number - 0.05 : number).toFixed(1);

export function threeDigits(number) {
  if (number >= 99.95 || Number.isInteger(number)) return String(rounded(number));
  return number < 1 ? general(number) : tenths(number);
}

// Two digits, with an exponent where there would be many zeros.
function general(number) {
  const [digits, exponent] = number.toExponential(1).split("e");
  if (exponent >= -4 && exponent < 2) return String(Number(number.toPrecision(2)));
  return `${Number(digits)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

// The size of a gradient, say.
export const magnitude = (number) => (number >= 99.5 && number < 99999.5 ? String(rounded(number)) : general(number));

function scaled(number, units, step) {
  let at = 0;
  while (number >= step * 0.9995 && at < units.length - 1) {
    number /= step;
    at += 1;
  }
  return threeDigits(number) + units[at];
}

export const seconds = (nanoseconds) => scaled(nanoseconds, [" ns", " µs", " ms", " s"], 1000);
export const nbytes = (number) => scaled(number, [" B", " KB", " MB", " GB", " TB"], 1024);
export const short = (number) => scaled(number, ["", " k", " M", " G", " T", " P"], 1000);
export const amount = (number) =>
  Math.abs(number) < 1000 ? String(number) : String(number).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
export const counted = (number, noun) => `${amount(number)} ${noun}${number === 1 ? "" : "s"}`;
export const percent = (share) => share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

// Numbers in their order, at least so many that follow each other as a range: "1, 3, 5–8".
export function ranges(numbers, least = 2) {
  const found = [];
  for (const number of numbers) {
    if (number - 1 === found.at(-1)?.at(-1)) found.at(-1).push(number);
    else found.push([number]);
  }
  return found.map((row) => (row.length >= least ? `${row[0]}–${row.at(-1)}` : row.join(", "))).join(", ");
}

export function numeral(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value; // "nan", "inf", "-inf"
  const size = Math.abs(value);
  if (value === 0 || (Number.isInteger(value) && size < 1e6)) return amount(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

// Names come from programs and may hold anything: control and direction characters become spaces, and long ones are
// cut in the middle, so that no name can break the page's layout or reverse the text around it.
export function clean(text, longest = 60) {
  const plain = String(text)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  if (plain.length <= longest) return plain;
  const letters = Array.from(plain.slice(0, longest * 2 + 2)); // never cuts a character in two
  if (letters.length <= longest && plain.length <= longest * 2) return plain;
  const end = Array.from(plain.slice(-longest)).slice(1 - Math.floor(longest / 3));
  return letters.slice(0, Math.floor((longest * 2) / 3)).join("") + "…" + end.join("");
}
