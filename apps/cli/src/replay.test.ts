import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createFailure,
  createFolderStore,
  createRowBuffer,
  encodePart,
  experimentKeys,
  manifestColumns,
  openDesign,
  roundKeys,
  type Failure,
  type Manifest,
  type Model,
  type Round,
  type Store,
} from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";
import type { Io } from "./io.ts";
import { replay, replayText } from "./replay.ts";

const modelsModule = fileURLToPath(new URL("../../worker/test/faulty-models.ts", import.meta.url));
const io: Io = {
  out: () => undefined,
  say: () => undefined,
  redraw: () => undefined,
  isTerminal: false,
  columns: 80,
  color: false,
  environment: { ...process.env, MODELS_MODULE: modelsModule },
  interrupted: new AbortController().signal,
};

const faults = "3:throw,4:exit,5:nan,6:loop,8:grow,9:abort";

let folder: string;
let store: Store;
let model: Model;
let manifest: Manifest;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-replay-"));
  store = createFolderStore(folder);
  model = (await loadModels(modelsModule))["faulty"]!;
  manifest = {
    format: 1,
    experiment: "faulty/1",
    model: "faulty",
    stage: "local",
    createdAt: "2026-11-21T00:00:00.000Z",
    seed: 1,
    design: {
      kind: "grid",
      levels: { point: 10 },
      ranges: { point: { minimum: 0, maximum: 9 } },
      fixed: { faults },
    },
    total: 10,
    plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 1 },
    limits: { ...model.limits, seconds: 0.5 },
    parameterSchema: model.parameterSchema,
    resultSchema: model.resultSchema,
    code: {},
    versions: { hatchery: "0", engine: "0", sdk: "0", node: "0" },
  };
  await store.create(experimentKeys("faulty/1").manifest, JSON.stringify(manifest));
  const round: Round = {
    round: 0,
    kind: "main",
    createdAt: "",
    simulations: [[0, 10]],
    chunkSizes: [[10, 1]],
  };
  await store.create(roundKeys("faulty/1", 0).plan, JSON.stringify(round));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Puts a row into the store as a worker would have left it. */
async function stored(i: number, value: number | Failure): Promise<void> {
  const { parameters, results } = manifestColumns(manifest);
  const rows = createRowBuffer(parameters, results);
  const point = (await openDesign(parameters, manifest.design, 1, store)).parameters(i);
  if (typeof value === "number") rows.push(i, 1, 0.1, [point, { value }]);
  else rows.push(i, 2, 0.1, [point], value);
  const facts = { experiment: "faulty/1", round: 0, chunk: 0, interruptions: 0, workers: [] };
  const { bytes } = await encodePart(rows.look(), [...parameters, ...results], facts);
  await store.create(roundKeys("faulty/1", 0).part(0), bytes);
}

test("a result that is the stored one to the last bit is equal", async () => {
  await stored(7, 14);
  const answer = await replay(store, manifest, 7, model, {}, io);
  expect(answer).toEqual({
    experiment: "faulty/1",
    simulation: 7,
    total: 10,
    model: "faulty",
    seed: 1,
    process: "this",
    parameters: expect.objectContaining({ point: 7, faults }),
    outcome: "done",
    results: { value: 14 },
    stored: { outcome: "done", results: { value: 14 } },
    differences: [],
    equal: true,
  });
  expect(replayText(answer)).toContain("Equal to the stored row, to the last bit.");
});

test("the next number after the stored one is not equal", async () => {
  await stored(7, 14 + 2 ** -49);
  const answer = await replay(store, manifest, 7, model, {}, io);
  expect(answer.equal).toBe(false);
  expect(answer.differences).toEqual([{ name: "value", stored: 14 + 2 ** -49, replayed: 14 }]);
  expect(replayText(answer)).toContain("value: stored 14.000000000000002, now 14");
});

describe("a failure is equal when cause and fingerprint are", () => {
  test("of a model that threw, in this process", async () => {
    await stored(3, createFailure("threw", "Error: No convergence at step 3000."));
    expect(await replay(store, manifest, 3, model, {}, io)).toMatchObject({
      process: "this",
      equal: true,
    });
  });

  test("of one that ended its process, in a process of its own", async () => {
    await stored(4, createFailure("crashed", "Its process exited with 3."));
    expect(await replay(store, manifest, 4, model, {}, io)).toMatchObject({
      process: "own",
      failure: { cause: "crashed" },
      equal: true,
    });
  });

  test("of one that looped, cut off by the experiment's limit", async () => {
    await stored(6, createFailure("time limit", "It ran for more than 0.5 s."));
    expect(await replay(store, manifest, 6, model, {}, io)).toMatchObject({
      process: "own",
      failure: { cause: "time limit", message: "It ran for more than 0.5 s." },
      equal: true,
    });
  });

  test("of one that grew over the experiment's limit", async () => {
    manifest = { ...manifest, limits: { ...model.limits, seconds: 60 } };
    await store.replace(experimentKeys("faulty/1").manifest, JSON.stringify(manifest));
    await stored(8, createFailure("memory limit", "Its process grew over 400 MB."));
    expect(await replay(store, manifest, 8, model, {}, io)).toMatchObject({
      process: "own",
      failure: { cause: "memory limit" },
      equal: true,
    });
  });

  test("and not when its process ended in another way", async () => {
    await stored(9, createFailure("crashed", "Its process exited with 3."));
    const answer = await replay(store, manifest, 9, model, {}, io);
    expect(answer).toMatchObject({ process: "own", failure: { cause: "crashed" }, equal: false });
    expect(answer.differences.map(({ name }) => name)).toEqual(["fingerprint"]);
  });

  test("and not when it failed otherwise", async () => {
    await stored(5, createFailure("threw", "Error: No convergence."));
    const answer = await replay(store, manifest, 5, model, {}, io);
    expect(answer.equal).toBe(false);
    expect(answer.differences.map(({ name }) => name)).toEqual(["cause", "fingerprint"]);
    expect(replayText(answer)).toContain("cause: stored threw, now invalid results");
  });
});

test("what has not run yet is run apart, and there is nothing to compare it with", async () => {
  const answer = await replay(store, manifest, 4, model, {}, io);
  expect(answer).toMatchObject({ process: "own", stored: null, equal: false, outcome: "failed" });
});

test("a number that is none of the experiment's is refused", async () => {
  await expect(replay(store, manifest, 10, model, {}, io)).rejects.toThrow("numbered 0 to 9");
  await expect(replay(store, manifest, NaN, model, {}, io)).rejects.toThrow("numbered 0 to 9");
});
