/**
 * Import rows: a person's CSV, JSON lines or Parquet file becomes a design.
 * The file is checked against the model's parameters, stored under the hash of its content, and stored again as a
 * Parquet file of the parameters alone, from which a worker reads any range of rows (open-design.ts).
 */
import { createReadStream } from "node:fs";
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { createInterface } from "node:readline";
import { UserError, exitCodes } from "@hatchery/config";
import type { Column, Value } from "./columns.ts";
import { openFileTable, type FileTable } from "./dataset-query.ts";
import { constantParameters, type RowSettings } from "./design.ts";
import { sha256 } from "./file-hash.ts";
import { inputKey } from "./layout.ts";
import { formatCount } from "./number-format.ts";
import { createParquetFile } from "./parquet-file.ts";
import { parquetColumn, parquetValues } from "./part.ts";
import { createRowBuffer } from "./rows.ts";
import { allowed, isAllowed } from "./span.ts";
import type { Store } from "./store.ts";

/**
 * Rows per group of the stored Parquet file: what a worker reads at least. 8,192 rows of 12 numbers take 3 ms to
 * read, and a file of 10,000,000 has a footer of 1,221 groups, about 1 MB.
 */
const rowsPerGroup = 8_192;
/** More than a screenful helps nobody; the rest is counted. */
const mostProblemsShown = 20;

export interface RowWishes {
  readonly fixed?: Readonly<Record<string, Value>>;
  readonly replicates?: number;
}

/**
 * Reads and checks the file, and puts it into the store; without a store it checks only.
 * Throws a UserError that names every problem of the file, by row and column; then nothing is stored.
 */
export async function importRows(
  file: string,
  columns: readonly Column[],
  { fixed, replicates }: RowWishes,
  store?: Store,
): Promise<RowSettings> {
  const ending = await checkFile(file);
  const name = basename(file);
  const folder = await mkdtemp(join(tmpdir(), "hatchery-rows-"));
  try {
    // A copy, so that what is hashed, read and stored is one and the same whatever happens to the file.
    const source = join(folder, `source.${ending}`);
    await copyFile(file, source);
    await using table = await openSource(source, ending, name);
    const common = {
      kind: "rows" as const,
      columns: columns.map((column) => column.name).filter((one) => table.columns.includes(one)),
      ...(fixed !== undefined && { fixed }),
      ...(replicates !== undefined && { replicates }),
    };
    const parquet = join(folder, "rows.parquet");
    const { problems, rows, varied } = await convert(table, columns, common, parquet);
    if (problems.count > 0) throw refusal(name, ending, problems);
    if (rows === 0)
      throw new UserError(`"${name}" has ${ending === "csv" ? "a header and " : ""}no rows.`, {
        hint: "Give it one row per simulation.",
        exitCode: exitCodes.wrongUsage,
      });
    const settings: RowSettings = {
      ...common,
      source: { name, sha256: await sha256(source) },
      sha256: await sha256(parquet),
      rows,
      varied,
    };
    if (store !== undefined) {
      await put(store, inputKey(settings.source.sha256, ending), source);
      await put(store, inputKey(settings.sha256, "parquet"), parquet);
    }
    return settings;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const endings = ["csv", "jsonl", "ndjson", "parquet"] as const;
type Ending = (typeof endings)[number];

async function checkFile(file: string): Promise<Ending> {
  const wrong = (message: string) => new UserError(message, { exitCode: exitCodes.wrongUsage });
  const ending = endings.find((one) => extname(file).toLowerCase() === `.${one}`);
  if (ending === undefined)
    throw wrong(`"${file}" must end in ${endings.map((one) => `.${one}`).join(", ")}.`);
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) throw wrong(`"${file}" cannot be read (${found.code}).`);
  if (!found.isFile()) throw wrong(`"${file}" is not a file.`);
  if (found.size === 0) throw wrong(`"${file}" is empty.`);
  return ending;
}

function openSource(path: string, ending: Ending, name: string): Promise<FileTable> {
  return ending === "csv" || ending === "parquet"
    ? openFileTable(path, ending, name)
    : openJsonLines(path);
}

/** JSON lines as a table: its columns are all keys that any line has. */
async function openJsonLines(path: string): Promise<FileTable> {
  const keys = new Set<string>();
  const broken: { line: number; problem: string }[] = [];
  for await (const { line, record } of jsonLines(path))
    if (record === undefined) broken.push({ line, problem: "It is not a JSON object." });
    else for (const key of Object.keys(record)) keys.add(key);
  const columns = [...keys];
  return {
    columns,
    async *batches() {
      let batch: unknown[][] = [];
      for await (const { record } of jsonLines(path)) {
        if (record === undefined) continue;
        batch.push(columns.map((column) => record[column]));
        if (batch.length < 1_024) continue;
        yield batch;
        batch = [];
      }
      yield batch;
    },
    brokenLines: () => Promise.resolve(broken),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function* jsonLines(
  path: string,
): AsyncGenerator<{ line: number; record: Record<string, unknown> | undefined }> {
  let line = 0;
  const input = createReadStream(path, "utf8");
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line++;
    const json = line === 1 ? text.replace(/^\uFEFF/, "") : text;
    if (json.trim() !== "") yield { line, record: readRecord(json) };
  }
}

function readRecord(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.assign(Object.create(null) as Record<string, unknown>, value)
      : undefined;
  } catch {
    return undefined;
  }
}

interface Problems {
  /** The first of them. */
  readonly shown: readonly string[];
  readonly count: number;
}

interface Converted {
  readonly problems: Problems;
  readonly rows: number;
  readonly varied: string[];
}

/** Goes through all rows once: checks every cell, and writes what is right as Parquet. */
async function convert(
  table: FileTable,
  columns: readonly Column[],
  settings: Pick<RowSettings, "kind" | "columns" | "fixed">,
  path: string,
): Promise<Converted> {
  const inFile = columns
    .filter(({ name }) => settings.columns.includes(name))
    .map((column) => ({ column, at: table.columns.indexOf(column.name) }));
  const parameters = inFile.map(({ column }) => column);
  const output = createOutput(path, parameters);
  const cells: { shown: string[]; count: number } = { shown: [], count: 0 };
  const firsts: (Value | undefined)[] = [];
  const varied = new Set<string>();
  let rows = 0;
  for await (const batch of table.batches())
    for (const row of batch) {
      rows++;
      const record: Record<string, Value> = {};
      for (const [c, { column, at }] of inFile.entries()) {
        const value = readCell(row[at], column);
        if (value === undefined) {
          if (++cells.count <= mostProblemsShown)
            cells.shown.push(cellProblem(rows, row[at], column));
          continue;
        }
        record[column.name] = value;
        firsts[c] ??= value;
        if (value !== firsts[c]) varied.add(column.name);
      }
      if (cells.count === 0) await output.push(record);
    }
  await output.finish();
  const broken = await table.brokenLines();
  const problems = [
    ...headerProblems(table.columns, columns, settings),
    ...broken.map(({ line, problem }) => `line ${line}: ${problem}`),
  ];
  // A line that was left out shifts the numbers of the rows below it: their problems would be misleading.
  const { shown, count } = broken.length > 0 ? { shown: [], count: 0 } : cells;
  return {
    problems: {
      shown: [...problems, ...shown].slice(0, mostProblemsShown),
      count: problems.length + count,
    },
    rows,
    varied: parameters.map(({ name }) => name).filter((name) => varied.has(name)),
  };
}

function headerProblems(
  names: readonly string[],
  columns: readonly Column[],
  settings: Pick<RowSettings, "kind" | "fixed">,
): string[] {
  if (names.length === 0) return ["It names no column."];
  const problems = names
    .filter((name, c) => names.indexOf(name) !== c)
    .map((name) => `Column "${name}" is there twice.`);
  constantParameters(columns, { ...settings, columns: [...new Set(names)] }, problems);
  return problems;
}

/** The Parquet file that workers read: fixed row groups, the model's order of columns. */
function createOutput(path: string, columns: readonly Column[]) {
  const file = createParquetFile(
    path,
    columns.map((column) => parquetColumn(column, false)),
  );
  const buffer = createRowBuffer(columns, [], rowsPerGroup);
  async function write(): Promise<void> {
    const { values } = buffer.look();
    const columnData = columns.map((column, c) => ({
      name: column.name,
      data: parquetValues(column, values[c]!, false),
      statistics: false,
    }));
    await file.parquet.write({ columnData, rowGroupSize: rowsPerGroup });
    buffer.clear();
  }
  return {
    async push(record: Record<string, Value>): Promise<void> {
      buffer.push(0, 1, 0, [record]);
      if (buffer.count === rowsPerGroup) await write();
    },
    async finish(): Promise<void> {
      if (buffer.count > 0) await write();
      file.finish();
    },
  };
}

/** A cell as a value that the column takes; the column's default for an empty one. Undefined when there is none. */
function readCell(cell: unknown, column: Column): Value | undefined {
  if (cell === null || cell === undefined) return column.default;
  const value = typeof cell === "string" ? readText(cell, column) : readNumber(cell);
  return value !== undefined && isAllowed(column, value) ? value : undefined;
}

function readText(text: string, { kind }: Column): Value | undefined {
  if (kind === "text") return text;
  const word = text.trim();
  if (kind !== "boolean") return word === "" ? undefined : Number(word);
  // Python writes True, R writes TRUE.
  return /^(true|false)$/i.test(word) ? word.toLowerCase() === "true" : undefined;
}

function readNumber(cell: unknown): Value | undefined {
  if (typeof cell === "bigint") return Number(cell);
  return typeof cell === "number" || typeof cell === "boolean" ? cell : undefined;
}

function cellProblem(row: number, cell: unknown, column: Column): string {
  const where = `row ${row}, ${column.name}:`;
  if (cell === null || cell === undefined) return `${where} empty, and it has no default.`;
  const text = typeof cell === "bigint" ? String(cell) : JSON.stringify(cell);
  return `${where} ${text.slice(0, 80)} must be ${allowed(column)}.`;
}

function refusal(name: string, ending: Ending, { shown, count }: Problems): UserError {
  const more = count - shown.length;
  return new UserError(
    [
      `"${name}" has ${count === 1 ? "a problem" : `${formatCount(count)} problems`}:`,
      ...shown.map((problem) => `  ${problem}`),
      ...(more > 0 ? [`  and ${formatCount(more)} more`] : []),
    ].join("\n"),
    {
      hint: `${ending === "csv" ? "Columns are separated by commas; row 1 is the first below the header. " : ""}Correct the file and try again; nothing was started.`,
      exitCode: exitCodes.wrongUsage,
    },
  );
}

/** By content: what is there already stays. */
async function put(store: Store, key: string, file: string): Promise<void> {
  if ((await store.readEnd(key, 1)) === undefined) await store.replaceFromFile(key, file);
}
