/**
 * Merge: the parts of an experiment into one dataset, against DuckDB's own COPY of the same files.
 *
 *   node apps/cli/bench/merge.ts [rows]     10,000,000 rows of 12 columns when left out; each side in a process of its own
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  chunkRanges,
  chunksOf,
  createFolderStore,
  createRowBuffer,
  defineModel,
  encodePart,
  experimentKeys,
  manifestColumns,
  readManifest,
  roundKeys,
  type Manifest,
  type Round,
} from "@hatchery/experiment";
import { mergeDataset } from "@hatchery/experiment/results";
import { z } from "zod";

const rowsPerPart = 20_000;
const experiment = "merge/1";
const number = z.number().min(0).max(1);
const names = (prefix: string, count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, k) => [`${prefix}${k}`, number]));
const model = defineModel({
  name: "merge",
  // With the simulation's number, 12 columns.
  parameters: z.object(names("p", 5)),
  results: z.object(names("r", 6)),
  simulate: () => ({}),
});

async function writeParts(folder: string, total: number): Promise<void> {
  const store = createFolderStore(folder);
  const manifest: Manifest = {
    format: 1,
    experiment,
    model: model.name,
    stage: "local",
    createdAt: new Date().toISOString(),
    seed: 1,
    design: { kind: "random", simulations: total },
    total,
    plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 1 },
    limits: model.limits,
    parameterSchema: model.parameterSchema,
    resultSchema: model.resultSchema,
    code: {},
    versions: { hatchery: "0", engine: "0", sdk: "0", node: process.version },
  };
  const round: Round = {
    round: 0,
    kind: "main",
    createdAt: "",
    simulations: [[0, total]],
    chunkSizes: [[rowsPerPart, Math.ceil(total / rowsPerPart)]],
  };
  await store.create(experimentKeys(experiment).manifest, JSON.stringify(manifest));
  await store.create(roundKeys(experiment, 0).plan, JSON.stringify(round));
  const { parameters, results } = manifestColumns(manifest);
  for (const { chunk } of chunksOf(round.chunkSizes)) {
    const rows = createRowBuffer(parameters, results, rowsPerPart);
    const record: Record<string, number> = {};
    for (const [first, count] of chunkRanges(round, chunk))
      for (let i = first; i < first + count; i++) {
        for (const { name } of [...parameters, ...results]) record[name] = Math.random();
        rows.push(i, 1, 0.001, [record, record]);
      }
    const facts = { experiment, round: 0, chunk, interruptions: 0, workers: [] };
    await store.create(
      roundKeys(experiment, 0).part(chunk),
      (await encodePart(rows.take(), [...parameters, ...results], facts)).bytes,
    );
  }
}

async function measure(side: string, folder: string): Promise<void> {
  const from = performance.now();
  if (side === "hatchery") {
    const store = createFolderStore(folder);
    await using merged = await mergeDataset(store, (await readManifest(store, experiment))!);
    await merged.publish();
  } else {
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const parts = join(folder, roundKeys(experiment, 0).folder, "*.parquet");
    await connection.run(
      `COPY (SELECT * EXCLUDE (failed, attempts, seconds) FROM read_parquet('${parts}')) TO '${join(folder, "duckdb.parquet")}' (FORMAT parquet, COMPRESSION zstd)`,
    );
  }
  const seconds = (performance.now() - from) / 1_000;
  const megabytes = process.resourceUsage().maxRSS / 1_024;
  process.stdout.write(
    `${side.padEnd(10)} ${seconds.toFixed(1).padStart(7)} s   peak memory ${megabytes.toFixed(0).padStart(5)} MB\n`,
  );
}

const [what = "10000000", folder = ""] = process.argv.slice(2);
if (folder === "") {
  const total = Number(what);
  const temporary = await mkdtemp(join(tmpdir(), "hatchery-merge-"));
  try {
    await writeParts(temporary, total);
    process.stdout.write(
      `${total.toLocaleString("en-US")} rows of 12 columns in parts of ${rowsPerPart.toLocaleString("en-US")}\n`,
    );
    for (const side of ["hatchery", "duckdb"]) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        fileURLToPath(import.meta.url),
        side,
        temporary,
      ]);
      process.stdout.write(stdout);
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
} else await measure(what, folder);
