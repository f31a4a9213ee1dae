/**
 * Faults: an experiment in which simulations misbehave on purpose while the processes that compute it are killed,
 * and a ledger that must be exactly what was planted.
 *
 *   pnpm faults                      20,000 simulations, two minutes or so
 *   pnpm faults 200000 7             so many, with another seed
 */
import { setTimeout as sleep } from "node:timers/promises";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { readLocalStage } from "@hatchery/config";
import { createMachine, faultyModels } from "../test/command.ts";

const [total = 20_000, seed = 1] = process.argv.slice(2).map(Number);
const random = xoroshiro128plus(seed);
const below = (limit: number) => uniformInt(random, 0, limit - 1);
const say = (text: string) => process.stdout.write(`${text}\n`);

/** How many of a thousand simulations do what, and the cause that the ledger must have for it. */
const planted = {
  throw: { perMille: 4, cause: "threw" },
  nan: { perMille: 3, cause: "invalid results" },
  exit: { perMille: 0.5, cause: "crashed" },
  abort: { perMille: 0.5, cause: "crashed" },
  kill: { perMille: 0.5, cause: "crashed" },
  loop: { perMille: 0.1, cause: "time limit" },
} as const;

const truth = new Map<number, string>();
const faults: string[] = [];
for (const [fault, { perMille, cause }] of Object.entries(planted))
  for (let k = 0; k < Math.max(1, Math.round((total * perMille) / 1_000)); k++) {
    const point = below(total);
    if (truth.has(point)) continue;
    truth.set(point, cause);
    faults.push(`${point}:${fault}`);
  }

await using machine = createMachine({ MODELS_MODULE: faultyModels });
const stage = () => readLocalStage("local", machine.home);

/** Ends one process of the stage; answers what it did. */
function strike(): string | undefined {
  const state = stage();
  const workers = state?.workers ?? [];
  const worker = workers[below(Math.max(1, workers.length))];
  const part = (name: string) => state?.processes.find((process) => process.name === name);
  const targets = [
    [worker, "SIGKILL"],
    [worker, "SIGTERM"],
    [part("steward"), "SIGKILL"],
    [part("engine"), "SIGKILL"],
  ] as const;
  const [target, signal] = targets[below(targets.length)]!;
  if (target === undefined) return undefined;
  try {
    process.kill(target.pid, signal);
    return `${signal} to ${target.name}`;
  } catch {
    // It has just gone by itself.
    return undefined;
  }
}

async function answer(...words: string[]): Promise<{ code: number; out: string }> {
  const { code, out, talk } = await machine.hatchery(...words);
  if (code > 1) throw new Error(talk);
  return { code, out };
}

await answer("up", "--workers", "2");
const grid = ["--design", "grid", "--levels", `point=${total}`, "--range", `point=0..${total - 1}`];
const submitted = await answer(
  "submit",
  "faulty",
  ...grid,
  "--set",
  `faults=${faults.join(",")}`,
  "--set",
  "milliseconds=1",
  "--json",
);
const { experiment } = JSON.parse(submitted.out) as { experiment: string };
say(`${total.toLocaleString("en-US")} simulations, ${truth.size} of them at fault, seed ${seed}`);

const watching = machine.hatchery("watch", experiment);
const strikes = new Map<string, number>();
// A few dozen strikes show what there is to show; after them it may finish.
for (let struck = 0; struck < total / 1_000;) {
  const end = await Promise.race([watching, sleep(3_000 + below(3_000))]);
  if (end !== undefined) break;
  const what = strike();
  if (what === undefined) continue;
  strikes.set(what, (strikes.get(what) ?? 0) + 1);
  struck++;
}
await watching;

const verification = JSON.parse((await answer("verify", experiment, "--json")).out) as {
  ok: boolean;
  done: number;
  failed: number;
  notRun: number;
};
const query = (sql: string) =>
  answer("results", experiment, "--json", "--sql", sql).then(
    ({ out }) => (JSON.parse(out) as { rows: unknown[][] }).rows,
  );
const found = new Map(
  (await query("select simulation, cause from failures")) as [number, string][],
);
const [[wrong, twice] = []] = await query(
  "select count(*) filter (value <> 2 * point), count(*) - count(distinct simulation) from results",
);

const problems = [
  ...(verification.ok ? [] : [`verify: ${JSON.stringify(verification)}`]),
  ...(verification.notRun === 0 ? [] : [`${verification.notRun} simulations did not run`]),
  ...[...truth]
    .filter(([point, cause]) => found.get(point) !== cause)
    .map(([point, cause]) => `${point}: planted "${cause}", ledger "${found.get(point)}"`),
  ...[...found]
    .filter(([point]) => !truth.has(point))
    .map(([point, cause]) => `${point}: failed (${cause}) and was not at fault`),
  ...(wrong === 0 && twice === 0
    ? []
    : [`${String(wrong)} wrong values, ${String(twice)} simulations twice`]),
];
for (const [what, times] of [...strikes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  say(`  ${what}: ${times} times`);
say(`done ${verification.done}, failed ${verification.failed}, not run ${verification.notRun}`);
for (const problem of problems) say(problem);
say(
  problems.length === 0
    ? "The ledger is exactly what was planted."
    : "The ledger differs from what was planted.",
);
process.exitCode = problems.length === 0 ? 0 : 1;
