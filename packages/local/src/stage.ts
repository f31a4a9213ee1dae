/** Starting, stopping and destroying a local stage, from the outside: what the CLI and the tests call. */
import { fork } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  type EngineEnvironmentInput,
  type ExitCode,
  type LocalStageState,
  UserError,
  exitCodes,
  hatcheryHome,
  isLocalStage,
  localStagePaths,
  readLocalStage,
} from "@hatchery/config";
import { brokerPrograms } from "./broker.ts";
import { postgresBinaries, runningDatabase } from "./database.ts";
import { engineBinaries } from "./engine-binaries.ts";
import { lastLines, logFile, rotateLog } from "./log-files.ts";
import { lockHolder } from "./lock.ts";
import type { RequestedPorts } from "./ports.ts";
import { endStageProcesses, sleep, startTime, unmarkedEnvironment } from "./process.ts";

/** Some of a stage's workers: how many there may be, and what a model may ask for. */
export interface LocalFleet {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** So many, until a person says otherwise; by the work between `min` and `max` when absent. */
  readonly pin?: number;
  readonly slotsPerWorker: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** What one worker costs in an hour, in USD; nothing when absent. */
  readonly workerHourUsd?: number;
}

export interface LocalSettings {
  readonly broker: "none" | "rabbitmq";
  readonly fleets: readonly LocalFleet[];
  /** A module that exports `models`; the repository's own when absent. */
  readonly modelsModule?: string;
  /** What the input files that this machine keeps may take, such as "10 GB". */
  readonly inputCache?: string;
  readonly ports?: RequestedPorts;
  /** The stage's ENGINE_ settings; their defaults when absent. */
  readonly engine?: EngineEnvironmentInput["settings"];
  /** The stage stops by itself after so long without an experiment; never when 0 or absent. */
  readonly idleMinutes?: number;
}

export type StepName =
  | "getting engine"
  | "database"
  | "broker"
  | "migrating"
  | "engine"
  | "steward"
  | "workers";

export interface Step {
  readonly name: StepName;
  readonly status: "started" | "done";
  /** Since the step started. */
  readonly seconds: number;
  /** What a long step is at. */
  readonly detail?: string;
}

// Written here; read by supervisor.ts.
export interface Instructions {
  readonly stage: string;
  readonly home: string;
  readonly settings: LocalSettings;
  readonly programs: { readonly worker: readonly string[]; readonly steward: readonly string[] };
  readonly engineFolder: string;
}

// Written by supervisor.ts; read here.
export type Report =
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "ready" }
  | { readonly kind: "another"; readonly pid: number }
  | {
      readonly kind: "failed";
      readonly message: string;
      readonly hint?: string | undefined;
      readonly exitCode?: ExitCode;
    };

/** Longer than the parts may take, one after the other, in supervisor.ts. */
const readyWithinMs = 180_000;
/** The supervisor's own bound is about 20 s, of which workers have 8. */
const stopWithinMs = 25_000;

/**
 * Starts a local stage, or finds it up, and resolves with its state once everything is ready. `onStep` hears each
 * step when it starts, when there is something to say, and when it is done. Rejects with a UserError that has the
 * reason and the log to read; nothing is then left running.
 */
export async function startLocalStage(options: {
  readonly stage: string;
  readonly home?: string;
  readonly settings: LocalSettings;
  readonly programs: { readonly worker: readonly string[]; readonly steward: readonly string[] };
  readonly onStep?: (step: Step) => void;
}): Promise<LocalStageState> {
  const { stage, settings, programs } = options;
  const home = options.home ?? hatcheryHome();
  const onStep = options.onStep ?? (() => undefined);
  checkStage(stage);
  const paths = localStagePaths(stage, home);
  let engineFolder: string | undefined;
  for (const deadline = Date.now() + readyWithinMs; ;) {
    if (lockHolder(paths.lock) !== undefined) {
      const state = readLocalStage(stage, home);
      if (state?.status === "ready") return state;
      if (Date.now() > deadline)
        throw new UserError(
          `Stage "${stage}" is up but not ready: a part of it ends again and again.`,
          { hint: `What happened: ${logFile(paths, "supervisor")}` },
        );
      await sleep(50);
      continue;
    }
    // Before anything is started: what is missing is said at once.
    postgresBinaries();
    if (settings.broker === "rabbitmq") brokerPrograms();
    engineFolder ??= await getEngine(onStep);
    await startSupervisor({ stage, home, settings, programs, engineFolder }, onStep);
  }
}

async function getEngine(onStep: (step: Step) => void): Promise<string> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const name = "getting engine";
  onStep({ name, status: "started", seconds: 0 });
  const folder = await engineBinaries({
    onProgress: (detail) => onStep({ name, status: "started", seconds: seconds(), detail }),
  });
  onStep({ name, status: "done", seconds: seconds() });
  return folder;
}

/** Resolves when the supervisor has brought the stage up, or has found another one at it. */
async function startSupervisor(
  instructions: Instructions,
  onStep: (step: Step) => void,
): Promise<void> {
  const paths = localStagePaths(instructions.stage, instructions.home);
  mkdirSync(paths.logs, { recursive: true });
  const logPath = logFile(paths, "supervisor");
  rotateLog(logPath);
  const log = openSync(logPath, "a", 0o600);
  const child = fork(join(import.meta.dirname, "supervisor.ts"), [instructions.stage], {
    detached: true,
    // A test runner's or a debugger's options are for this process.
    execArgv: [],
    env: unmarkedEnvironment(),
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  child.send(instructions);
  const end = await new Promise<Report>((resolve) => {
    child.on("message", (report: Report) => {
      if (report.kind === "step") onStep(report.step);
      else resolve(report);
    });
    child.once("exit", (code, signal) =>
      resolve({
        kind: "failed",
        message: `The supervisor of stage "${instructions.stage}" ended (${signal ?? `exit code ${code}`}).\n\n${lastLines(logPath, 5)}`,
        hint: `Its whole log: ${logPath}`,
      }),
    );
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (end.kind === "failed")
    throw new UserError(end.message, {
      ...(end.hint === undefined ? {} : { hint: end.hint }),
      ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    });
}

/** Stops a local stage, also one whose supervisor was killed; nothing of it is left running. */
export async function stopLocalStage(options: {
  readonly stage: string;
  readonly home?: string;
}): Promise<{ stopped: boolean }> {
  checkStage(options.stage);
  const paths = localStagePaths(options.stage, options.home ?? hatcheryHome());
  const supervisor = lockHolder(paths.lock);
  if (supervisor !== undefined) await endSupervisor(supervisor);
  const leftOvers = await endStageProcesses(paths.folder, runningDatabase(paths));
  for (const path of [paths.state, paths.lock]) rmSync(path, { force: true });
  return { stopped: supervisor !== undefined || leftOvers > 0 };
}

async function endSupervisor(pid: number): Promise<void> {
  const started = startTime(pid);
  const isThere = () => startTime(pid) === started;
  process.kill(pid, "SIGTERM");
  for (const deadline = Date.now() + stopWithinMs; isThere(); await sleep(20))
    if (Date.now() > deadline) process.kill(pid, "SIGKILL");
}

/** Stops a local stage and deletes its folder: database, secrets, logs. The store is kept. */
export async function destroyLocalStage(options: {
  readonly stage: string;
  readonly home?: string;
}): Promise<void> {
  await stopLocalStage(options);
  const { folder } = localStagePaths(options.stage, options.home ?? hatcheryHome());
  rmSync(folder, { recursive: true, force: true });
}

function checkStage(stage: string): void {
  // The name becomes a folder's.
  if (isLocalStage(stage) && /^[a-z0-9-]{1,40}$/.test(stage)) return;
  throw new UserError(
    `"${stage}" is not a stage on this machine. Its name must be "local" or begin with "local-", and have small letters, digits and "-" only.`,
    { exitCode: exitCodes.wrongUsage },
  );
}
