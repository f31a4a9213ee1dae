/** A model's code that is changed between experiments, and under one, on a real stage. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLocalStage } from "@hatchery/config";
import { createFolderStore, readManifest, readRounds } from "@hatchery/experiment";
import {
  createMachine,
  isRunning,
  readProgress,
  readSummary,
  submit,
  until,
  type Machine,
} from "./command.ts";

let folder: string;
let machine: Machine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-changed-"));
  await write(2);
  machine = createMachine({ MODELS_MODULE: join(folder, "models.ts") });
  const { code, talk } = await machine.hatchery("up");
  expect(code, talk).toBe(0);
}, 900_000);
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** A model whose one line of science is in a file of its own. */
async function write(times: number, into = folder): Promise<void> {
  const experiment = import.meta.resolve("@hatchery/experiment");
  const zod = import.meta.resolve("zod");
  await writeFile(join(into, "package.json"), '{ "type": "module" }');
  await writeFile(join(into, "law.ts"), `export const law = (x: number) => x * ${times};\n`);
  await writeFile(
    join(into, "models.ts"),
    `import { setTimeout as sleep } from "node:timers/promises";
import { defineModel } from ${JSON.stringify(experiment)};
import { z } from ${JSON.stringify(zod)};
import { law } from "./law.ts";
const law1 = defineModel({
  name: "law",
  parameters: z.object({ x: z.int().min(0).max(9999), milliseconds: z.number().default(0) }),
  results: z.object({ y: z.number() }),
  async simulate({ x, milliseconds }) {
    await sleep(milliseconds);
    return { y: law(x) };
  },
});
export const models = { law: law1 };
`,
  );
}

const points = (count: number) =>
  `law --design grid --levels x=${count} --range x=0..${count - 1}`.split(" ");
const store = () => createFolderStore(join(machine.home, "store"));
const sourceOf = async (experiment: string) =>
  (await readManifest(store(), experiment))!.code.source!;

async function run(): Promise<string> {
  const { code, out, talk } = await machine.hatchery("run", ...points(100), "--json");
  expect(code, talk).toBe(0);
  return (JSON.parse(out) as { experiment: string }).experiment;
}

test("what is submitted is computed with the code as it is then, and diff names the change", async () => {
  const before = await run();
  await write(3);
  const after = await run();
  const { code, out } = await machine.hatchery("diff", before, after, "--json");
  expect(code).toBe(1);
  const answer = JSON.parse(out) as { changes: { what: string }[]; differing: number };
  expect(answer.differing).toBe(99);
  expect(answer.changes.map(({ what }) => what)).toEqual(["code.source"]);

  const replayed = await machine.hatchery("replay", before, "7");
  expect(replayed.code).toBe(1);
  expect(replayed.talk).toContain((await sourceOf(before)).slice(0, 12));
  expect(replayed.talk).toContain((await sourceOf(after)).slice(0, 12));
  await write(2);
}, 120_000);

test("code that is changed under an experiment mixes nothing: it is halted, and goes on when a person says how", async () => {
  const words = [...points(600), "--set", "milliseconds=20", "--chunk-size", "20"];
  const experiment = await submit(machine, ...words);
  await isRunning(machine, experiment, 40);
  await write(3);
  process.kill(readLocalStage("local", machine.home)!.workers[0]!.pid, "SIGTERM");
  await until(async () => (await readProgress(machine, experiment)).state === "closed", 60);
  const { ended, reason, done } = await readProgress(machine, experiment);
  const source = await sourceOf(experiment);
  expect(ended).toBe("halted");
  expect(reason).toContain(`not ${source.slice(0, 12)}`);
  const here = /is ([0-9a-f]{12}) on this worker/.exec(reason!)![1]!;
  expect(here).not.toBe(source.slice(0, 12));

  const refused = await machine.hatchery("resume", experiment);
  expect(refused.code).toBe(4);
  expect(refused.talk).toContain(here);
  expect(refused.talk).toContain("--changed-code");
  expect(await readRounds(store(), experiment)).toHaveLength(1);

  const chosen = await machine.hatchery("resume", experiment, "--changed-code", "--json");
  expect(chosen.code, chosen.talk).toBe(0);
  const [, again] = await readRounds(store(), experiment);
  expect(again!.source!.slice(0, 12)).toBe(here);
  const { out } = await machine.hatchery(
    "results",
    experiment,
    "--json",
    "--sql",
    "select count(*) filter (y = 2 * x and x > 0), count(*) filter (y = 3 * x and x > 0) from results",
  );
  const [[twice = 0, thrice = 0] = []] = (JSON.parse(out) as { rows: number[][] }).rows;
  expect(twice + thrice).toBe(599);
  expect(Math.abs(twice - done)).toBeLessThanOrEqual(1);

  await write(2);
  const whole = await submit(machine, ...words);
  expect((await machine.hatchery("watch", whole)).code).toBe(0);
  expect((await readSummary(machine, whole)).resultsSha256).not.toBe(
    (await readSummary(machine, experiment)).resultsSha256,
  );
  const diff = await machine.hatchery("diff", whole, experiment, "--json");
  const { changes } = JSON.parse(diff.out) as { changes: { what: string; b: string }[] };
  expect(changes).toEqual([
    expect.objectContaining({ what: "code.source from round 1 on", b: again!.source }),
  ]);
}, 180_000);

test("a slow canary is not held for a worker of other code while others work on it", async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), "hatchery-changed-"));
  await write(3, elsewhere);
  const worker = spawn(
    process.execPath,
    [fileURLToPath(import.meta.resolve("../../worker/src/main.ts"))],
    {
      stdio: "ignore",
      env: {
        ...process.env,
        HATCHERY_HOME: machine.home,
        MODELS_MODULE: join(elsewhere, "models.ts"),
      },
    },
  );
  const ended = once(worker, "exit");
  try {
    // Of a canary's chunk of eight nothing is heard for 20 s.
    const experiment = await submit(machine, ...points(20), "--set", "milliseconds=2500");
    const told = await until(async () => (await readProgress(machine, experiment)).trouble, 30);
    expect(told.join()).toContain("on this worker");
    expect((await machine.hatchery("watch", experiment)).code).toBe(0);
    expect(await readProgress(machine, experiment)).toMatchObject({ ended: "completed", done: 20 });
  } finally {
    worker.kill("SIGKILL");
    await ended;
    await rm(elsewhere, { recursive: true });
  }
}, 180_000);
