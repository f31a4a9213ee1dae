import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Column } from "./columns.ts";
import { digestOf, writeParquet } from "./sample-dataset.ts";
import { summarize } from "./summary.ts";
import { Summary, type Sensitivity } from "./summary-format.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

const number = (name: string): Column => ({ name, kind: "number" });

const noFailures =
  "SELECT 0 AS simulation, '' AS cause, '' AS fingerprint, '' AS message WHERE false";

let files = 0;
async function summaryOf(input: {
  results: string;
  failures?: string;
  total: number;
  parameters: Column[];
  columns: Column[];
  notRun?: number;
}): Promise<Summary> {
  const name = String(files++);
  const resultsPath = join(folder, `${name}-results.parquet`);
  const failuresPath = join(folder, `${name}-failures.parquet`);
  await writeParquet(resultsPath, input.results);
  await writeParquet(failuresPath, input.failures ?? noFailures);
  const summary = await summarize({
    facts: {
      experiment: "linear/20261121-093000-k3f9",
      model: "linear",
      stage: "local",
      design: "random",
      seed: 42,
      total: input.total,
      submittedAt: "2026-11-21T09:30:00.000Z",
      closedAt: "2026-11-21T09:31:00.000Z",
      seconds: 50,
      simulationSeconds: 90,
      chunks: 3,
      retries: 0,
      interruptions: 0,
      resultsSha256: "0".repeat(64),
      notRunCauses: input.notRun ? [{ cause: "cancelled", count: input.notRun, example: 0 }] : [],
    },
    digest: await digestOf(
      { results: resultsPath, failures: failuresPath },
      input.parameters,
      input.columns,
    ),
    failuresPath,
  });
  // What is written must be what is read.
  return Summary.parse(JSON.parse(JSON.stringify(summary)));
}

function shareOf(summary: Summary, parameter: string): Sensitivity {
  const found = summary.sensitivities.find((sensitivity) => sensitivity.parameter === parameter);
  if (found === undefined) throw new Error(`No sensitivity of "${parameter}".`);
  return found;
}

/** Uniform in [0, 1) and independent enough: fractions of multiples of square roots. */
const uniform = (root: number) => `((range + 1) * sqrt(${root}) % 1)`;

describe("statistics", () => {
  test("of the numbers 0 to 100 are what the textbook says", async () => {
    const { results, done, simulationsPerSecond } = await summaryOf({
      results: "SELECT range AS simulation, range::DOUBLE AS y FROM range(101)",
      total: 101,
      parameters: [],
      columns: [{ ...number("y"), description: "A ramp" }],
    });
    expect(done).toBe(101);
    expect(simulationsPerSecond).toBe(101 / 50);
    const [{ histogram, ...y } = { histogram: undefined }] = results;
    expect(y).toEqual({
      name: "y",
      description: "A ramp",
      count: 101,
      mean: 50,
      standardDeviation: expect.closeTo(Math.sqrt((101 * 102) / 12), 10) as number,
      minimum: 0,
      p05: 5,
      p25: 25,
      median: 50,
      p75: 75,
      p95: 95,
      maximum: 100,
    });
    expect(histogram?.edges).toHaveLength(31);
    expect(histogram?.edges[0]).toBe(0);
    expect(histogram?.edges[30]).toBe(100);
    expect(histogram?.counts.reduce((sum, count) => sum + count)).toBe(101);
    expect(histogram?.counts.every((count) => count === 3 || count === 4)).toBe(true);
  });

  test("of more simulations than are sampled have quantiles within 0.4 % of the ranks", async () => {
    const { results, sampled } = await summaryOf({
      results: `SELECT range AS simulation, ${uniform(2)} AS y FROM range(1_100_000)`,
      total: 1_100_000,
      parameters: [],
      columns: [number("y")],
    });
    expect(Math.abs(sampled! - 50_000)).toBeLessThan(1_000);
    const [y] = results;
    const found = [y?.p05, y?.p25, y?.median, y?.p75, y?.p95].map((value) => value ?? 0);
    [0.05, 0.25, 0.5, 0.75, 0.95].forEach((exact, i) =>
      expect(Math.abs((found[i] ?? 0) - exact)).toBeLessThan(0.004),
    );
  });

  test("of few whole numbers and of booleans have one bin per value", async () => {
    const { results } = await summaryOf({
      results:
        "SELECT range AS simulation, range % 4 AS floors, range % 4 = 0 AS tall FROM range(40)",
      total: 40,
      parameters: [],
      columns: [
        { name: "floors", kind: "integer" },
        { name: "tall", kind: "boolean" },
      ],
    });
    expect(results.map(({ mean, histogram }) => ({ mean, histogram }))).toEqual([
      { mean: 1.5, histogram: { edges: [-0.5, 0.5, 1.5, 2.5, 3.5], counts: [10, 10, 10, 10] } },
      { mean: 0.25, histogram: { edges: [-0.5, 0.5, 1.5], counts: [30, 10] } },
    ]);
  });

  test("of a constant are the constant, and nothing explains it", async () => {
    const summary = await summaryOf({
      results: `SELECT range AS simulation, ${uniform(2)} AS a, 0.1 + 0.2 AS y FROM range(1000)`,
      total: 1000,
      parameters: [number("a")],
      columns: [number("y")],
    });
    const [y] = summary.results;
    expect(y).toMatchObject({ minimum: y?.maximum, histogram: { counts: [1000] } });
    expect(y?.standardDeviation).toBeCloseTo(0, 12);
    expect(shareOf(summary, "a").share).toBe(0);
  });

  test("leave out what is no number, and say how many are left", async () => {
    const { results } = await summaryOf({
      results: `SELECT range AS simulation, CASE range WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE
        WHEN 2 THEN NULL WHEN 3 THEN 1e300 ELSE 7 END AS y, NULL::DOUBLE AS never, '' AS note FROM range(10)`,
      total: 10,
      parameters: [],
      columns: [number("y"), number("never"), { name: "note", kind: "text" }],
    });
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ count: 6, mean: 7, maximum: 7 });
  });

  test("of one simulation are that simulation", async () => {
    const summary = await summaryOf({
      results: "SELECT 0 AS simulation, 0.5 AS a, 3.25 AS y",
      total: 1,
      parameters: [number("a")],
      columns: [number("y")],
    });
    expect(summary.results[0]).toMatchObject({
      count: 1,
      mean: 3.25,
      standardDeviation: 0,
      p95: 3.25,
    });
    expect(summary.sensitivities).toEqual([]);
  });

  test("of no simulation are none", async () => {
    const summary = await summaryOf({
      results: "SELECT 0 AS simulation, 0.5 AS a, 3.25 AS y WHERE false",
      total: 5,
      notRun: 5,
      parameters: [number("a")],
      columns: [number("y")],
    });
    expect(summary).toMatchObject({
      done: 0,
      failed: 0,
      notRun: 5,
      results: [],
      sensitivities: [],
    });
    expect(summary.simulationsPerSecond).toBe(0);
  });
});

describe("sensitivities", () => {
  test("of y = 3a + b are 0.9 and 0.1, and of a parameter without influence about 0", async () => {
    const summary = await summaryOf({
      results: `SELECT *, 3 * a + b AS y FROM (SELECT range AS simulation, ${uniform(2)} AS a, ${uniform(3)} AS b,
        ${uniform(5)} AS idle, 21.0 AS fixed FROM range(20_000))`,
      total: 20_000,
      parameters: [number("idle"), number("b"), number("a"), number("fixed")],
      columns: [number("y")],
    });
    expect(summary.sensitivities.map(({ parameter }) => parameter)).toEqual(["a", "b", "idle"]);
    expect(shareOf(summary, "a").share).toBeCloseTo(0.9, 2);
    expect(shareOf(summary, "b").share).toBeCloseTo(0.1, 2);
    expect(shareOf(summary, "idle").share).toBeLessThan(0.002);
    const { bins } = shareOf(summary, "a");
    expect(bins).toHaveLength(20);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(20_000);
    for (const { count } of bins) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(bins.map(({ mean }) => mean)).toEqual(
      bins.map(({ mean }) => mean).toSorted((x, y) => x - y),
    );
  });

  test("of very many simulations come from a part of them", async () => {
    const summary = await summaryOf({
      results: `SELECT *, 3 * a + b AS y FROM (SELECT range AS simulation, ${uniform(2)} AS a, ${uniform(3)} AS b FROM range(1_000_000))`,
      total: 1_000_000,
      parameters: [number("a"), number("b")],
      columns: [number("y")],
    });
    expect(summary.results[0]!.count).toBe(1_000_000);
    const { bins, share } = shareOf(summary, "a");
    expect(share).toBeCloseTo(0.9, 2);
    const counted = bins.reduce((sum, { count }) => sum + count, 0);
    expect(Math.abs(counted - 50_000)).toBeLessThan(1_000);
    expect(shareOf(summary, "b").share).toBeCloseTo(0.1, 2);
  });

  test("of noise are not raised by the number of bins", async () => {
    // Without the correction, 20 bins of 200 simulations "explain" 19 / 199 = 9.5 % of pure noise.
    const parameters = Array.from({ length: 40 }, (_, i) => `p${i}`);
    const summary = await summaryOf({
      results: `SELECT range AS simulation, ${parameters.map((name, i) => `hash(range * 41 + ${i}) / 1.8446744073709552e19 AS ${name}`).join(", ")},
        hash(range * 41 + 40) / 1.8446744073709552e19 AS y FROM range(200)`,
      total: 200,
      parameters: parameters.map(number),
      columns: [number("y")],
    });
    const shares = summary.sensitivities.map(({ share }) => share);
    expect(shares).toHaveLength(40);
    expect(Math.min(...shares)).toBe(0);
    expect(shares.reduce((sum, share) => sum + share, 0) / 40).toBeLessThan(0.03);
  });

  test("of choices, booleans and levels have one bin per value, in the model's order", async () => {
    const summary = await summaryOf({
      results: `SELECT *, if(open, 10, 0) + level + if(climate = 'warm', 0.5, 0) AS y FROM (SELECT range AS simulation,
        ['cold', 'warm'][1 + range % 2] AS climate, (range // 2) % 2 = 1 AS open, 0.1 * ((range // 4) % 3) AS level FROM range(120))`,
      total: 120,
      parameters: [
        { name: "climate", kind: "text", choices: ["warm", "mild", "cold"] },
        { name: "open", kind: "boolean" },
        number("level"),
      ],
      columns: [number("y")],
    });
    const labels = (name: string) => shareOf(summary, name).bins.map(({ label }) => label);
    expect(labels("climate")).toEqual(["warm", "cold"]);
    expect(labels("open")).toEqual(["false", "true"]);
    expect(labels("level")).toEqual(["0", "0.1", "0.2"]);
    expect(shareOf(summary, "open").share).toBeGreaterThan(0.99);
    expect(shareOf(summary, "open").bins).toEqual([
      { label: "false", mean: expect.closeTo(0.35, 9) as number, count: 60 },
      { label: "true", mean: expect.closeTo(10.35, 9) as number, count: 60 },
    ]);
  });

  test("do not depend on the size of the numbers", async () => {
    const summary = await summaryOf({
      results: `SELECT range AS simulation, ${uniform(2)} AS a, 1e9 + 0.1 * a AS y FROM range(2000)`,
      total: 2000,
      parameters: [number("a")],
      columns: [number("y")],
    });
    expect(shareOf(summary, "a").share).toBeGreaterThan(0.99);
  });
});

describe("failures", () => {
  test("alike are one group, with the first as example and the most frequent group first", async () => {
    const { failures, failed } = await summaryOf({
      results: "SELECT 0 AS simulation, 1.0 AS y WHERE false",
      failures: `SELECT * FROM (VALUES (9, 'error', 'f1', 'later'), (4, 'error', 'f1', 'first'), (2, 'timeout', 'f2', 'late'))
        t(simulation, cause, fingerprint, message)`,
      total: 3,
      parameters: [],
      columns: [number("y")],
    });
    expect(failed).toBe(3);
    expect(failures).toEqual([
      { cause: "error", fingerprint: "f1", message: "first", count: 2, example: 4 },
      { cause: "timeout", fingerprint: "f2", message: "late", count: 1, example: 2 },
    ]);
  });

  test("of very many kinds end in one group of the rest", async () => {
    const { failures } = await summaryOf({
      results: "SELECT 0 AS simulation WHERE false",
      failures:
        "SELECT range AS simulation, 'error' AS cause, 'f' || range AS fingerprint, 'x' AS message FROM range(250)",
      total: 250,
      parameters: [],
      columns: [],
    });
    expect(failures).toHaveLength(101);
    expect(failures.at(-1)).toMatchObject({
      cause: "other",
      message: "150 rarer kinds.",
      count: 150,
    });
    expect(failures.reduce((sum, { count }) => sum + count, 0)).toBe(250);
  });
});

test("a ledger that does not sum to N has no summary", async () => {
  await expect(
    summaryOf({
      results: "SELECT 0 AS simulation, 1.0 AS y",
      total: 3,
      notRun: 1,
      parameters: [],
      columns: [number("y")],
    }),
  ).rejects.toThrow("1 done + 0 failed + 1 not run is not 3");
});
