/** A stage as the CLI reaches it: its store and its mailbox. Reading needs no engine, so it works after a teardown too. */
import { statfs } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  UserError,
  checkStageName,
  defaultFleet,
  exitCodes,
  givenSettings,
  isLocalStage,
  loadStageSettings,
  localStagePaths,
  readLocalStage,
  workspaceRoot,
  type LocalStageState,
  type StackOutputs,
} from "@hatchery/config";
import { openMailbox, openStore, type Mailbox, type Store } from "@hatchery/experiment";
import { startLocalStage, type Step } from "@hatchery/local";
import type { ExperimentState } from "./experiments.ts";
import type { Io } from "./io.ts";
import { scaleFleet } from "./fleets.ts";
import { localFleets } from "./local-fleets.ts";
import { duration } from "./progress-line.ts";

export interface Stage {
  readonly name: string;
  readonly store: Store;
  /** Refuses to post where there is nobody to take it: for a stage on AWS that does not stand. */
  readonly mailbox: Mailbox;
  /** What the deploy told of it; only for a stage on AWS that stands. */
  readonly outputs?: StackOutputs;
  /** Why it takes no request; only for a stage on AWS that does not stand. */
  readonly notStanding?: UserError;
}

/** Refuses, before anything is written, what nobody would take. */
export function checkStanding({ notStanding }: Stage): void {
  if (notStanding !== undefined) throw notStanding;
}

/** The stage of a command that names none. */
export function defaultStage({ environment }: Io): string {
  return environment["SST_STAGE"] || "local";
}

/** What a further command needs to mean the same stage. */
export function stageOption(name: string, io: Io): string {
  return name === defaultStage(io) ? "" : ` --stage ${name}`;
}

/** A stage on AWS is asked for once in a command. */
const deployed = new Map<string, Promise<Stage>>();

export async function openStage(name: string, io: Io): Promise<Stage> {
  checkStageName(name);
  if (isLocalStage(name)) {
    const paths = localStagePaths(name);
    return {
      name,
      store: await openStore(paths.store),
      mailbox: await openMailbox(paths.mailbox),
    };
  }
  const opening =
    deployed.get(name) ??
    // Loads AWS's SDK: a command on this machine does without.
    import("./deployed-stage.ts").then(({ openDeployedStage }) => openDeployedStage(name, io));
  deployed.set(name, opening);
  return opening;
}

/** The stage that has an experiment: those of one machine share their store, so another may be asked for it. */
export async function openKeeper(
  asked: Stage,
  { manifest, progress }: Pick<ExperimentState, "manifest" | "progress">,
  io: Io,
): Promise<Stage> {
  const keeper = progress?.stage ?? manifest.stage;
  const isBeside = isLocalStage(asked.name) && isLocalStage(keeper) && keeper !== asked.name;
  return isBeside ? openStage(keeper, io) : asked;
}

/** Whether a stage is there to go on with its experiments. */
export async function isUp(name: string, io: Io): Promise<boolean> {
  if (isLocalStage(name)) return readLocalStage(name) !== undefined;
  const { isStanding } = await import("./deployed-stage.ts");
  return isStanding(name, io);
}

/** Refuses a stage on AWS for what only one on this machine has; `hint` is what there is instead. */
export function checkLocal(name: string, command: string, hint: string): void {
  checkStageName(name);
  if (isLocalStage(name)) return;
  throw new UserError(
    `"${name}" is a stage on AWS, and \`${command}\` is for stages on this machine, "local" and "local-…".`,
    { hint, exitCode: exitCodes.wrongUsage },
  );
}

/** The state of a stage that must be up. */
export function runningStage(name: string): LocalStageState {
  const state = readLocalStage(name);
  if (state !== undefined) return state;
  throw new UserError(`The stage "${name}" is not up.`, {
    hint: `Start it:  ${startCommand(name)}`,
    exitCode: exitCodes.stageNotUp,
  });
}

/** What a person types to have a stage up. */
export function startCommand(name: string): string {
  if (!isLocalStage(name)) return deployCommand(name);
  return `pnpm hatchery up${name === "local" ? "" : ` --stage ${name}`}`;
}

/** What a person types to see what a part of a stage has logged. */
export function logCommand(name: string, part: string): string {
  return isLocalStage(name)
    ? `pnpm hatchery logs ${part} --stage ${name}`
    : `aws logs tail /hatchery/${name}/${part} --follow`;
}

export const deployCommand = (name: string) => `SST_STAGE=${name} pnpm deploy --filter infra`;

export interface UpOptions {
  readonly workers?: number;
  readonly idleMinutes?: number;
}

/** A stage that nobody uses stops by itself after so long: a forgotten engine costs a few percent of a core. */
export const idleMinutes = 30;

/** Starts a stage on this machine if it is not up, saying each step that takes time; one on AWS must be. */
export async function bringUp(name: string, options: UpOptions, io: Io): Promise<void> {
  if (!isLocalStage(name) || readLocalStage(name)?.status === "ready") {
    const stage = await openStage(name, io);
    checkStanding(stage);
    const { workers } = options;
    if (workers === undefined) return;
    await scaleFleet(stage, defaultFleet, String(workers));
    io.say(`Stage "${name}" is up; it is asked for ${workers} workers.`);
    return;
  }
  const source = { root: workspaceRoot(), environment: io.environment };
  const settings = loadStageSettings(name, source);
  const started = performance.now();
  const modelsModule = io.environment["MODELS_MODULE"];
  const ports = {
    ...(settings.LOCAL_DATABASE_PORT !== undefined && { database: settings.LOCAL_DATABASE_PORT }),
    ...(settings.LOCAL_GRPC_PORT !== undefined && { grpc: settings.LOCAL_GRPC_PORT }),
    ...(settings.LOCAL_API_PORT !== undefined && { api: settings.LOCAL_API_PORT }),
  };
  await startLocalStage({
    stage: name,
    settings: {
      broker: settings.BROKER === "rabbitmq" ? "rabbitmq" : "none",
      fleets: localFleets(settings, givenSettings(name, source), options.workers),
      idleMinutes: options.idleMinutes ?? idleMinutes,
      engine: settings,
      ports,
      inputCache: settings.WORKER_INPUT_CACHE,
      ...(modelsModule !== undefined && { modelsModule }),
    },
    programs: { worker: program("worker"), steward: program("steward") },
    onStep: (step) => showStep(step, io),
  });
  io.say(`Stage "${name}" is up after ${duration((performance.now() - started) / 1_000)}.`);
}

/** A finished step with its time, and a long one while it lasts. */
function showStep({ name, status, seconds, detail }: Step, io: Io): void {
  const line = `  ${name.padEnd(16)} ${duration(seconds)}${detail === undefined ? "" : `  ${detail}`}`;
  if (status === "done") io.say(line);
  else if (io.isTerminal) io.redraw(line.slice(0, io.columns));
}

/**
 * V8 marks a worker's heap at the end of each chunk, though it is half empty: told not to begin before it is full, and
 * to leave young objects more room, the worker takes 0.9 s of CPU for 500,000 buildings in place of 1.3.
 */
const nodeOptions = {
  worker: ["--no-incremental-marking", "--min-semi-space-size=16"],
  steward: [],
};

function program(app: "worker" | "steward"): string[] {
  const main = fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
  return [process.execPath, ...nodeOptions[app], main];
}

/** Refuses, before anything is written, what would not fit on the store's disk. */
export async function checkSpace(store: Store, neededBytes: number): Promise<void> {
  // A bucket is never full.
  if (store.address.startsWith("s3://")) return;
  let folder = store.address;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < neededBytes)
    throw new UserError(
      `The store "${store.address}" has ${gigabytes(free)} free; this experiment needs about ${gigabytes(neededBytes)}.`,
      { hint: "Free space, choose another folder by HATCHERY_HOME, or ask for fewer simulations." },
    );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;
