/**
 * External: a process of a program that is not ours.
 * Started so that it dies with us whatever ends us, and ended together with all that it has started.
 */
import {
  execFile,
  spawn,
  spawnSync,
  type ChildProcessWithoutNullStreams,
} from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { SimulationFailed, UnableError } from "./failures.ts";

/** The executable, by name or by path, and its arguments. */
export type Command = readonly [string, ...string[]];

export interface External {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it last wrote to stderr, without empty lines, the newest last. */
  readonly errorLines: string[];
  /** Settles when it has ended and what it wrote has been read. Never rejects. */
  readonly ended: Promise<ExternalEnd>;
  /** Ends it and all processes of its group, at once. */
  readonly kill: () => void;
}

export interface ExternalEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** It never ran: the system refused to start it. */
  readonly refused?: string;
}

/** A traceback of the usual depth; the last line alone goes into the failure. */
const keptErrorLines = 20;
/** A process that has left the group may hold the pipes open for ever; a second is enough to read what is in them. */
const drainMs = 1_000;

const environment = {
  // One slot is one core: a numeric library that starts a thread per core of the machine slows its neighbours down.
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  // Without it an answer stays in Python's buffer until the program ends, and the simulation never does.
  PYTHONUNBUFFERED: "1",
};

/** Throws an UnableError when there is no such executable, before anything is started. */
export function startExternal(command: Command, folder: string): External {
  requireExecutable(command[0], folder);
  const [file, ...args] = diesWithParent()
    ? ["setpriv", "--pdeathsig", "KILL", ...command]
    : command;
  const child = spawn(file, args, {
    cwd: folder,
    // A group of its own: it can be ended with its children, and Ctrl-C in a terminal does not reach it.
    detached: true,
    // In a locale with decimal commas, awk and C programs would write 0,5.
    env: { ...environment, ...process.env, LC_ALL: "C" },
  });
  const errorLines: string[] = [];
  readLines(child.stderr, (line) => {
    if (line.trim() === "") return;
    errorLines.push(line.trim());
    if (errorLines.length > keptErrorLines) errorLines.shift();
  });
  // A program that has ended does not read; its "close" says so.
  child.stdin.on("error", () => undefined);

  if (child.pid !== undefined) living.add(child.pid);
  let hasEnded = false;
  const kill = () => {
    if (hasEnded || child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nobody is left in the group.
    }
  };
  const ended = new Promise<ExternalEnd>((settle) => {
    child.once("error", ({ message }) => settle({ code: null, signal: null, refused: message }));
    child.once("exit", (code, signal) => {
      living.delete(child.pid!);
      // What it started and left behind goes too, and with it the last writers of the pipes.
      kill();
      hasEnded = true;
      setTimeout(() => settle({ code, signal }), drainMs).unref();
    });
    child.once("close", (code, signal) => settle({ code, signal }));
  });
  return { child, errorLines, ended, kill };
}

/** What its end says about the simulation that it ended in. */
export function endFailure(
  what: string,
  { errorLines }: External,
  { code, signal, refused }: ExternalEnd,
): Error {
  const last = errorLines.at(-1);
  // What a shell, env and setpriv answer for a command that is not there or is not executable.
  if (refused !== undefined || code === 126 || code === 127)
    return new UnableError(`${what} could not be started: ${refused ?? last ?? `exit ${code}`}`);
  const how = signal === null ? `exited with ${code}` : `was ended by ${signal}`;
  return new SimulationFailed("crashed", `${what} ${how}${last === undefined ? "." : `: ${last}`}`);
}

/** Programs of this process that have not ended. */
const living = new Set<number>();
/** The most that one was seen to hold since it was last asked. */
let heaviest = 0;

/** The most memory that a program of this process has held: where /proc says so, even between two looks. */
export function peakBytesOfPrograms(): number {
  const peak = Math.max(heaviest, ...Array.from(living, (pid) => statusBytes(pid, "VmHWM") ?? 0));
  heaviest = 0;
  return peak;
}

/** On systems without /proc each look starts a process. */
export const memoryEveryMs = process.platform === "linux" ? 100 : 1_000;

/** Calls back with the bytes of memory that a process holds, unless it has ended. */
export function measureMemory(pid: number, found: (bytes: number) => void): void {
  const tell = (bytes: number) => {
    heaviest = Math.max(heaviest, bytes);
    found(bytes);
  };
  if (process.platform === "linux") {
    const bytes = statusBytes(pid, "VmRSS");
    if (bytes !== undefined) tell(bytes);
  } else
    execFile("ps", ["-o", "rss=", "-p", String(pid)], (error, kilobytes) => {
      if (error === null) tell(Number(kilobytes) * 1_024);
    });
}

/** What the system says of a process; undefined when it has ended, and where there is no /proc. */
function statusBytes(pid: number, field: "VmRSS" | "VmHWM"): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kilobytes = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

function requireExecutable(file: string, folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UnableError(
      `"${file}" cannot be started in the folder "${folder}": it is not there.`,
    );
  const isPath = file.includes("/");
  const places = isPath
    ? [resolve(folder, file)]
    : (process.env["PATH"] ?? "").split(delimiter).map((place) => join(place, file));
  if (places.some(isExecutable)) return;
  throw new UnableError(
    isPath
      ? `The program "${places[0]}" is not there, or is not executable.`
      : `The program "${file}" is not on this machine: no folder of PATH has it.`,
    isPath ? `Run: chmod +x ${places[0]}` : `Install "${file}", on the workers' image too.`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

let canDieWithParent: boolean | undefined;

/** Linux alone can tie a process to its parent's life; its util-linux does it since 2.33, busybox does not. */
function diesWithParent(): boolean {
  canDieWithParent ??=
    process.platform === "linux" &&
    spawnSync("setpriv", ["--pdeathsig", "KILL", "true"], { stdio: "ignore" }).status === 0;
  return canDieWithParent;
}

/** A line longer than this is cut: only its end is of use. */
const longestLine = 10_000;

function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (data: string) => {
    const pieces = (rest + data).split("\n");
    rest = pieces.pop()!.slice(-longestLine);
    pieces.forEach(onLine);
  });
  stream.on("end", () => onLine(rest));
}
