/**
 * Efficiency: wall time of a bare loop in one process per core ÷ wall time of `hatchery run`, same simulations, same
 * machine, taken in turn. The run counts all of it: submit, engine, database, ledger, merged results, report.
 *
 *   pnpm bench             three pairs of each, about 20 CPU-seconds of work; the median and the spread
 *   pnpm bench --short     one pair of each, about 4 CPU-seconds: mostly the run's own second or two
 *   pnpm bench --million   one pair of a million buildings
 */
import { execFile } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DesignSettings } from "@hatchery/experiment";
import { spin } from "./models.ts";

const isShort = process.argv.includes("--short");
const isMillion = process.argv.includes("--million");
const pairs = isShort || isMillion ? 1 : 3;
const cpuSeconds = isShort ? 4 : 20;
const cores = availableParallelism();
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const modelsModule = file("models.ts");
const execute = promisify(execFile);
const stage = "local-bench";

interface Work {
  readonly label: string;
  readonly model: string;
  readonly simulations: number;
  /** Parameters that are fixed. */
  readonly fixed: Record<string, number>;
}

/** Iterations a millisecond, while every other core is as busy: cores that share a core's units are slower together. */
function iterationsPerMs(): number {
  spin(1e7, 0.3);
  const from = performance.now();
  spin(4e8, 0.3);
  return 4e8 / (performance.now() - from);
}

async function calibrate(): Promise<(milliseconds: number) => number> {
  const measured = await Promise.all(
    Array.from({ length: cores }, () =>
      execute(process.execPath, [file("efficiency.ts"), "--calibrate"]),
    ),
  );
  const perMs = measured.reduce((sum, { stdout }) => sum + Number(stdout), 0) / cores;
  return (milliseconds) => Math.max(1, Math.round(perMs * milliseconds));
}

async function hatchery(...words: string[]): Promise<string> {
  const { stdout } = await execute(
    process.execPath,
    [file("../src/main.ts"), ...words, "--stage", stage],
    {
      env: { ...process.env, MODELS_MODULE: modelsModule },
      maxBuffer: 1e8,
    },
  );
  return stdout;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
}

function bareLoop({ model, simulations, fixed }: Work): Promise<unknown> {
  const design: DesignSettings = { kind: "latin-hypercube", simulations, fixed };
  return Promise.all(
    Array.from({ length: cores }, (_, core) => {
      const bound = (k: number) => String(Math.round((simulations * k) / cores));
      return execute(process.execPath, [
        file("bare-loop.ts"),
        modelsModule,
        model,
        JSON.stringify(design),
        bound(core),
        bound(core + 1),
      ]);
    }),
  );
}

async function run({ model, simulations, fixed }: Work): Promise<void> {
  const set = Object.entries(fixed).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const out = await hatchery("run", model, "-n", String(simulations), ...set, "--json");
  const { done } = JSON.parse(out) as { done: number };
  if (done !== simulations) throw new Error(`${model}: ${done} of ${simulations} done.`);
}

if (process.argv.includes("--calibrate")) {
  process.stdout.write(String(iterationsPerMs()));
  process.exit();
}
const iterations = await calibrate();
const buildings = (simulations: number): Work => ({
  label: "building-energy",
  model: "building-energy",
  simulations,
  fixed: {},
});
const works: Work[] = isMillion
  ? [buildings(1_000_000)]
  : [
      ...[0.2, 1, 10, 100].map((milliseconds) => ({
        label: `spinning ${milliseconds} ms`,
        model: "spinning",
        simulations: Math.round((cpuSeconds * 1_000) / milliseconds),
        fixed: { iterations: iterations(milliseconds) },
      })),
      buildings(isShort ? 10_000 : 200_000),
    ];

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const say = (text: string) => process.stdout.write(`${text}\n`);

say(
  `${cpus()[0]?.model ?? "?"}, ${cores} cores, Node ${process.version}, ${pairs} pair${pairs > 1 ? "s" : ""} of each`,
);
say("work              simulations   bare loop    hatchery   simulations/s   efficiency (min–max)");
await hatchery("up", "--idle-minutes", "0");
try {
  // Once, so that the first pair does not pay for what starts cold.
  await run({ label: "", model: "spinning", simulations: 100, fixed: { iterations: 1_000 } });
  for (const work of works) {
    const bare: number[] = [];
    const full: number[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      bare.push(await seconds(() => bareLoop(work)));
      full.push(await seconds(() => run(work)));
    }
    const ratios = bare.map((one, pair) => one / full[pair]!);
    say(
      [
        work.label.padEnd(16),
        work.simulations.toLocaleString("en-US").padStart(12),
        `${median(bare).toFixed(2)} s`.padStart(11),
        `${median(full).toFixed(2)} s`.padStart(11),
        Math.round(work.simulations / median(full))
          .toLocaleString("en-US")
          .padStart(15),
        `${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)})`.padStart(
          23,
        ),
      ].join(" "),
    );
  }
} finally {
  await execute(process.execPath, [file("../src/main.ts"), "down", "--stage", stage]);
}
