/** How the setup's programs run: settings from the environment, what is expected to go wrong said in a few lines. */
import { readEnv, UserError } from "@hatchery/config";
import { type Logger, pino } from "pino";
import type { z } from "zod";

export async function runProgram<Shape extends z.core.$ZodShape>(
  name: string,
  schema: z.ZodObject<Shape>,
  run: (settings: z.output<z.ZodObject<Shape>>, logger: Logger) => Promise<void>,
): Promise<void> {
  try {
    await run(readEnv(schema, process.env, name), pino({ name }));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = error.hint === undefined ? "" : `\n${error.hint}\n`;
    process.stderr.write(`${error.message}\n${hint}`);
    process.exitCode = error.exitCode;
  }
}
