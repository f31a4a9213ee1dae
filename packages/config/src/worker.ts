/** What a worker and the steward are given by whoever starts them: infra on AWS, packages/local here. */
import { z } from "zod";

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
  MODELS_MODULE: z
    .string()
    .optional()
    .describe("A module that exports `models`; this repository's own when absent."),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type WorkerSettings = z.infer<typeof WorkerSettings>;

// Written by packages/local/src/supervisor.ts and apps/infra; read by apps/steward/src/main.ts.
export const StewardSettings = EngineConnection.extend({
  STAGE: z.string().min(1).describe("The stage this steward keeps."),
  STORE: z.string().min(1).describe("Where experiments are kept: a folder, or s3://bucket/prefix."),
  MAILBOX: z.string().min(1).describe("Where requests arrive: a folder, or an SQS queue's URL."),
  FLEET: z.string().min(1).describe("Whose size the steward sets: the local stage's fleet.json."),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});
export type StewardSettings = z.infer<typeof StewardSettings>;
