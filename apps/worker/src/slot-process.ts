/**
 * The process behind one slot: computes simulations, one after the other, and hands their rows to the worker.
 * Whatever a simulation does to its process costs that simulation alone; the worker starts a new process.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  attemptSimulation,
  createReturnedFiles,
  createRowBuffer,
  noFiles,
  openDesign,
  openPackWriter,
  openStore,
  peakBytesOfPrograms,
  randomStream,
  sourceHash,
  UnableError,
  type Attempt,
  type FailureCause,
  type Model,
  type Value,
} from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";
import { createRowWriter } from "./handover.ts";
import { handoverDescriptor, type FromSlot, type SlotJob, type ToSlot } from "./slot-protocol.ts";
import { startWatchdog } from "./watchdog.ts";

/**
 * Rows are handed over this often: what a crash can cost, and how soon a stop is heard. A hand-over costs about
 * 0.3 ms, and so about a thousandth of the time.
 */
const handOverMs = 200;
/** After a second without a crash, the simulation that ended the last process has been passed. */
const carefulMs = 1_000;
/** A program is ended at its limit and its slot lives on; should that not help, the slot goes with it. */
const programGraceSeconds = 5;
/** Checks against a schema give the same answer each time. */
const finalCauses: readonly FailureCause[] = [
  "invalid parameters",
  "invalid results",
  "file limit",
];

const watchdog = startWatchdog();
const writeRows = createRowWriter(handoverDescriptor);
let stopping = new AbortController();

function send(message: FromSlot): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

async function run(job: SlotJob, model: Model): Promise<void> {
  const store = await openStore(job.store);
  const design = await openDesign(model.parameterColumns, job.design, job.seed, store, job.ranges);
  const rows = createRowBuffer(model.parameterColumns, model.resultColumns);
  const { inputs = {}, files: spooling } = job;
  using spool = spooling && openPackWriter(spooling.spool, spooling.length);
  let end = 0;
  const handOver = async () => {
    const written = writeRows(rows.look(), end);
    end = written.end;
    rows.clear();
    await send({ kind: "rows", rows: written.handed, ...(spool && { spooled: spool.length }) });
  };
  const finish = (isStopped: boolean) =>
    send({
      kind: "end",
      isStopped,
      peakBytes: watchdog.peakBytes() + peakBytesOfPrograms(),
    });
  if (model.program === undefined) watchdog.limit(job.limits.seconds, job.limits.memoryBytes);
  // The memory is the program's, which is measured where it is started, and not that of this process.
  else watchdog.limit(job.limits.seconds + programGraceSeconds, Infinity);
  const startedAt = performance.now();
  let handedOverAt = startedAt;
  let isCareful = job.isCareful;

  for (const [first, count] of job.ranges)
    for (let i = first; i < first + count; i++) {
      const parameters = design.parameters(i);
      const givenUp = job.givenUp.get(i);
      if (givenUp === undefined) {
        if (isCareful) {
          await handOver();
          await send({ kind: "starting", simulation: i });
        }
        const pending = compute(i, parameters, (job.attemptsUsed.get(i) ?? 0) + 1);
        if (pending !== undefined) {
          await pending;
          // One that fails because it was told to stop has no row, and so none after it may have one.
          if (stopping.signal.aborted) {
            await handOver();
            return finish(true);
          }
        }
      } else rows.push(i, job.limits.attempts, 0, [parameters], givenUp);

      const now = performance.now();
      if (isCareful && now - startedAt < carefulMs) continue;
      if (!isCareful && now - handedOverAt < handOverMs) continue;
      isCareful = false;
      await handOver();
      await nextTurn();
      handedOverAt = performance.now();
      if (stopping.signal.aborted) return finish(true);
    }
  await handOver();
  return finish(false);

  /** Answers a promise only where the model does: awaiting one per simulation would cost more than a quick one takes. */
  function compute(
    i: number,
    parameters: Record<string, Value>,
    attempt: number,
  ): Promise<void> | undefined {
    watchdog.started(i);
    const from = performance.now();
    const tried = attemptSimulation(model, parameters, {
      random: randomStream(job.seed, i),
      signal: stopping.signal,
      log: (message) => void send({ kind: "log", simulation: i, message }),
      inputs,
      isLaidOut: job.design.kind !== "rows",
      files: spooling ? createReturnedFiles(spooling.limit, spooling.mostBytes) : noFiles,
    });
    return tried instanceof Promise ? tried.then(settle) : settle(tried);

    function settle({ results, failure, files }: Attempt): Promise<void> | undefined {
      const seconds = (performance.now() - from) / 1_000;
      watchdog.ended();
      if (failure === undefined) {
        if (files !== undefined) spool?.append(i, files);
        rows.push(i, attempt, seconds, [parameters, results]);
      }
      // What fails because it was told to stop has not failed: whoever takes the chunk next runs it.
      else if (stopping.signal.aborted) return undefined;
      else if (!finalCauses.includes(failure.cause) && attempt < job.limits.attempts)
        return compute(i, parameters, attempt + 1);
      else rows.push(i, attempt, seconds, [parameters], failure);
      return undefined;
    }
  }
}

/** The whole chunk fails with what is said here, and no simulation of it. */
function sendUnable(error: unknown): Promise<void> {
  const hint = error instanceof UnableError && error.hint !== undefined ? ` ${error.hint}` : "";
  const message = error instanceof Error ? error.message : String(error);
  return send({ kind: "unable", message: `${message}${hint}` });
}

async function main(): Promise<void> {
  const models = await loadModels(process.env["MODELS_MODULE"]);
  // Now, and not when it is asked for: the files may be others by then, and this process has loaded these.
  const sources = new Map(
    Object.entries(models).map(([name, model]) => [name, sourceHash(model)] as const),
  );
  process.on("message", (message: ToSlot) => {
    if (message.kind === "stop") return stopping.abort();
    const model = models[message.model];
    if (model === undefined)
      return void send({ kind: "unknown model", known: Object.keys(models) });
    const source = sources.get(message.model)!;
    if (message.source !== undefined && message.source !== source)
      return void send({ kind: "other source", source });
    stopping = new AbortController();
    // A design that cannot be opened is no fault of a simulation.
    return void run(message, model).catch((error: unknown) =>
      send({ kind: "unable", message: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole terminal group; the worker decides what becomes of its slots.
  process.on("SIGINT", () => undefined);
  await send({ kind: "ready" });
}

await main().catch(sendUnable);
