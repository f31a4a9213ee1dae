/** Whole experiments on a real stage: real engine, real database, real processes. */
import { mkdir, readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localStagePaths, readLocalStage } from "@hatchery/config";
import type { Summary } from "@hatchery/experiment/results";
import {
  createMachine,
  experimentFolder,
  faultyModels,
  isRunning,
  points,
  readProgress,
  readSummary,
  submit,
  until,
  type Machine,
} from "./command.ts";

let machine: Machine;
beforeAll(async () => {
  machine = createMachine({ MODELS_MODULE: faultyModels });
  expect((await machine.hatchery("up", "--workers", "2")).code).toBe(0);
}, 900_000);
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

const folder = (experiment: string) => experimentFolder(machine, experiment);
const newest = async () =>
  (JSON.parse((await machine.hatchery("list", "--json")).out) as { experiment: string }[])[0]
    ?.experiment;

/** The same points, each taking so long, some of them at fault. */
const slowPoints = (count: number, milliseconds: number, faults = "") => [
  ...points(count),
  "--set",
  `milliseconds=${milliseconds}`,
  ...(faults === "" ? [] : ["--set", `faults=${faults}`]),
];

/** Waits for the close and checks the ledger: nothing missing, nothing twice, no failure that was not planted. */
async function expectWhole(experiment: string, total: number, failed = 0): Promise<Summary> {
  const watched = await machine.hatchery("watch", experiment);
  expect(watched.code, watched.talk).toBe(failed === 0 ? 0 : 1);
  const verified = await machine.hatchery("verify", experiment, "--json");
  expect(verified.code, verified.out).toBe(0);
  expect(JSON.parse(verified.out)).toEqual({
    experiment,
    total,
    done: total - failed,
    failed,
    notRun: 0,
    missing: [],
    late: 0,
    ok: true,
    problems: [],
  });
  const { out } = await machine.hatchery(
    "results",
    experiment,
    "--json",
    "--sql",
    "select count(*), count(distinct simulation), sum(value - 2 * point) from results",
  );
  expect((JSON.parse(out) as { rows: unknown[][] }).rows).toEqual([
    [total - failed, total - failed, 0],
  ]);
  return readSummary(machine, experiment);
}

test("a run answers with one JSON document whose keys are a contract", async () => {
  const { code, out } = await machine.hatchery("run", ...slowPoints(200, 1), "--json");
  expect(code).toBe(0);
  const answer = JSON.parse(out) as Record<string, unknown>;
  expect(Object.keys(answer)).toEqual([
    "experiment",
    "stage",
    "model",
    "total",
    "done",
    "failed",
    "notRun",
    "seconds",
    "simulationsPerSecond",
    "results",
    "report",
  ]);
  expect(answer).toMatchObject({
    stage: "local",
    model: "faulty",
    total: 200,
    done: 200,
    failed: 0,
    notRun: 0,
  });
  expect((await readFile(String(answer["report"]), "utf8")).slice(0, 15)).toBe("<!doctype html>");
}, 60_000);

test("every planted failure is in the ledger with its cause, and nothing else is", async () => {
  const experiment = await submit(
    machine,
    ...slowPoints(60, 1, "3:throw,11:exit,12:abort,30:nan,59:loop"),
  );
  const summary = await expectWhole(experiment, 60, 5);
  expect(
    Object.fromEntries(summary.failures.map(({ example, cause }) => [example, cause])),
  ).toEqual({
    3: "threw",
    11: "crashed",
    12: "crashed",
    30: "invalid results",
    59: "time limit",
  });
}, 90_000);

test("the dataset has the same bytes whatever the chunk size and the number of workers", async () => {
  const experiments = [
    await submit(machine, ...slowPoints(500, 2, "77:throw")),
    await submit(machine, ...slowPoints(500, 2, "77:throw"), "--chunk-size", "7"),
  ];
  const hashes = [];
  for (const experiment of experiments)
    hashes.push((await expectWhole(experiment, 500, 1)).resultsSha256);
  await machine.hatchery("fleet", "scale", "4");
  await until(async () => readLocalStage("local", machine.home)?.workers.length === 4, 20);
  const wide = await submit(machine, ...slowPoints(500, 2, "77:throw"), "--chunk-size", "13");
  hashes.push((await expectWhole(wide, 500, 1)).resultsSha256);
  expect(new Set(hashes).size).toBe(1);
  await machine.hatchery("fleet", "scale", "2");
  await until(async () => readLocalStage("local", machine.home)?.workers.length === 2, 30);
}, 120_000);

describe("a process that is killed in the middle", () => {
  test("the steward: the next one goes on where it was", async () => {
    const experiment = await submit(machine, ...slowPoints(600, 10), "--chunk-size", "20");
    await isRunning(machine, experiment, 40);
    // As if it were killed in the middle of a merge.
    const { scratch } = localStagePaths("local", machine.home);
    await mkdir(join(scratch, "hatchery-dataset-half"));
    const { pid } = readLocalStage("local", machine.home)!.processes.find(
      ({ name }) => name === "steward",
    )!;
    process.kill(pid, "SIGKILL");
    await expectWhole(experiment, 600);
    await until(async () => (await readdir(scratch)).length === 0, 10);
  }, 120_000);

  test("the CLI: the experiment does not notice", async () => {
    const before = await newest();
    const command = machine.start("run", ...slowPoints(600, 10), "--chunk-size", "20");
    const experiment = await until(async () => {
      const found = await newest();
      return found !== before && found;
    }, 30);
    await isRunning(machine, experiment, 40);
    command.kill("SIGKILL");
    await expectWhole(experiment, 600);
  }, 120_000);

  test("a worker by SIGKILL: its chunks are computed again, no simulation is there twice", async () => {
    const experiment = await submit(machine, ...slowPoints(600, 10), "--chunk-size", "30");
    await isRunning(machine, experiment, 60);
    process.kill(readLocalStage("local", machine.home)!.workers[0]!.pid, "SIGKILL");
    await expectWhole(experiment, 600);
  }, 180_000);

  test("a worker by SIGTERM: what it has is kept, and interruptions are no failures", async () => {
    const experiment = await submit(machine, ...slowPoints(300, 40), "--chunk-size", "100");
    await until(
      async () =>
        (await readProgress(machine, experiment).catch(() => undefined))?.state === "running",
      20,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { pid } = readLocalStage("local", machine.home)!.workers[0]!;
    process.kill(pid, "SIGTERM");
    const stopped = Date.now();
    await until(async () => !isAlive(pid), 25);
    expect(Date.now() - stopped).toBeLessThan(25_000);
    const summary = await expectWhole(experiment, 300);
    expect(summary).toMatchObject({ failed: 0, retries: 0 });
    expect(summary.interruptions).toBeGreaterThan(0);
  }, 180_000);
});

test("a cancelled experiment keeps what is done and accounts for the rest", async () => {
  const experiment = await submit(machine, ...slowPoints(3_000, 10), "--chunk-size", "20");
  await isRunning(machine, experiment, 40);
  expect((await machine.hatchery("cancel", experiment)).code).toBe(0);
  const watched = await machine.hatchery("watch", experiment);
  expect(watched.code).toBe(1);
  const verified = await machine.hatchery("verify", experiment, "--json");
  expect(verified.code).toBe(0);
  const { done, notRun } = JSON.parse(verified.out) as { done: number; notRun: number };
  expect(done + notRun).toBe(3_000);
  expect(done).toBeGreaterThan(0);
  expect((await readSummary(machine, experiment)).notRunCauses).toMatchObject([
    { cause: "cancelled", count: notRun },
  ]);
  expect((await machine.hatchery("cancel", experiment)).code).toBe(2);
}, 90_000);

describe("verify, from the store alone", () => {
  const partsOf = async (experiment: string) => {
    const round = join(folder(experiment), "parts", "0");
    return (await readdir(round))
      .filter((name) => name.endsWith(".parquet"))
      .map((name) => join(round, name))
      .toSorted();
  };

  test("names the simulations of a part that was deleted", async () => {
    const experiment = await submit(machine, ...slowPoints(100, 0), "--chunk-size", "10");
    await expectWhole(experiment, 100);
    await rm((await partsOf(experiment))[3]!);
    const { code, out } = await machine.hatchery("verify", experiment);
    expect(code).toBe(1);
    expect(out).toContain("10 simulations have lost their row: 30–39");
  }, 60_000);

  test("names the part that cannot be read, and its simulations", async () => {
    const experiment = await submit(machine, ...slowPoints(100, 0), "--chunk-size", "10");
    await expectWhole(experiment, 100);
    await truncate((await partsOf(experiment))[5]!, 700);
    const { code, out } = await machine.hatchery("verify", experiment);
    expect(code).toBe(1);
    expect(out).toMatch(/000005\.parquet cannot be read .*50–59/);
  }, 60_000);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
