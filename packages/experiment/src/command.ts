/**
 * Command: a simulator that is started once per simulation, reads input files and writes output files, as old codes do.
 * Called by a model's `simulate`. Each run has a scratch folder of its own, which is gone afterwards.
 */
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Value } from "./columns.ts";
import {
  endFailure,
  measureMemory,
  memoryEveryMs,
  startExternal,
  type Command,
} from "./external.ts";
import { SimulationFailed, UnableError } from "./failures.ts";
import { createScratchFolder } from "./scratch.ts";

export interface CommandRun<Output extends string, Binary extends string> {
  /** The executable and its arguments. It runs in the scratch folder: name your own files by absolute path. */
  readonly command: Command;
  /** Files that it reads, by name in the scratch folder: text in which {{name}} stands for a value. */
  readonly files?: Readonly<Record<string, string>>;
  /** Files that it reads as they are, by name in the scratch folder: where each is, such as an input file of the model. */
  readonly links?: Readonly<Record<string, string>>;
  /** What it reads from stdin, with {{name}} too. */
  readonly input?: string;
  /** What {{name}} stands for. A number is written in full and with a point: 0.1, 1e-7. */
  readonly values?: Readonly<Record<string, Value>>;
  /** Files that it writes, by name in the scratch folder. */
  readonly outputs?: readonly Output[];
  /** Files that it writes and that are no text, or are to be kept as they are. */
  readonly binaries?: readonly Binary[];
  /** The simulation's own signal. */
  readonly signal: AbortSignal;
  /** Ends it after so long, with the cause "time limit". */
  readonly seconds?: number;
  /** Ends it when it holds more megabytes, with the cause "memory limit". */
  readonly megabytes?: number;
  /** Where scratch folders are made; a folder of the system's temporary one unless told. */
  readonly scratch?: string;
}

export interface CommandResult<Output extends string, Binary extends string> {
  readonly stdout: string;
  /** The text of each file in `outputs`. */
  readonly files: Readonly<Record<Output, string>>;
  /** The content of each file in `binaries`. */
  readonly binaries: Readonly<Record<Binary, Buffer>>;
}

/**
 * Runs a command to its end. Another exit code than 0 fails the simulation as "crashed", with the last line of stderr;
 * a command that is not there, or a template that asks for what there is not, throws an UnableError.
 */
export async function runCommand<Output extends string = never, Binary extends string = never>(
  run: CommandRun<Output, Binary>,
): Promise<CommandResult<Output, Binary>> {
  const values = run.values ?? {};
  const input = fillTemplate(run.input ?? "", values, "input");
  const files = Object.entries(run.files ?? {}).map(
    ([name, text]) => [name, fillTemplate(text, values, name)] as const,
  );
  const folder = createScratchFolder(run.scratch);
  try {
    for (const [name, text] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    for (const [name, path] of Object.entries(run.links ?? {})) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await symlink(path, join(folder, name));
    }
    const stdout = await runToEnd(run, folder, input);
    const read = async (name: Output | Binary) => {
      const content = await readFile(join(folder, name)).catch(() => {
        throw new Error(`${run.command[0]} wrote no file "${name}".`);
      });
      return [name, content] as const;
    };
    const texts = await Promise.all((run.outputs ?? []).map(read));
    const binaries = await Promise.all((run.binaries ?? []).map(read));
    return {
      stdout,
      files: Object.fromEntries(
        texts.map(([name, content]) => [name, content.toString("utf8")]),
      ) as Record<Output, string>,
      binaries: Object.fromEntries(binaries) as Record<Binary, Buffer>,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runToEnd(
  { command, signal, seconds = Infinity, megabytes = Infinity }: CommandRun<string, string>,
  folder: string,
  input: string,
): Promise<string> {
  signal.throwIfAborted();
  const external = startExternal(command, folder);
  const { child, kill } = external;
  const startedAt = performance.now();
  let reason: Error | undefined;
  const end = (cause: "time limit" | "memory limit", message: string) => {
    reason ??= new SimulationFailed(cause, message);
    kill();
  };
  const check = setInterval(() => {
    if (performance.now() - startedAt > seconds * 1_000)
      end("time limit", `It ran for more than ${seconds} s.`);
    if (child.pid !== undefined && megabytes !== Infinity)
      measureMemory(child.pid, (bytes) => {
        if (bytes > megabytes * 1e6)
          end("memory limit", `${command[0]} grew over ${megabytes} MB.`);
      });
  }, memoryEveryMs);
  signal.addEventListener("abort", kill, { once: true });
  try {
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (data: string) => (stdout += data));
    child.stdin.end(input);
    const ended = await external.ended;
    signal.throwIfAborted();
    if (reason !== undefined) throw reason;
    if (ended.code !== 0) throw endFailure(command[0], external, ended);
    return stdout;
  } finally {
    clearInterval(check);
    signal.removeEventListener("abort", kill);
  }
}

/** The text with a value for each {{name}}. Throws an UnableError that names all placeholders without one. */
export function fillTemplate(
  text: string,
  values: Readonly<Record<string, Value>>,
  where: string,
): string {
  const unknown = new Set<string>();
  const filled = text.replaceAll(/\{\{\s*([\w.-]+)\s*\}\}/g, (placeholder, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || (typeof value === "number" && !Number.isFinite(value))) {
      unknown.add(value === undefined ? placeholder : `${placeholder} (${value})`);
      return "";
    }
    return String(value);
  });
  if (unknown.size === 0) return filled;
  throw new UnableError(
    `The template "${where}" asks for ${[...unknown].join(", ")}, which has no value.`,
    `Values there are: ${Object.keys(values).join(", ") || "none"}.`,
  );
}
