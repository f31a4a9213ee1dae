/** `replay`: one simulation again, here. Needs the store and the model's code, no stage that is up. */
import type { Command } from "commander";
import { exitCodes } from "@hatchery/config";
import { findExperiment, readExperiment } from "../experiments.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { replay, replayText } from "../replay.ts";
import { openStage } from "../stage.ts";
import { codeVersion, findModel } from "../submit.ts";

interface ReplayCommandOptions {
  readonly stage: string;
  readonly inProcess?: true;
  readonly json?: true;
}

export function configureReplayCommands(program: Command, io: Io): void {
  program
    .command("replay")
    .description("Run one simulation again, here, and compare it with the stored row.")
    .argument("<experiment>", 'in full, the start of its id, its name, or "latest"')
    .argument("<simulation>", "its number, from 0")
    .addHelpText("before", examples("replay latest 73", "replay building-energy 73 --json"))
    .addHelpText(
      "after",
      [
        "",
        "Under a debugger, with a breakpoint in the model:",
        "  node --inspect-brk apps/cli/src/main.ts replay latest 73",
        "",
        "A simulation whose stored row says that it crashed or broke its time or memory limit, and one without",
        "a row, runs in a process of its own with the experiment's limits. --in-process runs it in the CLI.",
      ].join("\n"),
    )
    .option("--stage <stage>", "which stage's store", "local")
    .option("--in-process", "in the CLI's own process, even if that ends it; no limits hold")
    .option("--json", "one JSON document on stdout")
    .action(async (reference: string, simulation: string, options: ReplayCommandOptions) => {
      const { store } = openStage(options.stage);
      const { manifest } = await readExperiment(store, await findExperiment(store, reference));
      const model = await findModel(manifest.model, io);
      const answer = await replay(store, manifest, Number(simulation), model, options, io);
      io.out(options.json ? JSON.stringify(answer) : replayText(answer));
      if (answer.equal) return;
      process.exitCode = exitCodes.workFailed;
      const { commit } = await codeVersion();
      if (answer.stored !== null && commit !== manifest.code.commit)
        io.say(
          `It was computed by commit ${manifest.code.commit ?? "unknown"}; here is ${commit ?? "unknown"}.`,
        );
    });
}
