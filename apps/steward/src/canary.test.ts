import * as fc from "fast-check";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolderStore, roundKeys, type Manifest, type Round } from "@hatchery/experiment";
import { expect, test } from "vitest";
import { beyondCap, beyondLimits, measureCanary } from "./canary.ts";

const measure = (secondsPerSimulation: number, peak?: number, share = 1_000) => ({
  secondsPerSimulation,
  memory: peak === undefined ? undefined : { peakBytes: peak * 1e6, shareBytes: share * 1e6 },
});
const rest = { simulations: 1_000_000, slots: 100 };

test("what the canary measured goes with the rest when nothing was asked and its worker has the memory", () => {
  expect(beyondLimits(measure(3_600), rest)).toBeUndefined();
  expect(beyondLimits(measure(3.6, 1_000), { ...rest, maxHours: 10 })).toBeUndefined();
});

test("more time than allowed is said with the numbers that it rests on", () => {
  expect(beyondLimits(measure(3.7), { ...rest, maxHours: 10 })).toBe(
    "The canary's simulations took 3.7 s each: the 1,000,000 that are left would take 10.3 hours on 100 slots, and at most 10 were allowed.",
  );
});

test("a slot that holds more than its share of the worker's memory is said, beside too much time", () => {
  expect(beyondLimits(measure(0.1, 1_300), rest)).toBe(
    "A slot of the canary held 1,300 MB, and its worker has 1,000 MB for each slot: with all of them at work the system would end it.",
  );
  expect(beyondLimits(measure(3.7, 1_300), { ...rest, maxHours: 1 })).toMatch(/hours.*1,300 MB/);
});

test("more cost than allowed is said with the numbers that it rests on", () => {
  const costs = { simulations: 1_000_000, slotHourUsd: 0.02, spentUsd: 0.5, maxUsd: 20 };
  expect(beyondCap(measure(3.6), costs)).toBe(
    "The canary's simulations took 3.6 s each: the 1,000,000 that are left would cost 20 USD beside the 0.5 so far, and at most 20 USD were allowed.",
  );
  expect(beyondCap(measure(3.6), { ...costs, maxUsd: 20.5 })).toBeUndefined();
  expect(beyondCap(measure(3_600), { ...costs, maxUsd: undefined })).toBeUndefined();
  expect(beyondCap(measure(3_600), { ...costs, slotHourUsd: 0 })).toBeUndefined();
});

test("a higher cap never holds back what a lower one lets go on", () => {
  const amount = fc.double({ min: 0, max: 1e6, noNaN: true });
  const costs = fc.record({ simulations: fc.nat(), slotHourUsd: amount, spentUsd: amount });
  fc.assert(
    fc.property(costs, amount, amount, amount, (each, seconds, a, b) => {
      const holds = (maxUsd: number) =>
        beyondCap(measure(seconds), { ...each, maxUsd }) !== undefined;
      expect(holds(Math.max(a, b)) && !holds(Math.min(a, b))).toBe(false);
    }),
  );
});

test("a canary whose parts were damaged measures nothing, and is no reason to stop", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hatchery-canary-"));
  const store = createFolderStore(folder);
  const experiment = "model/20261122-060000-aaaa";
  const schema = { properties: { x: { type: "number" } }, required: ["x"] };
  const manifest = { experiment, parameterSchema: schema, resultSchema: schema, limits: {} };
  await store.create(`${roundKeys(experiment, 0).folder}000000.parquet`, "not as it was written");
  const measured = await measureCanary(
    store,
    { ...manifest, plan: { chunkSeconds: 4 } } as unknown as Manifest,
    { round: 0 } as Round,
  );
  expect(measured).toEqual({ secondsPerSimulation: 4, memory: undefined });
  await rm(folder, { recursive: true });
});
