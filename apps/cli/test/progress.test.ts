/** What a person is told while an experiment runs on a real stage, held against how it went. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLocalStage } from "@hatchery/config";
import { createFolderStore, readEvents, type Progress } from "@hatchery/experiment";
import {
  createMachine,
  faultyModels,
  isRunning,
  main,
  points,
  readProgress,
  submit,
  until,
  type Machine,
} from "./command.ts";

let machine: Machine;
beforeAll(async () => {
  machine = createMachine({ MODELS_MODULE: faultyModels });
  const { code, talk } = await machine.hatchery("up", "--workers", "2");
  expect(code, talk).toBe(0);
}, 900_000);
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

const slow = (count: number, milliseconds: number) => [
  ...points(count),
  "--set",
  `milliseconds=${milliseconds}`,
];

/** Every line of `watch --json` with the time at which it came. */
async function watched(experiment: string): Promise<{ at: number; progress: Progress }[]> {
  const watching = spawn(process.execPath, [main, "watch", experiment, "--json"], {
    env: { ...process.env, HATCHERY_HOME: machine.home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: { at: number; progress: Progress }[] = [];
  createInterface({ input: watching.stdout }).on("line", (line) =>
    lines.push({ at: Date.now(), progress: JSON.parse(line) as Progress }),
  );
  await once(watching, "close");
  return lines;
}

test("most ranges of time left have the end in them, and a canary claims none", async () => {
  const experiment = await submit(machine, ...slow(1_200, 40));
  const lines = await watched(experiment);
  const end = lines.find(({ progress }) => progress.done === 1_200)!.at;
  const ranges = lines
    .filter(({ progress: { secondsLeftMost, state } }) => state === "running" && secondsLeftMost)
    .map(({ at, progress: { secondsLeftLeast, secondsLeftMost } }) => {
      const actual = (end - at) / 1_000;
      // A line is up to a look of the steward and one of `watch` old: 0.35 s.
      return secondsLeftLeast! <= actual + 0.5 && actual - 0.5 <= secondsLeftMost!;
    });
  expect(ranges.length).toBeGreaterThan(10);
  expect(ranges.filter(Boolean).length / ranges.length).toBeGreaterThan(0.7);
  const canary = lines.filter(({ progress }) => progress.round === 0);
  for (const { progress } of canary) expect(progress.simulationsPerSecond).toBe(0);
}, 120_000);

test("a steward that was killed knows at once how fast it goes and since when; a long absence is an event", async () => {
  const experiment = await submit(machine, ...slow(3_000, 20));
  const before = await until(async () => {
    const progress = await readProgress(machine, experiment).catch(() => undefined);
    return progress?.secondsLeftMost !== undefined && progress;
  }, 60);
  const { pid } = readLocalStage("local", machine.home)!.processes.find(
    ({ name }) => name === "steward",
  )!;
  process.kill(pid, "SIGKILL");
  const after = await until(async () => {
    const progress = await readProgress(machine, experiment);
    return progress.state === "running" && progress.updatedAt > before.updatedAt && progress;
  }, 30);
  expect(after.startedAt).toBe(before.startedAt);
  expect(after.simulationsPerSecond).toBeGreaterThan(before.simulationsPerSecond / 3);
  expect(after.secondsLeftLeast).toBeDefined();

  await isRunning(machine, experiment, 600);
  expect((await machine.hatchery("down")).code).toBe(0);
  const stopped = await readProgress(machine, experiment);
  await new Promise((resolve) => setTimeout(resolve, 11_000));
  expect((await machine.hatchery("up", "--workers", "2")).code).toBe(0);
  const back = await until(async () => {
    const progress = await readProgress(machine, experiment);
    return progress.secondsLeft !== undefined && progress.done > stopped.done && progress;
  }, 60);
  const events = await readEvents(createFolderStore(`${machine.home}/store`), experiment);
  expect(events).toContainEqual(
    expect.objectContaining({ event: "taken up", since: stopped.updatedAt }),
  );
  // With the absence counted in, the rate would be down by a half or more.
  expect(back.simulationsPerSecond).toBeGreaterThan(stopped.simulationsPerSecond / 2);
  expect((await machine.hatchery("watch", experiment)).code).toBe(0);
}, 180_000);
