import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { storeContract } from "./store-contract.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-store-"));
  store = createFolderStore(join(folder, "store"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

storeContract(() => Promise.resolve(store));

test("listings hold whole objects only", async () => {
  for (const key of ["e/b/2", "e/a/1", "f"]) await store.create(key, key);
  await writeFile(join(store.address, "e", ".abc.writing"), "half");
  expect((await store.list("e/")).map(({ key }) => key)).toEqual(["e/a/1", "e/b/2"]);
  expect(await store.names("e/")).toEqual(["a", "b"]);
});

test("what was replaced from a file is the file itself, and nothing lies beside it", async () => {
  await writeFile(join(folder, "local"), "3");
  await store.replaceFromFile("a/results", join(folder, "local"));
  expect(await readdir(join(folder, "store"), { recursive: true })).toEqual(["a", "a/results"]);
  expect(await store.localFile("a/results")).toBe(join(folder, "store", "a", "results"));
});

test("a folder that is emptied while others write into it costs none of them its object", async () => {
  const work = Array.from({ length: 300 }, async (_, i) => {
    await store.create(`deep/er/${i}`, "x");
    await store.remove(`deep/er/${i}`);
  });
  await Promise.all(work);
  expect(await readdir(store.address)).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder that may not be written is said in words",
  async () => {
    await store.create("a", "x");
    await chmod(store.address, 0o500);
    await expect(store.create("b", "x")).rejects.toMatchObject({ name: "UserError" });
  },
);
