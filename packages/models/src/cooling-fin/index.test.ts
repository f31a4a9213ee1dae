import { readFileSync } from "node:fs";
import {
  attemptSimulation,
  createReturnedFiles,
  randomStream,
  type Model,
} from "@hatchery/experiment";
import { expect, test } from "vitest";
import { models } from "../index.ts";
import { coolingFin } from "./index.ts";

const deck = coolingFin.inputs["deck"]!.default!;

function attempt(given: Record<string, number>, model: Model = models["cooling-fin"]!) {
  return attemptSimulation(model, coolingFin.parameters.parse(given), {
    random: randomStream(1, 0),
    signal: new AbortController().signal,
    log: () => undefined,
    inputs: { deck },
    files: createReturnedFiles("1 MB", 1e6),
  });
}

test("the fin of the defaults is as it was", async () => {
  expect(await attempt({})).toEqual({
    results: {
      heatWPerM: 136.1086765,
      tipTemperature: 71.70802258,
      efficiency: 0.9073911769,
      files: "[]",
    },
    files: [],
  });
});

test("its profile falls from the base to the tip that the results name", async () => {
  const { results, files = [] } = await attempt({ profile: 1 });
  expect(files.map(({ name }) => name)).toEqual(["profile.csv"]);
  const [header, ...rows] = Buffer.from(files[0]!.content).toString().trim().split("\n");
  expect(header).toBe("x,temperature");
  const temperatures = rows.map((row) => Number(row.split(",")[1]));
  expect(temperatures).toHaveLength(200);
  expect(temperatures.toSorted((a, b) => b - a)).toEqual(temperatures);
  expect(temperatures.at(-1)).toBe(results!["tipTemperature"]);
});

test("the deck that comes with it asks for every parameter", () => {
  for (const { name } of coolingFin.parameterColumns)
    expect(readFileSync(deck, "utf8")).toContain(`{{${name}}}`);
});

test.each([
  { length: 0.05, thickness: 0.002, conductivity: 200, film: 25, base: 80, air: 20 },
  { length: 0.2, thickness: 0.0005, conductivity: 15, film: 150, base: 120, air: -15 },
  { length: 0.01, thickness: 0.01, conductivity: 400, film: 5, base: 45, air: 30 },
])("heat and efficiency are the closed form's: %j", async (fin) => {
  const { results } = await attempt({ ...fin, cells: 2_000 });
  // Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, table 3.4, case B: adiabatic tip.
  const m = Math.sqrt((2 * fin.film) / (fin.conductivity * fin.thickness));
  const exact = Math.tanh(m * fin.length) / (m * fin.length);
  const heat = 2 * fin.film * fin.length * (fin.base - fin.air) * exact;
  expect(Number(results!["efficiency"]) / exact).toBeCloseTo(1, 4);
  expect(Number(results!["heatWPerM"]) / heat).toBeCloseTo(1, 4);
});

test("what the solver refuses is a failure in the solver's words", async () => {
  expect(await attempt({ cells: 1 })).toMatchObject({
    failure: {
      cause: "crashed",
      message: 'awk exited with 3: FIN: CELLS must be at least 2, found "1"',
    },
  });
});

test("no digit of a parameter is lost on the way through the deck", async () => {
  const one = await attempt({ film: 25 });
  const other = await attempt({ film: 25.000001 });
  expect(other.results).not.toEqual(one.results);
});
