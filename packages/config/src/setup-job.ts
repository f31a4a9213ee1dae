/**
 * The setup job: one ECS task that readies database, keys, tenant, admin and worker token, in five containers, each
 * after the one before has ended well. Safe to run any number of times, and several times at once: every step keeps
 * what is there, and of several writers of one secret the first wins.
 */
import { z } from "zod";
import {
  type Container,
  type ContainerTask,
  databaseUrlSource,
  setupProgram,
  sharedFolder,
} from "./containers.ts";
import type { EngineEnvironment } from "./engine-environment.ts";
import { tenant, tokenLifetimeHours } from "./worker-token.ts";

/** The keys that a stage keeps for good; a generation of another name replaces them, once. */
export const keptGeneration = "kept";

/** What the containers hand on to each other in the shared folder. */
export const handedOn = {
  /** Folder with keysets fresh from `keys`, which `prepare` takes where the stage has none yet. */
  candidate: "candidate",
  /** Folder with the stage's keys, a file each. */
  keys: "keys",
  /** The name for a new token; absent when the one in Secrets Manager still serves. */
  mint: "mint",
  /** The version of the secret as which the new token is published. */
  version: "version",
  token: "token",
} as const;

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

// Written here; read by apps/steward/src/setup/{prepare,publish}.ts.
export const SetupSettings = FreeSettings.extend({
  STAGE: z.string().min(1).describe("The stage that is set up."),
  SERVER_URL: z.url().describe("The engine's address, as it stands in every token."),
  SERVER_GRPC_BROADCAST_ADDRESS: z
    .string()
    .min(1)
    .describe("The engine's gRPC address, as it stands in every token."),
  KEYS_GENERATION: z.string().min(1).describe("Another one than before makes new keys, once."),
});
export type SetupSettings = z.infer<typeof SetupSettings>;

// Written here; read by apps/steward/src/setup/publish.ts.
export const PublishSettings = SetupSettings.extend({
  ADMIN_EMAIL: z.email().describe("Whom one logs in as at the dashboard."),
  ADMIN_PASSWORD: z.string().min(8).describe("Secret. With which password."),
});
export type PublishSettings = z.infer<typeof PublishSettings>;

export function setupJob(input: {
  readonly stage: string;
  readonly engine: EngineEnvironment;
  readonly adminEmail: string;
  /** A name that no deploy had before, when OVERWRITE_CONFIG asks for new keys. */
  readonly keysGeneration?: string;
}): ContainerTask {
  const { plain } = input.engine;
  const own = {
    STAGE: input.stage,
    SERVER_URL: plain.SERVER_URL,
    SERVER_GRPC_BROADCAST_ADDRESS: plain.SERVER_GRPC_BROADCAST_ADDRESS,
    KEYS_GENERATION: input.keysGeneration ?? keptGeneration,
  };
  const admin = {
    environment: { ADMIN_EMAIL: input.adminEmail },
    secrets: { ...databaseUrlSource, ADMIN_PASSWORD: { secret: "admin-password" } },
  } as const;
  const containers: readonly Omit<Container, "after" | "essential">[] = [
    {
      name: "keys",
      image: "admin",
      command: ["/bin/sh", "-c", keysScript],
      environment: { SHARED_FOLDER: sharedFolder },
      secrets: {},
      shared: "write",
    },
    setupProgram("prepare", { environment: own, secrets: databaseUrlSource }),
    {
      name: "migrate",
      image: "migrate",
      command: ["/hatchet/hatchet-migrate"],
      environment: {},
      secrets: databaseUrlSource,
      shared: "read",
    },
    {
      name: "admin",
      image: "admin",
      command: ["/bin/sh", "-c", adminScript],
      environment: { ...plain, ...admin.environment, SHARED_FOLDER: sharedFolder },
      secrets: admin.secrets,
      shared: "write",
    },
    setupProgram("publish", {
      environment: { ...own, ...admin.environment },
      secrets: admin.secrets,
    }),
  ];
  return {
    containers: containers.map((container, index) => ({
      ...container,
      after: containers.slice(Math.max(0, index - 1), index).map(({ name }) => name),
      // The last one: when an earlier one fails it cannot start, and the task ends.
      essential: index === containers.length - 1,
    })),
    readsAndWrites: ["engine-keys", "worker-token"],
  };
}

// Made every time, for they cost nothing; `prepare` has the say whether they are taken.
const keysScript = `set -eu
umask 077
mkdir -p "$SHARED_FOLDER/${handedOn.candidate}"
exec /hatchet/hatchet-admin keyset create-local-keys --key-dir "$SHARED_FOLDER/${handedOn.candidate}"`;

// Of several jobs at once all but one may find that another has just made the tenant: their next try finds it there.
const adminScript = `set -eu
umask 077
cd "$SHARED_FOLDER"
export SERVER_ENCRYPTION_MASTER_KEYSET_FILE="$PWD/${handedOn.keys}/masterKeyset"
export SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET_FILE="$PWD/${handedOn.keys}/privateJwtKeyset"
export SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET_FILE="$PWD/${handedOn.keys}/publicJwtKeyset"
SERVER_AUTH_COOKIE_SECRETS="$(cat ${handedOn.keys}/cookieSecrets)"
export SERVER_AUTH_COOKIE_SECRETS
tries=1
until /hatchet/hatchet-admin seed; do
  [ "$tries" -lt 5 ] || exit 1
  sleep "$tries"
  tries=$((tries + 1))
done
if [ -f ${handedOn.mint} ]; then
  /hatchet/hatchet-admin token create --name "$(cat ${handedOn.mint})" \\
    --tenant-id ${tenant} --expiresIn ${tokenLifetimeHours}h > ${handedOn.token}
fi`;
