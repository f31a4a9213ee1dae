/** The table of results on the disk: what was appended, in its order, whichever thread has written it. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Column } from "./columns.ts";
import { openDataset } from "./dataset-query.ts";
import { createResultsTable } from "./results-table.ts";
import { rowsPerGroup } from "./row-group.ts";
import { createRowBuffer, type Rows } from "./rows.ts";

const folder = await mkdtemp(join(tmpdir(), "hatchery-table-"));
afterAll(() => rm(folder, { recursive: true }));

const columns: Column[] = [
  { name: "x", kind: "number" },
  { name: "n", kind: "integer", minimum: 0, maximum: 9 },
  { name: "big", kind: "integer" },
  { name: "on", kind: "boolean" },
  { name: "kind", kind: "text" },
  { name: "own", kind: "text" },
];

/** Each column a function of the simulation's number; the texts of a stretch are its own. */
function rowsOf(first: number, count: number): Rows {
  const rows = createRowBuffer(columns, [], count);
  for (let i = first; i < first + count; i++)
    rows.push(i, 1, 0, [
      {
        x: Math.sqrt(i),
        n: i % 10,
        big: i * 1e10,
        on: i % 3 === 0,
        kind: `kind ${Math.floor(i / 40_000)}`,
        own: `of ${i}`,
      },
    ]);
  return rows.look();
}

async function write(name: string, total: number, expected: number, stretch: number) {
  const path = join(folder, name);
  await using table = createResultsTable(path, columns, expected);
  for (let first = 0; first < total; first += stretch)
    // From the middle of longer rows, as a merge cuts them.
    await table.append(rowsOf(first - 1, stretch + 2), 1, 1 + Math.min(stretch, total - first));
  const sha256 = await table.finish();
  const bytes = await readFile(path);
  expect(sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
  return { path, bytes };
}

test("rows of many groups are all there, in their order", async () => {
  const total = 3 * rowsPerGroup - 100;
  const { path } = await write("many", total, total, 30_001);
  await using dataset = await openDataset({ results: path });
  const { rows } = await dataset.rows(
    `SELECT count(*), count(DISTINCT simulation), bool_and(simulation = place), bool_and(x = sqrt(simulation)),
            bool_and(n = simulation % 10), bool_and(big = simulation::BIGINT * 10_000_000_000),
            bool_and("on" = (simulation % 3 = 0)), bool_and(kind = 'kind ' || simulation // 40_000),
            bool_and(own = 'of ' || simulation)
     FROM (SELECT *, row_number() OVER () - 1 AS place FROM results)`,
  );
  expect(rows).toEqual([[total, total, true, true, true, true, true, true, true]]);
});

test.each([0, 1, 1_000, rowsPerGroup, rowsPerGroup + 1])(
  "%d rows have the same bytes on whichever thread, in whatever stretches",
  async (total) => {
    const here = await write(`${total}-here`, total, 0, 20_000);
    const there = await write(`${total}-there`, total, 10 * rowsPerGroup, 7_777);
    expect(there.bytes.equals(here.bytes)).toBe(true);
  },
);

test.each([0, 10 * rowsPerGroup])(
  "a disk that cannot be written to is an error, with %d rows expected",
  async (expected) => {
    const writeNowhere = async () => {
      await using table = createResultsTable(join(folder, "not", "there"), columns, expected);
      for (let group = 0; group < 3; group++)
        await table.append(rowsOf(group * rowsPerGroup, rowsPerGroup), 0, rowsPerGroup);
      await table.finish();
    };
    await expect(writeNowhere()).rejects.toThrow("ENOENT");
  },
);
