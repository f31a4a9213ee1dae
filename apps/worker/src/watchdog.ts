/**
 * Watchdog: a thread beside the simulation, which may be looping for ever, eating memory, or have lost its worker.
 * It can end the process even while the simulation never gives up the main thread.
 */
import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { verdictDescriptor, type Verdict } from "./slot-protocol.ts";

/** How often it looks: a tenth of a second late is nothing beside limits of seconds. */
const everyMs = 100;
/** The most that one look counts: between two that are further apart the machine slept, or was too busy for either thread. */
const mostPerLookMs = 1_000;

interface Shared {
  readonly clock: Float64Array;
  readonly parent: number;
}

// What stands where in the shared clock.
const startNumber = 0;
const simulationNumber = 1;
const limitSeconds = 2;
const limitBytes = 3;
const peakBytes = 4;

/** The start's number while nothing runs. */
const idle = 0;

export interface Watchdog {
  /** Limits of the simulations that follow. */
  limit(seconds: number, bytes: number): void;
  started(simulation: number): void;
  ended(): void;
  /** The most that this process has held since `limit`, as far as it was looked at: ten times a second, and now. */
  peakBytes(): number;
}

export function startWatchdog(): Watchdog {
  const clock = new Float64Array(new SharedArrayBuffer(5 * Float64Array.BYTES_PER_ELEMENT));
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { clock, parent: process.ppid } satisfies Shared,
  });
  thread.unref();
  let starts = 0;
  return {
    limit(seconds, bytes) {
      clock[limitSeconds] = seconds;
      clock[limitBytes] = bytes;
      clock[peakBytes] = 0;
    },
    started(simulation) {
      clock[simulationNumber] = simulation;
      clock[startNumber] = ++starts;
    },
    ended() {
      clock[startNumber] = idle;
    },
    peakBytes: () => Math.max(clock[peakBytes]!, process.memoryUsage.rss()),
  };
}

function watch({ clock, parent }: Shared): void {
  let lastSeen = idle;
  let ranMs = 0;
  let lookedAt = performance.now();
  setInterval(() => {
    // A worker that was killed leaves its slots to the system's first process.
    if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
    const start = clock[startNumber]!;
    const now = performance.now();
    // By its own looks and not by the clock, which goes on while the machine sleeps, and can be set.
    ranMs = start === lastSeen ? ranMs + Math.min(now - lookedAt, mostPerLookMs) : 0;
    lastSeen = start;
    lookedAt = now;
    if (start === idle) return;
    const bytes = process.memoryUsage.rss();
    if (bytes > clock[peakBytes]!) clock[peakBytes] = bytes;
    if (ranMs > clock[limitSeconds]! * 1_000)
      end("time limit", `It ran for more than ${clock[limitSeconds]} s.`);
    if (bytes > clock[limitBytes]!)
      end("memory limit", `Its process grew over ${Math.round(clock[limitBytes]! / 1e6)} MB.`);
  }, everyMs);

  function end(cause: Verdict["cause"], message: string): void {
    const verdict: Verdict = { simulation: clock[simulationNumber]!, cause, message };
    writeSync(verdictDescriptor, `${JSON.stringify(verdict)}\n`);
    process.kill(process.pid, "SIGKILL");
  }
}

if (!isMainThread) watch(workerData as Shared);
