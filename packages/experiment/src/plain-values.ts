/**
 * Plain values: a column of numbers as Parquet's PLAIN encoding has it, and back, without an object per value.
 * The Parquet library makes a BigInt of every 64-bit integer and looks every value up in a dictionary: that was
 * half of the time that a part or a row group took.
 */

export type Numbers = Float64Array | Int32Array | Uint8Array;

/**
 * The bytes of a page, of numbers that are all there; booleans are 0 and 1.
 * Typed arrays are little-endian here as in the file: Node runs on no other kind of machine.
 */
export function plainBytes(
  type: "DOUBLE" | "INT32" | "INT64" | "BOOLEAN",
  values: Numbers,
): Uint8Array {
  switch (type) {
    case "DOUBLE":
      return bytesOf(values instanceof Float64Array ? values : new Float64Array(values));
    case "INT32":
      return bytesOf(values instanceof Int32Array ? values : new Int32Array(values));
    case "INT64":
      return bytesOf(halvesOf(values));
    case "BOOLEAN":
      return bitsOf(values);
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const half = 2 ** 32;

/** 64-bit integers as pairs of 32 bits, the lower first. Exact for safe integers. */
function halvesOf(values: Numbers): Int32Array {
  const halves = new Int32Array(2 * values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    const upper = Math.floor(value / half);
    halves[2 * row] = (value - upper * half) | 0;
    halves[2 * row + 1] = upper;
  }
  return halves;
}

function bitsOf(values: Numbers): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let row = 0; row < values.length; row++)
    if (values[row] !== 0) bits[row >> 3]! |= 1 << (row & 7);
  return bits;
}

/** 1 for each number that is there, 0 for NaN. */
export function presence(values: Numbers): Uint8Array {
  const flags = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row++) flags[row] = Number.isNaN(values[row]!) ? 0 : 1;
  return flags;
}

/** Flags, 1 for each value that is there, as Parquet's definition levels: one run of bits. */
export function levelsOf(flags: Uint8Array): Uint8Array {
  const bits = bitsOf(flags);
  // How many groups of eight, and that they are bits: seven binary digits of it in a byte, the lowest first.
  const header: number[] = [];
  let left = bits.length * 2 + 1;
  for (; left > 0x7f; left >>>= 7) header.push((left & 0x7f) | 0x80);
  header.push(left);
  const levels = new Uint8Array(header.length + bits.length);
  levels.set(header);
  levels.set(bits, header.length);
  return levels;
}

/** Booleans as 0 and 1. */
export function bitsToBytes(bits: Uint8Array, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let row = 0; row < count; row++) bytes[row] = (bits[row >> 3]! >> (row & 7)) & 1;
  return bytes;
}

/** 64-bit integers as numbers, exact for safe integers. */
export function numbersOf(integers: BigInt64Array): Float64Array {
  const halves = new Int32Array(integers.buffer, integers.byteOffset, 2 * integers.length);
  const numbers = new Float64Array(integers.length);
  for (let row = 0; row < numbers.length; row++)
    numbers[row] = halves[2 * row + 1]! * half + (halves[2 * row]! >>> 0);
  return numbers;
}

/** Least and most. */
export function extent(values: Numbers): readonly [least: number, most: number] {
  return values instanceof Float64Array ? extentOfDoubles(values) : extentOfIntegers(values);
}

// Two functions of one shape: each is compiled for its own kind of array, and twice as fast so.
function extentOfDoubles(values: Float64Array): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

function extentOfIntegers(values: Int32Array | Uint8Array): [number, number] {
  let least = Infinity;
  let most = -Infinity;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}
