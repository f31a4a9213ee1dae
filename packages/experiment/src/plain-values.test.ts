import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { bitsToBytes, extent, levelsOf, numbersOf, plainBytes, presence } from "./plain-values.ts";

const safe = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

test("64-bit integers have the bytes that BigInts have, and come back", () => {
  fc.assert(
    fc.property(fc.array(safe), (integers) => {
      const bytes = plainBytes("INT64", Float64Array.from(integers));
      const expected = BigInt64Array.from(integers, BigInt);
      expect(Buffer.from(bytes)).toEqual(Buffer.from(expected.buffer));
      expect(Array.from(numbersOf(expected))).toEqual(integers.map((value) => value + 0));
    }),
  );
});

test("booleans are bits, the first the lowest", () => {
  const values = Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
  const bits = plainBytes("BOOLEAN", values);
  expect(Array.from(bits)).toEqual([0b1000_0001, 0b10]);
  expect(bitsToBytes(bits, values.length)).toEqual(values);
});

test("levels say which numbers are there, as the Parquet library reads them", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(NaN, 0, -1.5), { maxLength: 3_000 }), (numbers) => {
      const flags = presence(Float64Array.from(numbers));
      expect(Array.from(flags)).toEqual(numbers.map((number) => (Number.isNaN(number) ? 0 : 1)));
      const { buffer, length } = levelsOf(flags);
      const read = new Uint8Array(numbers.length);
      readRleBitPackedHybrid({ view: new DataView(buffer), offset: 0 }, 1, read, length);
      expect(read).toEqual(flags);
    }),
  );
});

test("a view into a larger array gives its own bytes only", () => {
  const numbers = Float64Array.from([1, 2, 3, 4]).subarray(1, 3);
  expect(Buffer.from(plainBytes("DOUBLE", numbers))).toEqual(
    Buffer.from(Float64Array.from([2, 3]).buffer),
  );
});

test("the extent is the least and the most of all", () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (integers) => {
      const expected = [Math.min(...integers), Math.max(...integers)];
      expect(extent(Int32Array.from(integers))).toEqual(expected);
      expect(extent(Float64Array.from(integers))).toEqual(expected);
    }),
  );
});
