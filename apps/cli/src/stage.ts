/** A stage as the CLI reaches it: its store and its mailbox. Reading needs no engine, so it works after a teardown too. */
import { statfs } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  UserError,
  defaultFleet,
  exitCodes,
  givenSettings,
  isLocalStage,
  loadStageSettings,
  localStagePaths,
  readLocalStage,
  workspaceRoot,
  type LocalStageState,
} from "@hatchery/config";
import {
  createFolderMailbox,
  createFolderStore,
  type Mailbox,
  type Store,
} from "@hatchery/experiment";
import { startLocalStage, type Step } from "@hatchery/local";
import type { Io } from "./io.ts";
import { scaleFleet } from "./fleets.ts";
import { localFleets } from "./local-fleets.ts";
import { duration } from "./progress-line.ts";

export interface Stage {
  readonly name: string;
  readonly store: Store;
  readonly mailbox: Mailbox;
}

export function openStage(name: string): Stage {
  if (!isLocalStage(name))
    throw new UserError(
      `The stage "${name}" is not deployed: only stages on this machine are known here.`,
      {
        hint: 'Name a stage "local" or "local-…", or leave --stage out.',
        exitCode: exitCodes.stageNotUp,
      },
    );
  const paths = localStagePaths(name);
  return {
    name,
    store: createFolderStore(paths.store),
    mailbox: createFolderMailbox(paths.mailbox),
  };
}

/** The state of a stage that must be up. */
export function runningStage(name: string): LocalStageState {
  const state = readLocalStage(name);
  if (state !== undefined) return state;
  throw new UserError(`The stage "${name}" is not up.`, {
    hint: `Start it:  pnpm hatchery up${name === "local" ? "" : ` --stage ${name}`}`,
    exitCode: exitCodes.stageNotUp,
  });
}

export interface UpOptions {
  readonly workers?: number;
  readonly idleMinutes?: number;
}

/** A stage that nobody uses stops by itself after so long: a forgotten engine costs a few percent of a core. */
export const idleMinutes = 30;

/** Starts the stage if it is not up, saying each step that takes time. */
export async function bringUp(name: string, options: UpOptions, io: Io): Promise<LocalStageState> {
  const running = readLocalStage(name);
  if (running?.status === "ready") {
    const { workers } = options;
    if (workers !== undefined) {
      await scaleFleet(openStage(name), defaultFleet, String(workers));
      io.say(`Stage "${name}" is up; it is asked for ${workers} workers.`);
    }
    return running;
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
  const state = await startLocalStage({
    stage: name,
    settings: {
      broker: settings.BROKER === "rabbitmq" ? "rabbitmq" : "none",
      fleets: localFleets(settings, givenSettings(name, source), options.workers),
      idleMinutes: options.idleMinutes ?? idleMinutes,
      engine: settings,
      ports,
      ...(modelsModule !== undefined && { modelsModule }),
    },
    programs: { worker: program("worker"), steward: program("steward") },
    onStep: (step) => showStep(step, io),
  });
  io.say(`Stage "${name}" is up after ${duration((performance.now() - started) / 1_000)}.`);
  return state;
}

/** A finished step with its time, and a long one while it lasts. */
function showStep({ name, status, seconds, detail }: Step, io: Io): void {
  const line = `  ${name.padEnd(16)} ${duration(seconds)}${detail === undefined ? "" : `  ${detail}`}`;
  if (status === "done") io.say(line);
  else if (io.isTerminal) io.redraw(line.slice(0, io.columns));
}

function program(app: "worker" | "steward"): string[] {
  return [process.execPath, fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url))];
}

/** Refuses, before anything is written, what would not fit on the store's disk. */
export async function checkSpace(store: Store, neededBytes: number): Promise<void> {
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
