import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolderMailbox } from "./mailbox.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-store-"));
  store = createFolderStore(join(folder, "store"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("an object is created once; a second writer changes nothing and is told", async () => {
  expect(await store.create("a/b.json", "first")).toBe(true);
  expect(await store.create("a/b.json", "second")).toBe(false);
  expect((await store.read("a/b.json"))?.toString()).toBe("first");
});

test("of many writers at the same time exactly one wins, and all of its bytes are there", async () => {
  const wins = await Promise.all(
    Array.from({ length: 20 }, (_, i) => store.create("part", String(i).repeat(100_000))),
  );
  expect(wins.filter(Boolean)).toHaveLength(1);
  expect((await store.read("part"))?.toString()).toBe(String(wins.indexOf(true)).repeat(100_000));
});

test("what is derived may be replaced, also from a file", async () => {
  await store.replace("progress", "1");
  await store.replace("progress", "2");
  expect((await store.read("progress"))?.toString()).toBe("2");
  await writeFile(join(folder, "local"), "3");
  await store.replaceFromFile("progress", join(folder, "local"));
  expect((await store.read("progress"))?.toString()).toBe("3");
  expect(await readdir(folder)).toEqual(["store"]);
});

test("a missing object is undefined, not an error", async () => {
  expect(await store.read("nothing")).toBeUndefined();
  expect(await store.readEnd("nothing", 10)).toBeUndefined();
  expect(await store.readRange("nothing", 0, 10)).toBeUndefined();
  expect(await store.localFile("nothing")).toBeUndefined();
  expect(await store.list("nothing/")).toEqual([]);
  expect(await store.names("nothing/")).toEqual([]);
});

test("the end of an object can be read alone", async () => {
  await store.create("x", "0123456789");
  expect((await store.readEnd("x", 3))?.toString()).toBe("789");
  expect((await store.readEnd("x", 99))?.toString()).toBe("0123456789");
});

test("a range of an object can be read alone, and ends where the object does", async () => {
  await store.create("x", "0123456789");
  expect((await store.readRange("x", 2, 3))?.toString()).toBe("234");
  expect((await store.readRange("x", 8, 99))?.toString()).toBe("89");
  expect((await store.readRange("x", 50, 1))?.toString()).toBe("");
  expect((await store.readRange("x", 0, 0))?.toString()).toBe("");
});

test("listings are in key order and hold whole objects only", async () => {
  for (const key of ["e/b/2", "e/a/1", "e/b/10", "f"]) await store.create(key, key);
  await writeFile(join(store.address, "e", ".abc.writing"), "half");
  expect((await store.list("e/")).map(({ key }) => key)).toEqual(["e/a/1", "e/b/10", "e/b/2"]);
  expect(await store.names("e/")).toEqual(["a", "b"]);
});

test("a key cannot leave the store", async () => {
  await expect(store.create("../outside", "x")).rejects.toThrow("leaves the store");
});

test.skipIf(process.getuid?.() === 0)(
  "a folder that may not be written is said in words",
  async () => {
    await store.create("a", "x");
    await chmod(store.address, 0o500);
    await expect(store.create("b", "x")).rejects.toMatchObject({ name: "UserError" });
  },
);

test("messages arrive in order, stay until they are done, and a broken one stops nobody", async () => {
  const mailbox = createFolderMailbox(join(folder, "mailbox"));
  expect(await mailbox.take()).toEqual([]);
  await mailbox.post({ kind: "submit", experiment: "a/1" });
  await writeFile(join(folder, "mailbox", "000000000000001-x.json"), "{ not json");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await mailbox.post({ kind: "cancel", experiment: "a/1" });
  const taken = await mailbox.take();
  expect(taken.map(({ message }) => message.kind)).toEqual(["submit", "cancel"]);
  await taken[0]!.done();
  expect((await mailbox.take()).map(({ message }) => message.kind)).toEqual(["cancel"]);
});
