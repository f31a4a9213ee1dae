/** Looking again at what a real stage computed: replay, rows of a file, diff. */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMachine, faultyModels, type Machine } from "./command.ts";

let machine: Machine;
beforeAll(async () => {
  machine = createMachine({ MODELS_MODULE: faultyModels });
  expect((await machine.hatchery("up")).code).toBe(0);
}, 900_000);
afterAll(() => machine[Symbol.asyncDispose](), 60_000);

/** Runs to the end; answers the experiment's full name. */
async function run(...words: string[]): Promise<string> {
  const { out, talk } = await machine.hatchery("run", "faulty", ...words, "--json");
  expect(out, talk).not.toBe("");
  return (JSON.parse(out) as { experiment: string }).experiment;
}

async function json(...words: string[]): Promise<{ code: number; answer: unknown }> {
  const { code, out, talk } = await machine.hatchery(...words, "--json");
  expect(out, talk).not.toBe("");
  return { code, answer: JSON.parse(out) };
}

const grid = (count: number, faults: string) =>
  `--design grid --levels point=${count} --range point=0..${count - 1} --set milliseconds=0 --set faults=${faults} --max-failures 100`.split(
    " ",
  );

describe("replay", () => {
  let experiment: string;
  beforeAll(async () => {
    experiment = await run(...grid(12, "3:throw,5:exit,7:nan,9:loop"));
  }, 60_000);

  test("a result is equal to the stored row, to the last bit", async () => {
    const { code, answer } = await json("replay", experiment, "8");
    expect(code).toBe(0);
    expect(answer).toMatchObject({
      experiment,
      simulation: 8,
      process: "this",
      results: { value: 16 },
      equal: true,
    });
  });

  test.each([
    [3, "threw", "this"],
    [7, "invalid results", "this"],
    [5, "crashed", "own"],
    [9, "time limit", "own"],
  ])("failure %i has its cause again: %s, in %s process", async (i, cause, process) => {
    const { code, answer } = await json("replay", experiment, String(i));
    expect(answer).toMatchObject({ process, outcome: "failed", failure: { cause }, equal: true });
    expect(code).toBe(0);
  });

  test("in the CLI's own process by force, a simulation that ends it is no success", async () => {
    const { code, talk } = await machine.hatchery("replay", experiment, "5", "--in-process");
    expect(code).toBe(1);
    expect(talk).toContain("Simulation 5 ended this process");
  });
});

describe("rows of a file", () => {
  const lines = Array.from({ length: 1_000 }, (_, row) => `${(row * 7) % 1_000},${row % 3}`);
  const write = async (name: string, text: string) => {
    const path = join(machine.home, name);
    await writeFile(path, text);
    return path;
  };

  test("are the experiment's simulations, times its replicates", async () => {
    const path = await write("points.csv", `point,milliseconds\r\n${lines.join("\r\n")}\r\n`);
    const experiment = await run("--rows", path, "--replicates", "2");
    await rm(path);
    const { answer } = await json(
      "results",
      experiment,
      "--sql",
      "select count(*), sum((point - (simulation % 1000) * 7 % 1000)::int), sum(value - 2 * point) from results",
    );
    expect(answer).toMatchObject({ rows: [[2_000, 0, 0]] });
    expect((await json("verify", experiment)).code).toBe(0);
    expect((await json("replay", experiment, "1999")).answer).toMatchObject({
      parameters: { point: 993, milliseconds: 0 },
      equal: true,
    });
  }, 60_000);

  test("that are wrong are told by row and column, and nothing is enqueued", async () => {
    const before = await readdir(join(machine.home, "store", "experiments", "faulty"));
    const path = await write("wrong.csv", "point,pont\n1,2\n-1,3\nx,4\n");
    const { code, talk } = await machine.hatchery("run", "faulty", "--rows", path);
    expect(code).toBe(2);
    expect(talk).toContain('"wrong.csv" has 3 problems');
    expect(talk).toContain('row 2, point: "-1" must be a whole number from 0 to 1000000.');
    const beside = await machine.hatchery("run", "faulty", "--rows", path, "-n", "5");
    expect(beside.talk).toContain("--simulations does not go with --rows");
    expect(await readdir(join(machine.home, "store", "experiments", "faulty"))).toEqual(before);
  });
});

test("diff says what changed and which results differ", async () => {
  const small = ["-n", "50", "--range", "point=0..1000", "--set", "milliseconds=0"];
  const a = await run(...small);
  const again = await run(...small);
  const b = await run(...small, "--seed", "2", "--set", "faults=999999:throw");
  const same = await json("diff", a, again);
  expect(same.code).toBe(0);
  expect(same.answer).toMatchObject({ compared: 50, differing: 0, equal: true, changes: [] });
  const other = await json("diff", a, b);
  expect(other.code).toBe(1);
  expect(other.answer).toMatchObject({
    compared: 50,
    equal: false,
    changes: [
      { what: "seed", a: 1, b: 2 },
      { what: "design.fixed.faults", a: null, b: "999999:throw" },
    ],
    results: [{ name: "value" }],
  });
}, 60_000);
