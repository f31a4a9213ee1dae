/**
 * The setup job: one ECS task that readies database, keys, tenant, admin and worker token. The engine's own programs do
 * the work; their images only hand them over, and one program of ours runs them, under a lock from the first to the
 * last: `hatchet-migrate`, of which several at once break each other's migrations, is alone at its database.
 * Safe to run any number of times, and several times at once.
 */
import { z } from "zod";
import { type ContainerTask, databaseUrlSource, setupProgram, sharedFolder } from "./containers.ts";
import type { EngineEnvironment } from "./engine-environment.ts";

/** The keys that a stage keeps for good; a generation of another name replaces them, once. */
export const keptGeneration = "kept";

const Shared = z.object({
  SHARED_FOLDER: z
    .string()
    .min(1)
    .describe("Where the task's containers hand files to each other."),
  DATABASE_CERTIFICATES: z
    .string()
    .optional()
    .describe(
      "Who signs for the database, in PEM; Amazon's certificates of the region when absent.",
    ),
  AWS_REGION: z.string().min(1).optional().describe("The region; set by ECS."),
});

// Written by engine-task.ts; read by apps/steward/src/setup/trust.ts.
export const TrustSettings = Shared;
export type TrustSettings = z.infer<typeof TrustSettings>;

// Written by engine-task.ts; read by apps/steward/src/setup/free.ts.
export const FreeSettings = Shared.extend({
  DATABASE_URL: z.string().min(1).describe("Secret. The engine's database."),
});

// Written here, with all of the engine's own environment; read by apps/steward/src/setup/set-up.ts.
export const SetupSettings = FreeSettings.extend({
  STAGE: z.string().min(1).describe("The stage that is set up."),
  SERVER_URL: z.url().describe("The engine's address, as it stands in every token."),
  SERVER_GRPC_BROADCAST_ADDRESS: z
    .string()
    .min(1)
    .describe("The engine's gRPC address, as it stands in every token."),
  KEYS_GENERATION: z.string().min(1).describe("Another one than before makes new keys, once."),
  ADMIN_EMAIL: z.email().describe("Whom one logs in as at the dashboard."),
  ADMIN_PASSWORD: z.string().min(8).describe("Secret. With which password."),
});
export type SetupSettings = z.infer<typeof SetupSettings>;

export function setupJob(input: {
  readonly stage: string;
  readonly engine: EngineEnvironment;
  readonly adminEmail: string;
  /** A name that no deploy had before, when OVERWRITE_CONFIG asks for new keys. */
  readonly keysGeneration?: string;
}): ContainerTask {
  const handsOver = ["migrate", "admin"] as const;
  return {
    containers: [
      ...handsOver.map((image) => ({
        name: image,
        image,
        command: ["/bin/cp", `/hatchet/hatchet-${image}`, sharedFolder],
        environment: {},
        secrets: {},
        after: [],
        essential: false,
        shared: "write" as const,
      })),
      {
        ...setupProgram("set-up", {
          environment: {
            ...input.engine.plain,
            STAGE: input.stage,
            ADMIN_EMAIL: input.adminEmail,
            KEYS_GENERATION: input.keysGeneration ?? keptGeneration,
          },
          secrets: { ...databaseUrlSource, ADMIN_PASSWORD: { secret: "admin-password" } },
        }),
        after: handsOver,
        essential: true,
      },
    ],
    readsAndWrites: ["engine-keys", "worker-token"],
  };
}
