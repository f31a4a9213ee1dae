import { assert, double, property, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { parameterBins } from "./parameter-bins.ts";

const number = { name: "x", kind: "number" as const };

test("a parameter that does not vary has no bins", () => {
  expect(parameterBins(number, [3, 3, 3], 100)).toBeUndefined();
  expect(parameterBins(number, [], 100)).toBeUndefined();
});

test("a text with many values is no choice", () => {
  const names = Array.from({ length: 60 }, (_, i) => `house ${i}`);
  expect(parameterBins({ name: "x", kind: "text" }, names, 1000)).toBeUndefined();
});

test("few levels are a bin each, told apart by as many digits as it needs", () => {
  expect(parameterBins(number, [2030, 2020, 2025, 2020], 100)?.labels).toEqual([
    "2020",
    "2025",
    "2030",
  ]);
  expect(parameterBins(number, [0.3, 0.1 + 0.2, 0.1], 100)?.labels).toHaveLength(3);
});

test("few simulations have few bins", () => {
  const values = Array.from({ length: 20 }, (_, i) => i / 10);
  expect(parameterBins(number, values, 20)?.labels).toEqual([
    "≤ 0.5",
    "0.5 to 1",
    "1 to 1.5",
    "> 1.5",
  ]);
});

test("a name with a quote stays a name, and a choice with a quote a text", () => {
  const bins = parameterBins({ name: 'a"b', kind: "text" }, ["it's", "on"], 10);
  expect(bins?.sql(5)).toBe(`CASE "a""b" WHEN 'it''s' THEN 5 WHEN 'on' THEN 6 ELSE 7 END`);
});

test("whatever the values are, bins are two to twenty with different labels", () => {
  const numbers = double({ noNaN: true, noDefaultInfinity: true });
  const values = uniqueArray(numbers, { minLength: 2, comparator: "SameValueZero" });
  assert(
    property(values, (sample) => {
      const labels = parameterBins(number, sample, sample.length)?.labels;
      expect(labels?.length).toBeGreaterThanOrEqual(2);
      expect(labels?.length).toBeLessThanOrEqual(20);
      expect(new Set(labels).size).toBe(labels?.length);
    }),
  );
});
