/** The stage's own programs, worker and steward: what each is told, and how it is launched. */
import { mkdirSync, rmSync } from "node:fs";
import {
  type LocalStagePaths,
  type StewardFleet,
  type StewardSettings,
  type WorkerSettings,
  localFleetFile,
} from "@hatchery/config";
import type { Engine } from "./engine.ts";
import { logFile } from "./log-files.ts";
import { type Running, launch, stageMark } from "./process.ts";
import type { Instructions, LocalFleet } from "./stage.ts";

/** One with a mistake in its settings or imports ends within this time. */
export const settleMs = 300;

export interface Programs {
  launchSteward(): Running;
  launchWorker(name: string, fleet: LocalFleet): Running;
}

export function createPrograms(
  { stage, settings, programs }: Instructions,
  paths: LocalStagePaths,
  engine: Engine,
): Programs {
  /** What both are told. */
  function connection() {
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
  ): Running {
    return launch({
      name,
      command,
      environment: { ...passedOn(), ...environment, ...stageMark(paths.folder) },
      log: logFile(paths, name),
      // It has a queue to lose and nothing else: parts are written whole or not at all.
      signalOnOurDeath: "SIGKILL",
    });
  }

  function toldToSteward(fleet: LocalFleet): StewardFleet {
    const at = `local:${localFleetFile(paths, fleet.name)}`;
    return { workerHourUsd: 0, ...fleet, labels: { ...fleet.labels }, at };
  }

  return {
    launchSteward() {
      const own: Written<StewardSettings> = {
        ...connection(),
        MAILBOX: paths.mailbox,
        FLEETS: JSON.stringify(settings.fleets.map(toldToSteward)),
      };
      // A dataset is moved from there into the store, which costs nothing on one disk; the system's own folder may be
      // memory. What a killed steward has left goes.
      rmSync(paths.scratch, { recursive: true, force: true });
      mkdirSync(paths.scratch);
      return launchProgram("steward", programs.steward, { ...own, TMPDIR: paths.scratch });
    },
    launchWorker: (name, fleet) =>
      launchProgram(name, programs.worker, {
        ...connection(),
        WORKER_NAME: name,
        WORKER_SLOTS: String(fleet.slotsPerWorker),
        FLEET: fleet.name,
        ...(settings.inputCache !== undefined && { INPUT_CACHE: settings.inputCache }),
        ...(settings.modelsModule !== undefined && { MODELS_MODULE: settings.modelsModule }),
      } satisfies Written<WorkerSettings>),
  };
}

/** Settings as they stand in an environment: text. */
type Written<Settings> = { [Name in keyof Settings]?: string };

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
