/**
 * Dataset: all parts of an experiment as two Parquet files, in the order of the simulations.
 *
 * `results.parquet`: simulation, parameters, results of every simulation that is done.
 * `failures.parquet`: simulation, cause, fingerprint, message, parameters of every one that failed.
 *
 * Their bytes are a function of the experiment alone: row groups are cut by row number, never by chunk, and what
 * differs by nature (seconds, attempts, worker) stays in the parts.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ParquetWriter } from "hyparquet-writer";
import type { SchemaElement } from "hyparquet";
import type { Column } from "./columns.ts";
import { compressors } from "./compression.ts";
import { createDigest, type Digest } from "./digest.ts";
import { experimentKeys } from "./layout.ts";
import { manifestColumns, mergeParts, type Ledger } from "./ledger.ts";
import type { Manifest } from "./manifest.ts";
import { createdBy, parquetColumn, failureKeys, parquetValues } from "./part.ts";
import { createParquetFile } from "./parquet-file.ts";
import { createRowBuffer, type Rows } from "./rows.ts";
import { writeRowGroup } from "./row-group.ts";
import type { Store } from "./store.ts";

/** 65,536 rows of 22 columns are 11 MB in memory; readers skip and parallelize by such groups. */
const rowsPerGroup = 65_536;

/** Both files, on this machine's disk until they are published or disposed of. */
export interface MergedDataset extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly digest: Digest;
  readonly resultsFile: string;
  readonly failuresFile: string;
  /** SHA-256 of results.parquet, hex. */
  readonly resultsSha256: string;
  /** Moves both files into the store, over what was there. */
  publish(): Promise<void>;
}

/**
 * Merges the parts in constant memory. Their ledger is a recount of every byte of them. About how many simulations are done
 * decides which part of them the digest samples.
 */
export async function mergeDataset(
  store: Store,
  manifest: Manifest,
  done = manifest.total,
): Promise<MergedDataset> {
  const folder = await mkdtemp(join(tmpdir(), "hatchery-dataset-"));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const resultsFile = join(folder, "results.parquet");
  const failuresFile = join(folder, "failures.parquet");
  try {
    const written = await writeTables(store, manifest, done, resultsFile, failuresFile);
    const keys = experimentKeys(manifest.experiment);
    return {
      ...written,
      resultsFile,
      failuresFile,
      async publish() {
        await store.replaceFromFile(keys.results, resultsFile);
        await store.replaceFromFile(keys.failures, failuresFile);
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function writeTables(
  store: Store,
  manifest: Manifest,
  done: number,
  resultsFile: string,
  failuresFile: string,
): Promise<Pick<MergedDataset, "ledger" | "digest" | "resultsSha256">> {
  const { parameters, results } = manifestColumns(manifest);
  await using resultsTable = createTable(resultsFile, parameters, results, "results");
  await using failuresTable = createTable(failuresFile, parameters, [], "failures");
  const digest = createDigest(parameters, results, done);
  const merged = mergeParts(store, manifest);
  for (;;) {
    const step = await merged.next();
    if (step.done === true) {
      const resultsSha256 = await resultsTable.finish();
      await failuresTable.finish();
      return { ledger: step.value, digest: digest.finish(), resultsSha256 };
    }
    const { rows, from, to } = step.value;
    for (const run of runsOfEqualOutcome(rows, from, to)) {
      if (rows.failed[run.from] === 1) {
        digest.addFailed(run.to - run.from);
        await failuresTable.append(rows, run.from, run.to);
      } else {
        digest.add(rows, run.from, run.to);
        await resultsTable.append(rows, run.from, run.to);
      }
    }
  }
}

function* runsOfEqualOutcome(rows: Rows, from: number, to: number) {
  if (rows.failures.length === 0) {
    yield { from, to };
    return;
  }
  let start = from;
  for (let row = from + 1; row <= to; row++)
    if (row === to || rows.failed[row] !== rows.failed[start]) {
      yield { from: start, to: row };
      start = row;
    }
}

interface Table extends AsyncDisposable {
  append(rows: Rows, from: number, to: number): Promise<void>;
  /** Answers the file's SHA-256, hex. */
  finish(): Promise<string>;
}

/** One of the two files. While one row group is compressed and written, the next one is filled. */
function createTable(
  path: string,
  parameters: readonly Column[],
  results: readonly Column[],
  kind: "results" | "failures",
): Table {
  const columns = [...parameters, ...results];
  const text = (name: string): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    repetition_type: "REQUIRED",
  });
  // A simulation whose parameters broke the schema may lack some.
  const isOptional = kind === "failures";
  const schema: SchemaElement[] = [
    { name: "simulation", type: "INT32", repetition_type: "REQUIRED" },
    ...(isOptional ? failureKeys.map(text) : []),
    ...columns.map((column) => parquetColumn(column, isOptional)),
  ];
  const file = createParquetFile(path);
  const parquet = new ParquetWriter({
    writer: file.writer,
    schema: [{ name: "root", num_children: schema.length }, ...schema],
    codec: "ZSTD",
    compressors,
    createdBy,
  });
  // Failures are few: their buffers grow.
  const capacity = isOptional ? undefined : rowsPerGroup;
  let filling = createRowBuffer(parameters, results, capacity);
  let spare = createRowBuffer(parameters, results, capacity);
  let writing = Promise.resolve();

  async function write(): Promise<void> {
    await writing;
    const full = filling;
    filling = spare;
    spare = full;
    writing = writeGroup(full.look()).then(() => full.clear());
    // Whoever awaits it next hears of its failure.
    writing.catch(() => undefined);
  }

  async function writeGroup(rows: Rows): Promise<void> {
    if (!isOptional)
      return writeRowGroup(parquet, [rows.simulation, ...rows.values], { statistics: true });
    const texts = failureKeys.map((key) => rows.failures.map(({ failure }) => failure[key]));
    const values = columns.map((column, c) => parquetValues(column, rows.values[c]!, isOptional));
    await parquet.write({
      columnData: [rows.simulation, ...texts, ...values].map((data, c) => ({
        name: schema[c]!.name,
        data,
      })),
      rowGroupSize: rowsPerGroup,
    });
  }

  return {
    async append(rows, from, to) {
      for (let start = from; start < to;) {
        const end = Math.min(to, start + rowsPerGroup - filling.count);
        filling.append(rows, start, end);
        start = end;
        if (filling.count === rowsPerGroup) await write();
      }
    },
    async finish() {
      if (filling.count > 0) await write();
      await writing;
      await parquet.finish();
      return file.finish();
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
