import { expect, test } from "vitest";
import { chunkCount, countOf, type Manifest } from "@hatchery/experiment";
import { afterCanary, againRound, firstRound, patienceMs } from "./rounds.ts";

const slots = () => 2;
const now = new Date("2026-11-21T00:00:00Z");
const manifest = (total: number, plan: Partial<Manifest["plan"]> = {}) =>
  ({
    total,
    plan: { chunkSeconds: 2, canary: 16, maxFailures: 0.5, slots: 2, ...plan },
  }) as Manifest;

test("a canary of a few, one chunk per slot, comes first", () => {
  const round = firstRound(manifest(10_000), slots, now);
  expect(round.kind).toBe("canary");
  expect(countOf(round.simulations)).toBe(16);
  expect(chunkCount(round.chunkSizes)).toBe(2);
});

test("nothing is learned where nothing is to be decided", () => {
  expect(firstRound(manifest(10_000, { chunkSimulations: 10 }), slots, now).kind).toBe("main");
  expect(firstRound(manifest(16), slots, now).kind).toBe("main");
});

test("canary and main round together cover the design, each simulation once", () => {
  const canary = firstRound(manifest(10_000), slots, now);
  const main = afterCanary(manifest(10_000), [canary], 0.0005, slots, now);
  const all = [...canary.simulations, ...main.simulations].toSorted((a, b) => a[0] - b[0]);
  let next = 0;
  for (const [first, count] of all) {
    expect(first).toBe(next);
    next = first + count;
  }
  expect(next).toBe(10_000);
});

test("another round covers what is missing, and nothing else", () => {
  const ledger = { done: 10, failed: 0, simulationSeconds: 20 };
  const missing = [
    [3, 2],
    [50, 1],
  ] as const;
  const round = againRound(
    [firstRound(manifest(100), slots, now)],
    missing,
    ledger,
    manifest(100),
    slots,
    now,
  );
  expect(round).toMatchObject({
    kind: "again",
    round: 1,
    simulations: missing,
    secondsPerSimulation: 2,
  });
});

test("where a canary can only have measured the start, a longer one follows, and then all the rest", () => {
  const large = manifest(1_000_000);
  const first = firstRound(large, slots, now);
  const second = afterCanary(large, [first], 0.003, slots, now);
  expect(second).toMatchObject({ kind: "canary", round: 1 });
  expect(chunkCount(second.chunkSizes)).toBe(2);
  expect(countOf(second.simulations)).toBeGreaterThan(150);
  const third = afterCanary(large, [first, second], 0.0003, slots, now);
  expect(third).toMatchObject({ kind: "canary", round: 2 });
  const main = afterCanary(large, [first, second, third], 0.0002, slots, now);
  expect(main).toMatchObject({ kind: "main", round: 3, secondsPerSimulation: 0.0002 });
  const rounds = [first, second, third, main].map(({ simulations }) => countOf(simulations));
  expect(rounds.reduce((sum, count) => sum + count)).toBe(1_000_000);
  expect(afterCanary(large, [first], 0.5, slots, now).kind).toBe("main");
});

test("trouble holds a round only after its chunks have had their time", () => {
  const canary = firstRound(manifest(10_000, { chunkSeconds: 40 }), slots, now);
  const main = afterCanary(manifest(10_000, { chunkSeconds: 40 }), [canary], 1, slots, now);
  const every = { mostSeconds: 60, isEveryWorkers: true };
  const some = { ...every, isEveryWorkers: false };
  expect(patienceMs(canary, undefined, every)).toBeLessThan(20_000);
  expect(patienceMs(canary, undefined, some)).toBeGreaterThan(8 * 60_000);
  for (const whose of [every, some]) {
    expect(patienceMs(main, undefined, whose)).toBeGreaterThan(80_000);
    expect(patienceMs(main, 3, whose)).toBeGreaterThan(240_000);
  }
});
