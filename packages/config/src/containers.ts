/** The stage's containers on AWS that ready its engine or are it, as data: infra makes ECS task definitions of them. */

import type { EngineEnvironment, EngineSecret } from "./engine-environment.ts";

/** What Secrets Manager keeps for a stage. The setup job writes engine-keys and worker-token, nobody else; infra the rest. */
export const stageSecrets = [
  "database-url",
  "broker-url",
  "admin-password",
  "engine-keys",
  "worker-token",
] as const;
export type StageSecret = (typeof stageSecrets)[number];

export function secretName(stage: string, secret: StageSecret): string {
  return `hatchery/${stage}/${secret}`;
}

/** What shows a person the dashboard's password: Secrets Manager asks who they are. */
export function adminPasswordCommand(stage: string, region: string): string {
  return `aws secretsmanager get-secret-value --secret-id ${secretName(stage, "admin-password")} --query SecretString --output text --region ${region}`;
}

/** A secret, or one field of a secret that is JSON: `<arn>:<field>::` in a task definition. */
export interface SecretSource {
  readonly secret: StageSecret;
  readonly field?: string;
}

const engineSecretSources: Readonly<Record<EngineSecret, SecretSource>> = {
  databaseUrl: { secret: "database-url" },
  brokerUrl: { secret: "broker-url" },
  masterKeyset: { secret: "engine-keys", field: "masterKeyset" },
  privateJwtKeyset: { secret: "engine-keys", field: "privateJwtKeyset" },
  publicJwtKeyset: { secret: "engine-keys", field: "publicJwtKeyset" },
  cookieSecrets: { secret: "engine-keys", field: "cookieSecrets" },
};

/** What the engine's programs are told in secret, and where it is kept. */
export function secretsOf(environment: EngineEnvironment): Record<string, SecretSource> {
  return Object.fromEntries(
    Object.entries(environment.secret).map(([name, which]) => [name, engineSecretSources[which]]),
  );
}

export const databaseUrlSource = { DATABASE_URL: engineSecretSources.databaseUrl } as const;

/** Where the containers of one task hand files to each other: an empty volume of that task. */
export const sharedFolder = "/hatchery";
/** In it: the certificates of those who sign for the database, which the engine's images do not know. */
export const databaseCertificates = "database-ca.pem";

/** The database's address, with TLS and the server's name verified. */
export function databaseUrl(database: {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: string;
}): string {
  const { host, port, name, user, password } = database;
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${name}?sslmode=verify-full&sslrootcert=${sharedFolder}/${databaseCertificates}`;
}

/** `worker` is our own image, for worker, steward and setup; the others are the engine's. */
export type ContainerImage = "worker" | "migrate" | "admin" | "engine" | "dashboard";

export interface Container {
  readonly name: string;
  readonly image: ContainerImage;
  /** The image's own when absent. */
  readonly command?: readonly string[];
  /** The image's own when absent. */
  readonly user?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  /** Containers that must have ended well before it starts: `dependsOn`, condition SUCCESS. */
  readonly after: readonly string[];
  /** The task ends when this one does. */
  readonly essential: boolean;
  /** How it has the shared folder mounted. */
  readonly shared: "read" | "write";
}

export interface ContainerTask {
  /** In the order in which they start. */
  readonly containers: readonly Container[];
  /** What its programs read from and write to Secrets Manager themselves; injected secrets are not among these. */
  readonly readsAndWrites: readonly StageSecret[];
}

/**
 * A container that runs a program of apps/steward/src/setup from our image. As root, because a task's volume belongs
 * to root and the engine's images run as root.
 */
export function setupProgram(
  program: "set-up" | "free" | "trust",
  more: Pick<Container, "environment" | "secrets">,
): Omit<Container, "after" | "essential"> {
  return {
    name: program,
    image: "worker",
    command: ["node", `apps/steward/src/setup/${program}.ts`],
    user: "0",
    environment: { ...more.environment, SHARED_FOLDER: sharedFolder },
    secrets: more.secrets,
    shared: "write",
  };
}
