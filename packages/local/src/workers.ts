/** The workers of a local stage: as many of each fleet as its file asks for, which the steward writes. */
import { existsSync, readFileSync } from "node:fs";
import {
  LocalFleetRequest,
  type LocalStagePaths,
  defaultFleet,
  localFleetFile,
} from "@hatchery/config";
import { writeAtomically } from "./atomic-file.ts";
import type { Engine } from "./engine.ts";
import { type Kept, keep, notStarted } from "./keeper.ts";
import { logFile, rotateLog } from "./log-files.ts";
import { sleep } from "./process.ts";
import { type Programs, settleMs } from "./programs.ts";
import type { LocalFleet } from "./stage.ts";

/** A worker that is scaled in may finish its simulation: it has the 25 s that it has on AWS, and a little. */
const drainWithinMs = 30_000;
/** When the stage stops it has less: what it has simulated is written as a partial part. */
const stopWithinMs = 8_000;
const fleetPollMs = 250;

interface Worker {
  readonly fleet: string;
  readonly kept: Kept;
  /** Resolves when it was started, or could not be. */
  readonly started: Promise<void>;
}

export interface Workers {
  readonly all: readonly Pick<Worker, "fleet" | "kept">[];
  /** As many as are there at first. Rejects with a UserError when one ends at once. */
  start(): Promise<void>;
  /** From here on the fleets' files say how many. */
  follow(): void;
  stop(): Promise<void>;
}

export function createWorkers(
  fleets: readonly LocalFleet[],
  paths: LocalStagePaths,
  engine: Engine,
  programs: Programs,
  onChange: (event: string) => void,
): Workers {
  const workers: Worker[] = [];
  /** Those that were asked to go and have not gone yet. */
  const leaving = new WeakSet<Worker>();
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;
  // The steward is the one writer from here on; an old request is not what these settings ask for.
  for (const fleet of fleets) writeRequest(localFleetFile(paths, fleet.name), atFirst(fleet));

  function scale(fleet: LocalFleet, desired: number): void {
    const staying = workers.filter((worker) => worker.fleet === fleet.name && !leaving.has(worker));
    for (const worker of staying.slice(desired).toReversed()) leave(worker);
    for (let count = staying.length; count < desired; count++) add(fleet);
  }

  function leave(worker: Worker): void {
    const { kept } = worker;
    leaving.add(worker);
    onChange(`${kept.name} leaves`);
    void kept.stop(drainWithinMs).then(() => {
      workers.splice(workers.indexOf(worker), 1);
      onChange(`${kept.name} has left`);
    });
  }

  function add(fleet: LocalFleet): void {
    const name = freeName(fleet);
    const log = logFile(paths, name);
    rotateLog(log);
    const kept = keep({
      name,
      // Without the database the worker starts all the same, and the engine finds out by itself.
      before: () => engine.freeDeadWorker(name).catch((error: unknown) => onChange(String(error))),
      launch: () => programs.launchWorker(name, fleet),
      readyWithinMs: 10_000,
      stopSignal: "SIGTERM",
      log,
      onChange,
    });
    // It rejects when the worker was asked to go before it was there.
    const started = kept.start().catch((error: unknown) => onChange(String(error)));
    workers.push({ fleet: fleet.name, kept, started });
  }

  /** "worker-2", or "big-2" in the fleet "big". */
  function freeName(fleet: LocalFleet): string {
    const used = new Set(workers.map(({ kept }) => kept.name));
    const word = fleet.name === defaultFleet ? "worker" : fleet.name;
    for (let number = 1; ; number++) if (!used.has(`${word}-${number}`)) return `${word}-${number}`;
  }

  return {
    all: workers,
    async start() {
      if (isStopping) return;
      for (const fleet of fleets) scale(fleet, atFirst(fleet));
      // Before its start each waits for the database, which may take longer than a program needs to end.
      await Promise.all(workers.map(({ started }) => started));
      await sleep(settleMs);
      const dead = workers
        .map(({ kept }) => kept)
        .find((each) => each.restarts > 0 || each.running === undefined);
      if (dead !== undefined)
        throw notStarted(dead.name, "it ended at once", logFile(paths, dead.name));
    },
    follow() {
      const seen = new Map<string, string>();
      // Polled: a watch on a file that is replaced by renaming is not reliable on every system.
      timer = setInterval(() => {
        for (const fleet of fleets) {
          const file = localFleetFile(paths, fleet.name);
          const text = existsSync(file) ? readFileSync(file, "utf8") : undefined;
          if (text === undefined || text === seen.get(fleet.name)) continue;
          seen.set(fleet.name, text);
          const request = parseRequest(text);
          if (request === undefined) onChange(`${file} is not a request: ${text}`);
          else scale(fleet, request.desired);
        }
      }, fleetPollMs);
    },
    async stop() {
      isStopping = true;
      clearInterval(timer);
      await Promise.all(workers.map(({ kept }) => kept.stop(stopWithinMs)));
    },
  };
}

const atFirst = (fleet: LocalFleet) => fleet.pin ?? fleet.min;

function writeRequest(file: string, desired: number): void {
  const request: LocalFleetRequest = { desired };
  writeAtomically(file, `${JSON.stringify(request)}\n`);
}

function parseRequest(text: string): LocalFleetRequest | undefined {
  try {
    return LocalFleetRequest.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
