/**
 * Replay: one simulation of an experiment again, from its manifest alone, held against the row that is stored.
 * In this process, where a debugger can stop inside the model; in a slot of its own where that would end the CLI.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { UserError, exitCodes } from "@hatchery/config";
import {
  attemptSimulation,
  bytesOf,
  createReturnedFiles,
  createRowBuffer,
  findRow,
  localInputs,
  manifestColumns,
  noFiles,
  openDesign,
  randomStream,
  rowValues,
  type Column,
  type Failure,
  type FailureCause,
  type Manifest,
  type Model,
  type Rows,
  type Store,
  type Value,
} from "@hatchery/experiment";
import type { Io } from "./io.ts";
import { count } from "./progress-line.ts";

/** What became of a simulation. */
export interface Outcome {
  readonly outcome: "done" | "failed";
  readonly results?: Readonly<Record<string, Value | null>>;
  readonly failure?: Failure;
}

export interface Difference {
  /** A parameter, a result, "outcome", "cause" or "fingerprint". */
  readonly name: string;
  readonly stored: Value | null;
  readonly replayed: Value | null;
}

/** The keys are a contract with scripts. */
export interface Replay extends Outcome {
  readonly experiment: string;
  readonly simulation: number;
  readonly total: number;
  readonly model: string;
  readonly seed: number;
  /** "this": the CLI's own; "own": one that may end. */
  readonly process: "this" | "own";
  readonly parameters: Readonly<Record<string, Value | null>>;
  /** Null when no worker has computed it yet. */
  readonly stored: Outcome | null;
  readonly differences: readonly Difference[];
  /** The stored row is there and has the same bytes, or the same cause and fingerprint. */
  readonly equal: boolean;
}

/** Causes that end, block or fill the process they happen in. */
const harmful: readonly FailureCause[] = ["crashed", "time limit", "memory limit"];

export interface ReplayOptions {
  /** In this process whatever the stored row says. */
  readonly inProcess?: boolean;
}

export async function replay(
  store: Store,
  manifest: Manifest,
  simulation: number,
  model: Model,
  options: ReplayOptions,
  io: Io,
): Promise<Replay> {
  const { experiment, total, seed } = manifest;
  if (!Number.isInteger(simulation) || simulation < 0 || simulation >= total)
    throw new UserError(
      `${experiment} has no simulation ${simulation}: they are numbered 0 to ${total - 1}.`,
      { exitCode: exitCodes.wrongUsage },
    );
  const stored = await findRow(store, manifest, simulation);
  const cause = stored?.failures[0]?.failure.cause;
  // What was never computed may have been lost because of what it does.
  const isHarmful = stored === undefined || (cause !== undefined && harmful.includes(cause));
  const inOwn = isHarmful && options.inProcess !== true;
  const replayed = inOwn
    ? await computeApart(store, experiment, simulation, io)
    : await computeHere(store, manifest, simulation, model, io);
  const columns = manifestColumns(manifest);
  const differences =
    stored === undefined
      ? []
      : differencesOf(stored, replayed, columns.parameters, columns.results);
  return {
    experiment,
    simulation,
    total,
    model: manifest.model,
    seed,
    process: inOwn ? "own" : "this",
    parameters: rowValues(replayed, columns.parameters, 0),
    ...outcomeOf(replayed, columns.parameters, columns.results),
    stored: stored === undefined ? null : outcomeOf(stored, columns.parameters, columns.results),
    differences,
    equal: stored !== undefined && differences.length === 0,
  };
}

async function computeHere(
  store: Store,
  manifest: Manifest,
  simulation: number,
  model: Model,
  io: Io,
): Promise<Rows> {
  const columns = manifestColumns(manifest);
  const { seed } = manifest;
  const design = await openDesign(columns.parameters, manifest.design, seed, store, [
    [simulation, 1],
  ]);
  const parameters = design.parameters(simulation);
  await using inputs = await localInputs(store, manifest.inputs ?? {}, (line) => io.say(line));
  const { files: limit } = manifest.limits;
  const row = createRowBuffer(columns.parameters, columns.results, 1);
  // A loop in the model never gives the CLI's own handler a turn: Ctrl-C must end the process by itself.
  process.removeAllListeners("SIGINT");
  const onExit = () => {
    io.say(`Simulation ${simulation} ended this process, so there is nothing to compare.`);
    process.exitCode = exitCodes.workFailed;
  };
  process.once("exit", onExit);
  const { results, failure } = await attempt().finally(() => process.off("exit", onExit));
  if (failure === undefined) row.push(simulation, 1, 0, [parameters, results]);
  else row.push(simulation, 1, 0, [parameters], failure);
  return row.look();

  async function attempt() {
    return attemptSimulation(model, parameters, {
      random: randomStream(seed, simulation),
      signal: io.interrupted,
      log: (message) => io.say(`simulation ${simulation}: ${message}`),
      inputs: inputs.paths,
      files: limit === undefined ? noFiles : createReturnedFiles(limit, bytesOf(limit)),
    });
  }
}

/** The same slot as on a stage, with its watchdog and the experiment's limits. */
async function computeApart(
  store: Store,
  experiment: string,
  simulation: number,
  io: Io,
): Promise<Rows> {
  const program = fileURLToPath(new URL("../../worker/src/replay.ts", import.meta.url));
  const child = fork(program, [store.address, experiment, String(simulation)], {
    env: io.environment,
    // A debugger of the CLI is not one of its children: they would wait for it for ever.
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let row: Rows | undefined;
  child.on("message", (message) => (row = message as Rows));
  createInterface({ input: child.stderr! }).on("line", (line) => io.say(line));
  await once(child, "close");
  if (row !== undefined) return row;
  if (io.interrupted.aborted)
    throw new UserError("The replay was left.", { exitCode: exitCodes.interrupted });
  throw new UserError(
    `Simulation ${simulation} of ${experiment} could not be replayed in a process of its own: see the lines above.`,
    { hint: `In this process:  pnpm hatchery replay ${experiment} ${simulation} --in-process` },
  );
}

function outcomeOf(row: Rows, parameters: readonly Column[], results: readonly Column[]): Outcome {
  const failure = row.failures[0]?.failure;
  return failure === undefined
    ? { outcome: "done", results: rowValues(row, results, parameters.length) }
    : { outcome: "failed", failure };
}

function differencesOf(
  stored: Rows,
  replayed: Rows,
  parameters: readonly Column[],
  results: readonly Column[],
): Difference[] {
  const differences: Difference[] = [];
  const compare = (
    names: readonly string[],
    before: Readonly<Record<string, Value | null>>,
    now: Readonly<Record<string, Value | null>>,
  ) => {
    for (const name of names)
      // Bit by bit: 0 and −0 differ.
      if (!Object.is(before[name], now[name]))
        differences.push({ name, stored: before[name]!, replayed: now[name]! });
  };
  const facts = (row: Rows) => {
    const failure = row.failures[0]?.failure;
    return {
      outcome: failure === undefined ? "done" : "failed",
      cause: failure?.cause ?? null,
      fingerprint: failure?.fingerprint ?? null,
    };
  };
  compare(
    parameters.map(({ name }) => name),
    rowValues(stored, parameters, 0),
    rowValues(replayed, parameters, 0),
  );
  compare(["outcome", "cause", "fingerprint"], facts(stored), facts(replayed));
  const bothDone = stored.failures.length === 0 && replayed.failures.length === 0;
  if (bothDone)
    compare(
      results.map(({ name }) => name),
      rowValues(stored, results, parameters.length),
      rowValues(replayed, results, parameters.length),
    );
  return differences;
}

export function replayText(answer: Replay): string {
  const { experiment, simulation, total, seed, parameters, results, failure } = answer;
  const where = answer.process === "this" ? "in this process" : "in a process of its own";
  const names = Object.keys({ ...parameters, ...results });
  const width = Math.max(...names.map((name) => name.length));
  const lines = (record: Readonly<Record<string, Value | null>>) =>
    Object.entries(record).map(([name, value]) => `  ${name.padEnd(width)}  ${show(value)}`);
  return [
    `${experiment}, simulation ${simulation} of ${count(total)}, seed ${seed}, ${where}.`,
    "Parameters",
    ...lines(parameters),
    ...(failure === undefined
      ? ["Results", ...lines(results!)]
      : [`Failed: ${failure.cause} (${failure.fingerprint})`, `  ${failure.message}`]),
    verdict(answer),
  ].join("\n");
}

function verdict({ stored, equal, failure, differences }: Replay): string {
  if (stored === null) return "No row is stored to compare it with: it has not run.";
  if (equal)
    return failure === undefined
      ? "Equal to the stored row, to the last bit."
      : "Equal to the stored row: the same cause and fingerprint.";
  const changed = differences.map(
    ({ name, stored: before, replayed }) =>
      `  ${name}: stored ${show(before)}, now ${show(replayed)}`,
  );
  return [
    "Not equal to the stored row:",
    ...changed,
    ...(stored.failure === undefined ? [] : [`  It said: ${stored.failure.message}`]),
  ].join("\n");
}

function show(value: Value | null): string {
  if (value === null) return "none";
  return Object.is(value, -0) ? "-0" : String(value);
}
