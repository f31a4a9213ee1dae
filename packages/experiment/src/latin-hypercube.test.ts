import * as fc from "fast-check";
import { expect, test } from "vitest";
import { latinHypercube, placeInStratum } from "./latin-hypercube.ts";

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function strata(points: number, dimension: number, seed: number): number[] {
  const unit = latinHypercube(points, dimension + 1, seed);
  return Array.from({ length: points }, (_, i) => Math.floor(unit(i, dimension) * points));
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const middle = (a.length - 1) / 2;
  const covariance = a.reduce((sum, v, i) => sum + (v - middle) * ((b[i] ?? 0) - middle), 0);
  return covariance / ((a.length * (a.length ** 2 - 1)) / 12);
}

test("each of the N strata of each dimension holds exactly one point", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.integer({ min: 0, max: 20 }),
      seeds,
      (points, dimension, seed) => {
        expect(new Set(strata(points, dimension, seed)).size).toBe(points);
      },
    ),
  );
});

test("a point stays inside its stratum and below 1, however many there are", () => {
  for (const points of [1, 2, 3, 9_973, 99_999_999, 1e8])
    for (const stratum of [0, Math.floor(points / 3), points - 1])
      for (const hash of [0, 0x7fffffff, -1]) {
        const u = placeInStratum(stratum, hash, points);
        expect(u).toBeGreaterThan(0);
        expect(u).toBeLessThan(1);
        expect(Math.floor(u * points)).toBe(stratum);
      }
});

test("dimensions are uncorrelated, and so are a point and its number", () => {
  const points = 9_973;
  const columns = Array.from({ length: 8 }, (_, d) => strata(points, d, 42));
  const numbers = Array.from({ length: points }, (_, i) => i);
  // Four standard errors of a rank correlation.
  const tolerance = 4 / Math.sqrt(points - 1);
  columns.forEach((a, d) => {
    const next = [...a.slice(1), a[0] ?? 0];
    for (const b of [...columns.slice(d + 1), numbers, next])
      expect(Math.abs(correlation(a, b))).toBeLessThan(tolerance);
  });
});

test("a few points take every order about equally often", () => {
  const orders = new Map<string, number>();
  const trials = 4_800;
  for (let seed = 0; seed < trials; seed++) {
    const order = strata(4, 0, seed).join();
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  expect(orders.size).toBe(24);
  // 200 expected each; a permutation that is cheap and wrong misses orders or takes some five times as often.
  for (const times of orders.values()) expect(Math.abs(times - 200)).toBeLessThan(100);
});

test("points lie anywhere in their strata", () => {
  const unit = latinHypercube(1000, 1, 42);
  const places = Array.from({ length: 1000 }, (_, i) => (unit(i, 0) * 1000) % 1);
  const mean = places.reduce((sum, v) => sum + v, 0) / 1000;
  const variance = places.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 1000;
  expect(mean).toBeCloseTo(0.5, 1);
  expect(variance).toBeCloseTo(1 / 12, 2);
});
