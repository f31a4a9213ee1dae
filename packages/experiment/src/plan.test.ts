import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chunkCount,
  chunkExtent,
  chunkRanges,
  chunkSizes,
  chunksOf,
  costCap,
  spread,
  type Round,
} from "./plan.ts";
import { countOf, rangesWhere, sliceOf } from "./ranges.ts";

const settings = fc.record({
  chunkSeconds: fc.double({ min: 0.1, max: 120, noNaN: true }),
  canary: fc.integer({ min: 0, max: 100 }),
  maxFailures: fc.constant(1),
  slots: fc.integer({ min: 1, max: 5_000 }),
});
const seconds = fc.double({ min: 0, max: 1_000, noNaN: true });

test("chunks cover every simulation exactly once, in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e8 }), seconds, settings, (simulations, each, plan) => {
      const sizes = chunkSizes(simulations, each, plan);
      expect(sizes.reduce((sum, [size, times]) => sum + size * times, 0)).toBe(simulations);
      expect(chunkCount(sizes)).toBeLessThanOrEqual(50_000);
      const last = chunkExtent(sizes, chunkCount(sizes) - 1);
      expect(last.position + last.size).toBe(simulations);
    }),
  );
});

describe("chunk sizes", () => {
  const plan = { chunkSeconds: 2, canary: 0, maxFailures: 1, slots: 2 };

  test("a chunk lasts as long as asked, and those of the end are shorter and shorter", () => {
    expect(chunkSizes(40_000, 0.001, plan)).toEqual([
      [2_000, 18],
      [1_334, 2],
      [444, 2],
      [150, 2],
      [144, 1],
    ]);
  });

  test("in a long round a slot has ten chunks until they are twice as long", () => {
    const longest = (simulations: number) => chunkSizes(simulations, 0.001, plan)[0]![0];
    expect(longest(60_000)).toBe(3_000);
    expect(longest(80_000)).toBe(4_000);
    expect(longest(1_000_000)).toBe(4_000);
  });

  test("no chunk is more than two thirds of a slot's share of what is left", () => {
    const sizes = fc.integer({ min: 1, max: 1e7 });
    const costs = fc.double({ min: 1e-5, max: 10, noNaN: true });
    fc.assert(
      fc.property(sizes, costs, settings, (simulations, each, drawn) => {
        const chunks = chunkSizes(simulations, each, drawn);
        const isFew = chunkCount(chunks) < 30_000;
        let left = simulations;
        for (const [size, times] of chunks) {
          const isShort = size * each <= Math.max(0.15, drawn.slots / 200) + each;
          if (!isShort && isFew)
            expect(size * 1.5 * drawn.slots).toBeLessThan(left + 1.5 * drawn.slots);
          left -= size * times;
        }
      }),
    );
  });

  test("a small experiment of slow simulations still gives every slot several chunks", () => {
    expect(chunkCount(chunkSizes(100, 0.1, plan))).toBeGreaterThanOrEqual(8);
  });

  test("quick simulations are not cut into chunks that cost more than they do, but every slot gets some", () => {
    expect(chunkSizes(100, 0.0003, plan)).toEqual([[50, 2]]);
    expect(chunkSizes(10_000, 0.0003, plan)[0]![0]).toBe(3_334);
  });

  test("a person's own chunk size is kept", () => {
    expect(chunkSizes(10, 0.001, { ...plan, chunkSimulations: 4 })).toEqual([
      [4, 2],
      [2, 1],
    ]);
  });
});

test("the simulations of all chunks of a round are the round's, whatever holes it has", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 50 }),
      (wanted, size) => {
        const simulations = rangesWhere(301, (i) => wanted.includes(i));
        const round: Round = {
          round: 0,
          kind: "again",
          createdAt: "",
          simulations,
          chunkSizes: chunkSizes(wanted.length, 1, {
            chunkSeconds: 1,
            canary: 0,
            maxFailures: 1,
            slots: 1,
            chunkSimulations: size,
          }),
        };
        const all = [...chunksOf(round.chunkSizes)].flatMap(({ chunk }) =>
          chunkRanges(round, chunk).flatMap(([first, count]) =>
            Array.from({ length: count }, (_, k) => first + k),
          ),
        );
        expect(all).toEqual([...wanted].toSorted((a, b) => a - b));
      },
    ),
  );
});

test("a slice of ranges takes exactly its share", () => {
  expect(
    sliceOf(
      [
        [0, 3],
        [10, 5],
        [20, 1],
      ],
      2,
      4,
    ),
  ).toEqual([
    [2, 1],
    [10, 3],
  ]);
  expect(
    countOf(
      sliceOf(
        [
          [0, 3],
          [10, 5],
        ],
        7,
        100,
      ),
    ),
  ).toBe(1);
});

test("the canary is spread over the whole design", () => {
  expect(spread(1_000, 5)).toEqual([
    [0, 1],
    [250, 1],
    [500, 1],
    [749, 1],
    [999, 1],
  ]);
  expect(spread(2, 16)).toEqual([
    [0, 1],
    [1, 1],
  ]);
});

test("the cap in force is the one that a person said last", () => {
  expect(costCap({}, [{}, {}])).toBeUndefined();
  expect(costCap({ maxUsd: 5 }, [])).toBe(5);
  expect(costCap({ maxUsd: 5 }, [{}, { maxUsd: 20 }, {}])).toBe(20);
  expect(costCap({}, [{ maxUsd: 20 }, { maxUsd: 8 }])).toBe(8);
});
