/** The engine of a local stage: what must be done once before it starts, before each start, and how it is run. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import {
  type EngineEnvironmentInput,
  type LocalStagePaths,
  UserError,
  adminEmail,
  engineEnvironment,
  filledEnvironment,
  localAddresses,
} from "@hatchery/config";
import { query } from "./database.ts";
import type { EngineProgram } from "./engine-binaries.ts";
import { lastLines } from "./keeper.ts";
import type { Ports } from "./ports.ts";
import { type Running, launch, stageMark } from "./process.ts";
import { keptSecret, newPassword, writeSecret } from "./secrets.ts";

/** The tenant that `hatchet-admin seed` makes: a stage has one. */
export const tenant = "707d0855-80ab-4e1f-a156-f1c4546cbf52";

export interface Engine {
  readonly serverUrl: string;
  readonly grpcAddress: string;
  /** Migrates the database and makes tenant, admin and token; quick and harmless when all is there. */
  setUp(): Promise<void>;
  workerToken(): string;
  /** Frees what a dead engine holds. Only while no engine is alive. */
  freeDeadEngine(): Promise<void>;
  launchEngine(log: string): Running;
  launchApi(log: string): Running;
  engineReady(): Promise<boolean>;
  apiReady(): Promise<boolean>;
}

export function createEngine(input: {
  readonly paths: LocalStagePaths;
  readonly folder: string;
  readonly ports: Ports;
  readonly databaseUrl: string;
  readonly brokerUrl: string | undefined;
  readonly settings: EngineEnvironmentInput["settings"];
}): Engine {
  const { paths, folder, ports, databaseUrl, brokerUrl } = input;
  const addresses = localAddresses(ports);
  const serverUrl = addresses.internalServerUrl;
  const grpcAddress = addresses.internalGrpcBroadcastAddress;
  const setupLog = join(paths.logs, "setup.log");
  /** Complete once `setUp` is done. */
  let environment: Readonly<Record<string, string>> = { DATABASE_URL: databaseUrl };

  function start(
    program: EngineProgram,
    options: readonly string[],
    log: string,
    more: Readonly<Record<string, string>> = {},
  ): Running {
    return launch({
      name: program,
      command: [join(folder, program), ...options],
      environment: {
        ...environment,
        ...more,
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        // The name of its database sessions.
        SERVER_OTEL_SERVICE_NAME: program,
        ...stageMark(paths.folder),
      },
      // They read database.yaml and server.yaml of the folder they run in; here are none.
      folder: paths.folder,
      log,
      signalOnOurDeath: "SIGKILL",
    });
  }

  async function runToEnd(
    program: EngineProgram,
    options: readonly string[],
    { log = setupLog, more = {} }: { log?: string; more?: Readonly<Record<string, string>> } = {},
  ): Promise<void> {
    const how = await start(program, options, log, more).exited;
    if (how !== "exit code 0")
      throw new UserError(
        `Setting up the engine failed: "${program} ${options.join(" ")}" ended with ${how}.\n\n${lastLines(setupLog, 5)}`,
        { hint: `The whole log: ${setupLog}` },
      );
  }

  async function keysets() {
    const kept = join(paths.secrets, "keysets");
    if (!existsSync(kept)) {
      const beside = `${kept}.new`;
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside, { recursive: true, mode: 0o700 });
      await runToEnd("hatchet-admin", ["keyset", "create-local-keys", "--key-dir", beside]);
      rmSync(join(beside, "public_handle_unencrypted_ec256.key"));
      renameSync(beside, kept);
    }
    const read = (name: string) => readFileSync(join(kept, name), "utf8");
    return {
      masterKeyset: read("master.key"),
      publicJwtKeyset: read("public_ec256.key"),
      privateJwtKeyset: read("private_ec256.key"),
    };
  }

  return {
    serverUrl,
    grpcAddress,
    async setUp() {
      const [keys] = await Promise.all([keysets(), runToEnd("hatchet-migrate", [])]);
      const cookieSecrets = keptSecret(
        join(paths.secrets, "cookie-secrets"),
        // One key to sign with, one to encrypt with.
        () => `${randomBytes(16).toString("hex")} ${randomBytes(16).toString("hex")}`,
      );
      const broker = brokerUrl === undefined ? "none" : "rabbitmq";
      environment = filledEnvironment(
        engineEnvironment({ addresses, ports, broker, place: "local", settings: input.settings }),
        { databaseUrl, ...(brokerUrl !== undefined && { brokerUrl }), ...keys, cookieSecrets },
      );
      if (await hasToken(paths.workerToken, databaseUrl, serverUrl, grpcAddress)) return;
      const more = {
        ADMIN_EMAIL: adminEmail({}),
        ADMIN_PASSWORD: keptSecret(join(paths.secrets, "admin-password"), newPassword),
      };
      await runToEnd("hatchet-admin", ["seed"], { more });
      await mintToken();
    },
    workerToken: () => readFileSync(paths.workerToken, "utf8"),
    freeDeadEngine: () => freeDeadEngine(databaseUrl),
    launchEngine: (log) => start("hatchet-engine", [], log),
    launchApi: (log) => start("hatchet-api", [], log),
    engineReady: () => answersOk(`http://127.0.0.1:${ports.health}/ready`),
    apiReady: () => answersOk(`${serverUrl}/api/ready`),
  };

  async function mintToken(): Promise<void> {
    const output = join(paths.secrets, "minting");
    rmSync(output, { force: true });
    // Ten years: the token dies with its stage, not on a date.
    const options = ["token", "create", "--name", "hatchery", "--tenant-id", tenant];
    await runToEnd("hatchet-admin", [...options, "--expiresIn", "87600h"], { log: output });
    const token = /^ey[\w-]+\.[\w-]+\.[\w-]+$/m.exec(readFileSync(output, "utf8"))?.[0];
    rmSync(output);
    if (token === undefined) throw new Error('"hatchet-admin token create" printed no token.');
    writeSecret(paths.workerToken, token);
  }
}

/** Whether the kept token names these addresses and is known to this database. */
async function hasToken(
  file: string,
  databaseUrl: string,
  serverUrl: string,
  grpcAddress: string,
): Promise<boolean> {
  if (!existsSync(file)) return false;
  const payload = readFileSync(file, "utf8").split(".")[1] ?? "";
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as {
    token_id: string;
    server_url: string;
    grpc_broadcast_address: string;
  };
  if (claims.server_url !== serverUrl || claims.grpc_broadcast_address !== grpcAddress)
    return false;
  const known = await query(databaseUrl, 'select 1 from "APIToken" where id = $1', [
    claims.token_id,
  ]);
  return known.length > 0;
}

/**
 * Takes from a dead engine what a new one would otherwise wait for: the tenant's partitions for a minute, leases for
 * 30 s, what its workers were at for as long as their heartbeats go on, and operations that were rare in a quiet hour
 * for up to 30 s. A first task then flows after 2 s. With a second engine alive this would give its work to two.
 */
async function freeDeadEngine(databaseUrl: string): Promise<void> {
  // No engine of ours is alive here, and no other one has this database's password. A session of the dead one may
  // still be at a statement, and would hold what it has locked.
  await query(
    databaseUrl,
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'hatchet-engine%'",
  );
  await query(
    databaseUrl,
    `update "Tenant" set "schedulerPartitionId" = null, "controllerPartitionId" = null, "workerPartitionId" = null;
     delete from "ControllerPartition"; delete from "SchedulerPartition"; delete from "TenantWorkerPartition";
     delete from "Lease"; delete from v1_operation_interval_settings;
     update "Worker" set "isActive" = false, "lastHeartbeatAt" = "lastHeartbeatAt" - interval '1 minute'`,
  );
}

async function answersOk(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.ok,
    () => false,
  );
}
