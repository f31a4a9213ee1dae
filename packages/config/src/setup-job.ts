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
  ownProgram,
  sharedFolder,
} from "./containers.ts";
import type { EngineEnvironment } from "./engine-environment.ts";

/** The tenant that `hatchet-admin seed` makes: a stage has one. */
export const tenant = "707d0855-80ab-4e1f-a156-f1c4546cbf52";

/** A token lives for a year and is minted again in its last quarter: a stage deployed now and then never loses it. */
export const tokenLifetimeHours = 365 * 24;
export const mintAgainBelowHours = 90 * 24;

/** The keys that a stage keeps for good; another generation replaces them, once. */
export const keptGeneration = "kept";

/** What the containers hand on to each other. */
export const handedOn = {
  /** Keysets fresh from `keys`, which `prepare` takes where the stage has none yet. */
  candidate: `${sharedFolder}/candidate`,
  /** The stage's keys, a file each. */
  keys: `${sharedFolder}/keys`,
  /** The name for a new token; absent when the one in Secrets Manager still serves. */
  mint: `${sharedFolder}/mint`,
  token: `${sharedFolder}/token`,
} as const;

// Written by apps/infra; read by apps/steward/src/setup/.
export const SetupSettings = z.object({
  STAGE: z.string().min(1).describe("The stage that is set up."),
  DATABASE_URL: z.string().min(1).describe("Secret. The engine's database."),
  SERVER_URL: z.url().describe("The engine's address, as in every token."),
  SERVER_GRPC_BROADCAST_ADDRESS: z.string().min(1).describe("Its gRPC address, as in every token."),
  KEYS_GENERATION: z
    .string()
    .min(1)
    .default(keptGeneration)
    .describe("Another one than before makes new keys, once."),
});
export type SetupSettings = z.infer<typeof SetupSettings>;

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
    SERVER_URL: plain["SERVER_URL"]!,
    SERVER_GRPC_BROADCAST_ADDRESS: plain["SERVER_GRPC_BROADCAST_ADDRESS"]!,
    KEYS_GENERATION: input.keysGeneration ?? keptGeneration,
  };
  const shared = "write";
  const containers: readonly Omit<Container, "after" | "essential">[] = [
    {
      name: "keys",
      image: "admin",
      command: ["/bin/sh", "-c", keysScript],
      environment: {},
      secrets: {},
      shared,
    },
    {
      name: "prepare",
      ...ownProgram("prepare"),
      environment: own,
      secrets: databaseUrlSource,
      shared,
    },
    {
      name: "migrate",
      image: "migrate",
      command: ["/hatchet/hatchet-migrate"],
      environment: {},
      secrets: databaseUrlSource,
      shared,
    },
    {
      name: "admin",
      image: "admin",
      command: ["/bin/sh", "-c", adminScript],
      environment: { ...plain, ADMIN_EMAIL: input.adminEmail },
      secrets: { ...databaseUrlSource, ADMIN_PASSWORD: { secret: "admin-password" } },
      shared,
    },
    {
      name: "publish",
      ...ownProgram("publish"),
      environment: own,
      secrets: databaseUrlSource,
      shared,
    },
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
mkdir -p ${handedOn.candidate}
exec /hatchet/hatchet-admin keyset create-local-keys --key-dir ${handedOn.candidate}`;

// Of several jobs at once all but one may find that another has just made the tenant: the next try finds it there.
const adminScript = `set -eu
umask 077
export SERVER_ENCRYPTION_MASTER_KEYSET_FILE=${handedOn.keys}/masterKeyset
export SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET_FILE=${handedOn.keys}/privateJwtKeyset
export SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET_FILE=${handedOn.keys}/publicJwtKeyset
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
