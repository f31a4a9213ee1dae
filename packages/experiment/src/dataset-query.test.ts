import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@hatchery/config";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openDataset, type Dataset } from "./dataset-query.ts";
import { writeParquet } from "./sample-dataset.ts";

let folder: string;
let results: string;
let dataset: Dataset;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-test-"));
  // A quote in a path must not end an SQL literal.
  results = join(folder, "it's", "results.parquet");
  await mkdir(join(folder, "it's"));
  await writeParquet(
    results,
    `SELECT range::BIGINT AS simulation, range / 4 AS width, 'a' || range % 2 AS kind, range > 1 AS open FROM range(4)`,
  );
  dataset = await openDataset({ results });
});

afterAll(async () => {
  await dataset[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function refusal(work: Promise<unknown>): Promise<UserError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as UserError;
}

describe("rows", () => {
  test("come as numbers, texts and booleans", async () => {
    expect(await dataset.rows("SELECT * FROM results ORDER BY simulation LIMIT 3;")).toEqual({
      columns: ["simulation", "width", "kind", "open"],
      rows: [
        [0, 0, "a0", false],
        [1, 0.25, "a1", false],
        [2, 0.5, "a0", true],
      ],
    });
  });

  test("hold a whole number that a number cannot as a string", async () => {
    const { rows } = await dataset.rows("SELECT sum(simulation), 9007199254740993 FROM results");
    expect(rows).toEqual([[6, "9007199254740993"]]);
  });

  test("answer FROM, WITH, DESCRIBE and SUMMARIZE as well", async () => {
    for (const sql of [
      "FROM results",
      "WITH t AS (FROM results) SELECT * FROM t -- all",
      "DESCRIBE results",
      "SUMMARIZE results",
    ])
      expect((await dataset.rows(sql)).rows).toHaveLength(4);
  });

  test("fail with DuckDB's reason in one line and the columns there are", async () => {
    const error = await refusal(dataset.rows("SELECT widht FROM results"));
    expect(error.message).toMatchInlineSnapshot(`
      "The query does not work: Binder Error: Referenced column "widht" not found in FROM clause!
      Columns:
        results: simulation, width, kind, open"
    `);
    expect(error.hint).toBe(
      "Names with signs, or that are words of SQL such as left, go in double quotes, texts in single quotes.",
    );
  });
});

describe("a query", () => {
  test.each([
    "",
    "-- nothing",
    "SELECT 1; SELECT 2",
    "DROP VIEW results",
    "CREATE TABLE more AS SELECT 1",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "ATTACH 'other.db'",
  ])("that is not one SELECT is refused: %s", async (sql) => {
    const error = await refusal(dataset.rows(sql));
    expect(error.message).toContain("exactly one SELECT");
  });

  test("finds the door shut and locked", async () => {
    const { rows } = await dataset.rows(
      "SELECT current_setting('enable_external_access'), current_setting('lock_configuration')",
    );
    expect(rows).toEqual([[false, true]]);
  });

  test("reads no file but the dataset's", async () => {
    const secret = join(folder, "secret.csv");
    await writeFile(secret, "a\n1\n");
    for (const source of [
      `read_csv('${secret}')`,
      `read_text('${secret}')`,
      `read_blob('${secret}')`,
      `sniff_csv('${secret}')`,
      `glob('${folder}/*')`,
      `'${secret}'`,
    ]) {
      const error = await refusal(dataset.rows(`SELECT * FROM ${source}`));
      expect(error.message).toContain("Permission Error");
    }
  });

  test("writes no file, not even over the dataset's own", async () => {
    const before = await readFile(results);
    const other = join(folder, "other.csv");
    await refusal(dataset.rows(`COPY (SELECT 1) TO '${other}'`));
    await refusal(dataset.rows(`COPY (SELECT 1) TO '${results.replace("'", "''")}'`));
    await refusal(
      dataset.writeCsv(`SELECT 1) TO '${other}'; COPY (SELECT 2`, join(folder, "a.csv")),
    );
    expect(existsSync(other)).toBe(false);
    expect(await readFile(results)).toEqual(before);
  });
});

test("a CSV file has a head line and all rows", async () => {
  const path = join(folder, "out.csv");
  await writeFile(path, "what was there before");
  const written = await dataset.writeCsv(
    "SELECT simulation, kind FROM results WHERE open ORDER BY simulation -- two",
    path,
  );
  expect(written).toBe(2);
  expect(await readFile(path, "utf8")).toBe("simulation,kind\n2,a0\n3,a1\n");
});

test("a sort that is larger than memory is done on disk, and nothing of it is left", async () => {
  const path = join(folder, "large.parquet");
  await writeParquet(path, "SELECT range AS simulation, random() AS x FROM range(2_000_000)");
  const spill = join(folder, "spill");
  await mkdir(spill);
  vi.stubEnv("TMPDIR", spill);
  try {
    await using small = await openDataset({ results: path }, { memory: "40 MB" });
    expect(await small.writeCsv("FROM results ORDER BY x", join(folder, "sorted.csv"))).toBe(2e6);
  } finally {
    vi.unstubAllEnvs();
  }
  expect(await readdir(spill)).toEqual([]);
});

test("a dataset that cannot be read is named", async () => {
  const error = await refusal(openDataset({ results: join(folder, "absent.parquet") }));
  expect(error.message).toContain("absent.parquet");
});
