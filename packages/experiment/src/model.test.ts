import { expect, test } from "vitest";
import { z } from "zod";
import { defineModel } from "./model.ts";

const define = (parameters: z.ZodObject, results: z.ZodObject) => () =>
  defineModel({ name: "area", parameters, results, simulate: () => ({}) });

test("a field that may be absent is refused: its cell would hold what nobody computed", () => {
  const refused = define(
    z.object({ x: z.number(), label: z.string().optional() }),
    z.object({ y: z.number(), count: z.int().optional() }),
  );
  expect(refused).toThrow(/"label" may be absent[^]*"count" may be absent/);
  const filled = define(
    z.object({ x: z.number(), label: z.string().default("none") }),
    z.object({ y: z.number(), count: z.int().default(0) }),
  );
  expect(filled().resultColumns.map(({ name }) => name)).toEqual(["y", "count"]);
});

test("names that are one to SQL are refused", () => {
  expect(define(z.object({ T: z.number() }), z.object({ t: z.number() }))).toThrow(
    '"t" is there twice, as "T", which is the same to SQL',
  );
  expect(define(z.object({ x: z.number() }), z.object({ Seconds: z.number() }))).toThrow(
    '"Seconds" is a column that every dataset has',
  );
});

test("a definition without parameters or results is refused in words, beside its other problems", () => {
  const { parameters, results } = { parameters: z.object({}), results: z.object({}) };
  const model = { name: "Area", simulate: () => ({}) };
  const refused = (definition: object) => () => defineModel(definition as never);
  expect(refused({ ...model, parameters })).toThrow(
    /name "Area" must be[^]*\n {2}`results` must be there, and be a z\.object\(\{\.\.\.\}\)\.$/,
  );
  expect(refused({ ...model, results })).toThrow("`parameters` must be there");
  expect(refused({ ...model, parameters, results: { y: z.number() } })).toThrow("`results` must");
});
