import * as fc from "fast-check";
import { expect, test } from "vitest";
import { desiredWorkers, expectedSlots, usefulWorkers, type Situation } from "./autoscale.ts";

const count = (max: number) => fc.integer({ min: 0, max });
const work = fc.record({
  openChunks: fc.integer({ min: 1, max: 60_000 }),
  openSeconds: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined }),
});
/** `min` is never above `max`, as settings have it; `desired` may be anything, after a change of settings. */
const situations: fc.Arbitrary<Situation> = fc
  .record({
    bounds: fc.tuple(count(5_000), count(5_000)),
    desired: count(5_000),
    pin: fc.option(count(5_000), { nil: undefined }),
    slotsPerWorker: fc.integer({ min: 1, max: 16 }),
    startSeconds: fc.constantFrom(1, 60),
    work: fc.option(work, { nil: undefined }),
    idle: fc.record({ looks: count(5), seconds: count(300) }),
    isLeaseOver: fc.boolean(),
  })
  .map(({ bounds, ...rest }) => ({ ...rest, min: Math.min(...bounds), max: Math.max(...bounds) }));
const unpinned = situations.map((situation) => ({
  ...situation,
  pin: undefined,
  isLeaseOver: false,
}));
const law = <T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => void) =>
  fc.assert(
    fc.property(arbitrary, (value) => {
      holds(value);
    }),
    { numRuns: 1_000 },
  );

const aws: Situation = {
  min: 0,
  max: 1_250,
  pin: undefined,
  slotsPerWorker: 4,
  startSeconds: 60,
  desired: 0,
  work: undefined,
  idle: { looks: 0, seconds: 0 },
  isLeaseOver: false,
};

test("never above the most", () => {
  law(situations, (situation) =>
    expect(desiredWorkers(situation)).toBeLessThanOrEqual(situation.max),
  );
});

test("never below the least, but for a pin or a lease that is over", () => {
  law(unpinned, (situation) =>
    expect(desiredWorkers(situation)).toBeGreaterThanOrEqual(situation.min),
  );
});

test("never fewer while work is open, but for a most that was lowered", () => {
  law(fc.tuple(unpinned, work), ([situation, open]) => {
    const before = Math.min(situation.desired, situation.max);
    expect(desiredWorkers({ ...situation, work: open })).toBeGreaterThanOrEqual(before);
  });
});

test("more work never asks for fewer workers", () => {
  law(fc.tuple(unpinned, work, count(1_000), count(100_000)), ([situation, open, chunks, more]) => {
    const harder = {
      openChunks: open.openChunks + chunks,
      openSeconds: open.openSeconds === undefined ? undefined : open.openSeconds + more,
    };
    expect(desiredWorkers({ ...situation, work: harder })).toBeGreaterThanOrEqual(
      desiredWorkers({ ...situation, work: open }),
    );
  });
});

test("no worker without a chunk for it", () => {
  law(fc.tuple(situations, work), ([{ slotsPerWorker, startSeconds }, open]) => {
    const workers = usefulWorkers(open, { slotsPerWorker, startSeconds });
    expect(workers).toBeGreaterThanOrEqual(1);
    expect((workers - 1) * slotsPerWorker).toBeLessThan(open.openChunks);
  });
});

test("without work it is the least after two looks and the time a start takes, and not before", () => {
  law(unpinned, (situation) => {
    const now = desiredWorkers({ ...situation, work: undefined });
    const { looks, seconds } = situation.idle;
    if (looks >= 2 && seconds >= situation.startSeconds) expect(now).toBe(situation.min);
    else expect(now).toBe(Math.min(Math.max(situation.desired, situation.min), situation.max));
  });
});

test("a pin wins over the work, up to the most", () => {
  law(fc.tuple(situations, count(5_000)), ([situation, pin]) => {
    const { isLeaseOver, max } = situation;
    expect(desiredWorkers({ ...situation, pin })).toBe(isLeaseOver ? 0 : Math.min(pin, max));
  });
});

test("where the lease is over nothing stands", () => {
  law(situations, (situation) =>
    expect(desiredWorkers({ ...situation, isLeaseOver: true })).toBe(0),
  );
});

test("from nothing: a few for the canary, then what the plan needs, then none", () => {
  const canary = { openChunks: 16, openSeconds: undefined };
  expect(desiredWorkers({ ...aws, work: canary })).toBe(4);
  // 5,000,000 simulations of 2 s.
  const main = { openChunks: 250_000, openSeconds: 1e7 };
  expect(desiredWorkers({ ...aws, desired: 4, work: main })).toBe(1_250);
  const last = { openChunks: 3, openSeconds: 90 };
  expect(desiredWorkers({ ...aws, desired: 1_250, work: last })).toBe(1_250);
  expect(desiredWorkers({ ...aws, desired: 1_250, idle: { looks: 1, seconds: 0 } })).toBe(1_250);
  expect(desiredWorkers({ ...aws, desired: 1_250, idle: { looks: 5, seconds: 61 } })).toBe(0);
});

test("a worker that takes a minute to start has two minutes to do", () => {
  const open = { openChunks: 1_000, openSeconds: 4_800 };
  expect(desiredWorkers({ ...aws, work: open })).toBe(10);
  expect(desiredWorkers({ ...aws, startSeconds: 1, work: open })).toBe(250);
});

test("a plan counts on the fleet as it will be: not as it is, and not at its most", () => {
  expect(expectedSlots(4_800, aws)).toBe(40);
  expect(expectedSlots(4_800, { ...aws, desired: 20 })).toBe(80);
  expect(expectedSlots(1e9, aws)).toBe(5_000);
  expect(expectedSlots(1e9, { ...aws, pin: 3 })).toBe(12);
  expect(expectedSlots(1e9, { ...aws, pin: 0 })).toBe(4);
});
