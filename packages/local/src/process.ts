/**
 * Processes of a local stage: started so that they die with whoever started them, and recognised later.
 * Each carries a mark of its stage in its environment; what carries the mark belongs to the stage, whatever else
 * happened: a worker's own children, an orphan of a supervisor that was killed, a broker that left its process group.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, closeSync, constants, openSync, readFileSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

export { startTime } from "@hatchery/config";

const markName = "HATCHERY_LOCAL_STAGE";

/** What the processes of the stage in this folder carry in their environment, and nobody else's do. */
export function stageMark(folder: string): Record<string, string> {
  return { [markName]: createHash("sha256").update(folder).digest("hex").slice(0, 24) };
}

/** This process's environment without a mark: a supervisor started by a marked process is not of that stage. */
export function unmarkedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [markName]: undefined };
}

/** The path of a program, looked for as a shell would. */
export function findProgram(
  name: string,
  path: string = process.env["PATH"] ?? "",
): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

let setprivPath: string | false | undefined;

/** util-linux's setpriv, where it can tie a child's life to its parent's. */
export function findSetpriv(): string | undefined {
  if (setprivPath === undefined) {
    // Outside PATH too: with a bare PATH the children must still die with us.
    const found = findProgram("setpriv") ?? findProgram("setpriv", "/usr/bin:/bin");
    const help =
      process.platform === "linux" && found !== undefined
        ? spawnSync(found, ["--help"], { encoding: "utf8" }).stdout
        : "";
    setprivPath = help.includes("--pdeathsig") && found !== undefined ? found : false;
  }
  return setprivPath === false ? undefined : setprivPath;
}

export interface Launch {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly folder?: string;
  /** A file that stdout and stderr are appended to. */
  readonly log: string;
  /** What the process gets when we are gone without having stopped it. Linux only. */
  readonly signalOnOurDeath: NodeJS.Signals;
  /** Options of setpriv that change who the process runs as. */
  readonly privileges?: readonly string[];
}

export interface Running {
  readonly name: string;
  /** 0 when the program could not be run at all. */
  readonly pid: number;
  readonly startedAt: string;
  /** Resolves with how it ended: "exit code 1", "SIGKILL". */
  readonly exited: Promise<string>;
  hasExited(): boolean;
  /** Ends it by the signal, and by SIGKILL when that does not end it in time. */
  stop(signal: NodeJS.Signals, withinMs: number): Promise<void>;
}

export function launch(what: Launch): Running {
  const setpriv = findSetpriv();
  const command = setpriv
    ? [
        setpriv,
        `--pdeathsig=${what.signalOnOurDeath.slice(3)}`,
        ...(what.privileges ?? []),
        "--",
        ...what.command,
      ]
    : what.command;
  const log = openSync(what.log, "a", 0o600);
  const child = spawn(command[0]!, command.slice(1), {
    cwd: what.folder,
    env: what.environment,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  return watch(what.name, child);
}

function watch(name: string, child: ChildProcess): Running {
  let ended = false;
  const exited = new Promise<string>((resolve) => {
    child.once("exit", (code, killedBy) => {
      ended = true;
      resolve(killedBy ?? `exit code ${code}`);
    });
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      ended = true;
      resolve(error.message);
    });
  });
  return {
    name,
    pid: child.pid ?? 0,
    startedAt: new Date().toISOString(),
    exited,
    hasExited: () => ended,
    async stop(first, withinMs) {
      if (ended) return;
      child.kill(first);
      const timer = setTimeout(() => child.kill("SIGKILL"), withinMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The command line of a process, or "" when there is none. */
export function commandLine(pid: number): string {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** The processes that carry the mark of the stage in this folder. */
export function stageProcesses(folder: string): number[] {
  const mark = Object.entries(stageMark(folder)).map(([name, value]) => `${name}=${value}`)[0]!;
  if (process.platform !== "linux")
    return execFileSync("ps", ["axeww", "-o", "pid=,command="], {
      encoding: "utf8",
      maxBuffer: 64e6,
    })
      .split("\n")
      .filter((line) => line.includes(mark))
      .map((line) => Number.parseInt(line, 10));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark);
      } catch {
        // It ended meanwhile, or belongs to another user: not ours.
        return false;
      }
    })
    .map(Number);
}

/** Ends what carries the stage's mark, the named process by SIGINT first. Resolves with how many there were. */
export async function endStageProcesses(
  folder: string,
  gently: number | undefined,
): Promise<number> {
  const found = stageProcesses(folder);
  for (const pid of found) send(pid, pid === gently ? "SIGINT" : "SIGKILL");
  // Postgres writes a last checkpoint: seconds at most with a laptop's load.
  const deadline = Date.now() + 5_000;
  for (let left = found; left.length > 0; left = stageProcesses(folder)) {
    if (Date.now() > deadline) for (const pid of left) send(pid, "SIGKILL");
    await sleep(20);
  }
  return found.length;
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
