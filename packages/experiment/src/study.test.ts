import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defineStudy, isSameDesign, stepExperiment, type StudyDefinition } from "./study.ts";

const definition: StudyDefinition = {
  name: "target",
  model: "pi",
  seed: 1,
  mostSteps: 20,
  next: () => ({ stop: "at once" }),
};

test("a study that says nothing of seeds and failures shares one seed and holds back at half", () => {
  expect(defineStudy(definition)).toMatchObject({ freshSeeds: false, maxFailures: 0.5 });
});

test("every problem of a definition is told at once", () => {
  const wrong = { ...definition, name: "My Study", seed: -1, mostSteps: 0, maxFailures: 2 };
  expect(() => defineStudy({ ...wrong, next: undefined as never })).toThrow(
    /My Study(?=[\s\S]*at name)(?=[\s\S]*at seed)(?=[\s\S]*at mostSteps)(?=[\s\S]*at maxFailures)(?=[\s\S]*at next)/,
  );
});

test("a step's experiment is named for the step alone", () => {
  expect(stepExperiment({ name: "target", id: "20261121-093000-k3f9", step: 7 })).toBe(
    "target/20261121-093000-k3f9-007",
  );
});

test("a design is the same after it was written and read, and is not when a number of it is another", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-3, max: 1e300 }),
      ),
      (fixed) => {
        const design = { kind: "random", simulations: 10, fixed, ranges: undefined };
        const written: unknown = JSON.parse(JSON.stringify(design));
        expect(isSameDesign(design, written)).toBe(true);
        const rounded = Object.entries(fixed).map(([name, value]) => [name, value * (1 + 1e-15)]);
        expect(isSameDesign({ ...design, fixed: Object.fromEntries(rounded) }, design)).toBe(true);
        for (const name of Object.keys(fixed)) {
          const other = { ...design, fixed: { ...fixed, [name]: fixed[name]! * (1 + 1e-6) } };
          expect(isSameDesign(other, design)).toBe(false);
        }
      },
    ),
  );
});

test("designs that differ in kind, in a name, or in having a list are not the same", () => {
  const grid = { kind: "grid", levels: { a: 3 } };
  expect(isSameDesign(grid, { ...grid, kind: "random" })).toBe(false);
  expect(isSameDesign(grid, { ...grid, levels: { b: 3 } })).toBe(false);
  expect(isSameDesign(grid, { ...grid, fixed: { b: 3 } })).toBe(false);
  expect(isSameDesign(grid, { stop: "why" })).toBe(false);
  expect(isSameDesign({ choices: [1, 2] }, { choices: [1] })).toBe(false);
});
