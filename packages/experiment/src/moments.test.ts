import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isConstant, momentsOf, noMoments, standardDeviation, together } from "./moments.ts";

const anyNumbers = fc.array(
  fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(NaN, 1e200, -Infinity)),
);

test("however values are cut into blocks, their moments together are those of all", () => {
  fc.assert(
    fc.property(fc.array(anyNumbers), (blocks) => {
      const whole = momentsOf(Float64Array.from(blocks.flat()));
      const pieces = blocks.map((block) => momentsOf(Float64Array.from(block)));
      const joined = pieces.reduce(together, noMoments);
      const usable = blocks.flat().filter((value) => Math.abs(value) <= 1e6);
      expect(joined.count).toBe(usable.length);
      expect(joined.minimum).toBe(whole.minimum);
      expect(joined.maximum).toBe(whole.maximum);
      expect(Math.abs(joined.mean - whole.mean)).toBeLessThan(1e-6);
      expect(Math.abs(standardDeviation(joined) - standardDeviation(whole))).toBeLessThan(1e-6);
    }),
  );
});

test("a large offset takes nothing from the deviation", () => {
  const values = Float64Array.from({ length: 1_000 }, (_, k) => 1e9 + (k % 2));
  const halves = together(momentsOf(values, 0, 400), momentsOf(values, 400));
  for (const moments of [momentsOf(values), halves])
    expect(standardDeviation(moments)).toBeCloseTo(Math.sqrt(250 / 999), 9);
});

test("a constant is constant, whatever its sum is rounded to", () => {
  const moments = momentsOf(new Float64Array(1_000).fill(0.1 + 0.2));
  expect(moments.mean).toBe(0.1 + 0.2);
  expect(isConstant(moments)).toBe(true);
  expect(standardDeviation(momentsOf(Float64Array.of(3)))).toBe(0);
});
