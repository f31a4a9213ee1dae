/**
 * Program: a simulator in any language. One long-lived process, one JSON line in, one JSON line out.
 *
 *   in   {"simulation": 7, "seed": 4503599627370496, "parameters": {…}}, with "inputs": {name: path} where the model
 *        has input files, and "folder", an empty one, where it may return files
 *   out  {"results": {…}}, with "files": ["name", …] that it has put into the folder;  or  {"error": "message"}  or  {"unable": "message"}, with "simulation": 7 if it likes
 *
 * "error" fails the simulation, "unable" the whole chunk: the program cannot work on this machine.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { endFailure, measureMemory, memoryEveryMs, startExternal } from "./external.ts";
import type { Command } from "./external.ts";
import { SimulationFailed, UnableError } from "./failures.ts";
import type { SimulationContext } from "./model.ts";
import { fileNameProblem } from "./returned-files.ts";
import { createScratchFolder } from "./scratch.ts";

export interface Program {
  readonly command: Command;
  /** Where it is started: the model's own folder. */
  readonly folder: string;
}

interface ProgramLimits {
  readonly seconds: number;
  readonly memoryBytes: number;
  /** Its simulations may return files. */
  readonly hasFiles?: boolean;
}

interface Asked {
  readonly simulation: number;
  /** What it is asked, without the folder. */
  readonly question: object;
  readonly since: number;
  readonly log: SimulationContext["log"];
  readonly files: SimulationContext["files"];
  readonly settle: (results: unknown) => void;
  readonly fail: (error: Error) => void;
}

interface Running {
  ask(asked: Asked, line: string): void;
}

/** How often the time limit is looked at. */
const everyMs = 100;

/**
 * A function like any model's. Its process is started by the first simulation and again after each one that ended it,
 * lives as long as this process, and does not keep it from ending.
 */
export function programFunction<Results>(
  program: Program,
  limits: ProgramLimits,
): (parameters: Readonly<Record<string, unknown>>, context: SimulationContext) => Promise<Results> {
  let running: Running | undefined;
  let note = "";
  let folder: string | undefined;

  return (parameters, { random, log, inputs, files }) =>
    new Promise((settle, fail) => {
      const { simulation } = random;
      const question = {
        simulation,
        seed: random.integer(0, Number.MAX_SAFE_INTEGER),
        parameters,
        ...(Object.keys(inputs ?? {}).length > 0 && { inputs }),
      };
      ask({
        simulation,
        question,
        since: performance.now(),
        log,
        files,
        settle: settle as Asked["settle"],
        fail,
      });
    });

  function ask(asked: Asked): void {
    try {
      running ??= start();
      if (note !== "") asked.log(note);
      note = "";
      const line = { ...asked.question, ...(limits.hasFiles && { folder: emptyFolder() }) };
      running.ask(asked, `${JSON.stringify(line)}\n`);
    } catch (error) {
      asked.fail(error as Error);
    }
  }

  /** One for all simulations of this process, emptied before each. */
  function emptyFolder(): string {
    folder ??= createScratchFolder();
    for (const name of readdirSync(folder))
      rmSync(join(folder, name), { recursive: true, force: true });
    return folder;
  }

  function start(): Running {
    const external = startExternal(program.command, program.folder);
    const { child, errorLines } = external;
    let asked: Asked | undefined;
    let hasAnswered = false;
    let unfinished = "";
    let measuredAt = 0;

    const check = setInterval(() => {
      if (asked === undefined) return;
      const now = performance.now();
      if (now - asked.since > limits.seconds * 1_000)
        drop(new SimulationFailed("time limit", `It ran for more than ${limits.seconds} s.`));
      else if (now - measuredAt >= memoryEveryMs) {
        measuredAt = now;
        measureMemory(child.pid!, (bytes) => {
          if (bytes <= limits.memoryBytes || asked === undefined) return;
          const megabytes = Math.round(limits.memoryBytes / 1e6);
          drop(new SimulationFailed("memory limit", `Its program grew over ${megabytes} MB.`));
        });
      }
    }, everyMs);
    // While a simulation waits for its answer the check alone keeps this process alive, else nothing does.
    check.unref();
    for (const handle of [child, child.stdin, child.stdout, child.stderr])
      (handle as { unref?(): void }).unref?.();

    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (data: string) => {
      if (running !== me) return;
      if (asked === undefined) {
        note = `The program was started anew: it wrote what nothing had asked for: ${cut(data)}`;
        return drop(undefined);
      }
      const end = data.indexOf("\n");
      if (end === -1) return void (unfinished += data);
      const line = unfinished + data.slice(0, end);
      unfinished = data.slice(end + 1);
      hear(line, asked);
    });
    void external.ended.then((end) => {
      const error = endFailure("Its program", external, end);
      if (asked !== undefined && hasAnswered && unfinished === "") askAnew(asked, error);
      else drop(error);
    });

    const me: Running = {
      ask(next, line) {
        if (asked !== undefined)
          throw new Error("A program computes one simulation at a time: await the one before.");
        errorLines.length = 0;
        asked = next;
        check.ref();
        child.stdin.write(line);
      },
    };
    return me;

    function hear(line: string, { simulation, files, settle, fail }: Asked): void {
      const answer = readAnswer(line);
      // After any of these the lines that follow could be taken for the answers to other simulations.
      if (answer === undefined) return breach("a line that is not JSON", line);
      if (unfinished !== "") return breach("more than one line", `${line}\n${unfinished}`);
      if (answer.simulation !== undefined && answer.simulation !== simulation)
        return breach("the answer to another simulation", line);

      hasAnswered = true;
      if (typeof answer.unable === "string") drop(new UnableError(answer.unable));
      else if (typeof answer.error === "string") {
        logErrorLines();
        free();
        fail(new SimulationFailed("threw", answer.error));
      } else if (isRecord(answer.results)) {
        free();
        try {
          if (answer.files !== undefined) keepFiles(answer.files, files, folder);
          settle(answer.results);
        } catch (error) {
          fail(error as Error);
        }
      } else breach('neither "results" nor "error"', line);
    }

    function breach(what: string, text: string): void {
      drop(new SimulationFailed("invalid results", `Its program wrote ${what}: ${cut(text)}`));
    }

    /**
     * A process that had answered others may have ended for their sake, as one that serves so many and no more does.
     * A new one has answered none: its end is the simulation's own, which is thus asked twice at most, within its one time.
     */
    function askAnew(again: Asked, { message }: Error): void {
      free();
      drop(undefined);
      note = `The program was started anew: ${message}`;
      ask(again);
    }

    /** Ends this process, and with an error the simulation that it was at. */
    function drop(error: Error | undefined): void {
      if (running === me) running = undefined;
      external.kill();
      clearInterval(check);
      if (asked === undefined || error === undefined) return;
      logErrorLines();
      const { fail } = asked;
      free();
      fail(error);
    }

    function free(): void {
      asked = undefined;
      check.unref();
    }

    function logErrorLines(): void {
      if (errorLines.length > 0) asked?.log(`stderr:\n${errorLines.join("\n")}`);
    }
  }
}

/** Takes the files that an answer names from the folder. Throws what fails the simulation. */
function keepFiles(
  names: unknown,
  files: SimulationContext["files"],
  folder: string | undefined,
): void {
  const invalid = (message: string) => new SimulationFailed("invalid results", message);
  if (folder === undefined)
    throw invalid("Its program names files, but the model declares none: it has no limits.files.");
  if (!Array.isArray(names)) throw invalid('"files" of its program must be a list of names.');
  for (const name of names as unknown[]) {
    const problem = fileNameProblem(name);
    if (problem !== undefined) throw invalid(problem);
    const path = join(folder, name as string);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
      throw invalid(`Its program names the file "${String(name)}", which is not in its folder.`);
    files.copy(name as string, path);
  }
}

interface Answer {
  readonly simulation?: unknown;
  readonly results?: unknown;
  readonly files?: unknown;
  readonly error?: unknown;
  readonly unable?: unknown;
}

function readAnswer(line: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(line);
    return isRecord(answer) ? answer : {};
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text.trimEnd();
}
