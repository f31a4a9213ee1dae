import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fitQuadratic, surfaceAt, type Point } from "./least-squares.ts";

const coordinate = fc.integer({ min: -1_000, max: 1_000 }).map((n) => n / 1_000);
/** Nine places that every quadratic surface over two coordinates is told by, and others. */
const places = fc
  .array(fc.tuple(coordinate, coordinate), { maxLength: 20 })
  .map((others) => [...[-1, 0, 1].flatMap((x) => [-1, 0, 1].map((y) => [x, y])), ...others]);

test("points of a quadratic surface give that surface, without error", () => {
  fc.assert(
    fc.property(
      places,
      fc.array(coordinate, { minLength: 6, maxLength: 6 }),
      (at, coefficients) => {
        const truth = { coefficients, largestError: 0 };
        const surface = fitQuadratic(at.map((one) => ({ at: one, value: surfaceAt(truth, one) })));
        expect(surface.largestError).toBeLessThan(1e-9);
        for (const [j, coefficient] of coefficients.entries())
          expect(surface.coefficients[j]).toBeCloseTo(coefficient, 9);
      },
    ),
  );
});

test("the largest error is that of fitting again without each point", () => {
  const points: Point[] = [-1, -0.6, -0.1, 0.3, 0.8, 1].map((x) => ({
    at: [x],
    value: Math.exp(2 * x),
  }));
  const errors = points.map((point) => {
    const without = fitQuadratic(points.filter((other) => other !== point));
    return Math.abs(point.value - surfaceAt(without, point.at));
  });
  expect(fitQuadratic(points).largestError).toBeCloseTo(Math.max(...errors), 9);
});

test("too few points have an infinite error", () => {
  expect(fitQuadratic([]).largestError).toBe(Infinity);
  expect(fitQuadratic([0, 1, 2].map((x) => ({ at: [x], value: 1 }))).largestError).toBe(Infinity);
});
