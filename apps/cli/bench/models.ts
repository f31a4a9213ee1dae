/** What the benchmarks compute: a kernel of known cost, and the sample model. */
import { defineModel } from "@hatchery/experiment";
import { models as samples } from "@hatchery/models";
import { z } from "zod";

/** Costs `iterations` steps of arithmetic and nothing else: work, not time, so that a shared core shows. */
const spinning = defineModel({
  name: "spinning",
  parameters: z.object({
    iterations: z.int().min(1).max(1e12).default(1),
    start: z.number().min(0).max(1),
  }),
  results: z.object({ value: z.number() }),
  limits: { seconds: 600 },
  simulate: ({ iterations, start }) => ({ value: spin(iterations, start) }),
});

/** The logistic map: each step needs the one before, so no compiler can shorten it. */
export function spin(iterations: number, start: number): number {
  let x = start;
  for (let k = 0; k < iterations; k++) x = 3.999 * x * (1 - x);
  return x;
}

export const models = { ...samples, spinning };
