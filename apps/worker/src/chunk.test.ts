import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  countLedger,
  createFolderStore,
  experimentKeys,
  roundKeys,
  type Manifest,
  type Round,
  type Store,
} from "@hatchery/experiment";
import { models } from "../test/faulty-models.ts";
import { ChunkInterrupted, computeChunk } from "./chunk.ts";
import { createSlot, type Slot } from "./slot.ts";

const { faulty } = models;
let folder: string;
let store: Store;
let slots: Slot[];
/** Manifests and plans never change, so the worker remembers them: each test has its own experiment. */
let experiment: string;
let experiments = 0;

beforeEach(async () => {
  process.env["MODELS_MODULE"] = fileURLToPath(
    new URL("../test/faulty-models.ts", import.meta.url),
  );
  folder = await mkdtemp(join(tmpdir(), "hatchery-chunk-"));
  store = createFolderStore(folder);
  slots = [];
  experiment = `faulty/${++experiments}`;
});
afterEach(async () => {
  slots.forEach((slot) => slot.close());
  await rm(folder, { recursive: true, force: true });
});

async function plan(total: number, fixed: Record<string, number | string>): Promise<Manifest> {
  const manifest: Manifest = {
    format: 1,
    experiment,
    model: "faulty",
    stage: "local",
    createdAt: "2026-11-21T00:00:00.000Z",
    seed: 1,
    design: {
      kind: "grid",
      levels: { point: total },
      ranges: { point: { minimum: 0, maximum: total - 1 } },
      fixed,
    },
    total,
    plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 1 },
    limits: faulty.limits,
    parameterSchema: faulty.parameterSchema,
    resultSchema: faulty.resultSchema,
    code: {},
    versions: { hatchery: "0", engine: "0", sdk: "0", node: "0" },
  };
  const round: Round = {
    round: 0,
    kind: "main",
    createdAt: "",
    simulations: [[0, total]],
    chunkSizes: [[total, 1]],
  };
  await store.create(experimentKeys(experiment).manifest, JSON.stringify(manifest));
  await store.create(roundKeys(experiment, 0).plan, JSON.stringify(round));
  return manifest;
}

function compute(name: string, stop = new AbortController().signal) {
  const slot = createSlot();
  slots.push(slot);
  return computeChunk(
    { experiment, round: 0, chunk: 0 },
    slot,
    { name, store, log: () => undefined },
    stop,
  );
}

test("a chunk's part is in the store, with a row for every simulation", async () => {
  const manifest = await plan(50, { faults: "7:throw" });
  expect(await compute("w")).toMatchObject({
    done: 49,
    failed: 1,
    retries: 1,
    interruptions: 0,
    workers: [["w", 50]],
  });
  expect(await countLedger(store, manifest)).toMatchObject({ done: 49, failed: 1, notRun: 0 });
});

test("an interrupted chunk leaves what it has, and the next worker runs only the rest", async () => {
  const manifest = await plan(60, { milliseconds: 25 });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 1_000);
  await expect(compute("first", stop.signal)).rejects.toThrow(ChunkInterrupted);
  const { done } = await countLedger(store, manifest);
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(60);

  const facts = await compute("second");
  expect(facts).toMatchObject({ done: 60, failed: 0, interruptions: 1, retries: 0 });
  expect(facts.workers).toEqual([
    ["first", done],
    ["second", 60 - done],
  ]);
});

test("a chunk that is delivered twice overwrites nothing and computes nothing", async () => {
  await plan(20, {});
  await compute("first");
  const key = roundKeys(experiment, 0).part(0);
  const before = await store.read(key);
  expect((await compute("second")).workers).toEqual([["first", 20]]);
  expect(await store.read(key)).toEqual(before);
});

test("of two workers at the same chunk one part stays", async () => {
  const manifest = await plan(40, { milliseconds: 5 });
  const [one, two] = await Promise.all([compute("one"), compute("two")]);
  expect([one.done, two.done]).toEqual([40, 40]);
  expect(await store.names(roundKeys(experiment, 0).folder)).toEqual([
    "000000.parquet",
    "plan.json",
  ]);
  expect(await countLedger(store, manifest)).toMatchObject({ done: 40, notRun: 0 });
});

test("a partial part that cannot be read is computed again", async () => {
  await plan(10, {});
  const key = roundKeys(experiment, 0).partial(0, 4);
  await store.create(key, "no parquet");
  expect(await compute("w")).toMatchObject({ done: 10, workers: [["w", 10]] });
});

test("an experiment without a plan is an error, not an empty part", async () => {
  await expect(compute("w")).rejects.toThrow("no plan");
});
