/**
 * Dataset: all parts of an experiment as two Parquet files, in the order of the simulations.
 *
 * `results.parquet`: simulation, parameters, results of every simulation that is done.
 * `failures.parquet`: simulation, cause, fingerprint, message, parameters of every one that failed.
 *
 * Their bytes are a function of the experiment alone: row groups are cut by row number, never by chunk, and what
 * differs by nature (seconds, attempts, worker) stays in the parts.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import type { SchemaElement } from "hyparquet";
import type { Column } from "./columns.ts";
import { compressors } from "./compression.ts";
import { experimentKeys } from "./layout.ts";
import { manifestColumns, mergeParts, type Ledger } from "./ledger.ts";
import type { Manifest } from "./manifest.ts";
import { createdBy, parquetColumn, failureKeys, parquetValues } from "./part.ts";
import { createRowBuffer, type RowBuffer, type Rows } from "./rows.ts";
import { writeRowGroup } from "./row-group.ts";
import type { Store } from "./store.ts";

/** 65,536 rows of 22 columns are 11 MB in memory; readers skip and parallelize by such groups. */
const rowsPerGroup = 65_536;

/** Both files, on this machine's disk until they are published or disposed of. */
export interface MergedDataset extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly resultsFile: string;
  readonly failuresFile: string;
  /** SHA-256 of results.parquet, hex. */
  readonly resultsSha256: string;
  /** Moves both files into the store, over what was there. */
  publish(): Promise<void>;
}

/** Merges the parts in constant memory. Their ledger is a recount of every byte of them. */
export async function mergeDataset(store: Store, manifest: Manifest): Promise<MergedDataset> {
  const folder = await mkdtemp(join(tmpdir(), "hatchery-dataset-"));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const resultsFile = join(folder, "results.parquet");
  const failuresFile = join(folder, "failures.parquet");
  try {
    const ledger = await writeTables(store, manifest, resultsFile, failuresFile);
    const keys = experimentKeys(manifest.experiment);
    return {
      ledger,
      resultsFile,
      failuresFile,
      resultsSha256: await sha256(resultsFile),
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
  resultsFile: string,
  failuresFile: string,
): Promise<Ledger> {
  const { parameters, results } = manifestColumns(manifest);
  const resultsTable = createTable(resultsFile, [...parameters, ...results], "results");
  const failuresTable = createTable(failuresFile, parameters, "failures");
  const done = createRowBuffer(parameters, results, rowsPerGroup);
  const failed = createRowBuffer(parameters, results);

  const merged = mergeParts(store, manifest, "dataset");
  for (;;) {
    const step = await merged.next();
    if (step.done === true) {
      await resultsTable.finish(done);
      await failuresTable.finish(failed);
      return step.value;
    }
    const { rows, from, to } = step.value;
    for (const run of runsOfEqualOutcome(rows, from, to)) {
      const buffer = rows.failed[run.from] === 1 ? failed : done;
      const table = buffer === done ? resultsTable : failuresTable;
      for (let start = run.from; start < run.to;) {
        const end = Math.min(run.to, start + rowsPerGroup - buffer.count);
        buffer.append(rows, start, end);
        start = end;
        if (buffer.count === rowsPerGroup) await table.write(buffer);
      }
    }
  }
}

/** SHA-256 of a file, hex. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest("hex");
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

function createTable(file: string, columns: readonly Column[], kind: "results" | "failures") {
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
  const writer = new ParquetWriter({
    writer: fileWriter(file),
    schema: [{ name: "root", num_children: schema.length }, ...schema],
    codec: "ZSTD",
    compressors,
    createdBy,
  });

  async function write(buffer: RowBuffer): Promise<void> {
    await append(buffer.look());
    buffer.clear();
  }

  async function append(rows: Rows): Promise<void> {
    if (!isOptional)
      return writeRowGroup(writer, [rows.simulation, ...rows.values], { statistics: true });
    const values = columns.map((column, c) => parquetValues(column, rows.values[c]!, isOptional));
    const texts = failureKeys.map((key) => rows.failures.map(({ failure }) => failure[key]));
    await writer.write({
      columnData: [rows.simulation, ...texts, ...values].map((data, c) => ({
        name: schema[c]!.name,
        data,
      })),
      rowGroupSize: rowsPerGroup,
    });
  }

  return {
    write,
    async finish(buffer: RowBuffer): Promise<void> {
      if (buffer.count > 0) await write(buffer);
      await writer.finish();
    },
  };
}
