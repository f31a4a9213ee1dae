/** The engine's own programs for its setup, as their images have handed them over. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { UserError } from "@hatchery/config";

export interface EnginePrograms {
  /** Runs the program to its end, with its output in our log. */
  run(program: Program, options: readonly string[], more?: Environment): Promise<void>;
  /** The same, but its standard output is the answer and in no log. */
  answer(program: Program, options: readonly string[], more?: Environment): Promise<string>;
}

type Program = "hatchet-migrate" | "hatchet-admin";
type Environment = Readonly<Record<string, string>>;

export function enginePrograms(folder: string): EnginePrograms {
  async function start(
    program: Program,
    options: readonly string[],
    more: Environment,
    isAnswer: boolean,
  ): Promise<string> {
    const child = spawn(join(folder, program), options, {
      env: { ...process.env, ...more },
      // It reads database.yaml and server.yaml of the folder that it runs in; here are none.
      cwd: folder,
      stdio: ["ignore", isAnswer ? "pipe" : "inherit", "inherit"],
    });
    const ended = new Promise<string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const [how, answer] = await Promise.all([ended, child.stdout ? text(child.stdout) : ""]);
    if (how !== "exit code 0")
      throw new UserError(`"${program} ${options.join(" ")}" ended with ${how}.`, {
        hint: "What it said stands above.",
      });
    return answer;
  }
  return {
    run: async (program, options, more = {}) => void (await start(program, options, more, false)),
    answer: (program, options, more = {}) => start(program, options, more, true),
  };
}
