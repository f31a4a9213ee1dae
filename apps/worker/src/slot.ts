/**
 * Slot: one simulation at a time, in a process of its own.
 * Finds out which simulation ended its process, and goes on with the rest in a new one.
 */
import { fork, type ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import {
  createFailure,
  shortHash,
  type Failure,
  type FailureCause,
  type Rows,
} from "@hatchery/experiment";
import { createRowReader, openHandover } from "./handover.ts";
import type { FromSlot, SlotJob, ToSlot, Verdict } from "./slot-protocol.ts";

export type SlotWork = Omit<SlotJob, "kind" | "attemptsUsed" | "givenUp" | "isCareful">;

export interface SlotEvents {
  /** `spooled`: the length of the spool with their files, for a model that returns some. */
  rows(rows: Rows, spooled?: number): void;
  log(line: string): void;
  /** The most memory that the slot's process and its programs have held. */
  peak?(bytes: number): void;
}

export interface Slot {
  /** Computes all of it, or what it can before `stop` aborts. Rejects only when the slot itself cannot work. */
  run(work: SlotWork, events: SlotEvents, stop: AbortSignal): Promise<"finished" | "stopped">;
  close(): void;
}

/** A stop is heard within 0.2 s or at the end of the simulation; a longer one is cut off, so that the worker is gone within 25 s. */
const stopGraceMs = 15_000;
/** Models load in a second or two; one that waits for what never comes would hold its slot for ever. */
const loadSeconds = 60;

type Ranges = SlotJob["ranges"];

/** How one run of the process ended. */
type RunEnd =
  | { readonly kind: "finished" }
  | { readonly kind: "stopped" }
  | { readonly kind: "unable"; readonly message: string }
  /** What the process has loaded is not what the work is for, as the message says. */
  | { readonly kind: "other models"; readonly message: string; readonly isNew: boolean }
  | {
      readonly kind: "died";
      /** Unknown when several simulations may have done it. */
      readonly simulation: number | undefined;
      readonly cause: FailureCause;
      readonly message: string;
      readonly isNew: boolean;
    };

export function createSlot(): Slot {
  let child: ChildProcess | undefined;
  /** Of whoever has the slot: its process outlives a run. */
  let log: SlotEvents["log"] = () => undefined;
  const handover = openHandover();
  const readRows = createRowReader(handover);

  async function run(work: SlotWork, events: SlotEvents, stop: AbortSignal) {
    const attemptsUsed = new Map<number, number>();
    const givenUp = new Map<number, Failure>();
    let left = work.ranges;
    /** What comes after `left`, each in a new process. */
    const later: Ranges[] = [];
    let { files } = work;
    let isCareful = false;
    for (;;) {
      if (stop.aborted) return "stopped";
      const received = { rows: 0 };
      const end = await runOnce(
        {
          ...work,
          kind: "run",
          ranges: left,
          attemptsUsed,
          givenUp,
          isCareful,
          ...(files && { files }),
        },
        {
          ...events,
          rows(rows, spooled) {
            received.rows += rows.count;
            if (files !== undefined && spooled !== undefined) files = { ...files, length: spooled };
            events.rows(rows);
          },
        },
        stop,
      );
      if (end.kind === "stopped") return "stopped";
      if (end.kind === "finished") {
        const next = later.shift();
        if (next === undefined) return "finished";
        left = next;
        endProcess();
        continue;
      }
      if (end.kind === "unable") throw new Error(end.message);
      if (end.kind === "other models") {
        if (end.isNew) throw new Error(end.message);
        // It was started before the files were changed; a new process has them as they are.
        endProcess();
        continue;
      }
      if (stop.aborted) return "stopped";
      const first = firstToCompute(left, givenUp);
      left = after(left, received.rows);
      const simulation =
        end.simulation ?? (left.length === 1 && left[0]![1] === 1 ? left[0]![0] : undefined);
      isCareful = simulation === undefined;
      if (simulation === undefined) continue;
      // Another may have left that memory behind. It is no attempt, and the simulation is the first of the next process.
      if (end.cause === "memory limit" && !(end.isNew && simulation === first)) {
        const position = positionOf(simulation, left);
        if (position > 0) {
          later.unshift(after(left, position));
          left = upTo(left, position);
        }
        continue;
      }
      const used = (attemptsUsed.get(simulation) ?? 0) + 1;
      attemptsUsed.set(simulation, used);
      if (used >= work.limits.attempts)
        givenUp.set(simulation, createFailure(end.cause, end.message));
    }
  }

  async function runOnce(job: SlotJob, events: SlotEvents, stop: AbortSignal): Promise<RunEnd> {
    const isNew = child === undefined;
    log = (line) => events.log(line);
    const running = child ?? (await start(stop));
    if (running === undefined) return { kind: "stopped" };
    const settled = Promise.withResolvers<RunEnd>();
    let announced: number | undefined;
    let verdict: Verdict | undefined;
    let isHeapFull = false;

    const onMessage = (message: FromSlot) => {
      switch (message.kind) {
        case "rows":
          announced = undefined;
          events.rows(readRows(message.rows), message.spooled);
          break;
        case "starting":
          announced = message.simulation;
          break;
        case "log":
          events.log(`simulation ${message.simulation}: ${message.message}`);
          break;
        case "end":
          events.peak?.(message.peakBytes);
          settled.resolve({ kind: message.isStopped ? "stopped" : "finished" });
          break;
        case "unable":
          settled.resolve({ kind: "unable", message: message.message });
          break;
        case "unknown model":
          settled.resolve({
            kind: "other models",
            message: unknownModel(job, message.known),
            isNew,
          });
          break;
        case "other source":
          settled.resolve({
            kind: "other models",
            message: otherSource(job, message.source),
            isNew,
          });
          break;
        case "ready":
          break;
      }
    };
    const onVerdict = (line: string) => (verdict = JSON.parse(line) as Verdict);
    const onErrorLine = (line: string) => {
      // It is not the last line: V8's native stack follows it.
      if (/^FATAL ERROR: .*(heap out of memory|Allocation failed)/i.test(line)) isHeapFull = true;
    };
    // "close" comes after the last line of every pipe, "exit" need not.
    const onClose = (code: number | null, signal: string | null) => {
      settled.resolve(
        verdict === undefined
          ? {
              kind: "died",
              simulation: announced,
              ...describeExit(code, signal, isHeapFull),
              isNew,
            }
          : { kind: "died", ...verdict, isNew },
      );
    };
    let cutOff: NodeJS.Timeout | undefined;
    const onStop = () => {
      tell(running, { kind: "stop" });
      cutOff = setTimeout(() => running.kill("SIGKILL"), stopGraceMs);
    };

    const verdicts = lines(running.stdio[4] as Readable, onVerdict);
    const errors = lines(running.stderr!, onErrorLine);
    running.on("message", onMessage).once("close", onClose);
    stop.addEventListener("abort", onStop, { once: true });
    tell(running, job);
    if (stop.aborted) onStop();
    try {
      return await settled.promise;
    } finally {
      clearTimeout(cutOff);
      stop.removeEventListener("abort", onStop);
      running.off("message", onMessage).off("close", onClose);
      verdicts();
      errors();
    }
  }

  /** The process once it has loaded the models; none when it was stopped before. */
  async function start(stop: AbortSignal): Promise<ChildProcess | undefined> {
    const path = fileURLToPath(new URL("./slot-process.ts", import.meta.url));
    const started = fork(path, {
      serialization: "advanced",
      // Not the worker's own options: what they hold in memory would count for the simulation.
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc", "pipe", handover],
    });
    createInterface({ input: started.stdout! }).on("line", (line) => log(line));
    createInterface({ input: started.stderr! }).on("line", (line) => log(line));
    // From now on, so that one that never gets ready is ended too.
    child = started;
    // Between two runs nobody else hears of its end, and the next one would wait for ever.
    started.once("close", () => {
      if (child === started) child = undefined;
    });
    const ready = Promise.withResolvers<ChildProcess | undefined>();
    const onMessage = (message: FromSlot) => {
      if (message.kind === "ready") ready.resolve(started);
      if (message.kind === "unable") ready.reject(new Error(message.message));
    };
    const onClose = (code: number | null) =>
      ready.reject(new Error(`A slot's process ended with ${code} before it could start.`));
    const onStop = () => {
      endProcess();
      ready.resolve(undefined);
    };
    const onTimeOver = () =>
      ready.reject(new Error(`The models did not load within ${loadSeconds} s.`));
    const timeOver = setTimeout(onTimeOver, loadSeconds * 1_000);
    started.on("message", onMessage).once("close", onClose);
    stop.addEventListener("abort", onStop, { once: true });
    try {
      return await ready.promise;
    } catch (error) {
      endProcess();
      throw error;
    } finally {
      clearTimeout(timeOver);
      stop.removeEventListener("abort", onStop);
      started.off("message", onMessage).off("close", onClose);
    }
  }

  function endProcess(): void {
    child?.kill("SIGKILL");
    child = undefined;
  }

  return {
    run,
    close() {
      endProcess();
      closeSync(handover);
    },
  };
}

function unknownModel({ model }: SlotJob, known: readonly string[]): string {
  return `This worker has no model "${model}". It has: ${known.join(", ")}.`;
}

function otherSource({ model, source = "" }: SlotJob, here: string): string {
  return `The code of model "${model}" is ${shortHash(here)} on this worker, and not ${shortHash(source)}, with which the experiment was submitted. Bring that code back, or deploy it, and resume; or resume with --changed-code.`;
}

function tell(child: ChildProcess, message: ToSlot): void {
  // A process that has just died is noticed by its "close".
  if (child.connected) child.send(message, () => undefined);
}

/** The ranges without their first `count` simulations. */
function after(ranges: Ranges, count: number): Ranges {
  let skip = count;
  return ranges.flatMap(([first, length]): Ranges => {
    const skipped = Math.min(skip, length);
    skip -= skipped;
    return skipped === length ? [] : [[first + skipped, length - skipped]];
  });
}

/** The first `count` simulations of the ranges. */
function upTo(ranges: Ranges, count: number): Ranges {
  let missing = count;
  return ranges.flatMap(([first, length]): Ranges => {
    const taken = Math.min(missing, length);
    missing -= taken;
    return taken === 0 ? [] : [[first, taken]];
  });
}

/** How many simulations of the ranges come before this one; none when it is not among them. */
function positionOf(simulation: number, ranges: Ranges): number {
  let passed = 0;
  for (const [first, length] of ranges) {
    if (simulation >= first && simulation < first + length) return passed + simulation - first;
    passed += length;
  }
  return 0;
}

function firstToCompute(ranges: Ranges, givenUp: ReadonlyMap<number, Failure>): number | undefined {
  for (const [first, length] of ranges)
    for (let i = first; i < first + length; i++) if (!givenUp.has(i)) return i;
  return undefined;
}

function describeExit(
  code: number | null,
  signal: string | null,
  isHeapFull: boolean,
): { cause: FailureCause; message: string } {
  // V8 ends a process whose own heap is full, before the watchdog sees the whole process grow.
  if (isHeapFull) return { cause: "memory limit", message: "Its JavaScript heap was full." };
  const how = signal === null ? `exited with ${code}` : `was ended by ${signal}`;
  return { cause: "crashed", message: `Its process ${how}.` };
}

/** Calls `onLine` for each line; the answer stops that. */
function lines(stream: Readable, onLine: (line: string) => void): () => void {
  let rest = "";
  const onData = (data: Buffer) => {
    const pieces = (rest + data.toString("utf8")).split("\n");
    rest = pieces.pop()!;
    pieces.forEach(onLine);
  };
  stream.on("data", onData);
  return () => stream.off("data", onData);
}
