/** What deploy, diff, teardown and rights have in common: strict options, one stage, one place that prints errors. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import {
  UserError,
  checkStageName,
  exitCodes,
  isLocalStage,
  workspaceRoot,
} from "@hatchery/config";

export const infraFolder = join(import.meta.dirname, "..");

/** A program of this package; examples come first in its help. */
export function program(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .addHelpText("before", `Examples:\n${examples.map((line) => `  ${line}`).join("\n")}\n`)
    .addHelpText("after", "\nExit codes are those of:  pnpm hatchery --help")
    .allowExcessArguments(false)
    .exitOverride();
}

/** Runs it on this process's words, and sets the exit code. */
export async function run(command: Command, words = process.argv.slice(2)): Promise<void> {
  try {
    await command.parseAsync(words, { from: "user" });
  } catch (error) {
    process.exitCode = explain(error);
  }
}

function explain(error: unknown): number {
  // Commander has said what is wrong; asking for help is not an error.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.wrongUsage;
  if (error instanceof UserError) {
    say(error.message);
    if (error.hint !== undefined) say(`\n${error.hint}`);
    return error.exitCode;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  say("\nThis is a bug in Hatchery. Please report it with the lines above.");
  return exitCodes.bug;
}

/** Talk goes to stderr, data to stdout. */
export function say(text = ""): void {
  process.stderr.write(`${text}\n`);
}

/** The stage on AWS that --stage or SST_STAGE names; throws when neither does, or both differ. */
export function chosenStage(
  option: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const named = environment["SST_STAGE"] || undefined;
  if (option !== undefined && named !== undefined && option !== named)
    throw new UserError(`--stage "${option}" and SST_STAGE="${named}" are two different stages.`, {
      hint: "Name one of them.",
      exitCode: exitCodes.wrongUsage,
    });
  const stage = option ?? named;
  if (stage === undefined)
    throw new UserError("No stage is named.", {
      hint: "Name it by --stage, or before the command:  SST_STAGE=mystage pnpm deploy --filter infra",
      exitCode: exitCodes.wrongUsage,
    });
  checkStageName(stage);
  if (isLocalStage(stage))
    throw new UserError(`"${stage}" is a stage on this machine, not on AWS.`, {
      hint: `Start it with:  pnpm hatchery up --stage ${stage}`,
      exitCode: exitCodes.wrongUsage,
    });
  return stage;
}

/** SST would read these and let them win over the shell, past all checks of the settings. */
export function refuseOwnEnvFiles(folder: string = infraFolder): void {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => name === ".env" || name.startsWith(".env."))
    : [];
  if (files.length === 0) return;
  const paths = files.map((name) => `apps/infra/${name}`);
  throw new UserError(
    `Settings are in "${paths.join('", "')}", where SST would take them past every check.`,
    {
      hint: `Move them to the root of the checkout:  mv ${paths[0]} ${join(workspaceRoot(), files[0] ?? "")}`,
      exitCode: exitCodes.wrongSettings,
    },
  );
}
