import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@hatchery/config";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Keep, type Kept, keep } from "./keeper.ts";
import { launch, sleep } from "./process.ts";

let folder: string;
let events: string[];
const kept: Kept[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hatchery-keeper-"));
  events = [];
});
afterEach(async () => {
  for (const each of kept.splice(0)) await each.stop(100);
  rmSync(folder, { recursive: true });
});

function keepScript(script: string, more: Partial<Keep> = {}): Kept {
  const log = join(folder, "log");
  const each = keep({
    name: "thing",
    launch: () =>
      launch({
        name: "thing",
        command: ["/bin/sh", "-c", script],
        environment: { PATH: process.env["PATH"] },
        log,
        signalOnOurDeath: "SIGKILL",
      }),
    readyWithinMs: 2_000,
    stopSignal: "SIGTERM",
    log,
    onChange: (event) => events.push(event),
    ...more,
  });
  kept.push(each);
  return each;
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5_000; !condition(); await sleep(10))
    if (Date.now() > deadline) throw new Error("It did not come true within 5 s.");
}

test("a process that is killed is started again", async () => {
  const each = keepScript("sleep 60");
  await each.start();
  const first = each.running!.pid;
  process.kill(first, "SIGKILL");
  await until(() => each.restarts === 1 && each.isUp);
  expect(each.running!.pid).not.toBe(first);
});

test("what has to be done before a start is done before each", async () => {
  let times = 0;
  const each = keepScript("sleep 60", {
    before: async () => {
      times++;
    },
  });
  await each.start();
  process.kill(each.running!.pid, "SIGKILL");
  await until(() => each.restarts === 1 && each.isUp);
  expect(times).toBe(2);
});

test("a program that ends again and again is started more and more seldom", async () => {
  const each = keepScript("sleep 0.01");
  await each.start();
  await sleep(1_000);
  // After 0.1, 0.2, 0.4 s: the fourth would come after 0.8 s more.
  expect(each.restarts).toBeGreaterThanOrEqual(2);
  expect(each.restarts).toBeLessThanOrEqual(3);
});

test("a process that ends again and again is in trouble, until it stays up", async () => {
  const each = keepScript(`test -e ${join(folder, "well")} && exec sleep 60; exit 3`, {
    wellAfterMs: 300,
  });
  await each.start();
  await until(() => each.restarts === 3);
  expect(each.trouble).toBeUndefined();
  await until(() => each.trouble !== undefined);
  expect(each.trouble).toMatch(/^thing has ended 5 times within \d s; see .*log\.$/);
  expect(events.filter((event) => event === "thing ended (exit code 3)")).toHaveLength(5);
  writeFileSync(join(folder, "well"), "");
  await until(() => each.trouble === undefined);
  expect(each.isUp).toBe(true);
  expect(events.at(-1)).toBe("thing stays up");
});

test("a process that is killed now and then is not in trouble", async () => {
  const each = keepScript("sleep 60", { wellAfterMs: 50 });
  await each.start();
  for (let times = 0; times < 6; times++) {
    await sleep(100);
    process.kill(each.running!.pid, "SIGKILL");
    await until(() => each.restarts === times + 1 && each.isUp);
  }
  expect(each.trouble).toBeUndefined();
});

test("a process that is stopped stays stopped", async () => {
  const each = keepScript("sleep 60");
  await each.start();
  await each.stop(1_000);
  await sleep(300);
  expect([each.running, each.restarts, each.isUp]).toEqual([undefined, 0, false]);
});

test("a first start that fails says why, with the end of the log", async () => {
  writeFileSync(join(folder, "log"), "");
  const failure = await keepScript("echo the reason; exit 3", { isReady: async () => false })
    .start()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toBe(
    "The thing did not start: it ended (exit code 3).\n\n  the reason",
  );
  expect((failure as UserError).hint).toBe(`Its whole log: ${join(folder, "log")}`);
});

test("a process that does not become ready is ended, and the start fails", async () => {
  const each = keepScript("sleep 60", { isReady: async () => false, readyWithinMs: 100 });
  await expect(each.start()).rejects.toThrow("it was not ready after 0.1 s");
  expect(each.running).toBeUndefined();
});
