/** Fleets that follow the work, on a real stage: real engine, real workers. */
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localStagePaths, readLocalStage } from "@hatchery/config";
import {
  createFolderStore,
  partKeys,
  readPartFacts,
  readProgress,
  readRounds,
  readStageFleets,
  type StageFleets,
} from "@hatchery/experiment";
import { createMachine, submit, until, type Machine } from "./command.ts";

const big = { name: "big", cpu: "1 vCPU", max: 2, labels: { memory: "large" } };
let machine: Machine;
beforeAll(async () => {
  machine = createMachine({
    MODELS_MODULE: fileURLToPath(new URL("fleet-models.ts", import.meta.url)),
    WORKER_MIN: "0",
    WORKER_MAX: "4",
    FLEETS: JSON.stringify([big]),
  });
  expect((await machine.hatchery("up")).code).toBe(0);
}, 900_000);
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

const store = () => createFolderStore(localStagePaths("local", machine.home).store);
const fleets = () => readStageFleets(store(), "local");
const progress = (experiment: string) => readProgress(store(), experiment);
const isClosed = async (experiment: string) => (await progress(experiment))?.state === "closed";
const fleet = async (name: string) => (await fleets())?.fleets.find((each) => each.name === name);
const isEmpty = async (name: string) => {
  const { desired, running } = (await fleet(name)) ?? {};
  return desired === 0 && running === 0;
};

/** Every size that the stage's fleets have had, one after the other. */
async function follow(until_: () => Promise<unknown>): Promise<Map<string, number[]>> {
  const sizes = new Map<string, number[]>();
  const note = (seen: StageFleets | undefined) => {
    for (const { name, desired } of seen?.fleets ?? []) {
      const before = sizes.get(name) ?? [];
      if (before.at(-1) !== desired) sizes.set(name, [...before, desired]);
    }
  };
  for (let over = false; ; over = Boolean(await until_())) {
    note(await fleets());
    if (over) return sizes;
    await sleep(50);
  }
}

/** Which workers computed an experiment, by its stored parts. */
async function workersOf(experiment: string): Promise<string[]> {
  const workers = new Set<string>();
  for (const { round } of await readRounds(store(), experiment))
    for (const { key } of (await partKeys(store(), experiment, round)).values()) {
      const part = (await store().read(key))!;
      for (const [worker] of readPartFacts(part).workers) workers.add(worker);
    }
  return [...workers].toSorted();
}

async function expectWhole(experiment: string, total: number): Promise<void> {
  const { code, out } = await machine.hatchery("verify", experiment, "--json");
  expect(code, out).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ total, done: total, ok: true });
  const sql = "select count(*), sum(abs(double - 2 * x)) from results";
  const answer = await machine.hatchery("results", experiment, "--json", "--sql", sql);
  expect(JSON.parse(answer.out)).toMatchObject({ rows: [[total, 0]] });
}

test("a fleet grows from nothing to its most for an experiment, and goes back; no busy worker is stopped", async () => {
  await until(() => isEmpty("default"), 20);
  const total = 300 * availableParallelism();
  // Looked at before the experiment is there: the steward asks for workers before `submit` has ended.
  const submitted = submit(machine, "waiting", "-n", String(total));
  const sizes = (
    await follow(async () => (await isClosed(await submitted)) && (await isEmpty("default")))
  ).get("default")!;
  const experiment = await submitted;
  expect(sizes[0]).toBe(0);
  expect(Math.max(...sizes)).toBe(4);
  // Up only, and then to nothing at once.
  expect(sizes).toEqual([...new Set(sizes.slice(0, -1).toSorted((a, b) => a - b)), 0]);
  expect(await progress(experiment)).toMatchObject({ done: total, interruptions: 0 });
  expect(await workersOf(experiment)).toEqual(["worker-1", "worker-2", "worker-3", "worker-4"]);
  await expectWhole(experiment, total);
}, 120_000);

test("each model is computed by the fleet that it asks for, at the same time", async () => {
  const total = 200 * availableParallelism();
  const waiting = await submit(machine, "waiting", "-n", String(total));
  const hungry = await submit(machine, "hungry", "-n", String(total));
  const sizes = await follow(async () => (await isClosed(waiting)) && isClosed(hungry));
  expect(Math.max(...sizes.get("big")!)).toBe(big.max);
  expect(await workersOf(hungry)).toEqual(["big-1", "big-2"]);
  expect(await workersOf(waiting)).toEqual(expect.arrayContaining(["worker-1", "worker-2"]));
  expect((await workersOf(waiting)).filter((worker) => worker.startsWith("big"))).toEqual([]);
  await expectWhole(waiting, total);
  await expectWhole(hungry, total);
}, 120_000);

test("a model that asks for what no fleet has is refused at submit, and told what there is", async () => {
  const { code, talk } = await machine.hatchery("submit", "homeless", "-n", "10");
  expect(code).toBe(2);
  expect(talk).toContain('The model "homeless" asks for gpu=yes');
  expect(talk).toContain("It has: default (no labels); big (memory=large).");
});

test("a pinned fleet stays as it is, also under a new steward, until it is to follow the work again", async () => {
  await until(() => isEmpty("default"), 20);
  expect((await machine.hatchery("fleet", "scale", "3")).code).toBe(0);
  const running = (count: number) =>
    until(async () => (await fleet("default"))?.running === count, 20);
  await running(3);
  const steward = () =>
    readLocalStage("local", machine.home)!.processes.find(({ name }) => name === "steward");
  const before = (await fleets())!.updatedAt;
  process.kill(steward()!.pid, "SIGKILL");
  await until(async () => (await fleets())!.updatedAt > before, 20);
  expect(steward()!.restarts).toBe(1);
  const shown = JSON.parse((await machine.hatchery("fleet", "--json")).out) as object;
  expect(shown).toMatchObject({
    fleets: [
      { name: "default", desired: 3, running: 3, min: 0, max: 4, pinned: 3 },
      { name: "big", desired: 0, pinned: null, labels: { memory: "large" } },
    ],
  });
  expect((await machine.hatchery("fleet")).out).toMatch(/default +3 +3 +pinned to 3/);
  expect((await machine.hatchery("fleet", "scale", "auto")).code).toBe(0);
  await running(0);
}, 120_000);

test("more workers than the most, or of an unknown fleet, are refused", async () => {
  const more = await machine.hatchery("fleet", "scale", "5");
  expect(more.code).toBe(2);
  expect(more.talk).toContain('"5" workers: it must be a whole number from 0 to 4');
  const unknown = await machine.hatchery("fleet", "scale", "1", "--fleet", "bag");
  expect(unknown.code).toBe(2);
  expect(unknown.talk).toContain('Stage "local" has no fleet "bag". It has: default, big.');
});
