import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { columnsOf, objectSchema, type Value } from "./columns.ts";
import { describeDesign, DesignSettings, outlineDesign } from "./design.ts";
import { sha256 } from "./file-hash.ts";
import { importRows, type RowWishes } from "./import-rows.ts";
import { openDesign } from "./open-design.ts";
import type { Ranges } from "./ranges.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

const columns = columnsOf(
  objectSchema(
    z.object({
      ratio: z.number().min(0).max(1),
      floors: z.int().min(1).max(9).default(2),
      climate: z.enum(["miami", "oslo"]),
      shaded: z.boolean().default(false),
      note: z.string().default("none"),
    }),
  ),
  "Parameter",
);

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-import-"));
  store = createFolderStore(join(folder, "store"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** The parameters of all simulations, as a worker reads them. */
async function parametersOf(
  path: string,
  wishes: RowWishes = {},
): Promise<Record<string, Value>[]> {
  const settings = await importRows(path, columns, wishes, store);
  const written = DesignSettings.parse(JSON.parse(JSON.stringify(settings)));
  const design = await openDesign(columns, written, 1, store);
  return Array.from({ length: design.total }, (_, i) => design.parameters(i));
}

const full = (ratio: number, more: Record<string, Value> = {}) => ({
  ratio,
  floors: 2,
  climate: "miami",
  shaded: false,
  note: "none",
  ...more,
});

describe("rows of a CSV file", () => {
  test("become parameters by the name of their column, in the model's order", async () => {
    const path = await file(
      "a.csv",
      'climate,note,ratio,shaded,floors\noslo,"a, ""b""\nc",0.1,TRUE,3\nmiami,,1e-3,false,\n',
    );
    const rows = await parametersOf(path);
    expect(rows).toEqual([
      { ratio: 0.1, floors: 3, climate: "oslo", shaded: true, note: 'a, "b"\nc' },
      full(0.001),
    ]);
    expect(Object.keys(rows[0]!)).toEqual(columns.map(({ name }) => name));
  });

  test.each([
    ["a byte order mark", "\uFEFFratio,climate\n0.5,miami\n"],
    ["Windows line ends", "ratio,climate\r\n0.5,miami\r\n"],
    ["no line end", "ratio,climate\n0.5,miami"],
    ["quotes", '"ratio","climate"\n"0.5","miami"\n'],
    ["spaces around the names and numbers", "ratio , climate\n 0.5 ,miami\n"],
    ["an empty line", "ratio,climate\n0.5,miami\n\n"],
  ])("may have %s", async (_, text) => {
    expect(await parametersOf(await file("a.csv", text))).toEqual([full(0.5)]);
  });

  test("give every number its very bits", async () => {
    const numbers = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(numbers, async (ratios) => {
        const text = ratios.map((ratio) => `${ratio},miami`).join("\n");
        const rows = await parametersOf(await file("a.csv", `ratio,climate\n${text}\n`));
        expect(rows.map(({ ratio }) => ratio)).toEqual(ratios.map((ratio) => Number(`${ratio}`)));
      }),
      { numRuns: 20 },
    );
  });
});

test("rows of JSON lines become parameters; a key that a line lacks takes its default", async () => {
  const path = await file(
    "a.jsonl",
    '\uFEFF{"ratio": 0.1, "climate": "oslo", "floors": 3}\r\n\n{"climate":"miami","ratio":1,"shaded":true}\n',
  );
  expect(await parametersOf(path)).toEqual([
    full(0.1, { climate: "oslo", floors: 3 }),
    full(1, { shaded: true }),
  ]);
});

test("rows of a Parquet file become parameters, whatever its number types", async () => {
  const path = join(folder, "a.parquet");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(
    `COPY (SELECT 0.25::DECIMAL(9,4) AS ratio, 7::BIGINT AS floors, 'oslo' AS climate, true AS shaded
           UNION ALL SELECT 0.5, 3, 'miami', false) TO '${path}' (FORMAT parquet)`,
  );
  expect(await parametersOf(path)).toEqual([
    full(0.25, { floors: 7, climate: "oslo", shaded: true }),
    full(0.5, { floors: 3 }),
  ]);
});

describe("what is wrong is told all at once, and nothing is stored", () => {
  async function refusal(path: string, wishes: RowWishes = {}): Promise<string> {
    const error: unknown = await importRows(path, columns, wishes, store).catch((e: unknown) => e);
    expect(await readdir(join(folder, "store")).catch(() => [])).toEqual([]);
    expect(error).toMatchObject({ name: "UserError", exitCode: 2 });
    return (error as Error).message;
  }

  test("by row and column", async () => {
    const path = await file(
      "a.csv",
      "ratio,climate,floors,shaded\n0.1,miami,2,yes\nabc,miami,2.5,true\n1.5,paris,2,true\n,miami,1,true\n",
    );
    expect(await refusal(path)).toMatchInlineSnapshot(`
      ""a.csv" has 6 problems:
        row 1, shaded: "yes" must be true or false.
        row 2, ratio: "abc" must be a number from 0 to 1.
        row 2, floors: "2.5" must be a whole number from 1 to 9.
        row 3, ratio: "1.5" must be a number from 0 to 1.
        row 3, climate: "paris" must be one of "miami", "oslo".
        row 4, ratio: empty, and it has no default."
    `);
  });

  test("with columns that the model does not have and parameters that nothing gives", async () => {
    const path = await file("a.csv", "ratioo,floors,floors\n0.1,2,3\n");
    expect(await refusal(path)).toMatchInlineSnapshot(`
      ""a.csv" has 4 problems:
        Column "floors" is there twice.
        "ratioo" is not a parameter of the model. Did you mean "ratio"?
        Parameter "ratio" has no column in the file, and no default. Add one, or fix it.
        Parameter "climate" has no column in the file, and no default. Add one, or fix it."
    `);
  });

  test("with fixed values that do not fit", async () => {
    const path = await file("a.csv", "ratio\n0.1\n");
    expect(await refusal(path, { fixed: { ratio: 0.2, climate: "paris", roof: 1 } }))
      .toMatchInlineSnapshot(`
      ""a.csv" has 3 problems:
        "roof" is not a parameter of the model. The model has ratio, floors, climate, shaded, note.
        Parameter "ratio" has a column in the file and a fixed value.
        Parameter "climate" is fixed at "paris", but must be one of "miami", "oslo"."
    `);
  });

  test("with the first 20 and the count of the rest", async () => {
    const lines = Array.from({ length: 1_523 }, () => "2,miami");
    const message = await refusal(await file("a.csv", `ratio,climate\n${lines.join("\n")}\n`));
    expect(message.split("\n")).toHaveLength(22);
    expect(message).toContain("has 1,523 problems");
    expect(message).toContain("row 20, ratio");
    expect(message.endsWith("and 1,503 more")).toBe(true);
  });

  test("with lines that are not like the header", async () => {
    const path = await file("a.csv", "ratio,climate\n0.1\n0.2,miami\n0.3,miami,4\n");
    const message = await refusal(path);
    expect(message).toContain("has 2 problems");
    expect(message).toMatch(/line 2: .*Found: 1/);
    expect(message).toMatch(/line 4: .*Found: 3/);
  });

  test("with lines that are no JSON", async () => {
    const path = await file("a.jsonl", '{"ratio":0.1,"climate":"oslo"}\n{"ratio"\n[1]\n');
    expect(await refusal(path)).toMatchInlineSnapshot(`
      ""a.jsonl" has 2 problems:
        line 2: It is not a JSON object.
        line 3: It is not a JSON object."
    `);
  });

  test("of a file that is no table", async () => {
    expect(await refusal(await file("a.csv", ""))).toContain("is empty");
    expect(await refusal(await file("a.csv", "\n"))).toContain("It names no column");
    expect(await refusal(await file("a.csv", "ratio,climate\n"))).toContain("a header and no rows");
    expect(await refusal(await file("a.jsonl", "\n"))).toContain("It names no column");
    expect(await refusal(await file("a.parquet", "no such thing"))).toContain("cannot be read");
    expect(await refusal(await file("a.xlsx", "ratio"))).toContain("must end in .csv");
    expect(await refusal(join(folder, "none.csv"))).toContain("cannot be read (ENOENT)");
    await mkdir(join(folder, "b.csv"));
    expect(await refusal(join(folder, "b.csv"))).toContain("is not a file");
  });
});

test("the file and what was made of it are stored once, by their content", async () => {
  const text = "ratio,climate\n0.5,miami\n0.25,miami\n";
  const first = await importRows(await file("a.csv", text), columns, {}, store);
  const again = await importRows(await file("b.csv", text), columns, {}, store);
  expect(again).toEqual({ ...first, source: { ...first.source, name: "b.csv" } });
  const inputs = join(folder, "store", "inputs");
  expect((await readdir(inputs)).toSorted()).toEqual(
    [`${first.source.sha256}.csv`, `${first.sha256}.parquet`].toSorted(),
  );
  expect(await readFile(join(inputs, `${first.source.sha256}.csv`), "utf8")).toBe(text);
  expect(await sha256(join(inputs, `${first.sha256}.parquet`))).toBe(first.sha256);
});

test("without a store the file is checked and nothing is kept", async () => {
  const settings = await importRows(await file("a.csv", "ratio,climate\n0.5,oslo\n"), columns, {});
  expect(settings).toMatchObject({ rows: 1, columns: ["ratio", "climate"], varied: [] });
  expect(await readdir(folder)).toEqual(["a.csv"]);
});

describe("a design of rows", () => {
  const many = 20_001;
  const ratioOf = (row: number) => (row % many) / many;
  const climateOf = (row: number) => (row % 2 === 0 ? "miami" : "oslo");

  async function large(replicates: number) {
    const lines = Array.from({ length: many }, (_, row) => `${climateOf(row)},${ratioOf(row)}`);
    const path = await file("large.csv", `climate,ratio\n${lines.join("\n")}\n`);
    return importRows(path, columns, { fixed: { floors: 3 }, replicates }, store);
  }

  test("answers for the simulations that it was opened for, across groups and replicates", async () => {
    const settings = await large(3);
    const total = 3 * many;
    const range = fc
      .tuple(fc.integer({ min: 0, max: total - 1 }), fc.integer({ min: 1, max: 12_000 }))
      .map(([first, count]): [number, number] => [first, Math.min(count, total - first)]);
    await fc.assert(
      fc.asyncProperty(range, range, async (one, other) => {
        const [a, b] = one[0] <= other[0] ? [one, other] : [other, one];
        const ranges: Ranges = a[0] + a[1] <= b[0] ? [a, b] : [a];
        const design = await openDesign(columns, settings, 1, store, ranges);
        for (const [first, count] of ranges)
          for (const i of [first, first + (count >> 1), first + count - 1])
            expect(design.parameters(i)).toEqual(
              full(ratioOf(i % many), { climate: climateOf(i % many), floors: 3 }),
            );
        const [last, size] = ranges.at(-1)!;
        expect(() => design.parameters(last + size)).toThrow(RangeError);
      }),
      { numRuns: 30 },
    );
  });

  test("is described by its rows, its file and what varies", async () => {
    const settings = await large(3);
    const outline = outlineDesign(columns, settings, 1);
    expect(outline).toEqual({ total: 3 * many, varied: ["ratio", "climate"] });
    expect(describeDesign(settings, outline)).toBe(
      "20,001 rows of large.csv over 2 parameters, 3 replicates",
    );
    expect(describeDesign({ ...settings, rows: 1, replicates: 1 })).toBe("1 row of large.csv");
  });

  test("says what is wrong with its replicates", async () => {
    const settings = await large(3);
    expect(() => outlineDesign(columns, { ...settings, replicates: 1e6 }, 1)).toThrow("too many");
    expect(() => outlineDesign(columns, { ...settings, replicates: 0.5 }, 1)).toThrow(
      "0.5 replicates are not possible",
    );
  });

  test("names the file when the store has lost it", async () => {
    const settings = await large(1);
    await rm(join(folder, "store"), { recursive: true });
    await expect(openDesign(columns, settings, 1, store, [[0, 1]])).rejects.toThrow("large.csv");
  });
});
