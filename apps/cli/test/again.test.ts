/** What an experiment lacks is computed again, and nothing else is: after failures, cancels and lost engines. */
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readLocalStage } from "@hatchery/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createMachine,
  experimentFolder,
  faultyModels,
  isRunning,
  points,
  readProgress,
  readSummary,
  rowsComputed,
  submit,
  until,
  type Machine,
} from "./command.ts";

let machine: Machine;
beforeAll(async () => {
  // A dollar a second for each worker.
  machine = createMachine({ MODELS_MODULE: faultyModels, LOCAL_WORKER_HOUR_USD: "3600" });
  const { code, talk } = await machine.hatchery("up", "--workers", "2");
  expect(code, talk).toBe(0);
});
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

interface Counts {
  readonly experiment: string;
  readonly done: number;
  readonly failed: number;
  readonly notRun: number;
}

/** What its parts hold, which is as its close says. */
async function verified(experiment: string): Promise<Counts & { late: number }> {
  const { code, out } = await machine.hatchery("verify", experiment, "--json");
  expect(code, out).toBe(0);
  return JSON.parse(out) as Counts & { late: number };
}

/** What the same experiment comes to when nothing disturbs it. */
async function undisturbed(...words: string[]): Promise<string> {
  const { out } = await machine.hatchery("run", ...words, "--json");
  const { experiment } = JSON.parse(out) as { experiment: string };
  return (await readSummary(machine, experiment)).resultsSha256;
}

test("retry --failed runs exactly what failed, and the dataset is that of a run without failures", async () => {
  const file = join(machine.home, "licence");
  const words = [
    ...points(200),
    "--set",
    "faults=7:file,8:file,150:file",
    "--set",
    `file=${file}`,
    "--chunk-size",
    "20",
  ];
  const experiment = await submit(machine, ...words);
  expect((await machine.hatchery("watch", experiment)).code).toBe(1);
  expect(await readSummary(machine, experiment)).toMatchObject({ done: 197, failed: 3 });

  const again = await machine.hatchery("retry", experiment, "--failed", "--json");
  expect(again.code).toBe(1);
  await writeFile(file, "");
  expect((await machine.hatchery("retry", experiment, "--failed")).code).toBe(0);
  const summary = await readSummary(machine, experiment);
  expect(summary).toMatchObject({ done: 200, failed: 0, notRun: 0 });
  expect(await rowsComputed(machine, experiment)).toBe(206);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
  expect(summary.resultsSha256).toBe(await undisturbed(...words));

  const third = await machine.hatchery("retry", experiment, "--failed", "--missing");
  expect(third.code).toBe(0);
  expect(third.talk).toContain("nothing to do");
  expect(await rowsComputed(machine, experiment)).toBe(206);
});

test("a cancelled experiment is resumed on another stage with the same store, without doing work twice", async () => {
  const words = [...points(1_600), "--set", "milliseconds=10", "--chunk-size", "20"];
  const experiment = await submit(machine, ...words);
  await isRunning(machine, experiment, 60);
  await machine.hatchery("cancel", experiment);
  expect((await machine.hatchery("watch", experiment)).code).toBe(1);
  const cancelled = await readSummary(machine, experiment);
  expect(cancelled.notRun).toBeGreaterThan(0);

  const resumed = await machine.hatchery("resume", experiment, "--stage", "local-b", "--json");
  expect(resumed.code, resumed.talk).toBe(0);
  expect(JSON.parse(resumed.out)).toMatchObject({
    stage: "local-b",
    done: 1_600,
    failed: 0,
    notRun: 0,
  });
  await machine.hatchery("down", "--stage", "local-b", "--destroy");
  expect(await rowsComputed(machine, experiment)).toBeLessThanOrEqual(1_600);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
  expect((await readSummary(machine, experiment)).resultsSha256).toBe(await undisturbed(...words));
});

test("an experiment whose submit ended before its message was sent goes on by resume", async () => {
  const first = await submit(machine, ...points(40));
  expect((await machine.hatchery("watch", first)).code).toBe(0);
  const unsent = "faulty/20261122-060000-aaaa";
  const text = await readFile(join(experimentFolder(machine, first), "manifest.json"), "utf8");
  await mkdir(experimentFolder(machine, unsent), { recursive: true });
  await writeFile(
    join(experimentFolder(machine, unsent), "manifest.json"),
    text.replaceAll(first, unsent),
  );
  expect((await machine.hatchery("resume", unsent)).code).toBe(0);
  expect((await readSummary(machine, unsent)).resultsSha256).toBe(
    (await readSummary(machine, first)).resultsSha256,
  );
});

test("retry --failed of a cancelled experiment leaves what has not run to resume", async () => {
  const file = join(machine.home, "key");
  const words = [
    ...points(1_600),
    "--set",
    "milliseconds=10",
    "--set",
    `file=${file}`,
    "--set",
    "faults=3:file,9:file",
    "--chunk-size",
    "20",
  ];
  const experiment = await submit(machine, ...words);
  await isRunning(machine, experiment, 60);
  await machine.hatchery("cancel", experiment);
  expect((await machine.hatchery("watch", experiment)).code).toBe(1);
  const { done, failed, notRun } = await verified(experiment);
  expect(failed).toBe(2);
  expect(notRun).toBeGreaterThan(0);

  const { talk } = await machine.hatchery("results", experiment, "--path");
  expect(talk).toMatch(/2 failed, [\d,]+ did not run \(cancelled\)/);

  await writeFile(file, "");
  expect((await machine.hatchery("retry", experiment, "--failed")).code).toBe(1);
  expect(await verified(experiment)).toMatchObject({ done: done + 2, failed: 0, notRun });
  expect(await readProgress(machine, experiment)).toMatchObject({ ended: "cancelled" });
  expect(await readSummary(machine, experiment)).toMatchObject({
    notRunCauses: [{ cause: "cancelled", count: notRun }],
  });

  expect((await machine.hatchery("resume", experiment)).code).toBe(0);
  expect((await readSummary(machine, experiment)).resultsSha256).toBe(await undisturbed(...words));
});

test("what a cancelled retry still brings is told by verify, and resume takes it into the dataset", async () => {
  const file = join(machine.home, "password");
  const faults = Array.from({ length: 20 }, (_, i) => `${i}:file`).join(",");
  const words = [...points(40), "--set", `faults=${faults}`, "--set", `file=${file}`];
  const slow = ["--set", "milliseconds=150", "--chunk-size", "40", "--max-failures", "100"];
  const experiment = await submit(machine, ...words, ...slow);
  expect((await machine.hatchery("watch", experiment)).code).toBe(1);
  expect(await verified(experiment)).toMatchObject({ done: 20, failed: 20, late: 0 });

  await writeFile(file, "");
  const before = (await readProgress(machine, experiment)).updatedAt;
  const retry = machine.start("retry", experiment, "--failed");
  await until(async () => {
    const { state, updatedAt } = await readProgress(machine, experiment);
    return state === "running" && updatedAt !== before;
  }, 30);
  await sleep(1_000);
  // Too busy to write what they have before the close.
  const workers = readLocalStage("local", machine.home)!.workers.map(({ pid }) => pid);
  for (const pid of workers) process.kill(pid, "SIGSTOP");
  try {
    await machine.hatchery("cancel", experiment);
    await once(retry, "exit");
    expect(await verified(experiment)).toMatchObject({ done: 20, late: 0 });
  } finally {
    for (const pid of workers) process.kill(pid, "SIGCONT");
  }
  const late = await until(async () => (await verified(experiment)).late || undefined, 30);

  expect((await machine.hatchery("resume", experiment)).code).toBe(late === 20 ? 0 : 1);
  expect(await verified(experiment)).toMatchObject({ done: 20 + late, failed: 20 - late, late: 0 });
  expect(await readSummary(machine, experiment)).toMatchObject({ done: 20 + late });
  expect((await machine.hatchery("retry", experiment, "--failed")).code).toBe(0);
  expect((await verified(experiment)).done).toBe(40);
});

test("an experiment goes on where it was after its engine and database were destroyed", async () => {
  const words = [...points(1_600), "--set", "milliseconds=10", "--chunk-size", "20"];
  const experiment = await submit(machine, ...words);
  await isRunning(machine, experiment, 60);
  await machine.hatchery("down", "--destroy");
  const { done: kept } = await readProgress(machine, experiment);
  expect(kept).toBeLessThan(1_600);
  expect((await machine.hatchery("watch", experiment)).code).toBe(5);
  const up = await machine.hatchery("up", "--workers", "2");
  expect(up.code, up.talk).toBe(0);
  const watched = await machine.hatchery("watch", experiment);
  expect(watched.code, watched.talk).toBe(0);
  expect(await rowsComputed(machine, experiment)).toBe(1_600);
  expect((await readSummary(machine, experiment)).resultsSha256).toBe(await undisturbed(...words));
});

test("a canary that fails holds the rest back, and a person can let it run all the same", async () => {
  const faults = Array.from({ length: 400 }, (_, i) => `${i}:throw`).join(",");
  const words = [...points(400), "--set", `faults=${faults}`];
  const held = await machine.hatchery("run", ...words, "--json");
  expect(held.code).toBe(1);
  const { experiment, failed, notRun } = JSON.parse(held.out) as Counts;
  expect([failed, notRun]).toEqual([16, 384]);
  expect(await readSummary(machine, experiment)).toMatchObject({
    notRunCauses: [{ cause: "halted", count: 384 }],
  });
  expect(await readProgress(machine, experiment)).toMatchObject({
    ended: "halted",
    reason: "100 % of the canary's simulations failed; at most 50 % may.",
  });
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);

  const resumed = await machine.hatchery("resume", experiment, "--max-failures", "100", "--json");
  expect(JSON.parse(resumed.out)).toMatchObject({ done: 0, failed: 400, notRun: 0 });
});

test("a canary that says it will take too long holds the rest back, and a person can let it run all the same", async () => {
  const words = [...points(400), "--set", "milliseconds=20", "--max-hours", "0.0001"];
  const held = await machine.hatchery("run", ...words, "--json");
  expect(held.code).toBe(1);
  const { experiment, done, notRun } = JSON.parse(held.out) as Counts;
  expect([done, notRun]).toEqual([16, 384]);
  const { ended, reason } = await readProgress(machine, experiment);
  expect(ended).toBe("halted");
  expect(reason).toMatch(/the 384 that are left would take 0\.\d+ hours on \d+ slots/);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);

  const resumed = await machine.hatchery("resume", experiment, "--json");
  expect(JSON.parse(resumed.out)).toMatchObject({ done: 400, failed: 0, notRun: 0 });

  const fixed = await machine.hatchery("run", ...words, "--chunk-size", "10");
  expect(fixed.code).toBe(2);
  expect(fixed.talk).toContain("--max-hours does not go with --chunk-size");
});

test("an experiment stops at its cost, says so, and goes on when it may cost more", async () => {
  const words = [...points(1_000), "--set", "milliseconds=20", "--chunk-size", "20"];
  const held = await machine.hatchery("run", ...words, "--max-usd", "4", "--json");
  expect(held.code).toBe(1);
  expect(held.talk).toMatch(/At most \d workers: \d+.00 USD an hour; it stops at 4 USD\./);
  const { experiment, done, failed, notRun } = JSON.parse(held.out) as Counts;
  expect(notRun).toBeGreaterThan(0);
  expect(done + failed + notRun).toBe(1_000);
  expect(await readSummary(machine, experiment)).toMatchObject({
    notRunCauses: [{ cause: "capped", count: notRun }],
  });
  const { ended, reason, costUsd } = await readProgress(machine, experiment);
  expect(ended).toBe("capped");
  expect(costUsd).toBeGreaterThanOrEqual(4);
  expect(reason).toMatch(/^Its workers have cost \d+\.\d\d USD, and at most 4 USD were allowed\.$/);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
  const next = new RegExp(`pnpm hatchery resume ${experiment} --max-usd \\d+`);
  expect((await machine.hatchery("results", experiment)).talk).toMatch(next);
  expect((await machine.hatchery("watch", experiment)).talk).toMatch(next);
  expect((await machine.hatchery("status")).out).toMatch(next);

  const refused = await machine.hatchery("resume", experiment);
  expect(refused.code).toBe(4);
  expect(refused.talk).toContain("USD so far, and may cost 4 USD in all.");
  const resumed = await machine.hatchery("resume", experiment, "--max-usd", "1000", "--json");
  expect(JSON.parse(resumed.out)).toMatchObject({ done: 1_000, failed: 0, notRun: 0 });
  expect(await rowsComputed(machine, experiment)).toBeLessThanOrEqual(1_000);
  // What it had cost is not forgotten.
  expect((await readProgress(machine, experiment)).costUsd).toBeGreaterThan(costUsd!);
});

test("a canary that says that all will cost more than allowed holds the rest back", async () => {
  const words = [...points(400), "--set", "milliseconds=500", "--max-usd", "60"];
  const held = await machine.hatchery("run", ...words, "--json");
  expect(held.code).toBe(1);
  const { experiment, done, notRun } = JSON.parse(held.out) as Counts;
  expect([done, notRun]).toEqual([16, 384]);
  const { ended, reason } = await readProgress(machine, experiment);
  expect(ended).toBe("capped");
  expect(reason).toMatch(
    /the 384 that are left would cost [\d.]+ USD .* at most 60 USD were allowed/,
  );
});

test("a failure rate that climbs later halts the experiment", async () => {
  const faults = Array.from({ length: 900 }, (_, i) => `${i + 100}:throw`).join(",");
  const words = [
    ...points(1_000),
    "--set",
    `faults=${faults}`,
    "--set",
    "milliseconds=5",
    "--chunk-size",
    "10",
    "--max-failures",
    "20",
  ];
  const { code, out } = await machine.hatchery("run", ...words, "--json");
  expect(code).toBe(1);
  const { done, failed, notRun } = JSON.parse(out) as Counts;
  expect(done + failed + notRun).toBe(1_000);
  expect(notRun).toBeGreaterThan(500);
});

test("a simulator that is not on the machine is said to the person who waits, and nothing is called failed", async () => {
  const { code, out, talk } = await machine.hatchery("run", "absent", "-n", "100", "--json");
  expect(code).toBe(1);
  expect(talk).toContain("no-such-simulator");
  expect(JSON.parse(out)).toMatchObject({ done: 0, failed: 0, notRun: 100 });
});
