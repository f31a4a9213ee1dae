/** Merge: the parts of an experiment into one dataset, against DuckDB's own COPY of the same files. Each in a process of its own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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
import { count, rounded, type Measure } from "./measure.ts";

const mostMegabytes = 300;
const rowsPerPart = 20_000;
const experiment = "merge/1";
const number = z.number().min(0).max(1);
const names = (prefix: string, many: number) =>
  Object.fromEntries(Array.from({ length: many }, (_, k) => [`${prefix}${k}`, number]));
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
    for (const [first, size] of chunkRanges(round, chunk))
      for (let i = first; i < first + size; i++) {
        for (const { name } of [...parameters, ...results]) record[name] = Math.random();
        rows.push(i, 1, 0.001, [record, record]);
      }
    const facts = { experiment, round: 0, chunk, interruptions: 0, workers: [] };
    await store.create(
      roundKeys(experiment, 0).part(chunk),
      (await encodePart(rows.look(), [...parameters, ...results], facts)).bytes,
    );
  }
}

/** In this process. */
async function mergeHere(side: string, folder: string): Promise<Figures> {
  const from = performance.now();
  let file = join(folder, experimentKeys(experiment).results);
  if (side === "hatchery") {
    const store = createFolderStore(folder);
    await using merged = await mergeDataset(store, (await readManifest(store, experiment))!);
    await merged.publish();
  } else {
    // Loaded here only: a steward merges without it, and its 40 MB would count as ours.
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const parts = join(folder, roundKeys(experiment, 0).folder, "*.parquet");
    file = join(folder, "duckdb.parquet");
    await connection.run(
      `COPY (SELECT * EXCLUDE (failed, attempts, seconds) FROM read_parquet('${parts}')) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`,
    );
  }
  return {
    seconds: (performance.now() - from) / 1_000,
    megabytes: process.resourceUsage().maxRSS / 1_024,
    fileMegabytes: (await stat(file)).size / 1e6,
  };
}

interface Figures {
  readonly seconds: number;
  /** The most memory that it held. */
  readonly megabytes: number;
  readonly fileMegabytes: number;
}

async function mergeApart(side: "hatchery" | "duckdb", folder: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(import.meta.url),
    side,
    folder,
  ]);
  return JSON.parse(stdout) as Figures;
}

export const merge: Measure = async ({ isShort }) => {
  const total = isShort ? 200_000 : 10_000_000;
  const folder = await mkdtemp(join(tmpdir(), "hatchery-merge-"));
  try {
    await writeParts(folder, total);
    const ours = await mergeApart("hatchery", folder);
    const theirs = await mergeApart("duckdb", folder);
    const told = ({ seconds, megabytes, fileMegabytes }: Figures) =>
      `${seconds.toFixed(1)} s and ${megabytes.toFixed(0)} MB for a file of ${fileMegabytes.toFixed(0)} MB`;
    return [
      {
        work: `merge of ${count(total)} rows of 12 columns in parts of ${count(rowsPerPart)}`,
        bar: `≤ ${mostMegabytes} MB, no slower than DuckDB's COPY`,
        measured: `${told(ours)}; DuckDB ${told(theirs)}`,
        isMet: isShort ? null : ours.megabytes <= mostMegabytes && ours.seconds <= theirs.seconds,
        figures: {
          rows: total,
          seconds: rounded(ours.seconds),
          megabytes: Math.round(ours.megabytes),
          fileMegabytes: Math.round(ours.fileMegabytes),
          duckdbSeconds: rounded(theirs.seconds),
          duckdbMegabytes: Math.round(theirs.megabytes),
          duckdbFileMegabytes: Math.round(theirs.fileMegabytes),
        },
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

if (import.meta.main) {
  const [side = "hatchery", folder = ""] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await mergeHere(side, folder)));
}
