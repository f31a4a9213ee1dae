/**
 * Efficiency: wall time of a bare loop in one process per core ÷ wall time of `hatchery run`, same simulations, same
 * machine, taken in turn. The run counts all of it: submit, engine, database, ledger, merged results, report.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DesignSettings } from "@hatchery/experiment";
import { count, median, rounded, runExperiment, secondsOf } from "./measure.ts";
import type { Bench, Measure, Row } from "./measure.ts";
import { spin } from "./models.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const execute = promisify(execFile);

interface Work {
  readonly label: string;
  readonly model: string;
  readonly simulations: number;
  /** Parameters that are fixed. */
  readonly fixed: Record<string, number>;
  readonly bar: number;
}

const spinningBars = [
  [0.2, 0.9],
  [1, 0.95],
  [10, 0.97],
  [100, 0.97],
] as const;

/** The synthetic model, about 40 CPU-seconds of each: three pairs. */
export const spinning: Measure = async (bench) => {
  const iterations = await calibrate(bench.cores);
  const cpuSeconds = bench.isShort ? 4 : 40;
  const works = spinningBars.map(([milliseconds, bar]) => ({
    label: `spinning ${milliseconds} ms`,
    model: "spinning",
    simulations: Math.round((cpuSeconds * 1_000) / milliseconds),
    fixed: { iterations: iterations(milliseconds) },
    bar,
  }));
  return inTurn(works, bench, bench.isShort ? 1 : 3);
};

/** A million buildings. Pairs differ by 2 % and more, and the bar leaves 5 %: five pairs. */
export const million: Measure = (bench) =>
  inTurn(
    [
      {
        label: "building-energy",
        model: "building-energy",
        simulations: bench.isShort ? 10_000 : 1_000_000,
        fixed: {},
        bar: 0.95,
      },
    ],
    bench,
    bench.isShort ? 1 : 5,
  );

async function inTurn(works: readonly Work[], bench: Bench, pairs: number): Promise<Row[]> {
  const machine = await bench.stage();
  // Once, so that the first pair does not pay for what starts cold.
  await runExperiment(machine, {
    model: "spinning",
    simulations: 100,
    fixed: { iterations: 1_000 },
  });
  const rows: Row[] = [];
  for (const work of works) {
    const bare: number[] = [];
    const full: number[] = [];
    const sides = [
      async () => bare.push(await secondsOf(() => bareLoop(work, bench.cores))),
      async () => full.push(await secondsOf(() => runExperiment(machine, work))),
    ];
    // Each is first in every other pair: a machine that is getting slower favours neither.
    for (let pair = 0; pair < pairs; pair++)
      for (const side of pair % 2 === 0 ? sides : sides.toReversed()) await side();
    rows.push(rowOf(work, bare, full, bench));
  }
  return rows;
}

function rowOf(
  { label, simulations, bar }: Work,
  bare: readonly number[],
  full: readonly number[],
  { cores, isShort }: Bench,
): Row {
  const ratios = bare.map((one, pair) => one / full[pair]!);
  const efficiency = median(ratios);
  const spread =
    ratios.length === 1
      ? ""
      : ` (${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)})`;
  const bareMs = (1_000 * cores * median(bare)) / simulations;
  return {
    work: `${label}, ${count(simulations)} simulations: efficiency against a bare loop`,
    bar: `≥ ${bar}`,
    measured: `${efficiency.toFixed(3)}${spread}; loop ${median(bare).toFixed(2)} s, ${bareMs.toFixed(3)} ms each; hatchery ${median(full).toFixed(2)} s`,
    isMet: isShort ? null : efficiency >= bar,
    figures: {
      simulations,
      efficiency: rounded(efficiency),
      bareSeconds: bare.map((each) => rounded(each)),
      hatcherySeconds: full.map((each) => rounded(each)),
      bareMsPerSimulation: rounded(bareMs, 4),
      simulationsPerSecond: Math.round(simulations / median(full)),
    },
  };
}

function bareLoop({ model, simulations, fixed }: Work, cores: number): Promise<unknown> {
  const design: DesignSettings = { kind: "latin-hypercube", simulations, fixed };
  return Promise.all(
    Array.from({ length: cores }, (_, core) => {
      const bound = (k: number) => String(Math.round((simulations * k) / cores));
      return execute(process.execPath, [
        file("bare-loop.ts"),
        file("models.ts"),
        model,
        JSON.stringify(design),
        bound(core),
        bound(core + 1),
      ]);
    }),
  );
}

/** Iterations for so many milliseconds, while every other core is as busy: cores that share a core's units are slower together. */
async function calibrate(cores: number): Promise<(milliseconds: number) => number> {
  const measured = await Promise.all(
    Array.from({ length: cores }, () =>
      execute(process.execPath, [fileURLToPath(import.meta.url), "--calibrate"]),
    ),
  );
  const perMs = measured.reduce((sum, { stdout }) => sum + Number(stdout), 0) / cores;
  return (milliseconds) => Math.max(1, Math.round(perMs * milliseconds));
}

if (import.meta.main) {
  const steps = 50_000;
  spin(1_000, 0.3);
  const from = performance.now();
  spin(steps, 0.3);
  process.stdout.write(String(steps / (performance.now() - from)));
}
