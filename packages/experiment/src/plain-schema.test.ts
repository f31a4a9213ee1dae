import { expect, test } from "vitest";
import { z } from "zod";
import { isPlain } from "./plain-schema.ts";

test("ranges, choices, multiples, defaults and descriptions are plain", () => {
  const schema = z.object({
    ratio: z.number().min(0).max(1).default(0.4).describe("Share of the façade."),
    floors: z.int().min(1),
    step: z.number().multipleOf(0.5).gt(0).lt(10),
    isHeated: z.boolean().default(true),
    mass: z.enum(["light", "heavy"]),
    zone: z.literal(["a", "b"]),
  });
  expect(isPlain(schema)).toBe(true);
});

const number = z.number().min(0).max(1);

test.each([
  ["a refinement of the whole", z.object({ a: number }).refine(({ a }) => a !== 0.5)],
  ["a refinement of a field", z.object({ a: number.refine((a) => a !== 0.5) })],
  ["a refinement within a default", z.object({ a: number.refine((a) => a < 1).default(0.5) })],
  ["a transform", z.object({ a: number.transform((a) => 2 * a) })],
  ["another value in its place", z.object({ a: number.overwrite((a) => 2 * a) })],
  ["a union", z.object({ a: z.union([number, z.boolean()]) })],
  ["coercion", z.object({ a: z.coerce.number() })],
  ["a text", z.object({ a: z.string().trim() })],
  ["a value that may be absent", z.object({ a: number.optional() })],
  ["keys beside its own", z.looseObject({ a: number })],
])("%s is not plain", (_, schema) => {
  expect(isPlain(schema as z.ZodObject)).toBe(false);
});
