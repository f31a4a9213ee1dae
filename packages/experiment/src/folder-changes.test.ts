import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { folderChanges } from "./folder-changes.ts";

async function emptyFolder(): Promise<string> {
  const folder = await fs.mkdtemp(join(tmpdir(), "hatchery-changes-"));
  onTestFinished(() => fs.rm(folder, { recursive: true }));
  return folder;
}
/** As long as no test waits. */
const long = 60_000;

test("a new name ends the wait, one that is still being written does not", async () => {
  const folder = await emptyFolder();
  using changes = folderChanges(folder);
  let isOver = false;
  const waiting = changes.next(long).then(() => (isOver = true));
  await fs.writeFile(join(folder, ".part.writing"), "half");
  await sleep(50);
  expect(isOver).toBe(false);
  await fs.rename(join(folder, ".part.writing"), join(folder, "part"));
  await waiting;
});

test("what comes between two waits ends the second one at once", async () => {
  const folder = await emptyFolder();
  using changes = folderChanges(folder);
  await changes.next(1);
  await fs.writeFile(join(folder, "part"), "");
  await sleep(50);
  await expect(changes.next(long)).resolves.toBeUndefined();
});

test("news are told once", async () => {
  const folder = await emptyFolder();
  using changes = folderChanges(folder);
  await fs.writeFile(join(folder, "part"), "");
  await sleep(50);
  await changes.next(long);
  let isOver = false;
  const leaving = new AbortController();
  const waiting = changes.next(long, leaving.signal).finally(() => (isOver = true));
  await sleep(50);
  expect(isOver).toBe(false);
  leaving.abort();
  await expect(waiting).rejects.toThrow("abort");
});

test("a folder that comes later is found soon, and counts as news", async () => {
  const folder = join(await emptyFolder(), "later");
  using changes = folderChanges(folder);
  await changes.next(long);
  await fs.mkdir(folder);
  await expect(changes.next(long)).resolves.toBeUndefined();
});

test("without news the wait ends in its time", async () => {
  using changes = folderChanges(await emptyFolder());
  await expect(changes.next(10)).resolves.toBeUndefined();
});
