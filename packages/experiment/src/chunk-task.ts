/** The engine task: what the steward enqueues and a worker takes. Plain data, so that both declare the same. */
import { defaultFleet } from "@hatchery/config";
import { z } from "zod";

// Written by apps/steward; read by apps/worker.
export const ChunkInput = z.object({
  experiment: z.string(),
  round: z.int(),
  chunk: z.int(),
});
export type ChunkInput = z.infer<typeof ChunkInput>;

/** A lease that the worker renews while the chunk lives: the engine's one way to notice a lost completion. */
export const chunkLeaseSeconds = 300;

/** The task as the SDK wants it declared, but for its function. Each fleet has its own, and so its own queue. */
export const chunkTask = (fleet: string) =>
  ({
    name: fleet === defaultFleet ? "chunk" : `chunk-${fleet}`,
    /** The engine's default of 5 minutes cancels what waits longer; a queue of 50,000 chunks may wait for hours. */
    scheduleTimeout: "168h",
    executionTimeout: `${chunkLeaseSeconds}s`,
    /** An interrupted chunk comes back as a retry; a simulation's own attempts are counted in the chunk. */
    retries: 100,
    idempotency: {
      strategy: "ttl",
      expression: "input.experiment + '/' + string(input.round) + '/' + string(input.chunk)",
      ttlMs: 7 * 24 * 3_600_000,
    },
  }) as const;
