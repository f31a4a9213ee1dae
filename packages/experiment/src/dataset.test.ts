import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { openDataset } from "./dataset-query.ts";
import { mergeDataset } from "./dataset.ts";
import { experimentKeys, roundKeys } from "./layout.ts";
import { notRunRanges } from "./ledger.ts";
import type { Manifest } from "./manifest.ts";
import { defineModel } from "./model.ts";
import { decodePart, encodePart, readPartFacts } from "./part.ts";
import { chunkRanges, chunksOf, type Round } from "./plan.ts";
import { countOf } from "./ranges.ts";
import { countLedger, ledgerAtClose } from "./recount.ts";
import { createRowBuffer, sortedRows, type Rows } from "./rows.ts";
import { createFailure } from "./simulation.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

const model = defineModel({
  name: "table",
  parameters: z.object({
    x: z.number().min(0).max(1),
    n: z.int().min(0).max(9),
    kind: z.enum(["a", "b"]),
    on: z.boolean(),
  }),
  results: z.object({ y: z.number(), big: z.int() }),
  simulate: () => ({ y: 0, big: 0 }),
});
const columns = [...model.parameterColumns, ...model.resultColumns];

/** The rows of some simulations: every one a function of its number, so that any dataset can be checked. */
function rowsOf(
  simulations: readonly number[],
  failed: (i: number) => boolean = () => false,
): Rows {
  const rows = createRowBuffer(model.parameterColumns, model.resultColumns, 1);
  for (const i of simulations) {
    const parameters = { x: i / 1e4, n: i % 10, kind: i % 2 === 0 ? "a" : "b", on: i % 3 === 0 };
    if (failed(i)) rows.push(i, 2, 0.1, [parameters], createFailure("threw", `at ${i}`));
    else rows.push(i, 1, 0.1, [parameters, { y: i * 0.5, big: i * 1e10 }]);
  }
  return rows.look();
}

const partOf = (rows: Rows, chunk = 0, worker = "w") =>
  encodePart(rows, columns, {
    experiment: "table/1",
    round: 0,
    chunk,
    interruptions: 0,
    workers: [[worker, rows.count]],
  });

describe("a part", () => {
  test("gives back what was written, with and without failures", async () => {
    for (const failed of [() => false, (i: number) => i % 4 === 1]) {
      const rows = rowsOf([3, 4, 5, 9, 13], failed);
      const { bytes, facts } = await partOf(rows);
      expect(await decodePart(bytes, columns)).toEqual({ rows, facts });
      expect(readPartFacts(bytes.subarray(-2_000))).toEqual(facts);
    }
  });

  test.each([
    { kind: "all done", failed: () => false },
    { kind: "some failed", failed: (i: number) => i % 7 === 3 },
    { kind: "all failed", failed: () => true },
  ])(
    "is an error, not other numbers, when a byte of its data is flipped: $kind",
    async ({ failed }) => {
      const simulations = Array.from({ length: 2_000 }, (_, i) => i);
      const { bytes } = await partOf(rowsOf(simulations, failed));
      const data = bytes.length - 4_000;
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 4, max: data }),
          fc.integer({ min: 1, max: 255 }),
          async (at, flip) => {
            const broken = bytes.slice();
            broken[at]! ^= flip;
            const read = await decodePart(broken, columns).catch(() => undefined);
            // A flip in a page header may change nothing that is read; it must never change a value.
            if (read !== undefined) expect(read).toEqual(await decodePart(bytes, columns));
          },
        ),
        { numRuns: 1_000 },
      );
    },
  );

  test("is what another Parquet reader reads, also with failures", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hatchery-part-test-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const failed of [() => false, (i: number) => i % 3 === 1, () => true]) {
      const { bytes } = await partOf(rowsOf([3, 4, 5, 9, 13], failed));
      await writeFile(join(folder, "part.parquet"), bytes);
      await using dataset = await openDataset({ part: join(folder, "part.parquet") });
      const { rows } = await dataset.rows(
        'select simulation, failed, x, n, kind, "on", y, big from part',
      );
      expect(rows).toEqual(
        [3, 4, 5, 9, 13].map((i) => [
          i,
          failed(i),
          i / 1e4,
          i % 10,
          i % 2 === 0 ? "a" : "b",
          i % 3 === 0,
          ...(failed(i) ? [null, null] : [i * 0.5, i * 1e10]),
        ]),
      );
      const failures = [3, 4, 5, 9, 13].filter(failed);
      if (failures.length === 0) continue;
      const told = await dataset.rows(
        "select simulation, cause, message from part where cause is not null",
      );
      expect(told.rows).toEqual(failures.map((i) => [i, "threw", `at ${i}`]));
    }
  });

  test("is an error also where a byte of numbers that are stored as they are is flipped", async () => {
    const rows = rowsOf(Array.from({ length: 2_000 }, (_, i) => i));
    const numbers = rows.values[columns.findIndex(({ name }) => name === "y")] as Float64Array;
    for (let i = 0; i < numbers.length; i++) numbers[i] = Math.sqrt(i + 2) % 1;
    const { bytes } = await partOf(rows);
    const page = Buffer.from(bytes).indexOf(Buffer.from(numbers.slice().buffer));
    expect(page).toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: numbers.byteLength - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const broken = bytes.slice();
          broken[page + at]! ^= flip;
          await expect(decodePart(broken, columns)).rejects.toThrow("not as it was written");
        },
      ),
    );
  });

  test("is an error when it is cut short", async () => {
    const { bytes } = await partOf(rowsOf([1, 2, 3]));
    await expect(decodePart(bytes.subarray(0, bytes.length - 9), columns)).rejects.toThrow(
      /parquet/,
    );
  });
});

test("rows out of order are sorted, and a simulation that is there twice keeps its first row", () => {
  const sorted = sortedRows(rowsOf([5, 2, 9, 2, 7]), model.parameterColumns, model.resultColumns);
  expect([...sorted.simulation]).toEqual([2, 5, 7, 9]);
  expect([...(sorted.values[0] as Float64Array)]).toEqual([2, 5, 7, 9].map((i) => i / 1e4));
});

describe("an experiment's dataset", () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "hatchery-dataset-test-"));
    store = createFolderStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const total = 1_000;
  const manifest = (experiment: string): Manifest => ({
    format: 1,
    experiment,
    model: model.name,
    stage: "local",
    createdAt: "2026-11-21T00:00:00.000Z",
    seed: 1,
    design: { kind: "random", simulations: total },
    total,
    plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 1 },
    limits: model.limits,
    parameterSchema: model.parameterSchema,
    resultSchema: model.resultSchema,
    code: {},
    versions: { hatchery: "0", engine: "0", sdk: "0", node: "0" },
  });

  /** Writes a round whose chunks have the given size; `skip` names chunks that have no part. */
  async function writeRound(
    experiment: string,
    round: Pick<Round, "round" | "simulations">,
    size: number,
    failed: (i: number) => boolean = () => false,
    skip: readonly number[] = [],
  ): Promise<void> {
    const count = countOf(round.simulations);
    const rest = count % size;
    const plan: Round = {
      ...round,
      kind: "main",
      createdAt: "",
      chunkSizes: [
        ...(count >= size ? [[size, Math.floor(count / size)] as [number, number]] : []),
        ...(rest > 0 ? [[rest, 1] as [number, number]] : []),
      ],
    };
    const keys = roundKeys(experiment, round.round);
    await store.create(keys.plan, JSON.stringify(plan));
    for (const { chunk } of chunksOf(plan.chunkSizes)) {
      if (skip.includes(chunk)) continue;
      const simulations = chunkRanges(plan, chunk).flatMap(([first, n]) =>
        Array.from({ length: n }, (_, k) => first + k),
      );
      await store.create(
        keys.part(chunk),
        (await partOf(rowsOf(simulations, failed), chunk, `worker-${size}`)).bytes,
      );
    }
  }

  const resultsOf = (experiment: string) =>
    readFile(join(folder, experimentKeys(experiment).results));

  test("finds the damage that a recount finds, also in columns that it leaves out", async () => {
    for (const failed of [() => false, (i: number) => i % 97 === 0]) {
      const experiment = `table/${String(failed(97))}`;
      await writeRound(experiment, { round: 0, simulations: [[0, total]] }, 500, failed);
      const path = join(folder, roundKeys(experiment, 0).part(1));
      const whole = await readFile(path);
      for (let place = 4; place < whole.length; place += Math.floor(whole.length / 40)) {
        await writeFile(path, Buffer.from(whole).fill(0xa5, place, place + 16));
        await using merged = await mergeDataset(store, manifest(experiment));
        const { corrupt } = await countLedger(store, manifest(experiment));
        expect(merged.ledger.corrupt.map(({ key }) => key)).toEqual(corrupt.map(({ key }) => key));
      }
    }
  });

  test("has the same bytes whatever the chunks, the workers and the rounds were", async () => {
    const failed = (i: number) => i % 97 === 0;
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 1_000, failed);
    await writeRound("table/b", { round: 0, simulations: [[0, total]] }, 7, failed);
    await writeRound(
      "table/c",
      {
        round: 0,
        simulations: [
          [3, 1],
          [500, 1],
          [999, 1],
        ],
      },
      2,
      failed,
    );
    await writeRound(
      "table/c",
      {
        round: 1,
        simulations: [
          [0, 3],
          [4, 496],
          [501, 498],
        ],
      },
      64,
      failed,
    );
    const written = [];
    for (const experiment of ["table/a", "table/b", "table/c"]) {
      await using merged = await mergeDataset(store, manifest(experiment));
      const { ledger, resultsSha256 } = merged;
      await merged.publish();
      expect(ledger).toMatchObject({ total, done: 989, failed: 11, notRun: 0, corrupt: [] });
      written.push({ resultsSha256, bytes: await resultsOf(experiment) });
    }
    expect(written[1]).toEqual(written[0]);
    expect(written[2]).toEqual(written[0]);
  });

  test("is what another Parquet reader reads, in the order of the simulations", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 33, (i) => i === 40);
    await using merged = await mergeDataset(store, manifest("table/a"));
    await merged.publish();
    const keys = experimentKeys("table/a");
    await using dataset = await openDataset({
      results: join(folder, keys.results),
      failures: join(folder, keys.failures),
    });
    const { columns: names, rows } = await dataset.rows("select * from results");
    expect(names).toEqual(["simulation", "x", "n", "kind", "on", "y", "big"]);
    expect(rows).toHaveLength(999);
    expect(rows[40]).toEqual([41, 0.0041, 1, "b", false, 20.5, 41e10]);
    expect((await dataset.rows("select simulation, cause, message, x from failures")).rows).toEqual(
      [[40, "threw", "at 40", 0.004]],
    );
  });

  test("takes the done row of a simulation that failed first, once", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, (i) => i < 10);
    await writeRound("table/a", { round: 1, simulations: [[0, 10]] }, 100, (i) => i === 5);
    await using merged = await mergeDataset(store, manifest("table/a"));
    const { ledger } = merged;
    await merged.publish();
    expect(ledger).toMatchObject({ done: 999, failed: 1, notRun: 0 });
  });

  test("an incomplete experiment's ledger names exactly the simulations that have no row", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, undefined, [2, 9]);
    const ledger = await countLedger(store, manifest("table/a"));
    expect(ledger).toMatchObject({ done: 800, failed: 0, notRun: 200 });
    expect(notRunRanges(ledger)).toEqual([
      [200, 100],
      [900, 100],
    ]);
  });

  test("a part that cannot be read is named with its simulations, and they count as not run", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100);
    const key = roundKeys("table/a", 0).part(3);
    await writeFile(join(folder, key), (await readFile(join(folder, key))).subarray(0, 500));
    const ledger = await countLedger(store, manifest("table/a"));
    expect(ledger).toMatchObject({
      done: 900,
      notRun: 100,
      corrupt: [{ key, simulations: [[300, 100]] }],
    });
  });

  test("a part that cannot be read is named no more once a later round has computed its simulations", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, (i) => i === 350);
    const key = roundKeys("table/a", 0).part(3);
    await writeFile(join(folder, key), "not a part");
    await writeRound("table/a", { round: 1, simulations: [[300, 60]] }, 25);
    expect(await countLedger(store, manifest("table/a"))).toMatchObject({
      notRun: 40,
      corrupt: [{ key, simulations: [[360, 40]] }],
    });
    await writeRound("table/a", { round: 2, simulations: [[360, 40]] }, 100);
    expect(await countLedger(store, manifest("table/a"))).toMatchObject({
      done: 1_000,
      corrupt: [],
    });
  });

  test("a part that cannot be read is named even where an earlier round has a row for its simulations", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, (i) => i < 10);
    await writeRound("table/a", { round: 1, simulations: [[0, 10]] }, 5);
    const key = roundKeys("table/a", 1).part(1);
    await writeFile(join(folder, key), "not a part");
    expect(await countLedger(store, manifest("table/a"))).toMatchObject({
      failed: 5,
      notRun: 0,
      corrupt: [{ key, simulations: [[5, 5]] }],
    });
  });

  test("the longest partial part counts until the chunk's own part is there", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, undefined, [0]);
    const keys = roundKeys("table/a", 0);
    await store.create(keys.partial(0, 5), (await partOf(rowsOf([0, 1, 2, 3, 4]))).bytes);
    await store.create(
      keys.partial(0, 12),
      (await partOf(rowsOf(Array.from({ length: 12 }, (_, i) => i)))).bytes,
    );
    expect(await countLedger(store, manifest("table/a"))).toMatchObject({ done: 912, notRun: 88 });
    await store.create(
      keys.part(0),
      (await partOf(rowsOf(Array.from({ length: 100 }, (_, i) => i)))).bytes,
    );
    expect(await countLedger(store, manifest("table/a"))).toMatchObject({ done: 1_000, notRun: 0 });
  });

  test("a part that is written after the close is told from those that it rests on", async () => {
    await writeRound("table/a", { round: 0, simulations: [[0, total]] }, 100, undefined, [0, 1]);
    const keys = roundKeys("table/a", 0);
    const rows = (count: number) => rowsOf(Array.from({ length: count }, (_, i) => i));
    await store.create(keys.partial(0, 5), (await partOf(rows(5))).bytes);
    const atClose = await countLedger(store, manifest("table/a"));
    expect(await ledgerAtClose(store, manifest("table/a"), atClose)).toBeUndefined();
    await store.create(experimentKeys("table/a").counted, JSON.stringify(atClose.parts));
    expect(await ledgerAtClose(store, manifest("table/a"), atClose)).toBeUndefined();

    await store.create(keys.partial(0, 12), (await partOf(rows(12))).bytes);
    const now = await countLedger(store, manifest("table/a"));
    expect(now).toMatchObject({ done: 812, notRun: 188 });
    expect(await ledgerAtClose(store, manifest("table/a"), now)).toEqual(atClose);
    await store.remove(keys.part(7));
    const without = await countLedger(store, manifest("table/a"));
    expect(await ledgerAtClose(store, manifest("table/a"), without)).toMatchObject({ done: 705 });
  });
});
