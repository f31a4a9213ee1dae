import { expect, test } from "vitest";
import { z } from "zod";
import { defineModel, type Model } from "./model.ts";
import { randomStream } from "./random.ts";
import { attemptSimulation } from "./simulation.ts";

const parameters = z.object({ x: z.number().min(0).max(1) });
const results = z.object({ y: z.number() });

function attempt(model: Model, given: Record<string, number>) {
  return attemptSimulation(model, given, {
    random: randomStream(1, 0),
    signal: new AbortController().signal,
    log: () => undefined,
    isLaidOut: true,
  });
}

test("what a model does with its parameters stays with it", () => {
  const model = defineModel({
    name: "careless",
    parameters,
    results,
    simulate(given) {
      given.x = -1;
      return { y: 0 };
    },
  });
  const given = { x: 0.5 };
  expect(attempt(model as unknown as Model, given)).toMatchObject({ results: { y: 0 } });
  expect(given).toEqual({ x: 0.5 });
});

test("a rule beyond ranges and choices is asked of every point of a design", () => {
  const model = defineModel({
    name: "particular",
    parameters: parameters.refine(({ x }) => x !== 0.5, "x is one half"),
    results,
    simulate: ({ x }) => ({ y: x }),
  });
  expect(attempt(model as unknown as Model, { x: 0.5 })).toMatchObject({
    failure: { cause: "invalid parameters", message: "result: x is one half" },
  });
  expect(attempt(model as unknown as Model, { x: 0.25 })).toMatchObject({ results: { y: 0.25 } });
});

test("a transform changes every point of a design", () => {
  const model = defineModel({
    name: "doubling",
    parameters: z.object({ x: z.number().overwrite((x) => 2 * x) }),
    results,
    simulate: ({ x }) => ({ y: x }),
  });
  expect(attempt(model as unknown as Model, { x: 0.25 })).toMatchObject({ results: { y: 0.5 } });
});
