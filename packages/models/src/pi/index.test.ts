import { noFiles, randomStream, type SimulationContext } from "@hatchery/experiment";
import { expect, test } from "vitest";
import { pi } from "./index.ts";

const context = (simulation: number): SimulationContext => ({
  random: randomStream(42, simulation),
  signal: new AbortController().signal,
  log: () => {},
  inputs: {},
  files: noFiles,
});

const estimate = (simulation: number, points: number) =>
  pi.simulate({ points }, context(simulation)) as { estimate: number; hits: number };

test("the mean of many simulations covers π", () => {
  const [simulations, points] = [200, 1000];
  let sum = 0;
  for (let i = 0; i < simulations; i++) sum += estimate(i, points).estimate;
  // Each point is 4 or 0 with chances π/4 and 1 − π/4. Four standard errors are missed once in 16,000 seeds.
  const standardError = Math.sqrt((Math.PI * (4 - Math.PI)) / (simulations * points));
  expect(Math.abs(sum / simulations - Math.PI)).toBeLessThan(4 * standardError);
});

test("the same simulation gives the same hits, another one gives others", () => {
  expect(estimate(7, 10_000)).toEqual(estimate(7, 10_000));
  expect(estimate(7, 10_000).hits).not.toBe(estimate(8, 10_000).hits);
});
