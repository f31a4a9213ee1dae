/** The commands put together, and the one place that prints an error and chooses the exit code. */
import { Command, CommanderError } from "commander";
import { UserError, exitCodes, hatcheryVersion } from "@hatchery/config";
import { configureAgainCommands } from "./commands/again-commands.ts";
import { configureExperimentCommands } from "./commands/experiment-commands.ts";
import { configureFilesCommand } from "./commands/files-command.ts";
import { configureFleetCommands } from "./commands/fleet-commands.ts";
import { configureReplayCommands } from "./commands/replay-commands.ts";
import { configureResultCommands } from "./commands/result-commands.ts";
import { configureStageCommands } from "./commands/stage-commands.ts";
import { configureStudyCommands } from "./commands/study-commands.ts";
import { examples, exitCodeTable } from "./help.ts";
import type { Io } from "./io.ts";
import { stageOption } from "./stage.ts";

export async function hatchery(words: readonly string[], io: Io): Promise<number> {
  const program = commands(io);
  let option = "";
  program.hook("preAction", (_program, command) => {
    const { stage } = command.opts<{ stage?: string }>();
    if (stage !== undefined) option = stageOption(stage, io);
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    return explain(error, io, (hint) => ofStage(hint, option, program));
  }
}

/** A hint means the stage that the command was for: whoever throws it need not know which one that is. */
function ofStage(hint: string, option: string, program: Command): string {
  return hint.replaceAll(/pnpm hatchery ([a-z]+)(?: [^\s,;]+)*/g, (line: string, name: string) => {
    const command = program.commands.find((each) => each.name() === name);
    const hasStage = command?.options.some(({ long }) => long === "--stage") ?? false;
    return hasStage && !/--(stage|help)\b/.test(line) ? `${line}${option}` : line;
  });
}

/** All commands, as they are parsed and as their help shows them. */
export function commands(io: Io): Command {
  const program = new Command("hatchery")
    .description("Run experiments of many simulations on a stage: the real engine and its workers.")
    .version(hatcheryVersion)
    .addHelpText(
      "before",
      examples(
        "quickstart",
        "run building-energy --simulations 10000",
        "watch latest",
        "results --csv results.csv",
        "down",
        "submit building-energy --simulations 1000000 --stage mystage",
      ),
    )
    .addHelpText(
      "after",
      `
A stage is a standing copy of the system. "local" and "local-…" are on this machine, any other name is on AWS: docs/aws.md.
Commands mean SST_STAGE's, else "local", unless --stage names another.

${exitCodeTable()}`,
    )
    .configureOutput({
      writeOut: (text) => io.out(text.replace(/\n$/, "")),
      writeErr: (text) => io.say(text.trimEnd()),
    })
    // `fleet scale 4 --stage b`: what stands after a command is that command's.
    .enablePositionalOptions()
    .exitOverride();
  configureExperimentCommands(program, io);
  configureAgainCommands(program, io);
  configureStudyCommands(program, io);
  configureReplayCommands(program, io);
  configureResultCommands(program, io);
  configureFilesCommand(program, io);
  configureStageCommands(program, io);
  configureFleetCommands(program, io);
  return program;
}

function explain(error: unknown, io: Io, meant: (hint: string) => string): number {
  // Commander has said what is wrong; asking for help or the version is not an error.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.wrongUsage;
  if (error instanceof UserError) {
    io.say(error.message);
    if (error.hint !== undefined) io.say(`\n${meant(error.hint)}`);
    return error.exitCode;
  }
  io.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  io.say("\nThis is a bug in Hatchery. Please report it with the lines above.");
  return exitCodes.bug;
}
