import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomPoints } from "./random-points.ts";
import { sobol, sobolBits, sobolDimensions } from "./sobol.ts";

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
type UnitPoints = (point: number, dimension: number) => number;

/** Hickernell's centred L2 discrepancy, squared. */
function discrepancy(unit: UnitPoints, points: number, dimensions: number): number {
  const x = Array.from({ length: points }, (_, i) =>
    Array.from({ length: dimensions }, (__, d) => unit(i, d) - 0.5),
  );
  let single = 0;
  let pairs = 0;
  for (const a of x) {
    single += a.reduce((product, v) => product * (1 + Math.abs(v) / 2 - (v * v) / 2), 1);
    for (const b of x)
      pairs += a.reduce((product, v, d) => {
        const w = b[d] ?? 0;
        return product * (1 + (Math.abs(v) + Math.abs(w) - Math.abs(v - w)) / 2);
      }, 1);
  }
  return (13 / 12) ** dimensions - (2 / points) * single + pairs / points ** 2;
}

describe("the unscrambled sequence", () => {
  // scipy.stats.qmc.Sobol(d=256, scramble=False, bits=32).random(1001) · 2³², scipy 1.17.1
  const dimensions = [0, 1, 2, 3, 63, 127, 255];
  const known: [number, number[]][] = [
    [0, [0, 0, 0, 0, 0, 0, 0]],
    [1, [2147483648, 2147483648, 2147483648, 2147483648, 2147483648, 2147483648, 2147483648]],
    [2, [3221225472, 1073741824, 1073741824, 1073741824, 3221225472, 1073741824, 3221225472]],
    [3, [1073741824, 3221225472, 3221225472, 3221225472, 1073741824, 3221225472, 1073741824]],
    [4, [1610612736, 1610612736, 2684354560, 3758096384, 536870912, 2684354560, 1610612736]],
    [5, [3758096384, 3758096384, 536870912, 1610612736, 2684354560, 536870912, 3758096384]],
    [6, [2684354560, 536870912, 3758096384, 2684354560, 3758096384, 3758096384, 2684354560]],
    [7, [536870912, 2684354560, 1610612736, 536870912, 1610612736, 1610612736, 536870912]],
    [1000, [943718400, 415236096, 2227175424, 2906652672, 1916796928, 2336227328, 1069547520]],
  ];

  test.each(known)("has SciPy's values at point %i", (point, values) => {
    const bits = sobolBits(sobolDimensions);
    expect(dimensions.map((d) => bits(point, d))).toEqual(values);
  });
});

describe("the scrambled sequence", () => {
  test("has one point in each elementary interval of the first two dimensions", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 9 }), fc.nat(9), (seed, k, split) => {
        const unit = sobol(2, seed);
        const wide = Math.min(split, k);
        const cells = Array.from(
          { length: 2 ** k },
          (_, i) =>
            Math.floor(unit(i, 0) * 2 ** wide) * 2 ** (k - wide) +
            Math.floor(unit(i, 1) * 2 ** (k - wide)),
        );
        expect(new Set(cells).size).toBe(2 ** k);
      }),
    );
  });

  test("has one point in each of 2^k slices of every dimension", () => {
    const unit = sobol(sobolDimensions, 42);
    for (let d = 0; d < sobolDimensions; d++) {
      const slices = Array.from({ length: 256 }, (_, i) => Math.floor(unit(i, d) * 256));
      expect(new Set(slices).size).toBe(256);
    }
  });

  test("fills space much more evenly than random points", () => {
    const [points, dimensions] = [256, 5];
    for (const seed of [1, 2, 3])
      expect(discrepancy(sobol(dimensions, seed), points, dimensions)).toBeLessThan(
        discrepancy(randomPoints(dimensions, seed), points, dimensions) / 5,
      );
  });

  test("is another one for another seed, and each point is uniform over the seeds", () => {
    const trials = 4_000;
    for (const point of [0, 1, 77]) {
      const values = Array.from({ length: trials }, (_, seed) => sobol(2, seed)(point, 1));
      expect(new Set(values).size).toBe(trials);
      const cells = Array.from({ length: 20 }, () => 0);
      for (const u of values) cells[Math.floor(u * 20)] = (cells[Math.floor(u * 20)] ?? 0) + 1;
      const chiSquare = cells.reduce((sum, n) => sum + (n - 200) ** 2 / 200, 0);
      // 19 degrees of freedom: 43.8 is exceeded once in a thousand.
      expect(chiSquare).toBeLessThan(43.8);
    }
  });

  test("scrambles each dimension on its own", () => {
    const unit = sobol(2, 42);
    const plain = sobolBits(2);
    const shift = (d: number) => Math.floor(unit(0, d) * 2 ** 32) ^ plain(0, d);
    expect(shift(0)).not.toBe(shift(1));
  });
});
