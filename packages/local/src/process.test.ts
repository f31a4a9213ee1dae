import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  endStageProcesses,
  findProgram,
  findSetpriv,
  launch,
  sleep,
  stageMark,
  stageProcesses,
  startTime,
} from "./process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hatchery-process-"));
});
afterEach(async () => {
  await endStageProcesses(folder, undefined);
  rmSync(folder, { recursive: true });
});

const start = (script: string) =>
  launch({
    name: "shell",
    command: ["/bin/sh", "-c", script],
    environment: { PATH: process.env["PATH"], ...stageMark(folder) },
    log: join(folder, "log"),
    signalOnOurDeath: "SIGKILL",
  });

test("a program that is not there ends with the reason, and nothing is signalled", async () => {
  const running = launch({
    name: "nothing",
    command: ["/does/not/exist"],
    environment: {},
    log: join(folder, "log"),
    signalOnOurDeath: "SIGKILL",
  });
  expect(await running.exited).toMatch(/ENOENT|exit code 127/);
  await running.stop("SIGTERM", 10);
});

test("what a process writes is in its log", async () => {
  await start("echo out; echo err >&2").exited;
  expect(readFileSync(join(folder, "log"), "utf8")).toBe("out\nerr\n");
});

test("a process that does not hear SIGTERM is killed in time", async () => {
  const running = start("trap '' TERM; while :; do sleep 0.05; done");
  await sleep(100);
  const asked = performance.now();
  await running.stop("SIGTERM", 200);
  expect(await running.exited).toBe("SIGKILL");
  expect(performance.now() - asked).toBeGreaterThan(190);
});

test("the children of a stage's process are found and ended, those of another stage are not", async () => {
  const running = start("sleep 60 & sleep 60");
  const other = spawn("sleep", ["60"], { env: { ...process.env, ...stageMark("/elsewhere") } });
  await sleep(100);
  expect(stageProcesses(folder)).toHaveLength(3);
  expect(await endStageProcesses(folder, undefined)).toBe(3);
  expect(stageProcesses(folder)).toEqual([]);
  expect(await running.exited).toBe("SIGKILL");
  expect(startTime(other.pid!)).toBeDefined();
  other.kill();
});

test("a program is looked for in PATH only", () => {
  expect(findProgram("sh", "/nowhere:/bin")).toBe("/bin/sh");
  expect(findProgram("sh", "")).toBeUndefined();
});

// Elsewhere the next start finds what is left, by its mark.
describe.skipIf(findSetpriv() === undefined)("with setpriv, which is on Linux only", () => {
  test("a child dies when its parent is killed", async () => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { launch } from ${JSON.stringify(join(import.meta.dirname, "process.ts"))};
         launch(${JSON.stringify({
           name: "child",
           command: ["sleep", "60"],
           environment: { PATH: process.env["PATH"], ...stageMark(folder) },
           log: join(folder, "log"),
           signalOnOurDeath: "SIGKILL",
         })});`,
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    while (stageProcesses(folder).length === 0) await sleep(20);
    parent.kill("SIGKILL");
    for (let tries = 0; stageProcesses(folder).length > 0 && tries < 50; tries++) await sleep(20);
    expect(stageProcesses(folder)).toEqual([]);
  });
});
