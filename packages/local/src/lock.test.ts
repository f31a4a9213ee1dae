import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockHolder, releaseLock, takeLock } from "./lock.ts";
import { startTime } from "./process.ts";

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hatchery-lock-"));
  lock = join(folder, "deep", "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a free lock is taken and says who has it", () => {
  expect(takeLock(lock)).toBeUndefined();
  expect(lockHolder(lock)).toBe(process.pid);
  expect(Number.parseInt(readFileSync(lock, "utf8"), 10)).toBe(process.pid);
  releaseLock(lock);
  expect(readdirSync(join(folder, "deep"))).toEqual([]);
});

test("a lock that another process holds is not taken, and not released by us", () => {
  takeLock(lock);
  const other = process.ppid;
  writeFileSync(lock, `${other}\n${startTime(other)}\n`);
  expect(takeLock(lock)).toBe(other);
  releaseLock(lock);
  expect(existsSync(lock)).toBe(true);
});

test("the lock of a process that has ended is taken over", async () => {
  const child = spawn("sleep", ["0"]);
  const text = `${child.pid}\n${startTime(child.pid!)}\n`;
  await new Promise((resolve) => child.once("exit", resolve));
  takeLock(lock);
  writeFileSync(lock, text);
  expect(lockHolder(lock)).toBeUndefined();
  expect(takeLock(lock)).toBeUndefined();
  expect(lockHolder(lock)).toBe(process.pid);
});

test("a pid that was given to another process since holds nothing", () => {
  takeLock(lock);
  writeFileSync(lock, `${process.ppid}\n12345 long ago\n`);
  expect(lockHolder(lock)).toBeUndefined();
});
