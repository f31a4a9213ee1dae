import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { defineModel } from "./model.ts";
import { sourceFiles, sourceHash } from "./source.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-source-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const at = (name: string) => ({ definedIn: [join(folder, name)], program: undefined });
const namesOf = (model: Parameters<typeof sourceFiles>[0]) =>
  sourceFiles(model).map((file) => file.slice(folder.length + 1));

test("a model is the file that defines it and all that are named from there, not its neighbours", async () => {
  await write({
    "package.json": "{}",
    "model.ts": `import { heat } from "./heat.ts"; readFileSync(join(here, 'table.csv'));`,
    "heat.ts": "import x from '../folder-that-is-not/there.ts'; const u = new URL(`./data.json`);",
    "table.csv": "1",
    "data.json": "{}",
    "neighbour.ts": "",
    "results.csv": "",
  });
  expect(namesOf(at("model.ts"))).toEqual(["data.json", "heat.ts", "model.ts", "table.csv"]);
});

test("an index file has its folder, without tests and caches", async () => {
  await write({
    "package.json": "{}",
    "office/index.ts": `import "../shared.ts"`,
    "office/climates/miami.json": "",
    "office/index.test.ts": "",
    "office/.cache/x": "",
    "office/test/stage.ts": "",
    "office/node_modules/y/index.js": "",
    "shared.ts": "",
    "other/index.ts": "",
  });
  expect(namesOf(at("office/index.ts"))).toEqual([
    "office/climates/miami.json",
    "office/index.ts",
    "shared.ts",
  ]);
});

test("a program is its folder, and a project's root is nobody's own", async () => {
  await write({ "package.json": "{}", "index.ts": "", "results.csv": "", "sim/run.py": "" });
  expect(namesOf(at("index.ts"))).toEqual(["index.ts"]);
  const program = { command: ["python3", "run.py"] as const, folder: join(folder, "sim") };
  expect(namesOf({ ...at("index.ts"), program })).toEqual(["index.ts", "sim/run.py"]);
});

test("the hash is of names and bytes alone: another place does not change it, a changed letter does", async () => {
  const files = { "package.json": "{}", "model.ts": `import "./heat.ts"`, "heat.ts": "1" };
  await write(files);
  const before = sourceHash(at("model.ts"));
  await write(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`moved/${name}`, text])),
  );
  expect(sourceHash(at("moved/model.ts"))).toBe(before);
  await write({ "heat.ts": "2" });
  expect(sourceHash(at("model.ts"))).not.toBe(before);
});

test("a model knows the file that defines it", async () => {
  const model = defineModel({
    name: "here",
    parameters: z.object({ x: z.number() }),
    results: z.object({ y: z.number() }),
    simulate: ({ x }) => ({ y: x }),
  });
  const [first = ""] = model.definedIn;
  expect(await readFile(first, "utf8")).toContain("a model knows the file that defines it");
});
