import { attemptSimulation, randomStream, noFiles } from "@hatchery/experiment";
import { expect, test } from "vitest";
import { models } from "../index.ts";
import {
  buildingEnergy,
  irradianceOnSurface,
  readWeather,
  solveHour,
  sunPosition,
} from "./index.ts";

const context = {
  random: randomStream(1, 0),
  signal: new AbortController().signal,
  log: () => {},
  inputs: {},
  files: noFiles,
};

test("the physics can be called from outside", () => {
  for (const each of [solveHour, sunPosition, irradianceOnSurface, readWeather])
    expect(each).toBeTypeOf("function");
});

test("a simulation with no parameters but the defaults gives every result that the schema names", () => {
  const attempt = attemptSimulation(models["building-energy"]!, {}, context);
  expect(attempt).toMatchObject({ results: expect.any(Object) });
  const { results } = attempt as { results: Record<string, unknown> };
  expect(Object.keys(results)).toEqual(buildingEnergy.resultColumns.map(({ name }) => name));
});

test("every parameter is described, has bounds or choices, and a default that they allow", () => {
  for (const column of buildingEnergy.parameterColumns) {
    expect(column.description).toMatch(/\.$/);
    expect(column.default).toBeDefined();
    expect(column.choices ?? [column.minimum, column.maximum]).not.toContain(undefined);
  }
  expect(buildingEnergy.parameters.safeParse(buildingEnergy.parameters.parse({})).success).toBe(
    true,
  );
});

test("a parameter out of its bounds is a failure that names it", () => {
  const attempt = attemptSimulation(models["building-energy"]!, { windowRatio: 1.5 }, context);
  expect(attempt).toMatchObject({
    failure: { cause: "invalid parameters", message: expect.stringContaining("windowRatio") },
  });
});

test("a year costs at most a millisecond", () => {
  const given = buildingEnergy.parameters.parse({});
  const milliseconds = Array.from({ length: 200 }, () => {
    const start = performance.now();
    void buildingEnergy.simulate(given, context);
    return performance.now() - start;
  });
  // The median: this machine may be busy with other things.
  expect(milliseconds.toSorted((a, b) => a - b)[100]).toBeLessThan(1);
});
