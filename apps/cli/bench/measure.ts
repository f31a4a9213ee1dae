/** What every benchmark here is given and answers. One file per measure, one row per bar. */
import type { Machine } from "../test/command.ts";

export interface Row {
  readonly work: string;
  /** What is asked of it. */
  readonly bar: string;
  readonly measured: string;
  /** Null where nothing is asked, or where the short form is too small to tell. */
  readonly isMet: boolean | null;
  /** The same and more, for a machine. */
  readonly figures: Readonly<Record<string, number | string | readonly number[]>>;
}

export interface Bench {
  /** Too small for its figures to mean anything: shows that it works. */
  readonly isShort: boolean;
  readonly cores: number;
  /** A stage of its own in a folder of its own, up before the first measure that wants it. */
  readonly stage: () => Promise<Machine>;
}

export type Measure = (bench: Bench) => Promise<Row[]>;

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}

export const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const rounded = (value: number, digits = 3) => Number(value.toFixed(digits));

export const count = (value: number) => value.toLocaleString("en-US");

interface Experiment {
  readonly model: string;
  readonly simulations: number;
  /** Parameters that are fixed. */
  readonly fixed?: Readonly<Record<string, number>>;
}

/** Runs an experiment to its end on the benchmark's stage; throws unless all of it is done. */
export async function runExperiment(
  machine: Machine,
  { model, simulations, fixed = {} }: Experiment,
): Promise<void> {
  const set = Object.entries(fixed).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const words = ["run", model, "-n", String(simulations), ...set, "--json"];
  const { code, out, talk } = await machine.hatchery(...words);
  if (code !== 0) throw new Error(talk);
  const { done } = JSON.parse(out) as { done: number };
  if (done !== simulations) throw new Error(`${model}: ${done} of ${simulations} done.`);
}
