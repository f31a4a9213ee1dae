/** Keeps one process of a stage running: starts it, knows when it is ready, starts it again when it ends. */
import { UserError } from "@hatchery/config";
import { lastLines } from "./log-files.ts";
import { type Running, sleep } from "./process.ts";

export interface Keep {
  readonly name: string;
  /** What must be done before each start. */
  readonly before?: () => Promise<void>;
  readonly launch: () => Running;
  /** Resolves once when the process can be used; asked again and again until then. */
  readonly isReady?: () => Promise<boolean>;
  readonly readyWithinMs: number;
  readonly stopSignal: NodeJS.Signals;
  /** A process that lives so long is taken to be well: its next end is a first one. 30 s when absent. */
  readonly wellAfterMs?: number;
  readonly log: string;
  /** Told of every start, end and readiness. */
  readonly onChange: (event: string) => void;
}

export interface Kept {
  readonly name: string;
  readonly running: Running | undefined;
  readonly restarts: number;
  readonly isUp: boolean;
  /** A plain sentence when it ends again and again; gone once it stays up. */
  readonly trouble: string | undefined;
  /** Rejects with a UserError when the first start fails; later ones are tried for ever. */
  start(): Promise<void>;
  stop(withinMs: number): Promise<void>;
}

// A crash costs a tenth of a second; a program that cannot start costs one try each ten seconds.
const firstDelayMs = 100;
const longestDelayMs = 10_000;
const wellAfterMs = 30_000;
/** So many ends without having been well in between are told: one or two are a crash that a new start has cured. */
const endsInTrouble = 5;

export function keep(what: Keep): Kept {
  let running: Running | undefined;
  let restarts = 0;
  let isUp = false;
  let isStopping = false;
  let delayMs = firstDelayMs;
  /** When it ended, or could not be started, since it was last well. */
  const ends: number[] = [];

  async function startOnce(): Promise<Running> {
    await what.before?.();
    if (isStopping) throw new UserError(`The ${what.name} is being stopped.`);
    const started = what.launch();
    running = started;
    what.onChange(`${what.name} started as ${started.pid}`);
    await becomeReady(what, started);
    isUp = true;
    what.onChange(`${what.name} is ready`);
    if (ends.length > 0) watchRecovery(started);
    return started;
  }

  function watchRecovery(started: Running): void {
    const timer = setTimeout(() => {
      ends.length = 0;
      delayMs = firstDelayMs;
      what.onChange(`${what.name} stays up`);
    }, what.wellAfterMs ?? wellAfterMs);
    void started.exited.then(() => clearTimeout(timer));
  }

  async function watch(started: Running): Promise<void> {
    let current: Running | undefined = started;
    for (;;) {
      if (current !== undefined) {
        const how = await current.exited;
        isUp = false;
        if (!isStopping) ends.push(Date.now());
        what.onChange(`${what.name} ended (${how})`);
      }
      if (isStopping) return;
      await sleep(delayMs);
      delayMs = Math.min(delayMs * 2, longestDelayMs);
      if (isStopping) return;
      restarts++;
      current = await startOnce().catch((error: unknown) => {
        ends.push(Date.now());
        what.onChange(error instanceof Error ? error.message : String(error));
        return undefined;
      });
    }
  }

  return {
    name: what.name,
    get running() {
      return running?.hasExited() === false ? running : undefined;
    },
    get restarts() {
      return restarts;
    },
    get isUp() {
      return isUp;
    },
    get trouble() {
      if (ends.length < endsInTrouble) return undefined;
      const seconds = Math.ceil((ends.at(-1)! - ends[0]!) / 1_000);
      return `${what.name} has ended ${ends.length} times within ${seconds} s; see ${what.log}.`;
    },
    async start() {
      // Not awaited: it lasts as long as the stage. It cannot reject, each start in it is caught.
      void watch(await startOnce());
    },
    async stop(withinMs) {
      isStopping = true;
      isUp = false;
      await running?.stop(what.stopSignal, withinMs);
    },
  };
}

async function becomeReady(what: Keep, started: Running): Promise<void> {
  const deadline = Date.now() + what.readyWithinMs;
  for (;;) {
    const isReady = what.isReady === undefined || (await what.isReady());
    if (started.hasExited())
      throw notStarted(what.name, `it ended (${await started.exited})`, what.log);
    if (isReady) return;
    if (Date.now() > deadline) {
      await started.stop("SIGKILL", 0);
      throw notStarted(
        what.name,
        `it was not ready after ${what.readyWithinMs / 1000} s`,
        what.log,
      );
    }
    await sleep(25);
  }
}

/** What is thrown when a process does not start: why, and the end of its log. */
export function notStarted(name: string, why: string, log: string): UserError {
  const last = lastLines(log, 5);
  return new UserError(`The ${name} did not start: ${why}.${last === "" ? "" : `\n\n${last}`}`, {
    hint: `Its whole log: ${log}`,
  });
}
