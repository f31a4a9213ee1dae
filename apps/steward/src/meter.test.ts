import { expect, test } from "vitest";
import { createMeter } from "./meter.ts";

test("the rate is the steps' own, not thinned by looks that saw nothing new", () => {
  const meter = createMeter();
  for (let at = 0; at <= 10_000; at += 100) meter.read(Math.floor(at / 2_000) * 500, at);
  expect(meter.perSecond()).toBeCloseTo(250, 5);
});

test("nothing is claimed before the count has moved", () => {
  const meter = createMeter();
  expect(meter.perSecond()).toBe(0);
  meter.read(0, 0);
  meter.read(0, 5_000);
  expect(meter.perSecond()).toBe(0);
});

test("a fleet that grew is seen after half a minute", () => {
  const meter = createMeter();
  let done = 0;
  for (let at = 0; at < 600_000; at += 1_000) meter.read((done += 10), at);
  for (let at = 600_000; at < 640_000; at += 1_000) meter.read((done += 1_000), at);
  expect(meter.perSecond()).toBeCloseTo(1_000, 0);
});
