/** The engine of a local stage: what must be done once before it starts, before each start, and how it is run. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  type EngineEnvironment,
  type EngineEnvironmentInput,
  type LocalStagePaths,
  UserError,
  adminEmail,
  endDeadSessions,
  engineEnvironment,
  filledEnvironment,
  freeWhatItHolds,
  keysetFiles,
  localAddresses,
  newCookieSecrets,
  servingTokenId,
  tenant,
  tokenIn,
} from "@hatchery/config";
import { query } from "./database.ts";
import type { EngineProgram } from "./engine-binaries.ts";
import { lastLines, logFile } from "./log-files.ts";
import type { Ports } from "./ports.ts";
import { type Running, launch, stageMark } from "./process.ts";
import { keptSecret, newPassword, writeSecret } from "./secrets.ts";

export interface Engine {
  readonly serverUrl: string;
  readonly grpcAddress: string;
  /** Migrates the database and makes tenant, admin and token; quick and harmless when all is there. */
  setUp(): Promise<void>;
  workerToken(): string;
  /** Frees what a dead engine holds. Only while no engine is alive. */
  freeDeadEngine(): Promise<void>;
  /** Gives what a dead worker had to others. Only while none of that name is alive. */
  freeDeadWorker(name: string): Promise<void>;
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
  const setupLog = logFile(paths, "setup");
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
        // By default as many threads as there are cores look for work of the engine, each time there is some: of two
        // cores, which are the simulations', that took 0.5 s a minute more.
        GOMAXPROCS: String(Math.ceil(availableParallelism() / 4)),
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
      masterKeyset: read(keysetFiles.masterKeyset),
      publicJwtKeyset: read(keysetFiles.publicJwtKeyset),
      privateJwtKeyset: read(keysetFiles.privateJwtKeyset),
    };
  }

  return {
    serverUrl,
    grpcAddress,
    async setUp() {
      const [keys] = await Promise.all([keysets(), runToEnd("hatchet-migrate", [])]);
      const cookieSecrets = keptSecret(join(paths.secrets, "cookie-secrets"), newCookieSecrets);
      const broker = brokerUrl === undefined ? "none" : "rabbitmq";
      const engine = engineEnvironment({
        addresses,
        ports,
        broker,
        place: "local",
        settings: input.settings,
      });
      environment = filledEnvironment(engine, {
        databaseUrl,
        ...(brokerUrl !== undefined && { brokerUrl }),
        ...keys,
        cookieSecrets,
      });
      if (await hasToken(paths.workerToken, databaseUrl, engine)) return;
      const more = {
        ADMIN_EMAIL: adminEmail({}),
        ADMIN_PASSWORD: keptSecret(join(paths.secrets, "admin-password"), newPassword),
      };
      await runToEnd("hatchet-admin", ["seed"], { more });
      await mintToken();
    },
    workerToken: () => readFileSync(paths.workerToken, "utf8"),
    freeDeadEngine: () => freeDeadEngine(databaseUrl),
    freeDeadWorker: (name) => freeDeadWorker(databaseUrl, name),
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
    const token = tokenIn(readFileSync(output, "utf8"));
    rmSync(output);
    if (token === undefined) throw new Error('"hatchet-admin token create" printed no token.');
    writeSecret(paths.workerToken, token);
  }
}

/** Whether the kept token names these addresses and is known to this database. */
async function hasToken(
  file: string,
  databaseUrl: string,
  engine: EngineEnvironment,
): Promise<boolean> {
  if (!existsSync(file)) return false;
  const id = servingTokenId(readFileSync(file, "utf8"), engine.plain, new Date());
  if (id === undefined) return false;
  const known = await query(databaseUrl, 'select 1 from "APIToken" where id = $1', [id]);
  return known.length > 0;
}

/** No engine of ours is alive here, and no other one has this database's password. */
async function freeDeadEngine(databaseUrl: string): Promise<void> {
  await query(databaseUrl, endDeadSessions);
  await query(databaseUrl, freeWhatItHolds);
}

/** The engine would wait 30 s for a heartbeat; like this it gives the worker's chunks to others within 2 s. */
async function freeDeadWorker(databaseUrl: string, name: string): Promise<void> {
  await query(
    databaseUrl,
    // A worker's full name ends with its host's. The engine may have seen its connection end before us: it is then
    // inactive already, and yet what it had waits for its last heartbeat to be 30 s old.
    `update "Worker" set "isActive" = false, "lastHeartbeatAt" = "lastHeartbeatAt" - interval '1 minute'
     where starts_with(name, $1 || '.') and "lastHeartbeatAt" > now() - interval '1 minute'`,
    [name],
  );
}

async function answersOk(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    (response) => response.ok,
    () => false,
  );
}
