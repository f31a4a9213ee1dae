import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { columnsOf, objectSchema } from "./columns.ts";
import { createDesign, type ComputedSettings } from "./design.ts";
import { isAllowed } from "./span.ts";

const columnOf = (field: z.ZodType) =>
  columnsOf(objectSchema(z.object({ x: field })), "Parameter")[0]!;

test.each([
  [
    z.number().gt(0).lt(1),
    { kind: "number", minimum: 0, maximum: 1, isMinimumOpen: true, isMaximumOpen: true },
  ],
  [z.number().min(0).lt(1), { kind: "number", minimum: 0, maximum: 1, isMaximumOpen: true }],
  [z.number().positive(), { kind: "number", minimum: 0, isMinimumOpen: true }],
  [z.int().gt(0).lt(10), { kind: "integer", minimum: 1, maximum: 9 }],
  [z.int(), { kind: "integer" }],
  [
    z.number().multipleOf(0.5).min(0).max(2),
    { kind: "number", minimum: 0, maximum: 2, multipleOf: 0.5 },
  ],
  [z.literal([1, 2.5]), { kind: "number", choices: [1, 2.5] }],
  [z.union([z.literal("a"), z.literal("b")]), { kind: "text", choices: ["a", "b"] }],
  [z.literal(true), { kind: "boolean", choices: [true] }],
  [z.enum(["a", "b"]), { kind: "text", choices: ["a", "b"] }],
])("a field's column takes what the field takes: %#", (field, expected) => {
  expect(columnOf(field)).toEqual({ name: "x", ...expected });
});

test("literals of several kinds are no column", () => {
  expect(() => columnOf(z.literal([1, "a"]))).toThrow(/cannot be a column/);
});

const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
/** Fields with what a design has to keep to, each satisfiable. */
const fields = fc.oneof(
  fc
    .tuple(bound, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.boolean(), fc.boolean())
    .map(([from, width, isOpenBelow, isOpenAbove]) => {
      const low = isOpenBelow ? z.number().gt(from) : z.number().min(from);
      return isOpenAbove ? low.lt(from + width) : low.max(from + width);
    }),
  fc
    .tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 3, max: 1e6 }))
    .map(([from, width]) =>
      z
        .int()
        .gt(from)
        .lt(from + width),
    ),
  fc
    .tuple(
      fc.constantFrom(0.1, 0.25, 0.3, 0.001, 2, 7, 1e-7),
      fc.integer({ min: -1_000, max: 1_000 }),
    )
    .map(([step, times]) =>
      z
        .number()
        .multipleOf(step)
        .gt(step * times)
        .max(step * (times + 20.5)),
    ),
  fc.uniqueArray(bound, { minLength: 1, maxLength: 5 }).map((values) => z.literal(values)),
  fc
    .tuple(fc.integer({ min: 2, max: 50 }), fc.integer({ min: -100, max: 100 }))
    .map(([step, from]) =>
      z
        .int()
        .multipleOf(step)
        .min(from)
        .max(from + 3 * step),
    ),
);

test("every value of every design is one that the model's schema takes", () => {
  fc.assert(
    fc.property(
      fields,
      fc.constantFrom<ComputedSettings["kind"]>("latin-hypercube", "sobol", "random", "grid"),
      fc.nat(),
      (field, kind, seed) => {
        const column = columnOf(field);
        const isOpen = column.isMinimumOpen || column.isMaximumOpen;
        const isVaried = column.choices === undefined;
        // The bounds of an open range are no levels, and a grid says so.
        if (kind === "grid" && isVaried && isOpen && column.multipleOf === undefined) return;
        const settings: ComputedSettings =
          kind === "grid" ? { kind, levels: isVaried ? { x: 2 } : {} } : { kind, simulations: 50 };
        const { total, parameters } = createDesign([column], settings, seed);
        for (let i = 0; i < total; i++) {
          const { x } = parameters(i);
          expect(isAllowed(column, x!)).toBe(true);
          expect(field.safeParse(x).error).toBeUndefined();
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("what a field does not take is refused before anything runs, and the message says what it takes", () => {
  const refusal = (field: z.ZodType, settings: Partial<ComputedSettings>) => () =>
    createDesign(
      [columnOf(field)],
      { kind: "random", simulations: 5, ...settings } as ComputedSettings,
      1,
    );
  const open = z.number().gt(0).max(1);
  expect(refusal(open, { fixed: { x: 0 } })).toThrow("must be a number above 0 and up to 1");
  expect(refusal(open, { ranges: { x: { minimum: 0, maximum: 1 } } })).toThrow("above 0");
  expect(refusal(open, { kind: "grid", levels: { x: 3 } })).toThrow("Give it a range");
  const half = z.number().multipleOf(0.5).min(0).max(2);
  expect(refusal(half, { fixed: { x: 0.7 } })).toThrow("must be a multiple of 0.5 from 0 to 2");
  expect(refusal(half, { kind: "grid", levels: { x: 6 } })).toThrow("only 5 multiples of 0.5");
  expect(refusal(z.literal([1, 2]), { fixed: { x: 3 } })).toThrow("must be one of 1, 2");
  expect(refusal(z.literal([1, 2]), { ranges: { x: { minimum: 1, maximum: 2 } } })).toThrow(
    "takes choices or a fixed value",
  );
  expect(refusal(z.number().multipleOf(5).min(1).max(4), {})).toThrow("there is none");
});

test("a grid takes a list of numbers as it takes any choice, and multiples at even distances", () => {
  const grid = createDesign(
    columnsOf(
      objectSchema(z.object({ a: z.literal([1, 4]), b: z.number().multipleOf(0.1).min(0).max(1) })),
      "Parameter",
    ),
    { kind: "grid", levels: { b: 3 } },
    1,
  );
  const points = Array.from({ length: grid.total }, (_, i) => Object.values(grid.parameters(i)));
  expect(points).toEqual([
    [1, 0],
    [1, 0.5],
    [1, 1],
    [4, 0],
    [4, 0.5],
    [4, 1],
  ]);
});
