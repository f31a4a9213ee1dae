/** A model that does to its process what a bad simulator does. For tests. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

const held: Buffer[] = [];

const faults = {
  throw: (point: number) => {
    throw new Error(`No convergence at step ${point}.`);
  },
  exit: () => process.exit(3),
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, "SIGKILL"),
  loop: () => {
    for (;;);
  },
  hang: () => new Promise<{ value: number }>(() => undefined),
  heap: () => {
    const kept: object[] = [];
    for (;;) kept.push(Array.from({ length: 1_000 }, (_, i) => ({ i })));
  },
  grow: () => {
    const kept: Buffer[] = [];
    for (;;) kept.push(Buffer.alloc(10_000_000, 1));
  },
  /** No fault: holds 150 MB for good, and is done. */
  hold: (point: number) => {
    held.push(Buffer.alloc(150e6, 1));
    return { value: point * 2 };
  },
  /** No fault: its process is stopped for 3 s, as a laptop with its lid closed stops it, and it takes 300 ms after that. */
  sleep: (point: number) => {
    spawn("sh", ["-c", `sleep 3; kill -CONT ${process.pid}`]);
    process.kill(process.pid, "SIGSTOP");
    spin(300);
    return { value: point * 2 };
  },
  /** No fault: says its point. */
  say: (point: number) => {
    process.stdout.write(`point ${point}\n`);
    return { value: point * 2 };
  },
  nan: () => ({ value: Number.NaN }),
  missing: () => ({}) as { value: number },
  /** Fails until somebody has put the file there: what a retry is for. */
  file: (point: number, file: string) => {
    if (!existsSync(file)) throw new Error(`"${file}" is not there.`);
    return { value: point * 2 };
  },
  reject: async () => {
    throw new RangeError("Rejected later.");
  },
} as const;

export type Fault = keyof typeof faults;

/**
 * `value` is twice `point`, but where `faults` says so: "3:throw,7:exit" throws at point 3 and exits at point 7.
 * `faultsFile` is a file that says more of them; what stands in it is no parameter, and may change between two runs.
 * `milliseconds` is how long each simulation keeps its core busy.
 */
const faulty = defineModel({
  name: "faulty",
  parameters: z.object({
    point: z.int().min(0).max(1_000_000),
    faults: z.string().default(""),
    faultsFile: z.string().default(""),
    file: z.string().default(""),
    milliseconds: z.number().min(0).max(10_000).default(0),
  }),
  results: z.object({ value: z.number() }),
  limits: { seconds: 1, attempts: 2, memory: "400 MB" },
  simulate({ point, faults: list, faultsFile, file, milliseconds }) {
    const more = faultsFile === "" ? "" : readFileSync(faultsFile, "utf8");
    spin(milliseconds);
    return (planted(`${list},${more}`, point)?.(point, file) ?? { value: point * 2 }) as {
      value: number;
    };
  },
});

function planted(list: string, point: number) {
  const kind = new Map(list.split(",").map((one) => one.split(":") as [string, Fault]));
  return faults[kind.get(String(point))!] as ((point: number, file: string) => unknown) | undefined;
}

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** A program that nobody has. */
const absent = defineModel({
  name: "absent",
  parameters: z.object({ x: z.number().min(0).max(1) }),
  results: z.object({ y: z.number() }),
  program: ["no-such-simulator"],
  folder: import.meta.dirname,
});

/** What `filing` returns as point.bin. */
export function pointFile(point: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${point},`);
}

/** Returns files, and its input's text as a result; goes wrong where `faults` says, after it has written them. */
const filing = defineModel({
  name: "filing",
  parameters: z.object({
    point: z.int().min(0).max(1_000_000),
    bytes: z.int().default(1_000),
    faults: z.string().default(""),
    file: z.string().default(""),
    milliseconds: z.number().default(0),
  }),
  results: z.object({ value: z.number(), said: z.string() }),
  inputs: { words: { description: "Any text." } },
  limits: { seconds: 5, attempts: 2, memory: "400 MB", files: "1 MB" },
  simulate({ point, bytes, faults: list, file, milliseconds }, { inputs, files }) {
    if (bytes > 0) files.write("point.bin", pointFile(point, bytes));
    if (point % 2 === 0) files.write("even.txt", `${point}\n`);
    spin(milliseconds);
    planted(list, point)?.(point, file);
    return { value: point * 2, said: readFileSync(inputs.words, "utf8") };
  },
});

export const models = { faulty, absent, filing };
