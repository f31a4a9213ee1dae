import { assert, double, property, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { parameterBins } from "./parameter-bins.ts";
import { textsOf } from "./texts.ts";

const number = { name: "x", kind: "number" as const };
const text = { name: "x", kind: "text" as const };
const labels = (values: readonly number[]) =>
  parameterBins(number, Float64Array.from(values))?.labels;

test("a parameter that does not vary has no bins", () => {
  expect(labels([3, 3, 3])).toBeUndefined();
  expect(labels([])).toBeUndefined();
  expect(parameterBins(text, textsOf(["on", "on"]))).toBeUndefined();
  expect(parameterBins({ name: "x", kind: "boolean" }, Float64Array.of(1, 1))).toBeUndefined();
});

test("a text with many values is no choice", () => {
  const names = Array.from({ length: 60 }, (_, i) => `house ${i}`);
  expect(parameterBins(text, textsOf(names))).toBeUndefined();
});

test("choices are bins in the model's order, other texts in the alphabet's", () => {
  const texts = textsOf(["mild", "cold", "mild"]);
  const choices = ["cold", "warm", "mild"];
  expect(parameterBins({ ...text, choices }, texts)).toEqual({
    parameter: "x",
    labels: choices,
    binOf: Uint8Array.of(2, 0, 2),
  });
  expect(parameterBins(text, texts)?.labels).toEqual(["cold", "mild"]);
});

test("few levels are a bin each, told apart by as many digits as it needs", () => {
  const ofTwenty = (levels: readonly number[]) =>
    labels(Array.from({ length: 20 }, (_, row) => levels[row % levels.length]!));
  expect(ofTwenty([2030, 2020, 2025, 2020])).toEqual(["2020", "2025", "2030"]);
  expect(ofTwenty([0.3, 0.1 + 0.2, 0.1])).toHaveLength(3);
});

test("few simulations have few bins", () => {
  const values = Array.from({ length: 20 }, (_, i) => i / 10);
  expect(labels(values)).toEqual(["≤ 0.5", "0.5 to 1", "1 to 1.5", "> 1.5"]);
});

test("whatever the values are, bins are two to twenty with different labels, each value in its own", () => {
  const numbers = double({ noNaN: true, noDefaultInfinity: true });
  const values = uniqueArray(numbers, { minLength: 2, comparator: "SameValueZero" });
  assert(
    property(values, (sample) => {
      const { labels: names, binOf } = parameterBins(number, Float64Array.from(sample))!;
      expect(names.length).toBeGreaterThanOrEqual(2);
      expect(names.length).toBeLessThanOrEqual(20);
      expect(new Set(names).size).toBe(names.length);
      const ordered = [...binOf].map((bin, row) => [sample[row]!, bin] as const);
      ordered.sort(([a], [b]) => a - b);
      const bins = ordered.map(([, bin]) => bin);
      expect(bins).toEqual(bins.toSorted((a, b) => a - b));
      expect(bins[0]).toBe(0);
      expect(bins.at(-1)).toBe(names.length - 1);
    }),
  );
});
