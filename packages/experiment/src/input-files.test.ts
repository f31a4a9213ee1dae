import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
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
/** Held until it is disposed of, as by a chunk. */
const hold = (inputs: Parameters<typeof localInputs>[1], mostBytes?: number) =>
  localInputs(store, inputs, (line) => said.push(line), mostBytes);
const local = async (inputs: Parameters<typeof localInputs>[1]) => (await hold(inputs)).paths;
/** Names of the files that are in the cache. */
async function cached(): Promise<string[]> {
  const [copies] = await readdir(join(folder, "tmp"));
  const entries = await readdir(join(folder, "tmp", copies!), { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

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
  // The file itself, not only this process's link to it.
  const [name] = await cached();
  await rm(join(folder, "tmp", (await readdir(join(folder, "tmp")))[0]!, name!));
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
  expect(await cached()).toEqual([]);
  await storeInputs(declared, { weather }, store);
  expect(await readFile((await local(inputs))["weather"]!, "utf8")).toBe("sunny");
});

/** Inputs of so many bytes, each with another content. */
async function inputsOf(sizes: readonly number[]) {
  const given = sizes.map(async (bytes, i) => {
    const file = join(folder, `${i}.bin`);
    await writeFile(file, Buffer.alloc(bytes, i + 1));
    return storeInputs({ file: { description: "" } }, { file }, store);
  });
  return Promise.all(given);
}
const nameOf = (inputs: Awaited<ReturnType<typeof storeInputs>>) =>
  inputFileKey(inputs["file"]!).replace("inputs/", "");

test("what was used longest ago makes room, and is fetched again when it is needed again", async () => {
  const [a, b, c] = (await inputsOf([400, 400, 400])) as [never, never, never];
  for (const each of [a, b, a, c]) await (await hold(each, 1_000))[Symbol.asyncDispose]();
  expect((await cached()).toSorted()).toEqual([nameOf(a), nameOf(c)].toSorted());
  expect(said).toContain(`input cache: ${nameOf(b)} made room, 400 bytes.`);
  await using again = await hold(b, 1_000);
  expect(await readFile(again.paths["file"]!)).toEqual(Buffer.alloc(400, 2));
  expect((await cached()).toSorted()).toEqual([nameOf(b), nameOf(c)].toSorted());
});

test("what a chunk has stays whole for it, whatever else needs the room, and goes once nobody has it", async () => {
  const [a, b, c] = (await inputsOf([700, 700, 700])) as [never, never, never];
  const first = await hold(a, 1_000);
  const second = await hold(a, 1_000);
  expect(second.paths).toEqual(first.paths);
  await using other = await hold(b, 1_000);
  for (const chunk of [first, second]) {
    expect(await cached()).toContain(nameOf(a));
    expect(await readFile(chunk.paths["file"]!)).toEqual(Buffer.alloc(700, 1));
    await chunk[Symbol.asyncDispose]();
  }
  await using last = await hold(c, 1_000);
  expect((await cached()).toSorted()).toEqual([nameOf(b), nameOf(c)].toSorted());
  for (const [chunk, byte] of [[other, 2] as const, [last, 3] as const])
    expect(await readFile(chunk.paths["file"]!)).toEqual(Buffer.alloc(700, byte));
});

test("chunks that come and go in any order have their files, and no fetch takes the cache beyond its bound and what is in use", async () => {
  const sizes = [300, 500, 700, 900];
  const inputs = await inputsOf(sizes);
  const mostBytes = 1_000;
  const bytesOf = (which: Iterable<number>) =>
    [...new Set(which)].reduce((sum, each) => sum + sizes[each]!, 0);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 12 }), fc.nat(3), async (order, together) => {
      const held: { which: number; chunk: Awaited<ReturnType<typeof hold>> }[] = [];
      for (const which of order) {
        const before = reads.length;
        held.push({ which, chunk: await hold(inputs[which]!, mostBytes) });
        for (const { which: each, chunk } of held)
          expect(await readFile(chunk.paths["file"]!)).toEqual(
            Buffer.alloc(sizes[each]!, each + 1),
          );
        const kept = await cached();
        const there = inputs.flatMap((one, i) => (kept.includes(nameOf(one)) ? i : []));
        const inUse = held.map(({ which: each }) => each);
        if (reads.length > before)
          expect(bytesOf(there)).toBeLessThanOrEqual(Math.max(mostBytes, bytesOf(inUse)));
        while (held.length > together) await held.shift()!.chunk[Symbol.asyncDispose]();
      }
      for (const { chunk } of held) await chunk[Symbol.asyncDispose]();
    }),
    { numRuns: 60 },
  );
});

test("what a process that was killed had holds nothing", async () => {
  const [a, b] = (await inputsOf([700, 700])) as [never, never];
  await (await hold(a, 1_000))[Symbol.asyncDispose]();
  const [copies] = await readdir(join(folder, "tmp"));
  const path = join(folder, "tmp", copies!);
  const dead = join(path, "in-use", "999999999-1");
  await mkdir(dead);
  await link(join(path, nameOf(a)), join(dead, nameOf(a)));
  await using _ = await hold(b, 1_000);
  expect(await cached()).toEqual([nameOf(b)]);
});
