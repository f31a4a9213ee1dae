import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalStageState, localStagePaths, readLocalStage, startTime } from "./local-stage.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hatchery-local-stage-"));
});
afterEach(() => rmSync(home, { recursive: true }));

function writeState(supervisorPid: number): void {
  const state: LocalStageState = {
    stage: "local",
    supervisorPid,
    startedAt: "2026-11-21T06:00:00.000Z",
    status: "ready",
    broker: "none",
    ports: { database: 1, grpc: 2, api: 3, health: 4 },
    engine: { serverUrl: "http://127.0.0.1:3", grpcAddress: "127.0.0.1:2" },
    processes: [],
    workers: [],
  };
  const path = localStagePaths("local", home).state;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(state));
}

test("a stage whose supervisor lives is up", () => {
  expect(readLocalStage("local", home)).toBeUndefined();
  writeState(process.pid);
  expect(readLocalStage("local", home)?.status).toBe("ready");
});

test("a stage whose supervisor is gone is not up, whatever its file says", async () => {
  const child = spawn("sleep", ["0"]);
  await once(child, "exit");
  writeState(child.pid!);
  expect(readLocalStage("local", home)).toBeUndefined();
});

test("a process keeps its start time, and another one has another", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  expect(startTime(process.pid)).toBe(startTime(process.pid));
  expect(startTime(child.pid!)).not.toBe(startTime(process.pid));
  child.kill();
});

describe.skipIf(process.platform !== "linux")(
  "where /proc tells of processes nobody waits for",
  () => {
    test("a supervisor that has ended and was never waited for is not alive", async () => {
      // After exec the parent is a sleep, which waits for no child.
      const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"]);
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line);
      const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2];
      while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 10));
      writeState(pid);
      expect(readLocalStage("local", home)).toBeUndefined();
      parent.kill();
    });
  },
);
