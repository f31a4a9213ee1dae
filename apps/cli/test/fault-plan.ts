/**
 * A fault plan: what goes wrong in one experiment, in its simulations, among its processes and in its store.
 * A real stage carries it out, and what was planted is then held against what the ledger tells.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { z } from "zod";
import { localStagePaths, readLocalStage } from "@hatchery/config";
import {
  createFolderStore,
  decodePart,
  experimentKeys,
  manifestColumns,
  mergeParts,
  partKeys,
  rangesWhere,
  readManifest,
  readProgress,
  readRounds,
  sha256,
} from "@hatchery/experiment";
import { openDataset, type Summary } from "@hatchery/experiment/results";
import { databaseUrl, query } from "../../../packages/local/src/database.ts";
import type { Fault } from "../../worker/test/faulty-models.ts";
import { createMachine, faultyModels, points, submit, type Machine } from "./command.ts";

/** What a simulation does, and the cause that the ledger must have for it. */
const causes = {
  throw: "threw",
  reject: "threw",
  nan: "invalid results",
  missing: "invalid results",
  exit: "crashed",
  abort: "crashed",
  kill: "crashed",
  loop: "time limit",
  hang: "time limit",
  grow: "memory limit",
} as const satisfies Partial<Record<Fault, string>>;
type Planted = keyof typeof causes;

/** Faults that last: a slot that is killed from outside is likely to be at one of them. */
const lasting: readonly Planted[] = ["loop", "hang", "grow"];
/** Of each of these in a plan, at most so many: two attempts of one cost 2 s. */
const mostLasting = 2;

const strikeNames = [
  "kill a slot",
  "kill a worker",
  "end a worker",
  "kill the steward",
  "deliver chunks twice",
  "spoil a part",
  "delete a part",
  "kill the engine",
] as const;
type StrikeName = (typeof strikeNames)[number];

export const FaultPlan = z.object({
  simulations: z.int().min(20),
  /** Absent: a canary goes first and decides it. */
  chunkSize: z.int().min(1).optional(),
  planted: z.array(
    z.object({
      simulation: z.int().min(0),
      fault: z.enum(Object.keys(causes) as [Planted, ...Planted[]]),
    }),
  ),
  /** Once so many percent of the simulations have a row. `pick` chooses among the workers, slots or parts there are. */
  strikes: z.array(
    z.object({ percent: z.int().min(0).max(99), what: z.enum(strikeNames), pick: z.int().min(0) }),
  ),
  /** What happens to the parts once the experiment is closed. */
  damage: z.array(z.object({ how: z.enum(["spoil", "delete"]), pick: z.int().min(0) })),
});
export type FaultPlan = z.infer<typeof FaultPlan>;

export interface PlanSize {
  readonly simulations: readonly [least: number, most: number];
  readonly strikes: readonly [least: number, most: number];
}

export const smallPlans: PlanSize = { simulations: [100, 2_000], strikes: [0, 4] };

/** One strike in so many ends the engine: it costs seconds where the others cost tenths of one. */
const strikeWeights: Record<StrikeName, number> = {
  "kill a slot": 3,
  "kill a worker": 3,
  "end a worker": 3,
  "kill the steward": 2,
  "deliver chunks twice": 3,
  "spoil a part": 2,
  "delete a part": 2,
  "kill the engine": 1,
};

export function faultPlans({ simulations, strikes }: PlanSize): fc.Arbitrary<FaultPlan> {
  const pick = fc.nat(1_000);
  return fc.integer({ min: simulations[0], max: simulations[1] }).chain((total) =>
    fc.record(
      {
        simulations: fc.constant(total),
        chunkSize: fc.integer({ min: 5, max: Math.max(5, Math.floor(total / 10)) }),
        planted: fc
          .uniqueArray(
            fc.record({
              simulation: fc.nat(total - 1),
              fault: fc.constantFrom(...(Object.keys(causes) as Planted[])),
            }),
            { selector: ({ simulation }) => simulation, maxLength: Math.ceil(total / 100) },
          )
          .map(withFewLasting),
        strikes: fc
          .array(
            fc.record({
              percent: fc.integer({ min: 0, max: 99 }),
              what: fc.oneof(
                ...strikeNames.map((name) => ({
                  arbitrary: fc.constant(name),
                  weight: strikeWeights[name],
                })),
              ),
              pick,
            }),
            { minLength: strikes[0], maxLength: strikes[1] },
          )
          .map((all) => all.toSorted((a, b) => a.percent - b.percent)),
        damage: fc.array(fc.record({ how: fc.constantFrom("spoil", "delete"), pick }), {
          maxLength: 3,
        }),
      },
      { requiredKeys: ["simulations", "planted", "strikes", "damage"] },
    ),
  );
}

function withFewLasting(planted: FaultPlan["planted"]): FaultPlan["planted"] {
  const seen = new Map<Planted, number>();
  return planted.filter(({ fault }) => {
    seen.set(fault, (seen.get(fault) ?? 0) + 1);
    return !lasting.includes(fault) || seen.get(fault)! <= mostLasting;
  });
}

export interface PlanOutcome {
  /** How often what was struck: where there was nothing to strike, or no time, it does not count. */
  readonly struck: ReadonlyMap<StrikeName, number>;
  /** Where the ledger, the dataset or `verify` differ from what was planted. Empty: nowhere. */
  readonly problems: readonly string[];
}

export interface FaultStage extends AsyncDisposable {
  readonly machine: Machine;
  carryOut(plan: FaultPlan): Promise<PlanOutcome>;
}

/** What a simulation lasts: long enough that strikes meet some of them. */
const milliseconds = 5;

/** One stage for many plans: each then costs its simulations and its faults alone. */
export async function openFaultStage(): Promise<FaultStage> {
  const machine = createMachine({ MODELS_MODULE: faultyModels });
  const store = createFolderStore(join(machine.home, "store"));
  const paths = localStagePaths("local", machine.home);
  const faultsFile = join(machine.home, "faults");
  const undisturbed = new Map<number, { results: string; sha256: string }>();
  await hatchery("up", "--workers", "2");

  async function hatchery(...words: string[]): Promise<{ code: number; out: string }> {
    const { code, out, talk } = await machine.hatchery(...words);
    // 1 says that not every simulation is done; anything above is no outcome.
    if (code > 1) throw new Error(`hatchery ${words.join(" ")}: ${talk}`);
    return { code, out };
  }

  const words = (total: number, chunkSize?: number) => [
    ...points(total),
    "--set",
    `milliseconds=${milliseconds}`,
    "--set",
    `faultsFile=${faultsFile}`,
    "--max-failures",
    "100",
    ...(chunkSize === undefined ? [] : ["--chunk-size", String(chunkSize)]),
  ];
  const pathOf = (key: string) => join(machine.home, "store", key);
  const readSummary = (experiment: string) =>
    JSON.parse(readFileSync(pathOf(experimentKeys(experiment).summary), "utf8")) as Summary;

  /** The same experiment with no fault at all. */
  async function runUndisturbed(total: number) {
    const known = undisturbed.get(total);
    if (known !== undefined) return known;
    writeFileSync(faultsFile, "");
    const { code, out } = await hatchery("run", ...words(total), "--json");
    if (code !== 0) throw new Error(`The undisturbed run failed: ${out}`);
    const { experiment } = JSON.parse(out) as { experiment: string };
    const results = pathOf(experimentKeys(experiment).results);
    const found = { results, sha256: await sha256(results) };
    undisturbed.set(total, found);
    return found;
  }

  async function carryOut(plan: FaultPlan): Promise<PlanOutcome> {
    const golden = await runUndisturbed(plan.simulations);
    const truth = new Map(plan.planted.map(({ simulation, fault }) => [simulation, fault]));
    writeFileSync(faultsFile, [...truth].map(([point, fault]) => `${point}:${fault}`).join(","));
    const experiment = await submit(machine, ...words(plan.simulations, plan.chunkSize));
    const struck = await strikeWhileRunning(experiment, plan);
    await Promise.race([hatchery("watch", experiment), tooLong(plan.simulations)]);
    const slotsKilled = struck.get("kill a slot") ?? 0;

    const problems: string[] = [];
    const check = (isRight: boolean, problem: string) => isRight || problems.push(problem);
    const closed = await verified("after the close");
    check(closed.missing === "", `simulations ${closed.missing} did not run`);
    problems.push(...(await compareRows(experiment, truth, slotsKilled)));
    const files = { results: pathOf(experimentKeys(experiment).results), golden: golden.results };
    await using dataset = await openDataset(files);
    const { rows } = await dataset.rows(
      "select count(*), (select count(*) from (from results except from golden)) from results",
    );
    const [counted, expected] = [rows[0], [plan.simulations - truth.size, 0]].map((counts) =>
      JSON.stringify(counts),
    );
    check(
      counted === expected,
      `the dataset has [rows, rows unlike the undisturbed run's] ${counted}, not ${expected}`,
    );

    const before = readSummary(experiment).resultsSha256;
    const lost = await damage(experiment, plan);
    const { missing, code } = await recount();
    check(missing === lost, `verify misses ${missing || "nothing"}, damaged were ${lost}`);
    check(code === (lost === "" ? 0 : 1), `verify answers ${code} to the damage of ${lost}`);
    await hatchery("retry", experiment, "--missing");
    await verified("after retry --missing");
    check(
      readSummary(experiment).resultsSha256 === before,
      "the dataset after retry --missing is not the one before the damage",
    );

    writeFileSync(faultsFile, "");
    await hatchery("retry", experiment, "--failed");
    await verified("after retry --failed");
    check(
      readSummary(experiment).resultsSha256 === golden.sha256,
      "the dataset after retry --failed is not the undisturbed run's",
    );
    return { struck, problems };

    async function recount() {
      const verification = await hatchery("verify", experiment, "--json");
      const answer = JSON.parse(verification.out) as {
        missing: [number, number][];
        problems: string[];
      };
      return {
        code: verification.code,
        missing: answer.missing.join(" "),
        problems: answer.problems,
      };
    }

    async function verified(when: string) {
      const found = await recount();
      check(found.code === 0, `verify ${when} answers ${found.code}: ${found.problems.join(" ")}`);
      return found;
    }
  }

  async function strikeWhileRunning(experiment: string, plan: FaultPlan) {
    const struck = new Map<StrikeName, number>();
    for (const { percent, what, pick } of plan.strikes) {
      const least = (percent / 100) * plan.simulations;
      for (;;) {
        const progress = await readProgress(store, experiment);
        if (progress?.state === "closing" || progress?.state === "closed") return struck;
        if (progress !== undefined && progress.done + progress.failed >= least) break;
        await sleep(10);
      }
      // The plan is being computed while what it needs comes back; one blow at a time.
      if (await strike(what, pick, experiment)) struck.set(what, (struck.get(what) ?? 0) + 1);
    }
    return struck;
  }

  async function strike(what: StrikeName, pick: number, experiment: string): Promise<boolean> {
    const state = readLocalStage("local", machine.home);
    const workers = state?.workers ?? [];
    const part = (name: string) => state?.processes.find((process) => process.name === name)?.pid;
    const worker = chosen(workers, pick)?.pid;
    switch (what) {
      case "kill a slot":
        return signal(worker && chosen(slotsOf(worker), pick), "SIGKILL");
      case "kill a worker":
        return signal(worker, "SIGKILL");
      case "end a worker":
        return signal(worker, "SIGTERM");
      case "kill the steward":
        return signal(part("steward"), "SIGKILL");
      case "kill the engine":
        return signal(part("engine"), "SIGKILL");
      case "deliver chunks twice":
        // A steward enqueues what has no part yet when it starts; only the engine knows that it is there already.
        if (state === undefined) return false;
        await query(
          databaseUrl(
            state.ports.database,
            readFileSync(join(paths.secrets, "database-password"), "utf8"),
          ),
          "delete from v1_idempotency_key",
        ).catch(() => undefined);
        return signal(part("steward"), "SIGKILL");
      case "spoil a part":
      case "delete a part": {
        const whole = (await partsOf(experiment)).filter(({ isPartial }) => !isPartial);
        const found = chosen(whole, pick);
        if (found === undefined) return false;
        if (what === "spoil a part") spoil(pathOf(found.key));
        else rmSync(pathOf(found.key), { force: true });
        return true;
      }
    }
  }

  /** The parts that count. */
  async function partsOf(experiment: string): Promise<{ key: string; isPartial: boolean }[]> {
    const rounds = await readRounds(store, experiment);
    const found = await Promise.all(
      rounds.map(async ({ round }) => [...(await partKeys(store, experiment, round)).values()]),
    );
    return found.flat();
  }

  /** Damages parts of a closed experiment; answers the simulations that no whole part holds any more. */
  async function damage(experiment: string, { simulations, damage: planned }: FaultPlan) {
    const parts = await partsOf(experiment);
    const manifest = (await readManifest(store, experiment))!;
    const { parameters, results } = manifestColumns(manifest);
    const damaged = new Map<string, "spoil" | "delete">();
    for (const { how, pick } of planned) {
      const { key } = chosen(parts, pick)!;
      if (!damaged.has(key)) damaged.set(key, how);
    }
    const held = new Set<number>();
    for (const { key } of parts) {
      if (damaged.has(key)) continue;
      const read = decodePart((await store.read(key))!, [...parameters, ...results]);
      // One that was spoilt on the way holds nothing.
      for (const simulation of (await read.catch(() => undefined))?.rows.simulation ?? [])
        held.add(simulation);
    }
    for (const [key, how] of damaged) {
      const chunk = key.replace(/(\/\d+)\.[^/]*$/, "$1.");
      // What an interrupted worker had left of the chunk would stand in for its part.
      for (const name of await store.names(`${dirname(key)}/`))
        if (`${dirname(key)}/${name}`.startsWith(chunk) && name.includes("partial"))
          rmSync(pathOf(`${dirname(key)}/${name}`));
      if (how === "spoil") spoil(pathOf(key));
      else rmSync(pathOf(key), { force: true });
    }
    return rangesWhere(simulations, (i) => !held.has(i)).join(" ");
  }

  async function compareRows(
    experiment: string,
    truth: ReadonlyMap<number, Planted>,
    slotsKilled: number,
  ): Promise<string[]> {
    const manifest = (await readManifest(store, experiment))!;
    const found = new Map<number, string>();
    let extraAttempts = 0;
    for await (const { rows, from, to } of mergeParts(store, manifest)) {
      for (const { row, failure } of rows.failures)
        if (row >= from && row < to) found.set(rows.simulation[row]!, failure.cause);
      for (let row = from; row < to; row++)
        if (!truth.has(rows.simulation[row]!)) extraAttempts += rows.attempts[row]! - 1;
    }
    // From inside, a kill from outside is a crash of what the slot was at: it uses up one attempt.
    let mistaken = 0;
    const problems: string[] = [];
    for (const [simulation, fault] of truth) {
      const cause = found.get(simulation);
      if (cause === causes[fault]) continue;
      if (lasting.includes(fault) && cause === "crashed" && ++mistaken <= slotsKilled) continue;
      // It breaks both its limits; on a slow machine the other one first.
      if (fault === "grow" && cause === "time limit") continue;
      problems.push(`${simulation}: planted "${fault}", ledger "${cause ?? "done"}"`);
    }
    for (const [simulation, cause] of found)
      if (!truth.has(simulation))
        problems.push(`${simulation}: failed (${cause}) and was not at fault`);
    if (extraAttempts > slotsKilled)
      problems.push(
        `${extraAttempts} attempts were used up by simulations without a fault, and ${slotsKilled} slots were killed`,
      );
    return problems;
  }

  return {
    machine,
    carryOut,
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

/** A chunk that the engine had given to a dead worker comes back after 30 s; nothing takes many times that. */
async function tooLong(simulations: number): Promise<never> {
  const seconds = 180 + (simulations * milliseconds) / 100;
  await sleep(seconds * 1_000, undefined, { ref: false });
  throw new Error(`It has not come to its end within ${seconds} s.`);
}

const chosen = <T>(all: readonly T[], pick: number): T | undefined => all[pick % all.length];

/** False when there is nobody, or it has just gone by itself. */
function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function slotsOf(worker: number): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => Number(parent) === worker && args.join(" ").includes("slot"))
    .map(([pid]) => Number(pid));
}

/** Writes over 16 bytes in the middle of a part. */
function spoil(path: string): void {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return;
  }
  const middle = Math.floor(bytes.length / 2);
  writeFileSync(path, bytes.fill(0xa5, middle, middle + 16));
}
