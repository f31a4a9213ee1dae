/** Runs `hatchery` as a person does: a process, words, an exit code. Each home is a machine of its own. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readPartFacts, type Progress } from "@hatchery/experiment";
import type { Summary } from "@hatchery/experiment/results";

export const main = fileURLToPath(new URL("../src/main.js", import.meta.url));
/** A model that fails, crashes, loops or takes time on request. */
export const faultyModels = fileURLToPath(
  new URL("../../worker/test/faulty-models.ts", import.meta.url),
);

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly talk: string;
}

export interface Machine {
  readonly home: string;
  hatchery(...words: string[]): Promise<Answer>;
  /** Starts a command and does not wait for it. */
  start(...words: string[]): ChildProcess;
  [Symbol.asyncDispose](): Promise<void>;
}

export function createMachine(environment: Record<string, string> = {}, folder?: string): Machine {
  const home = mkdtempSync(join(tmpdir(), "hatchery-home-"));
  const options = {
    env: { ...process.env, HATCHERY_HOME: home, NO_COLOR: "1", ...environment },
    maxBuffer: 1e8,
    ...(folder !== undefined && { cwd: folder }),
  };
  const machine: Machine = {
    home,
    hatchery: (...words) =>
      new Promise((resolve) => {
        execFile(process.execPath, [main, ...words], options, (error, out, talk) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, talk }),
        );
      }),
    start: (...words) => spawn(process.execPath, [main, ...words], { ...options, stdio: "ignore" }),
    async [Symbol.asyncDispose]() {
      if (existsSync(join(home, "stages"))) await machine.hatchery("down");
      rmSync(home, { recursive: true, force: true });
    },
  };
  return machine;
}

/** Polls until `look` answers something. */
export async function until<T>(
  look: () => Promise<T | undefined | false>,
  seconds: number,
): Promise<T> {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`Not within ${seconds} s: ${String(look)}`);
    await sleep(100);
  }
}

/** Words for the points 0 … count − 1 of the faulty model. */
export function points(count: number): string[] {
  return [
    "faulty",
    "--design",
    "grid",
    "--levels",
    `point=${count}`,
    "--range",
    `point=0..${count - 1}`,
  ];
}

/** What an experiment's folder in the machine's store holds. */
export function experimentFolder(machine: Machine, experiment: string): string {
  return join(machine.home, "store", "experiments", experiment);
}

async function readStored<T>(machine: Machine, experiment: string, file: string): Promise<T> {
  const text = await readFile(join(experimentFolder(machine, experiment), file), "utf8");
  return JSON.parse(text) as T;
}

export const readSummary = (machine: Machine, experiment: string) =>
  readStored<Summary>(machine, experiment, "summary.json");

export const readProgress = (machine: Machine, experiment: string) =>
  readStored<Progress>(machine, experiment, "progress.json");

/** Waits until an experiment is at work and has done so many. */
export const isRunning = (machine: Machine, experiment: string, least = 1) =>
  until(async () => {
    const progress = await readProgress(machine, experiment).catch(() => undefined);
    return progress !== undefined && progress.done >= least && progress.state === "running";
  }, 60);

/** Rows over all parts of an experiment: more than N means that a simulation was computed more than once. */
export async function rowsComputed(machine: Machine, experiment: string): Promise<number> {
  const parts = join(experimentFolder(machine, experiment), "parts");
  let rows = 0;
  for (const name of await readdir(parts, { recursive: true })) {
    if (!/^\d+\/\d+\.parquet$/.test(name)) continue;
    const { done, failed } = readPartFacts(await readFile(join(parts, name)));
    rows += done + failed;
  }
  return rows;
}

/** Submits an experiment and answers its name. */
export async function submit(machine: Machine, ...words: string[]): Promise<string> {
  const { out, code, talk } = await machine.hatchery("submit", ...words, "--json");
  if (code !== 0) throw new Error(talk);
  return (JSON.parse(out) as { experiment: string }).experiment;
}
