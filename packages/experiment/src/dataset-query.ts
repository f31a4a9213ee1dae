/**
 * Dataset query: SQL over Parquet files, each a view, such as the `results` and `failures` of a closed experiment;
 * and a person's own files as a stream of rows.
 * The one place that knows DuckDB. It reads these files and nothing else, and changes nothing:
 * one SELECT at a time, no other path, no extension, no setting within its reach.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type {
  DuckDBConnection,
  DuckDBPreparedStatement,
  DuckDBValueConverter,
  Json,
} from "@duckdb/node-api";
import { UserError, exitCodes } from "@hatchery/config";

/** Loaded by the first query: a command without one starts 50 ms sooner. */
const duckdb = () => import("@duckdb/node-api");

/** Local Parquet files by the name of their view. */
export type DatasetFiles = Readonly<Record<string, string>>;

export interface DatasetOptions {
  readonly memory?: `${number} MB` | `${number} GB`;
}

/** An answer in columns and rows. 64-bit integers are numbers where these are exact, else strings. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Json[])[];
}

export interface Dataset extends AsyncDisposable {
  /** The answer of one SELECT, all of it in memory. Throws a UserError for a mistake in the SQL. */
  rows(sql: string): Promise<Answer>;
  /** Writes the answer of one SELECT to a file in constant memory; answers with the number of rows. */
  writeCsv(sql: string, path: string): Promise<number>;
}

export async function openDataset(
  files: DatasetFiles,
  options: DatasetOptions = {},
): Promise<Dataset> {
  const spill = await mkdtemp(join(tmpdir(), "hatchery-query-"));
  const session = (writable: readonly string[]) =>
    openSession(files, options.memory ?? "200 MB", spill, writable);
  const reading = await session([]).catch(async (error: unknown) => {
    await rm(spill, { recursive: true, force: true });
    throw error;
  });
  return {
    async rows(sql) {
      return reading.explained(async () => {
        const answer = await (await selectOf(reading.connection, sql)).runAndReadAll();
        return { columns: answer.columnNames(), rows: answer.convertRows(await jsonValue()) };
      });
    },
    async writeCsv(sql, path) {
      // A session of its own: the paths that it may touch are settled before the SQL is looked at.
      using writing = await session([resolve(path)]);
      return await writing.explained(async () => {
        const { connection } = writing;
        (await selectOf(connection, sql)).destroySync();
        // The line break ends a comment that the SQL may end with; a temporary file would be a path not allowed.
        const copied = await connection.runAndReadAll(
          `COPY (${withoutSemicolon(sql)}\n) TO ${literal(resolve(path))} (FORMAT csv, HEADER, USE_TMP_FILE false)`,
        );
        return Number(copied.value(0, 0));
      });
    },
    async [Symbol.asyncDispose]() {
      reading[Symbol.dispose]();
      await rm(spill, { recursive: true, force: true });
    },
  };
}

/** A text as an SQL literal. */
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** A column's name as SQL has it. */
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** A connection that reaches the allowed paths and nothing else. */
async function connect(
  allowed: readonly string[],
  { memory, spill, threads }: { memory: string; spill: string; threads: number },
): Promise<{ connection: DuckDBConnection; close: () => void }> {
  const { DuckDBInstance } = await duckdb();
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: memory.replace(" ", ""),
    threads: String(threads),
    temp_directory: spill,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    // In this order: the allowed paths cannot be set once access is off, and nothing can once it is locked.
    await connection.run(
      `SET allowed_paths = [${allowed.map(literal).join(", ")}];
       SET enable_external_access = false;
       SET lock_configuration = true;`,
    );
    return { connection, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A person's file as rows, in its own order and in constant memory. */
export interface FileTable extends AsyncDisposable {
  readonly columns: readonly string[];
  /** Each row's cells in the order of the columns. A CSV file's are texts; an empty one is null. */
  batches(): AsyncIterable<readonly (readonly unknown[])[]>;
  /** After the last batch: the lines of a CSV file that were left out because they are not like its header. */
  brokenLines(): Promise<readonly { readonly line: number; readonly problem: string }[]>;
}

/** Columns of the widest CSV file: DuckDB takes about 100 kB for each. */
const mostCsvColumns = 1_000;

/**
 * Opens a CSV file (commas, double quotes, a header, UTF-8) or a Parquet file. Throws a UserError when it is none,
 * which calls it by `name`.
 */
export async function openFileTable(
  path: string,
  kind: "csv" | "parquet",
  name: string,
): Promise<FileTable> {
  const spill = await mkdtemp(join(tmpdir(), "hatchery-table-"));
  // One thread, so that rows come in the file's order.
  const { connection, close } = await connect([resolve(path)], {
    memory: "200 MB",
    spill,
    threads: 1,
  });
  const dispose = async () => {
    close();
    await rm(spill, { recursive: true, force: true });
  };
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      // What stands before the first empty line says what is wrong and where; settings follow.
      const [what = ""] = (error as Error).message.split("\n\n");
      throw new UserError(
        `"${name}" cannot be read as ${kind}: ${what.replaceAll(/\s+/g, " ").slice(0, 300)}`,
        { exitCode: exitCodes.wrongUsage, cause: error },
      );
    });
  const file = literal(resolve(path));
  // Told, not guessed: what DuckDB takes for the dialect of a short file is not always right.
  const dialect = `auto_detect=false, delim=',', quote='"', escape='"', nullstr='', allow_quoted_nulls=false`;
  const texts = (count: number) =>
    `{${Array.from({ length: count }, (_, c) => `c${c}: 'VARCHAR'`).join(", ")}}`;

  async function csvHeader(): Promise<string[]> {
    const first = await connection.runAndReadAll(
      `SELECT * FROM read_csv(${file}, ${dialect}, header=false, columns=${texts(mostCsvColumns)},
         null_padding=true, parallel=false, strict_mode=false) LIMIT 1`,
    );
    const cells = (first.getRowsJson()[0] ?? []) as (string | null)[];
    return cells
      .slice(0, cells.findLastIndex((cell) => cell !== null) + 1)
      .map((cell) => cell?.trim() ?? "");
  }

  try {
    const header = kind === "csv" ? await explained(csvHeader()) : [];
    const sql =
      kind === "csv"
        ? `SELECT * FROM read_csv(${file}, ${dialect}, header=true, columns=${texts(header.length)}, store_rejects=true)`
        : `SELECT * FROM read_parquet(${file})`;
    const columns =
      kind === "csv"
        ? header
        : (await explained(connection.runAndReadAll(`${sql} LIMIT 0`))).columnNames();
    return {
      columns,
      async *batches() {
        if (columns.length === 0) return;
        const rows = (await explained(connection.stream(sql))).yieldRowsJs();
        for (;;) {
          const batch = await explained(rows.next());
          if (batch.done === true) return;
          yield batch.value;
        }
      },
      async brokenLines() {
        if (kind === "parquet" || columns.length === 0) return [];
        const broken = await connection.runAndReadAll(
          "SELECT line, any_value(error_message) FROM reject_errors GROUP BY line ORDER BY line",
        );
        const lines = broken.getRowsJson() as [line: string | number, problem: string][];
        return lines.map(([line, problem]) => ({ line: Number(line), problem }));
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Session extends Disposable {
  readonly connection: DuckDBConnection;
  /** Turns what DuckDB says into a UserError that names the columns. */
  explained<T>(work: () => Promise<T>): Promise<T>;
}

async function openSession(
  files: DatasetFiles,
  memory: string,
  spill: string,
  writable: readonly string[],
): Promise<Session> {
  const views = Object.entries(files).map(([view, path]) => ({
    view,
    path: resolve(path),
  }));
  const allowed = [...views.map(({ path }) => path), ...writable];
  const { connection, close } = await connect(allowed, { memory, spill, threads: 2 });
  let columns = "";
  try {
    for (const { view, path } of views) {
      await connection.run(`CREATE VIEW ${view} AS SELECT * FROM read_parquet(${literal(path)})`);
      const described = await connection.runAndReadAll(`SELECT * FROM ${view} LIMIT 0`);
      columns += `\n  ${view}: ${described.columnNames().join(", ")}`;
    }
  } catch (error) {
    close();
    throw new UserError(
      `The dataset "${Object.values(files).join('", "')}" cannot be read: ${oneLine(error)}`,
      { cause: error },
    );
  }
  return {
    connection,
    async explained(work) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(`The query does not work: ${oneLine(error)}\nColumns:${columns}`, {
          hint: "Names with signs, or that are words of SQL such as left, go in double quotes, texts in single quotes.",
          exitCode: exitCodes.wrongUsage,
          cause: error,
        });
      }
    },
    [Symbol.dispose]: close,
  };
}

/** The prepared statement of an SQL text that is one SELECT (or FROM, WITH, DESCRIBE, SUMMARIZE), nothing else. */
async function selectOf(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement> {
  const { StatementType } = await duckdb();
  const statements = await connection.extractStatements(sql).catch((error: Error) => {
    // All that DuckDB's client says of a text without a statement, such as "" or "-- comment".
    if (error.message === "Error in native callback") return undefined;
    throw error;
  });
  if (statements?.count === 1) {
    const statement = await statements.prepare(0);
    if (statement.statementType === StatementType.SELECT) return statement;
    statement.destroySync();
  }
  throw new UserError("A query must be exactly one SELECT: the dataset is read, never changed.", {
    hint: 'For example: hatchery results --sql "SELECT count(*) FROM results".',
    exitCode: exitCodes.wrongUsage,
  });
}

const withoutSemicolon = (sql: string) => sql.trim().replace(/;+$/, "");

async function jsonValue(): Promise<DuckDBValueConverter<Json>> {
  const { JsonDuckDBValueConverter } = await duckdb();
  return (value, type, converter) => {
    if (typeof value !== "bigint") return JsonDuckDBValueConverter(value, type, converter);
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  };
}

function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^Failed to extract statements: /, "");
}
