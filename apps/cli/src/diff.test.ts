import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import {
  createFailure,
  createFolderStore,
  createRowBuffer,
  encodePart,
  experimentKeys,
  manifestColumns,
  objectSchema,
  roundKeys,
  type Manifest,
  type Round,
  type Store,
  type Value,
} from "@hatchery/experiment";
import { mergeDataset, type Summary } from "@hatchery/experiment/results";
import { changesBetween, diff, diffText } from "./diff.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-diff-"));
  store = createFolderStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const manifest = (experiment: string, more: Partial<Manifest> = {}): Manifest => ({
  format: 1,
  experiment,
  model: "m",
  stage: "local",
  createdAt: new Date().toISOString(),
  seed: 1,
  design: { kind: "random", simulations: 30 },
  total: 30,
  plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 1 },
  limits: { seconds: 1, attempts: 1, memory: "1 GB" },
  parameterSchema: objectSchema(z.object({ x: z.number() })),
  resultSchema: objectSchema(
    z.object({ y: z.number(), n: z.int(), "a word": z.string(), on: z.boolean() }),
  ),
  code: { commit: "abc", dirty: false },
  versions: { hatchery: "1", engine: "1", sdk: "1", node: "1" },
  ...more,
});

const round: Round = {
  round: 0,
  kind: "main",
  createdAt: "",
  simulations: [[0, 30]],
  chunkSizes: [[30, 1]],
};

/** A closed experiment of 30 simulations, of which some failed and some results are changed. */
async function closed(
  written: Manifest,
  {
    failed = [],
    changed = () => ({}),
  }: { failed?: number[]; changed?: (i: number) => Record<string, Value | undefined> } = {},
): Promise<string> {
  const { experiment } = written;
  const { parameters, results } = manifestColumns(written);
  const rows = createRowBuffer(parameters, results);
  for (let i = 0; i < written.total; i++)
    if (failed.includes(i)) rows.push(i, 1, 0, [{ x: i }], createFailure("threw", "no"));
    else
      rows.push(i, 1, 0, [
        { x: i },
        { y: i / 2, n: i, "a word": `w${i}`, on: false, ...changed(i) },
      ]);
  const facts = { experiment, round: 0, chunk: 0, interruptions: 0, workers: [] };
  const { bytes } = await encodePart(rows.look(), [...parameters, ...results], facts);
  await store.create(experimentKeys(experiment).manifest, JSON.stringify(written));
  await store.create(roundKeys(experiment, 0).plan, JSON.stringify(round));
  await store.create(roundKeys(experiment, 0).part(0), bytes);
  await using merged = await mergeDataset(store, written);
  const { ledger, resultsSha256 } = merged;
  await merged.publish();
  const { total, done, notRun, chunks, simulationSeconds, retries, interruptions } = ledger;
  const summary: Summary = {
    experiment,
    model: "m",
    stage: "local",
    design: "",
    seed: 1,
    total,
    done,
    failed: ledger.failed,
    notRun,
    submittedAt: "",
    closedAt: "",
    seconds: 1,
    simulationsPerSecond: 1,
    simulationSeconds,
    chunks,
    retries,
    interruptions,
    resultsSha256,
    results: [],
    sensitivities: [],
    failures: [],
    notRunCauses: [],
  };
  await store.create(experimentKeys(experiment).summary, JSON.stringify(summary));
  return experiment;
}

test("two experiments with the same bytes do not differ", async () => {
  const answer = await diff(
    store,
    await closed(manifest("m/1"), { failed: [7] }),
    await closed(manifest("m/2"), { failed: [7] }),
  );
  expect(answer).toEqual({
    a: "m/1",
    b: "m/2",
    changes: [],
    compared: 29,
    differing: 0,
    onlyInA: 0,
    onlyInB: 0,
    shared: ["y", "n", "a word", "on"],
    notCompared: [],
    results: [],
    first: [],
    equal: true,
  });
});

test("the smallest difference of one result is found, with its simulation", async () => {
  const b = await closed(manifest("m/2"), {
    changed: (i) => (i === 12 ? { y: 6 + 2 ** -50 } : {}),
  });
  expect(await diff(store, await closed(manifest("m/1")), b)).toMatchObject({
    differing: 1,
    results: [
      { name: "y", simulations: 1, largest: { difference: 8.881784197001252e-16, simulation: 12 } },
    ],
    first: [12],
    equal: false,
  });
});

test("every result that differs is named with its largest difference, and the first ten simulations", async () => {
  const b = await closed(manifest("m/2", { seed: 2 }), {
    failed: [1],
    changed: (i) => (i >= 3 ? { y: i, n: i + 3, "a word": "other", on: i === 29 } : {}),
  });
  const answer = await diff(store, await closed(manifest("m/1"), { failed: [0] }), b);
  expect(answer).toMatchObject({
    compared: 28,
    differing: 27,
    onlyInA: 1,
    onlyInB: 1,
    first: [0, 1, 3, 4, 5, 6, 7, 8, 9, 10],
  });
  expect(diffText(answer)).toMatchInlineSnapshot(`
    "A  m/1
    B  m/2

    Changed, A → B
      seed  1 → 2

    27 of the 28 simulations that both have done have another result.
      y       27 differ, by at most 14.5 (simulation 29)
      n       27 differ, by at most 3 (simulation 3)
      a word  27 differ
      on      1 differ
    Done in A only: 1
    Done in B only: 1
    The first: 0, 1, 3, 4, 5, 6, 7, 8, 9, 10"
  `);
});

test("two experiments that share no result are not equal, for nothing was compared", async () => {
  const a = await closed(manifest("m/1"));
  const b = await closed(
    manifest("m/2", { resultSchema: objectSchema(z.object({ z: z.number() })) }),
    { changed: () => ({ z: 1 }) },
  );
  const answer = await diff(store, a, b);
  expect(answer).toMatchObject({ equal: false, shared: [] });
  expect(diffText(answer)).toMatch(/\nThey share no result, so nothing was compared\.$/);
});

test("a result that only one has, or has as another kind, is named as not compared", async () => {
  const a = await closed(manifest("m/1"));
  const b = await closed(
    manifest("m/2", {
      resultSchema: objectSchema(
        z.object({ y: z.number(), n: z.string(), "a word": z.string(), z: z.number() }),
      ),
    }),
    { changed: () => ({ n: "1", z: 1 }) },
  );
  const answer = await diff(store, a, b);
  expect(answer).toMatchObject({
    equal: true,
    shared: ["y", "a word"],
    notCompared: ["n", "on", "z"],
  });
  expect(diffText(answer)).toContain(
    "\nNot compared, for only one has it or its kind changed: n, on, z",
  );
});

test("an experiment that is not closed has nothing to compare", async () => {
  const open = manifest("m/2");
  await store.create(experimentKeys("m/2").manifest, JSON.stringify(open));
  await expect(diff(store, await closed(manifest("m/1")), "m/2")).rejects.toThrow(
    "m/2 is not closed",
  );
});

test("every setting, version, limit, input and field that changed is named, and nothing else", () => {
  const rows = (sha256: string): Manifest["design"] => ({
    kind: "rows",
    source: { name: "a.csv", sha256 },
    sha256: `${sha256}-parquet`,
    rows: 30,
    columns: ["x"],
    varied: ["x"],
  });
  const a = manifest("m/1", { design: rows("one") });
  const b = manifest("m/2", {
    design: rows("two"),
    limits: { seconds: 2, attempts: 1, memory: "1 GB" },
    code: { commit: "def", dirty: true },
    versions: { hatchery: "1", engine: "2", sdk: "1", node: "1" },
    parameterSchema: objectSchema(z.object({ x: z.number().min(0), z: z.boolean() })),
  });
  const asked = (given: Manifest, source?: string) => ({
    manifest: given,
    rounds: source === undefined ? [] : [{ ...round, round: 2, source }],
  });
  expect(changesBetween(asked(a), asked(a))).toEqual([]);
  expect(changesBetween(asked(a), asked(a, "changed"))).toEqual([
    { what: "code.source from round 2 on", a: null, b: "changed" },
  ]);
  expect(
    changesBetween(asked(a), asked(b)).map(({ what, a: before, b: after }) => [
      what,
      before,
      after,
    ]),
  ).toEqual([
    ["design.source.sha256", "one", "two"],
    ["design.sha256", "one-parquet", "two-parquet"],
    ["limits.seconds", 1, 2],
    ["code.commit", "abc", "def"],
    ["code.dirty", false, true],
    ["versions.engine", "1", "2"],
    ["parameter.x", '{"type":"number"}', '{"type":"number","minimum":0}'],
    ["parameter.z", null, '{"type":"boolean"}'],
  ]);
});
