import { expect, test } from "vitest";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatUsd,
} from "./number-format.ts";

test.each([
  [0, "0"],
  [-0, "0"],
  [12.3456, "12.35"],
  [-12.3456, "-12.35"],
  [0.1 + 0.2, "0.3"],
  [999.96, "1000"],
  [12_345.6, "12,346"],
  [12_345_678, "1.235e7"],
  [1e7, "1e7"],
  [0.00123456, "0.001235"],
  [0.0000123456, "1.235e-5"],
  [-1e-10, "-1e-10"],
  [Infinity, "Infinity"],
])("%d is shown as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("a count has all its digits", () => {
  expect(formatCount(10_000_001)).toBe("10,000,001");
});

test("a share that is something is not shown as nothing, and one with a gap not as all", () => {
  expect([0, 1e-6, 0.1234, 0.99999, 1].map(formatShare)).toEqual([
    "0.0 %",
    "< 0.1 %",
    "12.3 %",
    "> 99.9 %",
    "100.0 %",
  ]);
});

test("a duration has its two largest units", () => {
  expect([0.0021, 45.23, 59.97, 60, 200, 3599.6, 3600, 4325, 180_000].map(formatDuration)).toEqual([
    "0.0021 s",
    "45.2 s",
    "1 min",
    "1 min",
    "3 min 20 s",
    "1 h",
    "1 h",
    "1 h 12 min",
    "2 d 2 h",
  ]);
});

test("a small cost is not shown as none", () => {
  expect([0, 0.0042, 12.5].map(formatUsd)).toEqual(["0.00 USD", "0.0042 USD", "12.50 USD"]);
});
