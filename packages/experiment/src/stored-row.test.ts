import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { columnsOf, objectSchema } from "./columns.ts";
import { roundKeys } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { Limits } from "./model.ts";
import { encodePart } from "./part.ts";
import { chunkRanges, type Round } from "./plan.ts";
import { createRowBuffer } from "./rows.ts";
import { createFailure } from "./simulation.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";
import { findRow, rowValues } from "./stored-row.ts";

const parameterSchema = objectSchema(z.object({ x: z.number(), on: z.boolean() }));
const resultSchema = objectSchema(z.object({ y: z.number(), note: z.string() }));
const parameters = columnsOf(parameterSchema, "Parameter");
const results = columnsOf(resultSchema, "Result");
const limits = Limits.parse({});
const manifest = {
  experiment: "a/1",
  total: 1_000,
  limits,
  parameterSchema,
  resultSchema,
} as Manifest;

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-row-"));
  store = createFolderStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function plan(
  round: number,
  simulations: Round["simulations"],
  chunkSizes: Round["chunkSizes"],
): Promise<Round> {
  const planned: Round = { round, kind: "main", createdAt: "", simulations, chunkSizes };
  await store.create(roundKeys("a/1", round).plan, JSON.stringify(planned));
  return planned;
}

/** Writes a chunk's part, whole or its first `rows` rows; `y` tells the round apart. */
async function write(
  round: Round,
  chunk: number,
  failed: readonly number[] = [],
  partial?: number,
): Promise<string> {
  const rows = createRowBuffer(parameters, results);
  const simulations = chunkRanges(round, chunk).flatMap(([first, count]) =>
    Array.from({ length: count }, (_, k) => first + k),
  );
  for (const i of simulations.slice(0, partial))
    if (failed.includes(i))
      rows.push(i, 1, 0, [{ x: i, on: false }], createFailure("threw", `at ${i}`));
    else
      rows.push(i, 1, 0, [
        { x: i, on: true },
        { y: i + round.round / 10, note: `n${i}` },
      ]);
  const facts = { experiment: "a/1", round: round.round, chunk, interruptions: 0, workers: [] };
  const { bytes } = await encodePart(rows.look(), [...parameters, ...results], facts);
  const keys = roundKeys("a/1", round.round);
  const key = partial === undefined ? keys.part(chunk) : keys.partial(chunk, partial);
  await store.create(key, bytes);
  return key;
}

const yOf = async (i: number) => {
  const row = await findRow(store, manifest, i);
  return row && rowValues(row, results, parameters.length)["y"];
};

test("a row is found by its number, through ranges with gaps and chunks of two sizes", async () => {
  const round = await plan(
    0,
    [
      [0, 10],
      [500, 90],
    ],
    [
      [30, 3],
      [5, 2],
    ],
  );
  for (const chunk of [0, 1, 2, 3, 4]) await write(round, chunk);
  for (const i of [0, 9, 500, 519, 520, 579, 580, 584, 585, 589]) expect(await yOf(i)).toBe(i);
  expect(await findRow(store, manifest, 10)).toBeUndefined();
  expect(await findRow(store, manifest, 590)).toBeUndefined();
  const row = (await findRow(store, manifest, 500))!;
  expect(rowValues(row, parameters, 0)).toEqual({ x: 500, on: true });
  expect(rowValues(row, results, 2)).toEqual({ y: 500, note: "n500" });
});

test("only the part that holds it is read", async () => {
  const round = await plan(0, [[0, 100]], [[10, 10]]);
  for (let chunk = 0; chunk < 10; chunk++) await write(round, chunk);
  const read: string[] = [];
  const watching: Store = {
    ...store,
    read(key) {
      if (key.endsWith(".parquet")) read.push(key);
      return store.read(key);
    },
  };
  await findRow(watching, manifest, 37);
  expect(read).toEqual([roundKeys("a/1", 0).part(3)]);
});

test("a done row stands before a failed one, a later round before an earlier", async () => {
  await write(await plan(0, [[0, 10]], [[10, 1]]), 0, [1, 2]);
  await write(await plan(1, [[0, 10]], [[10, 1]]), 0, [2, 3]);
  expect(await yOf(1)).toBe(1.1);
  expect((await findRow(store, manifest, 2))!.failures[0]!.failure.message).toBe("at 2");
  expect(await yOf(3)).toBe(3);
  expect(await yOf(4)).toBe(4.1);
});

test("an interrupted chunk's partial part holds rows too", async () => {
  const round = await plan(0, [[0, 10]], [[10, 1]]);
  await write(round, 0, [], 3);
  await write(round, 0, [], 6);
  expect(await yOf(5)).toBe(5);
  expect(await yOf(6)).toBeUndefined();
});

test("a part that cannot be read is named", async () => {
  const round = await plan(0, [[0, 10]], [[10, 1]]);
  await store.replace(await write(round, 0), "nothing of the kind");
  await expect(findRow(store, manifest, 4)).rejects.toThrow(
    "parts/0/000000.parquet cannot be read",
  );
});
