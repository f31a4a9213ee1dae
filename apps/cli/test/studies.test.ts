/** Studies on a real stage: they find what they look for, and go on wherever they were left. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localStagePaths, readLocalStage } from "@hatchery/config";
import { noFiles, type DesignSettings, type Manifest } from "@hatchery/experiment";
import { buildingEnergy } from "@hatchery/models/building-energy";
import {
  createMachine,
  experimentFolder,
  readProgress,
  readSummary,
  rowsComputed,
  until,
  type Machine,
} from "./command.ts";
import { models, studies, waywardStudies } from "./wayward-studies.ts";

let machine: Machine;
beforeAll(async () => {
  machine = createMachine({ MODELS_MODULE: waywardStudies, LOCAL_WORKER_HOUR_USD: "3600" });
  const { code, talk } = await machine.hatchery("up", "--workers", "2");
  expect(code, talk).toBe(0);
});
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

interface Outcome {
  readonly id: string;
  readonly stopped: string | null;
  readonly answer: Record<string, unknown> | null;
  readonly steps: readonly {
    readonly experiment: string;
    readonly design: DesignSettings;
    readonly total: number;
    readonly failed: number;
  }[];
}

const read = (out: string) => JSON.parse(out) as Outcome;
const folder = (experiment: string) => experimentFolder(machine, experiment);
const exists = (path: string) => readFile(path).then(Boolean, () => false);

/** What the steps came to, without what is another each time. */
const coreOf = async ({ answer, stopped, steps }: Outcome) => ({
  answer,
  stopped,
  designs: steps.map(({ design }) => design),
  results: await Promise.all(
    steps.map(async ({ experiment }) => (await readSummary(machine, experiment)).resultsSha256),
  ),
});

let undisturbed: Outcome;

test("bisection on building-energy stops at the walls that need the target's heat", async () => {
  const { code, out, talk } = await machine.hatchery("study", "wall-insulation", "--json");
  expect(code, talk).toBe(0);
  undisturbed = read(out);
  const { wallUValue, heatingKwhPerM2 } = undisturbed.answer as Record<string, number>;
  expect(Math.abs(heatingKwhPerM2! - 25)).toBeLessThanOrEqual(0.1);
  expect(undisturbed.steps.length).toBeGreaterThan(3);
  // The same 27 offices without stage, store and SQL.
  const each = [0, 1, 2].map((level) => ({
    infiltration: 0.1 + level * 0.2,
    internalGains: 8 + level * 7,
    heatingSetpoint: 19 + level,
  }));
  const heats = each.flatMap(({ infiltration }) =>
    each.flatMap(({ internalGains }) =>
      each.map(async ({ heatingSetpoint }) => {
        const given = { wallUValue, infiltration, internalGains, heatingSetpoint };
        const { signal } = new AbortController();
        const context = {
          signal,
          random: undefined as never,
          log: () => undefined,
          inputs: {},
          files: noFiles,
        };
        const parameters = buildingEnergy.parameters.parse(given);
        return (await buildingEnergy.simulate(parameters, context)).heatingKwhPerM2;
      }),
    ),
  );
  const mean = (await Promise.all(heats)).reduce((sum, heat) => sum + heat, 0) / heats.length;
  expect(heatingKwhPerM2).toBeCloseTo(mean, 6);
});

test("a study that is killed at three moments, its stage destroyed at one, ends as an undisturbed one and computes nothing twice", async () => {
  const stepOf = async (step: number) => {
    const id = (await readdir(join(machine.home, "store", "studies", "wall-insulation"))).at(-1);
    return id === undefined || id === undisturbed.id
      ? undefined
      : folder(`wall-insulation/${id}-${String(step).padStart(3, "0")}`);
  };
  const has = (step: number, file: string) =>
    until(async () => {
      const path = await stepOf(step);
      return path !== undefined && exists(join(path, file));
    }, 60);
  const killed = async (words: readonly string[], moment: () => Promise<unknown>) => {
    const child = machine.start("study", "wall-insulation", ...words);
    const ended = new Promise((resolve) => void child.once("exit", resolve));
    await moment();
    child.kill("SIGKILL");
    await ended;
    expect(child.signalCode).toBe("SIGKILL");
  };

  // After the manifest and before the message: the steward is held, and the message taken out of its mailbox.
  const { pid } = readLocalStage("local", machine.home)!.processes.find(
    ({ name }) => name === "steward",
  )!;
  process.kill(pid, "SIGSTOP");
  await killed([], () => has(0, "manifest.json"));
  const { mailbox } = localStagePaths("local", machine.home);
  for (const name of await readdir(mailbox)) await rm(join(mailbox, name));
  process.kill(pid, "SIGCONT");

  await killed(["--resume"], () => has(3, "progress.json"));
  expect((await machine.hatchery("down", "--destroy")).code).toBe(0);

  await killed(["--resume"], () => has(5, "summary.json"));

  // Two at once are one: a step's name is a function of the step.
  const resume = () => machine.hatchery("study", "wall-insulation", "--resume", "--json");
  const [{ code, out, talk }, other] = await Promise.all([resume(), resume()]);
  expect(code, talk).toBe(0);
  expect(other.out, other.talk).toBe(out);
  const resumed = read(out);
  expect(await coreOf(resumed)).toEqual(await coreOf(undisturbed));
  const all = await readdir(join(machine.home, "store", "experiments", "wall-insulation"));
  expect(all.filter((id) => id.startsWith(resumed.id))).toEqual(
    resumed.steps.map(({ experiment }) => experiment.slice("wall-insulation/".length)),
  );
  for (const { experiment, total } of resumed.steps)
    expect(await rowsComputed(machine, experiment)).toBe(total);

  const third = await machine.hatchery("study", "wall-insulation", "--resume", undisturbed.id);
  expect(third.code).toBe(0);
  expect(third.talk.match(/from the store/g)).toHaveLength(undisturbed.steps.length);
});

test("the next step sees only what is done, and the counts of the rest", async () => {
  const { code, out, talk } = await machine.hatchery("study", "failing", "--json");
  expect(code, talk).toBe(0);
  const { answer, steps } = read(out);
  expect(steps.map(({ total, failed }) => [total, failed])).toEqual([
    [8, 2],
    [6, 0],
  ]);
  expect(answer).toEqual({ rows: "[[0,6,55],[1,6,55]]", own: 6, failed: 0 });
  const seeds = steps.map(async ({ experiment }) => {
    const manifest = await readFile(join(folder(experiment), "manifest.json"), "utf8");
    return JSON.parse(manifest) as { seed: number; study: unknown };
  });
  expect(await Promise.all(seeds)).toMatchObject([
    { seed: 1, study: { name: "failing", step: 0 } },
    { seed: 2, study: { name: "failing", step: 1 } },
  ]);
});

test("a study whose designs are not those of its results is stopped, and says which step", async () => {
  const experiments = () => readdir(join(machine.home, "store", "experiments", "fickle"));
  await writeFile(join(machine.home, "count"), "2");
  expect((await machine.hatchery("study", "fickle")).code).toBe(0);
  const before = await experiments();
  expect(before).toHaveLength(2);
  for (const [count, step] of [
    ["4", "-000"],
    ["1", "-001"],
  ]) {
    await writeFile(join(machine.home, "count"), count!);
    const again = await machine.hatchery("study", "fickle", "--resume");
    expect(again.code).toBe(1);
    expect(again.talk).toContain("does not give the design that was computed");
    if (count === "4") expect(again.talk).toContain(`${step}, `);
  }
  expect(await experiments()).toEqual(before);
});

test("a step that was held back stops the study, which goes on once the rest has run", async () => {
  const held = await machine.hatchery("study", "hopeless");
  expect(held.code).toBe(1);
  expect(held.talk).toContain("24 of 40 simulations did not run (halted)");
  const resume = /hatchery (resume \S+)/.exec(held.talk)![1]!.split(" ");
  await machine.hatchery(...resume, "--max-failures", "100");
  const { code, out, talk } = await machine.hatchery("study", "hopeless", "--resume", "--json");
  expect(code, talk).toBe(1);
  expect(talk).toContain("Not stopped");
  expect(read(out)).toMatchObject({ stopped: null, steps: [{ total: 40, failed: 40 }] });
});

test("the steps of a study share what it may cost, and none begins once that is spent", async () => {
  const { code, out, talk } = await machine.hatchery(
    "study",
    "failing",
    "--max-usd",
    "1000",
    "--json",
  );
  expect(code, talk).toBe(0);
  const { id, steps } = read(out);
  const [first, second] = steps.map(({ experiment }) => experiment) as [string, string];
  const capOf = async (experiment: string) =>
    (JSON.parse(await readFile(join(folder(experiment), "manifest.json"), "utf8")) as Manifest).plan
      .maxUsd;
  const { costUsd } = await readProgress(machine, first);
  expect(costUsd).toBeGreaterThan(0);
  expect(await capOf(first)).toBe(1_000);
  expect(await capOf(second)).toBe(1_000 - costUsd!);

  await rm(folder(second), { recursive: true });
  const refused = await machine.hatchery("study", "failing", "--resume", id, "--max-usd", "0.01");
  expect(refused.code).toBe(4);
  expect(refused.talk).toContain("USD so far, and may cost 0.01 USD in all.");
  expect(refused.talk).toMatch(/pnpm hatchery study failing --resume \S+ --max-usd [\d.]+/);
  // What was said at first still holds.
  expect((await machine.hatchery("study", "failing", "--resume", id)).code).toBe(0);
  expect(await capOf(second)).toBeCloseTo(1_000 - costUsd!, 6);
});

test("studies are listed with their runs, and a wrong name or run is said with what there is", async () => {
  const { out } = await machine.hatchery("study", "--json");
  expect(JSON.parse(out)).toContainEqual(
    expect.objectContaining({
      name: "fickle",
      model: models.picky.name,
      runs: [expect.any(String)],
    }),
  );
  const name = await machine.hatchery("study", "walls");
  expect([name.code, name.talk]).toEqual([
    2,
    expect.stringContaining(Object.keys(studies).join(", ")),
  ]);
  const run = await machine.hatchery("study", "fickle", "--resume", "1999");
  expect([run.code, run.talk]).toEqual([2, expect.stringContaining("whose id starts with")]);
});
