import { expect, test } from "vitest";
import type { Column } from "./columns.ts";
import { createDigest } from "./digest.ts";
import { resultStatistics } from "./result-statistics.ts";
import { createRowBuffer } from "./rows.ts";

const parameters: Column[] = [
  { name: "x", kind: "number" },
  { name: "site", kind: "text" },
];
const results: Column[] = [
  { name: "y", kind: "number" },
  { name: "note", kind: "text" },
];

function digestOf(
  total: number,
  y: (i: number) => number | undefined,
  { cut = total, expected = total } = {},
) {
  const rows = createRowBuffer(parameters, results, total);
  for (let i = 0; i < total; i++)
    rows.push(i, 1, 0.1, [
      { x: i / total, site: i % 3 === 0 ? "coast" : "hills" },
      { y: y(i), note: "" },
    ]);
  const digest = createDigest(parameters, results, expected);
  for (let from = 0; from < total; from += cut)
    digest.add(rows.look(), from, Math.min(total, from + cut));
  return digest.finish();
}

test("of up to 200,000 simulations all are in the sample", () => {
  const { done, sampled, results: digested } = digestOf(200_000, (i) => i);
  expect([done, sampled]).toEqual([200_000, 200_000]);
  expect(digested.map(({ column }) => column.name)).toEqual(["y"]);
  expect(digested[0]!.values).toEqual(Float64Array.from({ length: 200_000 }, (_, i) => i));
});

test("a sample holds whole rows, the same ones however the rows come", () => {
  const digest = digestOf(500_000, (i) => i);
  expect(Math.abs(digest.sampled - 50_000)).toBeLessThan(1_000);
  const { values } = digest.results[0]!;
  const [x, site] = digest.parameters.map((each) => each.values);
  values.forEach((i, row) => {
    expect((x as Float64Array)[row]).toBe(i / 500_000);
    const { places, texts } = site as Exclude<typeof site, Float64Array | undefined>;
    expect(texts[places[row]!]).toBe(i % 3 === 0 ? "coast" : "hills");
  });
  expect(digestOf(500_000, (i) => i, { cut: 33_333 }).results[0]!.values).toEqual(values);
});

test("a sample is thinned where many more simulations come than were expected", () => {
  const digest = digestOf(500_000, (i) => i, { cut: 10_000, expected: 10 });
  expect(digest.done).toBe(500_000);
  expect(digest.sampled).toBeGreaterThan(50_000);
  expect(digest.sampled).toBeLessThanOrEqual(200_000);
  const all = new Set(digestOf(500_000, (i) => i, { expected: 1_000_000 }).results[0]!.values);
  const thinned = new Set(digest.results[0]!.values);
  expect([...all].every((i) => thinned.has(i))).toBe(true);
});

test("a result that next to no simulation has keeps its quantiles", () => {
  const [y] = resultStatistics(digestOf(400_000, (i) => (i % 100_000 === 7 ? i : undefined)));
  expect(y).toMatchObject({ count: 4, minimum: 7, median: 150_007, maximum: 300_007 });
  expect(y!.histogram.counts.reduce((sum, count) => sum + count)).toBe(4);
});

test("of very many columns a smaller part is sampled", () => {
  const wide = Array.from({ length: 625 }, (_, c): Column => ({ name: `p${c}`, kind: "number" }));
  const rows = createRowBuffer(wide, [], 100_000);
  for (let i = 0; i < 100_000; i++) rows.push(i, 1, 0.1, [{}]);
  const digest = createDigest(wide, [], 100_000);
  digest.add(rows.look(), 0, 100_000);
  expect(Math.abs(digest.finish().sampled - 2_500)).toBeLessThan(250);
});
