/** What the benchmarks compute: a kernel of known cost, and the sample model. */
import { createHash } from "node:crypto";
import { defineModel } from "@hatchery/experiment";
import { models as samples } from "@hatchery/models";
import { z } from "zod";

/** Costs `iterations` steps of computing and nothing else: work, not time, so that a shared core shows. */
const spinning = defineModel({
  name: "spinning",
  parameters: z.object({
    iterations: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .default(1),
    start: z.number().min(0).max(1),
  }),
  results: z.object({ value: z.number() }),
  limits: { seconds: 600 },
  simulate: ({ iterations, start }) => ({ value: spin(iterations, start) }),
});

/** Fits the processor's first cache; hashing it takes 8 µs or more, beside which the call into the library is nothing. */
const block = Buffer.alloc(16_384, 1);

/**
 * Hashing, which OpenSSL does in machine code. A loop in JavaScript took 0.09 to 0.26 ms for the same steps over doubles
 * and 0.7 to 1.4 over whole numbers, by what V8 had inlined it into, and so not the same in a bare loop and in a slot.
 */
export function spin(iterations: number, start: number): number {
  const hash = createHash("sha256").update(String(start));
  for (let k = 0; k < iterations; k++) hash.update(block);
  return hash.digest().readUInt32LE() / 2 ** 32;
}

export const models = { ...samples, spinning };
