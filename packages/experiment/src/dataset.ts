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
import type { SchemaElement } from "hyparquet";
import type { Column } from "./columns.ts";
import { createDigest, type Digest } from "./digest.ts";
import { experimentKeys } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import { manifestColumns, type Manifest } from "./manifest.ts";
import { mergeParts } from "./merge-parts.ts";
import { failureKeys, parquetColumn, parquetValues } from "./part.ts";
import { createParquetFile } from "./parquet-file.ts";
import { createResultsTable } from "./results-table.ts";
import { fillGroups, rowsPerGroup } from "./row-group.ts";
import { createRowBuffer, type Rows } from "./rows.ts";
import type { Store } from "./store.ts";

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
  await using resultsTable = createResultsTable(resultsFile, [...parameters, ...results], done);
  using failuresTable = createFailuresTable(failuresFile, parameters);
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

/** The file of those that failed. They are few: all in one thread, and a buffer that grows. */
function createFailuresTable(path: string, parameters: readonly Column[]) {
  const text = (name: string): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    repetition_type: "REQUIRED",
  });
  const schema: SchemaElement[] = [
    { name: "simulation", type: "INT32", repetition_type: "REQUIRED" },
    ...failureKeys.map(text),
    // A simulation whose parameters broke the schema may lack some.
    ...parameters.map((column) => parquetColumn(column, true)),
  ];
  const file = createParquetFile(path, schema);
  const filling = createRowBuffer(parameters, []);

  async function write(): Promise<void> {
    const rows = filling.look();
    const texts = failureKeys.map((key) => rows.failures.map(({ failure }) => failure[key]));
    const values = parameters.map((column, c) => parquetValues(column, rows.values[c]!, true));
    await file.parquet.write({
      columnData: [rows.simulation, ...texts, ...values].map((data, c) => ({
        name: schema[c]!.name,
        data,
      })),
      rowGroupSize: rowsPerGroup,
    });
    filling.clear();
  }

  return {
    /** Takes rows `from` to `to` (exclusive), all of them failed. */
    append: (rows: Rows, from: number, to: number) =>
      fillGroups(() => filling, write, rows, from, to),
    async finish(): Promise<void> {
      if (filling.count > 0) await write();
      file.finish();
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
