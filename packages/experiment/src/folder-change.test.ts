import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { folderChange } from "./folder-change.ts";

const emptyFolder = () => fs.mkdtemp(join(tmpdir(), "hatchery-change-"));
/** As long as no test waits. */
const long = 60_000;

test("a new name ends the wait, one that is still being written does not", async () => {
  const folder = await emptyFolder();
  let isOver = false;
  const waiting = folderChange(folder, long).then(() => (isOver = true));
  await fs.writeFile(join(folder, ".part.writing"), "half");
  await sleep(50);
  expect(isOver).toBe(false);
  await fs.rename(join(folder, ".part.writing"), join(folder, "part"));
  await waiting;
});

test("a folder that is not there is asked again soon", async () => {
  const waiting = folderChange(join(await emptyFolder(), "later"), long);
  await expect(waiting).resolves.toBeUndefined();
});

test("without news the wait ends in its time", async () => {
  await expect(folderChange(await emptyFolder(), 10)).resolves.toBeUndefined();
});

test("whoever waits can be called away", async () => {
  const leaving = new AbortController();
  const waiting = folderChange(await emptyFolder(), long, leaving.signal);
  leaving.abort();
  await expect(waiting).rejects.toThrow("abort");
});
