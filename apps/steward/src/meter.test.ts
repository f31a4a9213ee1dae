import { expect, test } from "vitest";
import * as fc from "fast-check";
import { chunkSizes, chunksOf } from "@hatchery/experiment";
import { estimate, type Arrival } from "./meter.ts";

/** What happens to a round, in seconds of its own time. */
interface Replay {
  readonly slots: number;
  readonly total: number;
  /** Core-seconds of a simulation, on average. */
  readonly cost: number;
  /** How much chunks of two seconds differ: standard deviation of the logarithm. Longer ones have more simulations. */
  readonly noise: number;
  /** The last point of the design costs so many times what the first does. */
  readonly drift: number;
  /** When the fleet is whole; it grows evenly from one slot. */
  readonly grownAfter: number;
  /** When a quarter of the slots is taken away for good. */
  readonly lostAt: number | undefined;
  readonly seed: number;
}

/** Parts in the order in which slots that each take the next chunk write them. */
function play(replay: Replay): { arrivals: Arrival[]; endMs: number } {
  const { slots, total, cost, noise, drift, grownAfter, lostAt, seed } = replay;
  const chunkSeconds = 2;
  const sizes = chunkSizes(total, cost, { chunkSeconds, canary: 0, maxFailures: 1, slots });
  const random = generator(seed);
  const freeAt = Array.from({ length: slots }, (_, slot) => (grownAfter * slot) / slots);
  const arrivals: Arrival[] = [];
  for (const { position, size } of chunksOf(sizes)) {
    let slot = 0;
    for (let other = 1; other < slots; other++) {
      const isLost = lostAt !== undefined && other >= 0.75 * slots && freeAt[other]! > lostAt;
      if (!isLost && freeAt[other]! < freeAt[slot]!) slot = other;
    }
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const deviation = noise * Math.sqrt(Math.min(1, chunkSeconds / (size * cost)));
    const seconds = size * cost * drift ** (position / total) * Math.exp(deviation * normal);
    // Between two chunks of a slot: 20–30 ms, measured.
    freeAt[slot]! += 0.025 + seconds;
    arrivals.push({ atMs: 1_000 * freeAt[slot]!, simulations: size, seconds });
  }
  arrivals.sort((a, b) => a.atMs - b.atMs);
  return { arrivals, endMs: arrivals.at(-1)!.atMs };
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const steady = fc.record({
  slots: fc.constantFrom(2, 4, 16, 64),
  total: fc.integer({ min: 2_000, max: 50_000 }),
  cost: fc.double({ min: 0.002, max: 0.2, noNaN: true }),
  noise: fc.double({ min: 0, max: 0.5, noNaN: true }),
  drift: fc.constant(1),
  grownAfter: fc.constant(0),
  lostAt: fc.constant(undefined),
  seed: fc.integer(),
});

/** Where a person looks: at so many percent of the way. */
const looks = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99];

/** Of all looks that give a range, the share whose range has the end in it; and how wide the ranges are. */
function judge(replays: readonly Replay[]) {
  let ranges = 0;
  let right = 0;
  const widths: number[] = [];
  for (const replay of replays) {
    const { arrivals, endMs } = play(replay);
    for (const look of looks) {
      const nowMs = (endMs * look) / 100;
      const seen = arrivals.filter(({ atMs }) => atMs <= nowMs);
      const left = replay.total - seen.reduce((sum, { simulations }) => sum + simulations, 0);
      const lastChunk = arrivals.at(-1)!.simulations;
      const { secondsLeft, secondsLeftLeast, secondsLeftMost } = estimate(
        seen,
        0,
        nowMs,
        left,
        lastChunk,
      );
      if (secondsLeftLeast === undefined) continue;
      const actual = (endMs - nowMs) / 1_000;
      ranges++;
      if (secondsLeftLeast <= actual && actual <= (secondsLeftMost ?? Infinity)) right++;
      if (secondsLeftMost !== undefined && look <= 80)
        widths.push((secondsLeftMost - secondsLeftLeast) / Math.max(secondsLeft!, 0.1));
    }
  }
  widths.sort((a, b) => a - b);
  return { ranges, coverage: right / ranges, medianWidth: widths[Math.floor(widths.length / 2)]! };
}

const replays = (changes: Partial<Record<keyof Replay, fc.Arbitrary<unknown>>>) =>
  fc.sample(
    fc
      .tuple(steady, fc.record(changes))
      .map(([all, changed]) => ({ ...all, ...changed }) as Replay),
    { numRuns: 150, seed: 4 },
  );

test.each([
  ["a steady fleet", {}, 0.97, 0.25],
  [
    "a design whose later points cost more, or less",
    { drift: fc.constantFrom(0.3, 0.5, 2, 4) },
    0.85,
    1,
  ],
  ["a fleet that grows", { grownAfter: fc.integer({ min: 10, max: 120 }) }, 0.85, 1],
  ["a fleet that loses a quarter", { lostAt: fc.integer({ min: 5, max: 300 }) }, 0.9, 0.3],
  [
    "simulations that differ wildly",
    { noise: fc.double({ min: 0.5, max: 1.2, noNaN: true }) },
    0.95,
    1.6,
  ],
])("%s: most ranges have the end in them, and are of use", (_, changes, least, widest) => {
  const { ranges, coverage, medianWidth } = judge(replays(changes));
  expect(ranges).toBeGreaterThan(500);
  expect(coverage).toBeGreaterThan(least);
  expect(medianWidth).toBeLessThan(widest);
});

const even = Array.from({ length: 500 }, (_, k) => ({
  atMs: (k + 1) * 1_000,
  simulations: 100,
  seconds: 2,
}));

test("the rate is the slots' own, whenever one looks", () => {
  for (const nowMs of [300_000, 300_400, 300_999]) {
    const seen = even.filter(({ atMs }) => atMs <= nowMs);
    expect(estimate(seen, 0, nowMs, 20_000, 25).simulationsPerSecond).toBeCloseTo(100, 0);
  }
});

test("nothing is claimed before a part, and no end before two chunks one after the other", () => {
  expect(estimate([], 0, 60_000, 100, 1)).toEqual({ simulationsPerSecond: 0 });
  const early = estimate(even.slice(0, 2), 0, 2_500, 100, 1);
  expect(early.secondsLeft).toBeUndefined();
  expect(early.simulationsPerSecond).toBeGreaterThan(0);
});

test("while nothing comes there is no latest end, and the earliest does not come nearer", () => {
  const working = estimate(even, 0, 500_500, 20_000, 25);
  const silent = estimate(even, 0, 700_000, 20_000, 25);
  expect(working.secondsLeftMost).toBeLessThan(300);
  expect(silent).toMatchObject({ simulationsPerSecond: 0 });
  expect(silent.secondsLeftMost).toBeUndefined();
  expect(silent.secondsLeftLeast).toBeGreaterThan(working.secondsLeftLeast!);
});

test("an experiment of hours is judged by its latest hour as by its first", () => {
  const hours = 5 * 3_600;
  const arrivals = Array.from({ length: hours }, (_, k) => ({
    atMs: (k + 1) * 1_000,
    simulations: k < hours / 2 ? 100 : 50,
    seconds: 2,
  }));
  const { simulationsPerSecond, secondsLeftLeast, secondsLeftMost } = estimate(
    arrivals,
    0,
    hours * 1_000,
    180_000,
    12,
  );
  expect(simulationsPerSecond).toBeCloseTo(50, 0);
  expect(secondsLeftLeast).toBeLessThan(3_600);
  expect(secondsLeftMost).toBeGreaterThan(3_600);
});
