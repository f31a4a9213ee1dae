/**
 * The process that is a local stage: `node supervisor.ts <stage>`, started detached by stage.ts, which sends it its
 * instructions. It starts everything in order, writes stage.json on each change, starts again what dies, keeps as
 * many workers as each fleet's file asks for, and on SIGTERM stops everything in the opposite order.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  LocalFleetRequest,
  LocalStageState,
  type StewardFleet,
  StageSettings,
  type StewardSettings,
  UserError,
  type WorkerSettings,
  defaultFleet,
  localFleetFile,
  localStagePaths,
} from "@hatchery/config";
import { createBroker } from "./broker.ts";
import {
  answersQueries,
  createDatabase,
  databaseUrl,
  forgetDeadDatabase,
  launchDatabase,
  runningDatabase,
} from "./database.ts";
import { type Engine, createEngine } from "./engine.ts";
import { type Keep, type Kept, keep, notStarted } from "./keeper.ts";
import { releaseLock, takeLock } from "./lock.ts";
import { choosePorts } from "./ports.ts";
import { endStageProcesses, launch, sleep, stageMark } from "./process.ts";
import { keptSecret, newPassword } from "./secrets.ts";
import type { Instructions, LocalFleet, Report, Step, StepName } from "./stage.ts";

/** How long each part may take to stop: about 20 s in all, 3 s for those that are not named. */
const stopWithinMs: Readonly<Record<string, number>> = {
  // What it has simulated is written as a partial part.
  worker: 8_000,
  // Asked to go it first sleeps 5 s, for other engines to take its partitions over. There are none; what it has
  // buffered it writes meanwhile, and the next start frees the partitions.
  engine: 1_000,
};
/** A worker that is scaled in may finish its simulation: it has the 25 s that it has on AWS, and a little. */
const drainWithinMs = 30_000;
/** A program with a mistake in its settings or imports ends within this time. */
const settleMs = 300;
const fleetPollMs = 250;

/** Resolves when the message is on its way. Whoever started us may be gone; the stage goes on. */
function report(message: Report): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

function log(event: string): void {
  process.stdout.write(`${new Date().toISOString()} ${event}\n`);
}

process.once("message", (instructions: Instructions) => {
  void supervise(instructions).catch((error: unknown) => {
    log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  });
});

async function supervise(instructions: Instructions): Promise<void> {
  const { stage, home, settings, programs, engineFolder } = instructions;
  const paths = localStagePaths(stage, home);
  const holder = takeLock(paths.lock);
  if (holder !== undefined) {
    await report({ kind: "another", pid: holder });
    process.exit(0);
  }

  const startedAt = new Date().toISOString();
  const parts: Kept[] = [];
  const workers: Worker[] = [];
  let status: "starting" | "up" | "stopping" = "starting";
  let state: LocalStageState | undefined;
  let stopping: Promise<void> | undefined;
  /** Workers that were asked to go and have not gone yet. */
  const leaving = new WeakSet<Worker>();

  const stop = (): Promise<void> => (stopping ??= stopAll());
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      log(`${name} received`);
      void stop().then(() => process.exit(0));
    });

  try {
    await start();
  } catch (error) {
    if (stopping !== undefined) return;
    log(error instanceof Error ? (error.stack ?? error.message) : String(error));
    await stop();
    await report({
      kind: "failed",
      message: error instanceof Error ? error.message : String(error),
      ...(error instanceof UserError ? { hint: error.hint, exitCode: error.exitCode } : {}),
    });
    // Timers and sockets of what was half started must not keep us.
    process.exit(1);
  }
  if (stopping === undefined) await report({ kind: "ready" });
  if (process.connected) process.disconnect();

  async function start(): Promise<void> {
    for (const folder of [paths.mailbox, paths.logs, paths.store])
      mkdirSync(folder, { recursive: true });
    mkdirSync(paths.secrets, { recursive: true, mode: 0o700 });
    const leftOvers = await endStageProcesses(paths.folder, runningDatabase(paths));
    if (leftOvers > 0) log(`${leftOvers} processes of an earlier supervisor ended`);
    rmSync(paths.state, { force: true });
    forgetDeadDatabase(paths);

    rotate(logOf("setup"));
    const ports = await choosePorts(paths.folder, settings.ports ?? {});
    const passwordFile = join(paths.secrets, "database-password");
    const url = databaseUrl(ports.database, keptSecret(passwordFile, newPassword));
    const broker = settings.broker === "rabbitmq" ? createBroker(paths, ports) : undefined;
    const engine = createEngine({
      paths,
      folder: engineFolder,
      ports,
      databaseUrl: url,
      brokerUrl: broker?.url,
      settings: settings.engine ?? StageSettings.parse({}),
    });
    state = {
      stage,
      supervisorPid: process.pid,
      startedAt,
      status: "starting",
      broker: settings.broker,
      ports: { database: ports.database, grpc: ports.grpc, api: ports.api, health: ports.health },
      engine: { serverUrl: engine.serverUrl, grpcAddress: engine.grpcAddress },
      processes: [],
      workers: [],
    };
    writeState();

    const database = part({
      name: "database",
      launch: () => launchDatabase(paths, ports.database, logOf("database")),
      isReady: () => answersQueries(url),
      // Recovery after a kill reads up to 2 GB of log.
      readyWithinMs: 60_000,
      stopSignal: "SIGINT",
    });
    const brokerParts = broker && [
      part({
        name: "broker-names",
        launch: () => broker.launchNames(logOf("broker-names")),
        isReady: () => broker.namesReady(),
        readyWithinMs: 10_000,
        stopSignal: "SIGTERM",
      }),
      part({
        name: "broker",
        launch: () => broker.launchServer(logOf("broker")),
        isReady: () => broker.serverReady(),
        readyWithinMs: 60_000,
        stopSignal: "SIGTERM",
      }),
    ];
    const engineParts = [
      part({
        name: "engine",
        before: () => engine.freeDeadEngine(),
        launch: () => engine.launchEngine(logOf("engine")),
        isReady: () => engine.engineReady(),
        readyWithinMs: 60_000,
        stopSignal: "SIGTERM",
      }),
      part({
        name: "api",
        launch: () => engine.launchApi(logOf("api")),
        isReady: () => engine.apiReady(),
        readyWithinMs: 60_000,
        stopSignal: "SIGTERM",
      }),
    ];

    await Promise.all([
      (async () => {
        await step("database", async () => {
          await createDatabase(paths, passwordFile);
          await database.start();
        });
        await step("migrating", () => engine.setUp());
      })(),
      brokerParts &&
        step("broker", async () => {
          for (const each of brokerParts) await each.start();
        }),
    ]);
    await step("engine", () => Promise.all(engineParts.map((each) => each.start())));
    await startPrograms(engine);
    // A stop may have begun meanwhile; then this stage never was up.
    if (stopping !== undefined) return;
    status = "up";
    writeState();
    keepFleets(engine);
    if (settings.idleMinutes) stopWhenIdle(settings.idleMinutes);
  }

  async function startPrograms(engine: Engine): Promise<void> {
    const steward = part({
      name: "steward",
      launch() {
        const own: Written<StewardSettings> = {
          ...connection(engine),
          MAILBOX: paths.mailbox,
          FLEETS: JSON.stringify(settings.fleets.map(toldToSteward)),
        };
        // A dataset is moved from there into the store, which costs nothing on one disk; the system's own folder may be
        // memory. What a killed steward has left goes.
        rmSync(paths.scratch, { recursive: true, force: true });
        mkdirSync(paths.scratch);
        return launchProgram("steward", programs.steward, { ...own, TMPDIR: paths.scratch });
      },
      isReady: settled(),
      readyWithinMs: 10_000,
      stopSignal: "SIGTERM",
    });
    // The steward is the one writer from here on; an old request is not what these settings ask for.
    for (const fleet of settings.fleets)
      writeAtomically(
        localFleetFile(paths, fleet.name),
        JSON.stringify({ desired: atFirst(fleet) }),
      );
    await Promise.all([
      step("steward", () => steward.start()),
      step("workers", async () => {
        for (const fleet of settings.fleets) scale(engine, fleet, atFirst(fleet));
        // Before its start each waits for the database, which may take longer than a program needs to end.
        await Promise.all(workers.map(({ started }) => started));
        await sleep(settleMs);
        const dead = workers
          .map(({ kept }) => kept)
          .find((each) => each.restarts > 0 || each.running === undefined);
        if (dead !== undefined) throw notStarted(dead.name, "it ended at once", logOf(dead.name));
      }),
    ]);
  }

  function toldToSteward(fleet: LocalFleet): StewardFleet {
    const at = `local:${localFleetFile(paths, fleet.name)}`;
    return { workerHourUsd: 0, ...fleet, labels: { ...fleet.labels }, at };
  }

  /** What both a worker and the steward are given. */
  function connection(engine: Engine) {
    const logLevel = process.env["LOG_LEVEL"];
    return {
      HATCHET_CLIENT_TOKEN: engine.workerToken(),
      HATCHET_CLIENT_API_URL: engine.serverUrl,
      HATCHET_CLIENT_SERVER_URL: engine.serverUrl,
      HATCHET_CLIENT_HOST_PORT: engine.grpcAddress,
      HATCHET_CLIENT_TLS_STRATEGY: "none",
      STAGE: stage,
      STORE: paths.store,
      ...(logLevel === undefined ? {} : { LOG_LEVEL: logLevel }),
    };
  }

  function launchProgram(
    name: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    return launch({
      name,
      command,
      environment: { ...passedOn(), ...environment, ...stageMark(paths.folder) },
      log: logOf(name),
      // It has a queue to lose and nothing else: parts are written whole or not at all.
      signalOnOurDeath: "SIGKILL",
    });
  }

  function scale(engine: Engine, fleet: LocalFleet, desired: number): void {
    if (stopping !== undefined) return;
    const staying = workers.filter((worker) => worker.fleet === fleet.name && !leaving.has(worker));
    for (const worker of staying.slice(desired).toReversed()) {
      leaving.add(worker);
      log(`${worker.kept.name} leaves`);
      void worker.kept.stop(drainWithinMs).then(() => {
        workers.splice(workers.indexOf(worker), 1);
        writeState();
      });
    }
    for (let count = staying.length; count < desired; count++) {
      const name = freeName(fleet);
      const kept = keep({
        name,
        // Without the database the worker starts all the same, and the engine finds out by itself.
        before: () => engine.freeDeadWorker(name).catch((error: unknown) => log(String(error))),
        launch: () =>
          launchProgram(name, programs.worker, {
            ...connection(engine),
            WORKER_NAME: name,
            WORKER_SLOTS: String(fleet.slotsPerWorker),
            FLEET: fleet.name,
            ...(settings.inputCache !== undefined && { INPUT_CACHE: settings.inputCache }),
            ...(settings.modelsModule === undefined
              ? {}
              : { MODELS_MODULE: settings.modelsModule }),
          } satisfies Written<WorkerSettings>),
        readyWithinMs: 10_000,
        stopSignal: "SIGTERM",
        log: logOf(name),
        onChange: changed,
      });
      rotate(logOf(name));
      // It rejects when the worker was asked to go before it was there.
      const started = kept.start().catch((error: unknown) => log(String(error)));
      workers.push({ fleet: fleet.name, kept, started });
    }
  }

  /** "worker-2", or "big-2" in the fleet "big". */
  function freeName(fleet: LocalFleet): string {
    const used = new Set(workers.map(({ kept }) => kept.name));
    const word = fleet.name === defaultFleet ? "worker" : fleet.name;
    for (let number = 1; ; number++) if (!used.has(`${word}-${number}`)) return `${word}-${number}`;
  }

  /** Polled: a watch on a file that is replaced by renaming is not reliable on every system. */
  function keepFleets(engine: Engine): void {
    const seen = new Map<string, string>();
    const timer = setInterval(() => {
      if (stopping !== undefined) return clearInterval(timer);
      for (const fleet of settings.fleets) {
        const file = localFleetFile(paths, fleet.name);
        const text = existsSync(file) ? readFileSync(file, "utf8") : undefined;
        if (text === undefined || text === seen.get(fleet.name)) continue;
        seen.set(fleet.name, text);
        const request = parseFleet(text);
        if (request === undefined) log(`${file} is not a request: ${text}`);
        else scale(engine, fleet, request.desired);
      }
    }, fleetPollMs);
  }

  function stopWhenIdle(minutes: number): void {
    const limitMs = minutes * 60_000;
    let lastActive = Date.now();
    setInterval(
      () => {
        const isActive =
          hasFiles(join(paths.store, "stages", stage, "active"), "") ||
          // A refused message stays, under another ending.
          hasFiles(paths.mailbox, ".json");
        if (isActive) lastActive = Date.now();
        if (Date.now() - lastActive < limitMs) return;
        log(`no experiment for ${minutes} minutes`);
        void stop().then(() => process.exit(0));
      },
      Math.min(limitMs / 10, 10_000),
    );
  }

  async function stopAll(): Promise<void> {
    status = "stopping";
    writeState();
    await Promise.all(workers.map(({ kept }) => kept.stop(stopWithinMs["worker"]!)));
    // The order of starting, backwards; what one needs is there until it has gone.
    for (const each of parts.toReversed()) await each.stop(stopWithinMs[each.name] ?? 3_000);
    // What a worker that had to be killed has left: its slots, their programs.
    await endStageProcesses(paths.folder, undefined);
    rmSync(paths.scratch, { recursive: true, force: true });
    rmSync(paths.state, { force: true });
    log("stopped");
    releaseLock(paths.lock);
  }

  async function step(name: StepName, work: () => Promise<unknown>): Promise<void> {
    const begun = performance.now();
    const tell = (progress: Step["status"]) =>
      report({
        kind: "step",
        step: { name, status: progress, seconds: (performance.now() - begun) / 1000 },
      });
    void tell("started");
    await work();
    void tell("done");
  }

  function part(what: Omit<Keep, "log" | "onChange">): Kept {
    rotate(logOf(what.name));
    const kept = keep({ ...what, log: logOf(what.name), onChange: changed });
    parts.push(kept);
    return kept;
  }

  function changed(event: string): void {
    log(event);
    writeState();
  }

  function writeState(): void {
    // After the stage is gone nothing may bring its state back.
    if (state === undefined || (status === "stopping" && !existsSync(paths.state))) return;
    const isReady = status === "up" && parts.every((each) => each.isUp);
    const all = [...parts, ...workers.map(({ kept }) => kept)];
    const trouble = all.flatMap((kept) => kept.trouble ?? []);
    const { trouble: _, ...rest } = state;
    state = {
      ...rest,
      ...(trouble.length > 0 && { trouble }),
      status: status === "stopping" ? "stopping" : isReady ? "ready" : "starting",
      processes: describe(parts),
      workers: workers.flatMap(({ fleet, kept }) =>
        describe([kept]).map((process) => ({ ...process, fleet })),
      ),
    };
    writeAtomically(paths.state, JSON.stringify(LocalStageState.parse(state), undefined, 2));
  }

  function logOf(name: string): string {
    return join(paths.logs, `${name}.log`);
  }
}

function describe(kept: readonly Kept[]): LocalStageState["processes"] {
  return kept.flatMap(({ name, running, restarts }) =>
    running === undefined
      ? []
      : [{ name, pid: running.pid, startedAt: running.startedAt, restarts }],
  );
}

interface Worker {
  readonly fleet: string;
  readonly kept: Kept;
  /** Resolves when it was started, or could not be. */
  readonly started: Promise<void>;
}

const atFirst = (fleet: LocalFleet) => fleet.pin ?? fleet.min;

/** Settings as they stand in an environment: text. */
type Written<Settings> = { [Name in keyof Settings]?: string };

/** Ready when it has lived for a while. */
function settled(): () => Promise<boolean> {
  return async () => {
    await sleep(settleMs);
    return true;
  };
}

/** What a program needs of the user's own environment: to find programs and packages, to speak, to keep time. */
function passedOn(): Record<string, string> {
  const names =
    /^(PATH|HOME|USER|SHELL|LANG|LC_.*|TZ|TMPDIR|NODE_OPTIONS|NODE_COMPILE_CACHE|VIRTUAL_ENV|PYTHON.*|LD_LIBRARY_PATH)$/;
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => names.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}

function parseFleet(text: string): LocalFleetRequest | undefined {
  try {
    return LocalFleetRequest.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function hasFiles(folder: string, ending: string): boolean {
  return (
    existsSync(folder) &&
    readdirSync(folder, { recursive: true, withFileTypes: true }).some(
      (entry) => entry.isFile() && entry.name.endsWith(ending),
    )
  );
}

function writeAtomically(path: string, text: string): void {
  writeFileSync(`${path}.new`, `${text}\n`);
  renameSync(`${path}.new`, path);
}

/** Keeps the log of the stage's last life beside the new one. */
function rotate(path: string): void {
  if (existsSync(path) && statSync(path).size > 0) renameSync(path, `${path}.1`);
}
