/** The steps of a rehearsal: each is timed and told; the first that does not hold ends it. */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { once } from "node:events";
import { basename } from "node:path";
import { say } from "../src/program.ts";
import { must } from "./check.ts";

export interface Step {
  readonly name: string;
  readonly seconds: number;
  readonly isOk: boolean;
  readonly saw: string;
}

export class Steps {
  readonly done: Step[] = [];

  async run<T extends string | { saw: string }>(name: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const note = (isOk: boolean, saw: string) => {
      const seconds = (performance.now() - startedAt) / 1_000;
      this.done.push({ name, seconds: Number(seconds.toFixed(1)), isOk, saw });
      say(`${isOk ? "ok" : "FAILED"}  ${name}  ${seconds.toFixed(1)} s  ${saw}`);
    };
    try {
      const result = await work();
      note(true, typeof result === "string" ? result : result.saw);
      return result;
    } catch (error) {
      note(false, (error as Error).message.split("\n")[0] ?? "");
      throw error;
    }
  }
}

export interface Ended {
  readonly code: number | null;
  /** All that was on the screen. */
  readonly said: string;
}

interface RunOptions {
  readonly log: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What it says before Ctrl-C comes, which goes to all that it has started. */
  readonly interruptAt?: RegExp | undefined;
}

/** Runs a program to its end, and keeps what it says in the log. */
export async function runLogged(
  [program = "", ...words]: readonly string[],
  { log, environment, interruptAt }: RunOptions,
): Promise<Ended> {
  appendFileSync(log, `\n===== ${basename(program)} ${words.join(" ")} =====\n`);
  const child = spawn(program, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: environment,
    // Ctrl-C goes to a group, and ours is to live on.
    detached: interruptAt !== undefined,
  });
  let said = "";
  let isInterrupted = false;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      appendFileSync(log, text);
      if (isInterrupted || interruptAt?.test(said) !== true) return;
      isInterrupted = true;
      process.kill(-child.pid!, "SIGINT");
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

/** A program ends with the code that is wanted, and says what is wanted. */
export function mustEnd(
  { code, said }: Ended,
  wanted: { readonly code: number; readonly says?: readonly RegExp[] },
): void {
  const last = said.trimEnd().split("\n").slice(-40).join("\n");
  must(code === wanted.code, `It ended with ${code}, not with ${wanted.code}.`, last);
  for (const says of wanted.says ?? [])
    must(says.test(said), `It did not say ${says.source}`, last);
}
