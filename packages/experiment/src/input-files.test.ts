import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inputFileKey, inputProblems, localInputs, storeInputs } from "./input-files.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

const tmpBefore = process.env["TMPDIR"];
let folder: string;
let store: Store;
let weather: string;
/** Reads of the store, and what was said of copies. */
let reads: string[];
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-inputs-test-"));
  // Copies go to a folder of this test alone.
  process.env["TMPDIR"] = join(folder, "tmp");
  await mkdir(join(folder, "tmp"));
  const whole = createFolderStore(join(folder, "store"));
  reads = [];
  said = [];
  store = {
    ...whole,
    readRange(key, from, bytes) {
      reads.push(key);
      return whole.readRange(key, from, bytes);
    },
  };
  weather = join(folder, "Miami.EPW");
  await writeFile(weather, "sunny");
});
afterEach(async () => {
  if (tmpBefore === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = tmpBefore;
  await rm(folder, { recursive: true, force: true });
});

const declared = { weather: { description: "A year's weather, EPW" } };
const local = (inputs: Parameters<typeof localInputs>[1]) =>
  localInputs(store, inputs, (line) => said.push(line));

test("everything that is wrong with what was given is said at once", async () => {
  const inputs = {
    ...declared,
    mesh: { description: "Mesh" },
    deck: { description: "Deck" },
    table: { description: "Table" },
  };
  const empty = join(folder, "empty");
  await writeFile(empty, "");
  const given = { wether: weather, mesh: join(folder, "none"), deck: folder, table: empty };
  expect(await inputProblems(inputs, given)).toEqual([
    'There is no input "wether"; the model takes: weather, mesh, deck, table.',
    'Input "weather" is missing (A year\'s weather, EPW): give it by --input weather=<file>.',
    `Input "mesh": "${given.mesh}" cannot be read (ENOENT).`,
    `Input "deck": "${folder}" is not a file.`,
    `Input "table": "${empty}" is empty.`,
  ]);
  expect(await inputProblems({}, { weather })).toEqual([
    'There is no input "weather"; the model takes no file.',
  ]);
  await expect(storeInputs(inputs, given, store)).rejects.toMatchObject({ name: "UserError" });
  expect(await store.list("inputs/")).toEqual([]);
});

test("a file is stored once under its hash and its ending, a default where none is given", async () => {
  const first = await storeInputs(declared, { weather }, store);
  expect(first).toEqual({
    weather: {
      file: "Miami.EPW",
      // printf sunny | sha256sum
      sha256: "c2333a7e3a607935c67c1e6f6810395decc9f66f592b812aaada7db94ba215d6",
      bytes: 5,
    },
  });
  const key = inputFileKey(first["weather"]!);
  expect(key).toBe(`inputs/${first["weather"]!.sha256}.epw`);
  const { mtimeMs } = await stat(join(store.address, key));
  const withDefault = { weather: { description: "", default: weather } };
  expect(await storeInputs(withDefault, {}, store)).toEqual(first);
  expect(await store.names("inputs/")).toHaveLength(1);
  expect((await stat(join(store.address, key))).mtimeMs).toBe(mtimeMs);
});

test("many ask at the same time and the file is fetched once, by later ones not at all", async () => {
  const inputs = await storeInputs(declared, { weather }, store);
  await rm(weather);
  const paths = await Promise.all(Array.from({ length: 8 }, () => local(inputs)));
  const [path] = new Set(paths.map((each) => each["weather"]!));
  expect(new Set(paths.map((each) => each["weather"])).size).toBe(1);
  expect(await readFile(path!, "utf8")).toBe("sunny");
  expect((await stat(path!)).mode & 0o222).toBe(0);
  await local(inputs);
  expect(reads).toHaveLength(1);
  expect(said).toEqual(['input "Miami.EPW": fetched 5 bytes.']);
});

test("a copy that was changed is fetched again", async () => {
  const inputs = await storeInputs(declared, { weather }, store);
  const { weather: path } = await local(inputs);
  await chmod(path!, 0o600);
  await writeFile(path!, "rainy");
  await local(inputs);
  expect(await readFile(path!, "utf8")).toBe("sunny");
  expect(said.at(-2)).toContain("is damaged");
  await rm(path!);
  await local(inputs);
  expect(await readFile(path!, "utf8")).toBe("sunny");
  expect(reads).toHaveLength(3);
});

test("what the store has not, or not as it was given, is an error, leaves nothing, and is asked for again", async () => {
  const inputs = await storeInputs(declared, { weather }, store);
  const key = inputFileKey(inputs["weather"]!);
  await store.replace(key, "snowy");
  await expect(local(inputs)).rejects.toThrow("is not the input");
  await store.remove(key);
  await expect(local(inputs)).rejects.toThrow("lacks");
  const [copies] = await readdir(join(folder, "tmp"));
  expect(await readdir(join(folder, "tmp", copies!))).toEqual([]);
  await storeInputs(declared, { weather }, store);
  expect(await readFile((await local(inputs))["weather"]!, "utf8")).toBe("sunny");
});
