/** What a worker and the steward are given by whoever starts them: infra on AWS, packages/local here. */
import { z } from "zod";

/** The fleet that does not say its name: the one of the WORKER_* settings. */
export const defaultFleet = "default";

/** How to reach the engine. The names are the engine's own clients' (TypeScript and Go). */
export const EngineConnection = z.object({
  HATCHET_CLIENT_TOKEN: z.string().min(1).describe("Secret. Says who the worker is."),
  HATCHET_CLIENT_API_URL: z
    .url()
    .describe("The engine's REST address, as the TypeScript client reads it."),
  HATCHET_CLIENT_SERVER_URL: z.url().describe("The same address, as the other clients read it."),
  HATCHET_CLIENT_HOST_PORT: z
    .string()
    .regex(/^.+:\d+$/)
    .describe("The engine's gRPC address, host:port."),
  HATCHET_CLIENT_TLS_STRATEGY: z.enum(["none", "tls", "mtls"]).describe('"none" inside the stage.'),
});

// Written by packages/local/src/supervisor.ts and apps/infra; read by apps/worker/src/main.ts.
export const WorkerSettings = EngineConnection.extend({
  STAGE: z.string().min(1).describe("The stage this worker belongs to."),
  STORE: z.string().min(1).describe("Where experiments are kept: a folder, or s3://bucket/prefix."),
  WORKER_NAME: z
    .string()
    .min(1)
    .default("worker")
    .describe("How the worker is called in logs and parts."),
  WORKER_SLOTS: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .describe("Simulations at a time: one process each."),
  FLEET: z
    .string()
    .min(1)
    .default(defaultFleet)
    .describe("The worker's fleet: it takes the chunks of that fleet only."),
  INPUT_CACHE: z
    .templateLiteral([z.number(), " GB"])
    .default("10 GB")
    .describe("What the input files that a machine keeps for its workers may take."),
  MODELS_MODULE: z
    .string()
    .optional()
    .describe("A module that exports `models`; this repository's own when absent."),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type WorkerSettings = z.infer<typeof WorkerSettings>;

const workers = z.int().min(0);

/** A fleet as the steward is told of it. */
export const StewardFleet = z.strictObject({
  name: z.string().min(1),
  /** Where its size is set: `local:<fleet.json>`, or `ecs:<cluster>/<service>`. */
  at: z.string().regex(/^(local:.+|ecs:[^/]+\/[^/]+)$/),
  min: workers,
  max: workers,
  /** So many workers, whatever there is to do, until a person says otherwise. */
  pin: workers.optional(),
  slotsPerWorker: z.int().min(1),
  /** What one worker costs in an hour, in USD; 0 on this machine. */
  workerHourUsd: z.number().min(0),
  /** What a model may ask for. */
  labels: z.record(z.string(), z.string()).default({}),
});
export type StewardFleet = z.infer<typeof StewardFleet>;

const stewardFleets = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "must be JSON, a list of fleets." });
      return z.NEVER;
    }
  })
  .pipe(z.array(StewardFleet).min(1));

// Written by packages/local/src/supervisor.ts and apps/infra; read by apps/steward/src/main.ts.
export const StewardSettings = EngineConnection.extend({
  STAGE: z.string().min(1).describe("The stage this steward keeps."),
  STORE: z.string().min(1).describe("Where experiments are kept: a folder, or s3://bucket/prefix."),
  MAILBOX: z.string().min(1).describe("Where requests arrive: a folder, or an SQS queue's URL."),
  FLEETS: stewardFleets.describe("Whose sizes the steward sets, as JSON: a list of StewardFleet."),
  LEASE: z
    .string()
    .regex(/^(none|[^/,]+\/[^/,]+(,[^/,]+\/[^/,]+)*)$/)
    .default("none")
    .describe(
      'What sets the fleets to zero: schedules of EventBridge, "<group>/<schedule>" with commas between, or "none".',
    ),
  LEASE_HOURS: z.coerce
    .number()
    .min(1)
    .default(12)
    .describe("Hours after the last work when those schedules run."),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type StewardSettings = z.infer<typeof StewardSettings>;
