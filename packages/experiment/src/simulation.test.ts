import { describe, expect, test } from "vitest";
import { z } from "zod";
import { UnableError } from "./failures.ts";
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

describe("whatever is thrown fails this simulation alone", () => {
  const broken = () => {
    throw new Error("The rule broke.");
  };
  const answer = { y: 0.5 };
  const failure = { cause: "threw", message: "Error: The rule broke." };

  test.each([
    ["at once", () => answer],
    ["later", async () => answer],
  ])("by a rule for the results of a model that answers %s", async (_, simulate) => {
    const model = defineModel({
      name: "judged",
      parameters,
      results: results.refine(broken),
      simulate,
    });
    expect(await attempt(model as unknown as Model, { x: 0.5 })).toMatchObject({ failure });
  });

  test("by a rule for the parameters", () => {
    const model = defineModel({
      name: "judging",
      parameters: parameters.refine(broken),
      results,
      simulate: () => answer,
    });
    expect(attempt(model as unknown as Model, { x: 0.5 })).toMatchObject({ failure });
  });

  test.each([
    ["a text", "No convergence.", "No convergence."],
    ["an object that has no text", Object.create(null), "It threw what has no text."],
  ])("%s", (_, thrown, message) => {
    const model = defineModel({
      name: "throwing",
      parameters,
      results,
      simulate() {
        throw thrown;
      },
    });
    expect(attempt(model as unknown as Model, { x: 0.5 })).toMatchObject({
      failure: { cause: "threw", message },
    });
  });
});

describe("a model that cannot work here fails no simulation", () => {
  const unable = () => {
    throw new UnableError("No licence.");
  };

  test.each([
    ["its function", { parameters, results, simulate: async () => unable() }],
    [
      "a rule for its results",
      { parameters, results: results.refine(unable), simulate: async () => ({ y: 0 }) },
    ],
    [
      "a rule for its parameters",
      { parameters: parameters.refine(unable), results, simulate: () => ({ y: 0 }) },
    ],
  ])("when %s says so", async (_, definition) => {
    const model = defineModel({ name: "unable", ...definition });
    await expect(async () => attempt(model as unknown as Model, { x: 0.5 })).rejects.toThrow(
      UnableError,
    );
  });
});
