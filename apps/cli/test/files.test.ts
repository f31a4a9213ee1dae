/** Files that go into an experiment and files that come out of it, on a real stage. */
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inputFileKey, readManifest, createFolderStore } from "@hatchery/experiment";
import { pointFile } from "../../worker/test/faulty-models.ts";
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
  type Machine,
} from "./command.ts";

/** Copies of input files go there: to a place of this machine alone. */
let temporary: string;
let machine: Machine;
let words: string;
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), "hatchery-tmp-"));
  machine = createMachine({ MODELS_MODULE: faultyModels, TMPDIR: temporary });
  words = join(machine.home, "words.txt");
  await writeFile(words, "hello");
  const { code, talk } = await machine.hatchery("up", "--workers", "2");
  expect(code, talk).toBe(0);
});
afterAll(async () => {
  await machine[Symbol.asyncDispose]();
  await rm(temporary, { recursive: true, force: true });
}, 60_000);

/** Words for points 0 … count − 1 of the model that takes a file and returns up to two. */
const filing = (count: number, ...more: string[]) => [
  "filing",
  ...points(count).slice(1),
  "--input",
  `words=${words}`,
  ...more,
];

async function run(...options: string[]): Promise<{ experiment: string; code: number }> {
  const { out, talk, code } = await machine.hatchery("run", ...options, "--json");
  expect(out, talk).not.toBe("");
  return { code, ...(JSON.parse(out) as { experiment: string }) };
}

/** Fetches all files and holds each against what the model makes of its point. */
async function expectFiles(experiment: string, total: number, none: readonly number[] = []) {
  const folder = join(machine.home, "fetched", experiment);
  const { code, talk } = await machine.hatchery("files", experiment, "--out", folder);
  expect(code, talk).toBe(0);
  const simulations = Array.from({ length: total }, (_, i) => i).filter((i) => !none.includes(i));
  const found = (await readdir(folder)).map(Number).toSorted((a, b) => a - b);
  expect(found).toEqual(simulations);
  for (const i of simulations) {
    const names = await readdir(join(folder, String(i)));
    expect(names.toSorted()).toEqual(i % 2 === 0 ? ["even.txt", "point.bin"] : ["point.bin"]);
    expect(await readFile(join(folder, String(i), "point.bin"))).toEqual(pointFile(i, 1_000));
  }
  const { out } = await machine.hatchery("files", experiment, "--json");
  const { files } = JSON.parse(out) as { files: { simulation: number; name: string }[] };
  const listed = files.map(({ simulation, name }) => `${simulation}/${name}`);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed).toHaveLength(simulations.reduce((sum, i) => sum + (i % 2 === 0 ? 2 : 1), 0));
}

const packsOf = async (experiment: string) => {
  const round = join(experimentFolder(machine, experiment), "parts", "0");
  const names = await readdir(round);
  return names.filter((name) => name.endsWith(".tar")).map((name) => join(round, name));
};

/** Lines of each worker's log that tell of a copy that was fetched. */
async function fetchesByWorker(): Promise<number[]> {
  const logs = join(machine.home, "stages", "local", "logs");
  const workers = (await readdir(logs)).filter((name) => name.startsWith("worker"));
  const texts = await Promise.all(workers.map((name) => readFile(join(logs, name), "utf8")));
  return texts.map((text) => text.split("\n").filter((line) => line.includes("fetched")).length);
}

test("a file that was given reaches every simulation; each worker fetches it at most once", async () => {
  const original = join(machine.home, "once.txt");
  await writeFile(original, "only once");
  const before = (await fetchesByWorker()).reduce((sum, fetches) => sum + fetches, 0);
  const experiment = await submit(
    machine,
    ...points(200).with(0, "filing"),
    "--input",
    `words=${original}`,
    "--chunk-size",
    "10",
  );
  await rm(original);
  expect((await machine.hatchery("watch", experiment)).code).toBe(0);
  const { out } = await machine.hatchery(
    "results",
    experiment,
    "--json",
    "--sql",
    "select count(*) from results where said = 'only once'",
  );
  expect(JSON.parse(out)).toMatchObject({ rows: [[200]] });
  const fetches = await fetchesByWorker();
  expect(Math.max(...fetches)).toBe(1);
  expect(fetches.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(before);
  const replayed = await machine.hatchery("replay", experiment, "42", "--json");
  expect(JSON.parse(replayed.out)).toMatchObject({ equal: true, results: { said: "only once" } });
});

test("a simulation that ends its process is replayed with its input, and keeps no file", async () => {
  const { experiment } = await run(...filing(12, "--set", "faults=6:exit"));
  const { code, out } = await machine.hatchery("replay", experiment, "6", "--json");
  expect(code, out).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ process: "own", equal: true });
  await expectFiles(experiment, 12, [6]);
});

test("a damaged copy is fetched again before anything is computed with it", async () => {
  const { experiment } = await run(...filing(20));
  const store = createFolderStore(join(machine.home, "store"));
  const input = (await readManifest(store, experiment))!.inputs!["words"]!;
  const [folder] = (await readdir(temporary)).filter((name) => /^hatchery-inputs-\d+$/.test(name));
  const copy = join(temporary, folder!, inputFileKey(input).replace("inputs/", ""));
  await chmod(copy, 0o600);
  await writeFile(copy, "HELLO");
  const again = await run(...filing(20));
  expect(await readFile(copy, "utf8")).toBe("hello");
  const diff = await machine.hatchery("diff", experiment, again.experiment, "--json");
  expect(JSON.parse(diff.out)).toMatchObject({ equal: true });
});

test("another content of a file is another input: diff tells its hash and whose results differ", async () => {
  const { experiment } = await run(...filing(20));
  const other = join(machine.home, "other.txt");
  await writeFile(other, "goodbye");
  const second = await run(
    ...filing(20, "--name", "other").map((word) => word.replace(words, other)),
  );
  const { code, out } = await machine.hatchery("diff", experiment, second.experiment, "--json");
  expect(code).toBe(1);
  const { changes, results } = JSON.parse(out) as {
    changes: { what: string }[];
    results: { name: string; simulations: number }[];
  };
  expect(changes.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["inputs.words.file", "inputs.words.sha256", "inputs.words.bytes"]),
  );
  expect(results).toEqual([{ name: "said", simulations: 20, largest: null }]);
});

test("everything wrong with inputs is said at submit, and nothing is stored", async () => {
  const experiments = join(machine.home, "store", "experiments");
  const before = await readdir(experiments, { recursive: true });
  const folder = join(machine.home, "folder");
  await mkdir(folder, { recursive: true });
  const wrong = await machine.hatchery(
    "submit",
    "filing",
    "--input",
    `words=${folder}`,
    "--input",
    "wrods=x",
    "--input",
    "words",
  );
  expect(wrong.code).toBe(2);
  expect(wrong.talk).toContain(`Input "words": "${folder}" is not a file.`);
  expect(wrong.talk).toContain('There is no input "wrods"; the model takes: words.');
  expect(wrong.talk).toContain("--input words must be of the form name=value.");
  const missing = await machine.hatchery("run", "filing", "-n", "5");
  expect(missing.code).toBe(2);
  expect(missing.talk).toContain('Input "words" is missing (Any text.)');
  expect(await readdir(experiments, { recursive: true })).toEqual(before);
});

test("files come back as they were returned, and a retry doubles none", async () => {
  const licence = join(machine.home, "licence");
  const options = filing(
    200,
    "--set",
    "faults=7:file,8:file,150:file",
    "--set",
    `file=${licence}`,
    "--chunk-size",
    "20",
  );
  const { experiment, code } = await run(...options);
  expect(code).toBe(1);
  await expectFiles(experiment, 200, [7, 8, 150]);
  await writeFile(licence, "");
  expect((await machine.hatchery("retry", experiment, "--failed")).code).toBe(0);
  await expectFiles(experiment, 200);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
  const undisturbed = await run(...options);
  const [a, b] = [experiment, undisturbed.experiment].map((one) => readSummary(machine, one));
  expect((await a!).resultsSha256).toBe((await b!).resultsSha256);
});

test("files of an experiment that lost its engine and database are all there once", async () => {
  const options = filing(600, "--set", "milliseconds=10", "--chunk-size", "20");
  const experiment = await submit(machine, ...options);
  await isRunning(machine, experiment, 60);
  await machine.hatchery("down", "--destroy");
  expect((await readProgress(machine, experiment)).done).toBeLessThan(600);
  await rm(join(temporary, `hatchery-inputs-${process.getuid!()}`), { recursive: true });
  expect((await machine.hatchery("up", "--workers", "2")).code).toBe(0);
  expect((await machine.hatchery("watch", experiment)).code).toBe(0);
  expect(await rowsComputed(machine, experiment)).toBe(600);
  await expectFiles(experiment, 600);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
});

test("verify names the simulations whose files are gone or damaged, and files fetches the others", async () => {
  const { experiment } = await run(...filing(100, "--chunk-size", "10"));
  const packs = await packsOf(experiment);
  expect(packs).toHaveLength(10);
  const chunk = (number: number) =>
    packs.find((name) => name.includes(`/${String(number).padStart(6, "0")}.`))!;
  await rm(chunk(3));
  const damaged = chunk(6);
  const bytes = await readFile(damaged);
  // Within the second file of its first simulation: the bytes that follow its header.
  bytes[512 + 512 + 512 + 100]! ^= 1;
  await writeFile(damaged, bytes);
  expect((await stat(damaged)).size).toBe(bytes.length);

  const { code, out } = await machine.hatchery("verify", experiment);
  expect(code).toBe(1);
  expect(out).toMatch(/000003\.[0-9a-f]+\.tar is gone: files of simulations 30–39 \(10 in all\)/);
  expect(out).toMatch(/000006\.[0-9a-f]+\.tar is damaged: files of simulations 60 \(1 in all\)/);
  const folder = join(machine.home, "rest");
  const fetched = await machine.hatchery("files", experiment, "--out", folder);
  expect(fetched.code).toBe(1);
  expect(fetched.talk).toContain('"point.bin" of simulation 60');
  expect((await readdir(folder)).length).toBe(90);
  const one = await machine.hatchery("files", experiment, "64", "--name", "even.txt");
  expect(one.out).toMatch(/^\s+64\s+3 B {2}even\.txt$/m);

  const round = dirname(damaged);
  for (const part of ["000003.parquet", "000006.parquet"]) await rm(join(round, part));
  expect((await machine.hatchery("retry", experiment, "--missing")).code).toBe(0);
  expect((await machine.hatchery("verify", experiment)).code).toBe(0);
  await expectFiles(experiment, 100);
});
