/**
 * The process that is a local stage: `node supervisor.ts <stage>`, started detached by stage.ts, which sends it its
 * instructions. It starts everything in order, writes stage.json on each change, starts again what dies, keeps as
 * many workers as each fleet's file asks for, and on SIGTERM stops everything in the opposite order.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LocalStageState, StageSettings, UserError, localStagePaths } from "@hatchery/config";
import { writeAtomically } from "./atomic-file.ts";
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
import { type Keep, type Kept, keep } from "./keeper.ts";
import { releaseLock, takeLock } from "./lock.ts";
import { logFile, rotateLog } from "./log-files.ts";
import { choosePorts } from "./ports.ts";
import { endStageProcesses, sleep } from "./process.ts";
import { createPrograms, settleMs } from "./programs.ts";
import { keptSecret, newPassword } from "./secrets.ts";
import type { Instructions, Report, Step, StepName } from "./stage.ts";
import { createWorkers, type Workers } from "./workers.ts";

/** How long each part may take to stop: with the workers' 8 s about 20 s in all, 3 s for those that are not named. */
const stopWithinMs: Readonly<Record<string, number>> = {
  // Asked to go it first sleeps 5 s, for other engines to take its partitions over. There are none; what it has
  // buffered it writes meanwhile, and the next start frees the partitions.
  engine: 1_000,
};

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
  const { stage, home, settings, engineFolder } = instructions;
  const paths = localStagePaths(stage, home);
  const holder = takeLock(paths.lock);
  if (holder !== undefined) {
    await report({ kind: "another", pid: holder });
    process.exit(0);
  }

  const startedAt = new Date().toISOString();
  const parts: Kept[] = [];
  let workers: Workers | undefined;
  let status: "starting" | "up" | "stopping" = "starting";
  let state: LocalStageState | undefined;
  let stopping: Promise<void> | undefined;

  const logOf = (name: string) => logFile(paths, name);
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

    rotateLog(logOf("setup"));
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
    // A stop may have begun meanwhile; then this stage never was up.
    if (stopping !== undefined) return;
    await startPrograms(engine);
    if (stopping !== undefined) return;
    status = "up";
    writeState();
    workers!.follow();
    if (settings.idleMinutes) stopWhenIdle(settings.idleMinutes);
  }

  async function startPrograms(engine: Engine): Promise<void> {
    const programs = createPrograms(instructions, paths, engine);
    const steward = part({
      name: "steward",
      launch: () => programs.launchSteward(),
      // It is when it has lived for a while.
      isReady: () => sleep(settleMs).then(() => true),
      readyWithinMs: 10_000,
      stopSignal: "SIGTERM",
    });
    const own = createWorkers(settings.fleets, paths, engine, programs, changed);
    workers = own;
    await Promise.all([step("steward", () => steward.start()), step("workers", () => own.start())]);
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
    await workers?.stop();
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
    rotateLog(logOf(what.name));
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
    const computing = workers?.all ?? [];
    const all = [...parts, ...computing.map(({ kept }) => kept)];
    const trouble = all.flatMap((kept) => kept.trouble ?? []);
    const { trouble: _, ...rest } = state;
    state = {
      ...rest,
      ...(trouble.length > 0 && { trouble }),
      status: status === "stopping" ? "stopping" : isReady ? "ready" : "starting",
      processes: describe(parts),
      workers: computing.flatMap(({ fleet, kept }) =>
        describe([kept]).map((process) => ({ ...process, fleet })),
      ),
    };
    writeAtomically(paths.state, `${JSON.stringify(LocalStageState.parse(state), undefined, 2)}\n`);
  }
}

function describe(kept: readonly Kept[]): LocalStageState["processes"] {
  return kept.flatMap(({ name, running, restarts }) =>
    running === undefined
      ? []
      : [{ name, pid: running.pid, startedAt: running.startedAt, restarts }],
  );
}

function hasFiles(folder: string, ending: string): boolean {
  return (
    existsSync(folder) &&
    readdirSync(folder, { recursive: true, withFileTypes: true }).some(
      (entry) => entry.isFile() && entry.name.endsWith(ending),
    )
  );
}
