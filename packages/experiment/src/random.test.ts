import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomStream } from "./random.ts";

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const simulations = fc.integer({ min: 0, max: 1e8 });

function draw(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [ma, mb] = [moments(a), moments(b)];
  const covariance = a.reduce((sum, v, i) => sum + (v - ma.mean) * ((b[i] ?? 0) - mb.mean), 0);
  return covariance / a.length / Math.sqrt(ma.variance * mb.variance);
}

// Stored streams: whoever changes them changes the results of every experiment, and says so in the changelog.
test("the streams are the stored ones", () => {
  const stored = [
    [42, 0],
    [42, 1],
    [43, 0],
    [0, 0],
    [Number.MAX_SAFE_INTEGER, 1e8],
  ].map(([seed = 0, simulation = 0]) => {
    const random = randomStream(seed, simulation);
    return {
      stream: [seed, simulation].join(" / "),
      uniform: draw(3, random.uniform),
      integer: draw(6, () => random.integer(1, 6)).join(" "),
      normal: draw(3, () => random.normal(10, 2)),
      exponential: random.exponential(0.5),
    };
  });
  expect(stored).toMatchInlineSnapshot(`
    [
      {
        "exponential": 1.359049789009486,
        "integer": "3 4 3 4 5 2",
        "normal": [
          8.283951169492259,
          9.4069783746883,
          7.067244197946465,
        ],
        "stream": "42 / 0",
        "uniform": [
          0.9474687686546355,
          0.25093030714857356,
          0.8926341748576295,
        ],
      },
      {
        "exponential": 2.7894290504704093,
        "integer": "6 4 6 6 6 4",
        "normal": [
          12.39667474601123,
          11.32004021390528,
          10.540792806910702,
        ],
        "stream": "42 / 1",
        "uniform": [
          0.7806579824959123,
          0.9923770496211706,
          0.03526256901003999,
        ],
      },
      {
        "exponential": 1.090444479337081,
        "integer": "6 4 5 6 1 3",
        "normal": [
          11.18478335413219,
          11.225599308447803,
          12.19668813589833,
        ],
        "stream": "43 / 0",
        "uniform": [
          0.9841611749997851,
          0.8546189070469798,
          0.41747330352718326,
        ],
      },
      {
        "exponential": 1.0907187521907253,
        "integer": "6 5 2 1 1 4",
        "normal": [
          6.55730136589373,
          8.80907861012489,
          12.45990952758582,
        ],
        "stream": "0 / 0",
        "uniform": [
          0.2983370570045142,
          0.2687772451464009,
          0.30121889251049794,
        ],
      },
      {
        "exponential": 3.9331889920437018,
        "integer": "2 3 4 6 4 1",
        "normal": [
          10.1361745860548,
          11.735244837278618,
          6.065246492890891,
        ],
        "stream": "9007199254740991 / 100000000",
        "uniform": [
          0.269742884945085,
          0.1299879230074007,
          0.584163550780192,
        ],
      },
    ]
  `);
});

describe("a stream is a function of seed and simulation alone", () => {
  test("the same pair gives the same numbers, whatever was drawn elsewhere", () => {
    fc.assert(
      fc.property(seeds, simulations, (seed, simulation) => {
        const first = randomStream(seed, simulation);
        const expected = draw(5, first.uniform);
        draw(7, randomStream(seed, simulation + 1).normal);
        expect(draw(5, randomStream(seed, simulation).uniform)).toEqual(expected);
      }),
    );
  });

  test("another seed or another simulation gives other numbers", () => {
    fc.assert(
      fc.property(seeds, seeds, simulations, simulations, (seed, otherSeed, i, j) => {
        fc.pre(seed !== otherSeed && i !== j);
        const first = randomStream(seed, i).uniform();
        expect(randomStream(seed, j).uniform()).not.toBe(first);
        expect(randomStream(otherSeed, i).uniform()).not.toBe(first);
      }),
    );
  });

  test("seeds that differ only above 32 bits give different streams", () => {
    expect(randomStream(42 + 2 ** 32, 0).uniform()).not.toBe(randomStream(42, 0).uniform());
  });
});

describe("neighbouring simulations", () => {
  const count = 20_000;
  // Four standard errors of a correlation of 20,000 independent pairs.
  const tolerance = 4 / Math.sqrt(count);
  const first = draw(count + 1, () => 0).map((_, i) => randomStream(42, i).uniform());
  const second = draw(count, () => 0).map((_, i) => {
    const random = randomStream(42, i);
    random.uniform();
    return random.uniform();
  });
  const numbers = draw(count, () => 0).map((_, i) => i);

  test("are uncorrelated at the first draw, with each other and with their number", () => {
    expect(Math.abs(correlation(first.slice(0, count), first.slice(1)))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(first.slice(0, count), numbers))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(first.slice(0, count), second))).toBeLessThan(tolerance);
  });

  test("have first draws that fill the unit interval evenly", () => {
    const cells = Array.from({ length: 100 }, () => 0);
    for (const u of first) cells[Math.floor(u * 100)] = (cells[Math.floor(u * 100)] ?? 0) + 1;
    const expected = first.length / 100;
    const chiSquare = cells.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 99 degrees of freedom: 149 is exceeded once in a thousand. A straight line would give about 0.
    expect(chiSquare).toBeGreaterThan(56);
    expect(chiSquare).toBeLessThan(149);
  });

  test("of seeds next to each other are uncorrelated too", () => {
    const other = draw(count, () => 0).map((_, i) => randomStream(43, i).uniform());
    expect(Math.abs(correlation(first.slice(0, count), other))).toBeLessThan(tolerance);
    expect(Math.abs(correlation(first.slice(1), other))).toBeLessThan(tolerance);
  });
});

describe("distributions", () => {
  const count = 50_000;

  test("uniform has mean 1/2 and variance 1/12, in [0, 1), with more than 32 bits", () => {
    const values = draw(count, randomStream(1, 2).uniform);
    const { mean, variance } = moments(values);
    expect(mean).toBeCloseTo(1 / 2, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
    expect(values.every((u) => u >= 0 && u < 1)).toBe(true);
    expect(values.some((u) => u * 2 ** 52 !== Math.floor(u * 2 ** 52))).toBe(true);
  });

  test("normal and exponential have the moments asked for", () => {
    const random = randomStream(1, 2);
    const normal = moments(draw(count, () => random.normal(10, 2)));
    expect(normal.mean).toBeCloseTo(10, 1);
    expect(normal.variance).toBeCloseTo(4, 0);
    const exponential = moments(draw(count, () => random.exponential(0.5)));
    expect(exponential.mean).toBeCloseTo(2, 1);
    expect(exponential.variance).toBeGreaterThan(3.8);
    expect(exponential.variance).toBeLessThan(4.2);
  });

  test("integers reach both bounds and never pass them", () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.integer({ min: 0, max: 5 }),
        (seed, minimum, width) => {
          const random = randomStream(seed, 0);
          const values = draw(200, () => random.integer(minimum, minimum + width));
          expect(Math.min(...values)).toBe(minimum);
          expect(Math.max(...values)).toBe(minimum + width);
        },
      ),
    );
    const wide = draw(100, () =>
      randomStream(5, 5).integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    );
    expect(wide.every(Number.isSafeInteger)).toBe(true);
  });

  test("arguments that mean nothing throw instead of giving nonsense", () => {
    const random = randomStream(1, 1);
    expect(() => random.integer(6, 1)).toThrow("random.integer(6, 1) needs two whole numbers");
    expect(() => random.integer(0, 0.5)).toThrow(RangeError);
    expect(() => random.normal(0, -1)).toThrow("a standard deviation of at least 0");
    expect(() => random.exponential(0)).toThrow("a rate above 0");
  });

  test("a method works when it is taken from the stream", () => {
    const { uniform, normal } = randomStream(42, 0);
    expect([uniform(), normal()].every(Number.isFinite)).toBe(true);
  });
});
