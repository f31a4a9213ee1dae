/**
 * Dataset query: SQL over the files of a closed experiment, as the views `results` and `failures`.
 * The one place that knows DuckDB. It reads these files and nothing else, and changes nothing:
 * one SELECT at a time, no other path, no extension, no setting within its reach.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  DuckDBInstance,
  JsonDuckDBValueConverter,
  StatementType,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBValueConverter,
  type Json,
} from "@duckdb/node-api";
import { UserError, exitCodes } from "@hatchery/config";

export interface DatasetFiles {
  /** Local Parquet files. */
  readonly results: string;
  readonly failures?: string;
}

export interface DatasetOptions {
  readonly memory?: `${number} MB` | `${number} GB`;
  /** Where what does not fit into memory goes meanwhile. */
  readonly temporaryFolder?: string;
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
  const spill = await mkdtemp(join(options.temporaryFolder ?? tmpdir(), "hatchery-query-"));
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
        return { columns: answer.columnNames(), rows: answer.convertRows(jsonValue) };
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

/** A number as an SQL literal of the same bits; without an exponent it would be a DECIMAL. */
export const double = (number: number) => number.toExponential();

/** A column's name as SQL has it. */
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

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
    path: resolve(path as string),
  }));
  const allowed = [...views.map(({ path }) => path), ...writable];
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: memory.replace(" ", ""),
    threads: "2",
    temp_directory: spill,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  let columns = "";
  try {
    // In this order: the allowed paths cannot be set once access is off, and nothing can once it is locked.
    await connection.run(
      `SET allowed_paths = [${allowed.map(literal).join(", ")}];
       SET enable_external_access = false;
       SET lock_configuration = true;`,
    );
    for (const { view, path } of views) {
      await connection.run(`CREATE VIEW ${view} AS SELECT * FROM read_parquet(${literal(path)})`);
      const described = await connection.runAndReadAll(`SELECT * FROM ${view} LIMIT 0`);
      columns += `\n  ${view}: ${described.columnNames().join(", ")}`;
    }
  } catch (error) {
    close();
    throw new UserError(`The dataset "${files.results}" cannot be read: ${oneLine(error)}`, {
      cause: error,
    });
  }
  return {
    connection,
    async explained(work) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(`The query does not work: ${oneLine(error)}\nColumns:${columns}`, {
          hint: "Names with capitals or signs go in double quotes, texts in single quotes.",
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

const jsonValue: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value !== "bigint") return JsonDuckDBValueConverter(value, type, converter);
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
};

function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split("\n")[0] ?? "").replace(/^Failed to extract statements: /, "");
}
