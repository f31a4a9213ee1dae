import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  countLedger,
  createFolderStore,
  experimentKeys,
  findRow,
  manifestColumns,
  roundKeys,
  rowValues,
  createFileReader,
  storeInputs,
  storedFiles,
  storedFilesOf,
  type Manifest,
  type Model,
  type Round,
  type Store,
} from "@hatchery/experiment";
import { models, pointFile } from "../test/faulty-models.ts";
import { ChunkInterrupted, computeChunk } from "./chunk.ts";
import { createSlot, type Slot } from "./slot.ts";

const { faulty, filing } = models;
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

async function plan(
  total: number,
  fixed: Record<string, number | string>,
  model: Model = faulty,
): Promise<Manifest> {
  const words = join(folder, "words.txt");
  await writeFile(words, "hello");
  const manifest: Manifest = {
    format: 1,
    experiment,
    model: model.name,
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
    limits: model.limits,
    ...(model === filing && { inputs: await storeInputs(filing.inputs, { words }, store) }),
    parameterSchema: model.parameterSchema,
    resultSchema: model.resultSchema,
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

async function compute(name: string, stop?: AbortSignal) {
  const facts = await tryToCompute(name, stop);
  if (facts === undefined) throw new Error("The experiment was stopped.");
  return facts;
}

function tryToCompute(name: string, stop = new AbortController().signal) {
  const slot = createSlot();
  slots.push(slot);
  return computeChunk(
    { experiment, round: 0, chunk: 0 },
    slot,
    { name, store, shareBytes: 1e9, inputCacheBytes: 1e9, log: () => undefined },
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

test.each(["cancelled", "halted", "capped"] as const)(
  "of an experiment that was %s nothing more is computed, though the engine still hands it out",
  async (kind) => {
    const manifest = await plan(20, {});
    await store.create(experimentKeys(experiment)[kind], "");
    expect(await tryToCompute("w")).toBeUndefined();
    expect(await countLedger(store, manifest)).toMatchObject({ done: 0, failed: 0, notRun: 20 });
    await store.remove(experimentKeys(experiment)[kind]);
    expect(await compute("w")).toMatchObject({ done: 20 });
  },
);

test("a chunk's part says how much memory its slot has held, however short its simulations were", async () => {
  await plan(20, {});
  const without = (await compute("w")).memory!;
  experiment = `faulty/${++experiments}`;
  await plan(20, { faults: "7:hold" });
  const held = (await compute("w")).memory!;
  expect(without.shareBytes).toBe(1e9);
  expect(without.peakBytes).toBeGreaterThan(30e6);
  expect(held.peakBytes - without.peakBytes).toBeGreaterThan(100e6);
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

describe("files that simulations return", () => {
  /** Each file as its name and content, by simulation, read as a person would. */
  async function filesOf(manifest: Manifest): Promise<Map<number, Record<string, string>>> {
    const reader = createFileReader(store, 4_096);
    const found = new Map<number, Record<string, string>>();
    for await (const file of storedFiles(store, manifest)) {
      const files = found.get(file.simulation) ?? {};
      expect(files).not.toHaveProperty([file.name]);
      files[file.name] = String(await reader.read(file));
      found.set(file.simulation, files);
    }
    return found;
  }

  const expected = (points: readonly number[], bytes = 1_000) =>
    new Map(
      points.map((point) => [
        point,
        {
          "point.bin": String(pointFile(point, bytes)),
          ...(point % 2 === 0 && { "even.txt": `${point}\n` }),
        },
      ]),
    );
  const upTo = (total: number) => Array.from({ length: total }, (_, i) => i);
  const packs = async () =>
    (await store.names(roundKeys(experiment, 0).folder)).filter((name) => name.endsWith(".tar"));

  test("are in one pack beside the part, those of failed attempts left out", async () => {
    const manifest = await plan(30, { faults: "3:throw,11:exit,12:kill" }, filing);
    expect(await compute("w")).toMatchObject({ done: 27, failed: 3 });
    expect(await filesOf(manifest)).toEqual(
      expected(upTo(30).filter((i) => ![3, 11, 12].includes(i))),
    );
    expect(await packs()).toHaveLength(1);
    expect((await storedFilesOf(store, manifest, 10)).map(({ name }) => name)).toEqual([
      "even.txt",
      "point.bin",
    ]);
    expect(await storedFilesOf(store, manifest, 11)).toEqual([]);
  });

  test("over the limit fail their simulation, and its chunk lives", async () => {
    const manifest = await plan(4, { bytes: 2_000_000 }, filing);
    expect(await compute("w")).toMatchObject({ done: 0, failed: 4, retries: 0 });
    expect((await findRow(store, manifest, 2))!.failures[0]!.failure).toMatchObject({
      cause: "file limit",
      message: 'Its files hold more than 1 MB: "point.bin" brought them to 2.0 MB.',
    });
    expect(await packs()).toEqual([]);
  });

  test("of an interrupted chunk are kept, and are all there after the next worker", async () => {
    const manifest = await plan(60, { milliseconds: 25 }, filing);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1_500);
    await expect(compute("first", stop.signal)).rejects.toThrow(ChunkInterrupted);
    const { done } = await countLedger(store, manifest);
    expect(done).toBeGreaterThan(0);
    expect(await filesOf(manifest)).toEqual(expected(upTo(done)));
    expect((await compute("second")).workers[0]).toEqual(["first", done]);
    expect(await filesOf(manifest)).toEqual(expected(upTo(60)));
  });

  test("of an interrupted chunk that are lost are computed again", async () => {
    const manifest = await plan(60, { milliseconds: 25 }, filing);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1_500);
    await expect(compute("first", stop.signal)).rejects.toThrow(ChunkInterrupted);
    await store.replace(`${roundKeys(experiment, 0).folder}${(await packs())[0]}`, "garbled");
    expect((await compute("second")).workers).toEqual([["second", 60]]);
    expect(await filesOf(manifest)).toEqual(expected(upTo(60)));
  });

  test("are there once when two workers compute their chunk", async () => {
    const manifest = await plan(20, { milliseconds: 5 }, filing);
    await Promise.all([compute("one"), compute("two")]);
    expect(await packs()).toHaveLength(1);
    expect(await filesOf(manifest)).toEqual(expected(upTo(20)));
  });
});

test("an input file reaches every simulation; one that the store lacks is said, and blames none", async () => {
  const manifest = await plan(10, {}, filing);
  await compute("w");
  const { results } = manifestColumns(manifest);
  const row = (await findRow(store, manifest, 9))!;
  expect(rowValues(row, results, row.values.length - results.length)["said"]).toBe("hello");

  experiment = `faulty/${++experiments}`;
  const other = { words: { ...manifest.inputs!["words"]!, sha256: "0".repeat(64) } };
  await plan(10, {}, filing);
  const { manifest: key } = experimentKeys(experiment);
  await store.replace(key, JSON.stringify({ ...manifest, experiment, inputs: other }));
  await expect(compute("w")).rejects.toThrow("lacks inputs/000");
});
