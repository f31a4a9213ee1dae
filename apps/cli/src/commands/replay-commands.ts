/** `replay`, `diff`: looking closely at what was computed. They need the store and, to replay, the model's code; no stage that is up. */
import type { Command } from "commander";
import { exitCodes } from "@hatchery/config";
import { shortHash, sourceHash } from "@hatchery/experiment";
import { diff, diffText } from "../diff.ts";
import { findExperiment, readExperiment } from "../experiments.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { numberOption } from "../number-option.ts";
import { replay, replayText } from "../replay.ts";
import { defaultStage, openStage } from "../stage.ts";
import { findModel } from "../submit.ts";

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
    .argument("<simulation>", "its number, from 0", numberOption("<simulation>"))
    .addHelpText("before", examples("replay latest 73", "replay building-energy 73 --json"))
    .addHelpText(
      "after",
      [
        "",
        "Under a debugger, with a breakpoint in the model:",
        "  pnpm exec node --inspect-brk apps/cli/src/main.js replay latest 73",
        "",
        "A simulation whose stored row says that it crashed or broke its time or memory limit, and one without",
        "a row, runs in a process of its own with the experiment's limits. --in-process runs it in the CLI.",
      ].join("\n"),
    )
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--in-process", "in the CLI's own process, even if that ends it; no limits hold")
    .option("--json", "one JSON document on stdout")
    .action(async (reference: string, simulation: number, options: ReplayCommandOptions) => {
      const { store } = await openStage(options.stage, io);
      const { manifest } = await readExperiment(store, await findExperiment(store, reference));
      const model = await findModel(manifest.model, io);
      const answer = await replay(store, manifest, simulation, model, options, io);
      io.out(options.json ? JSON.stringify(answer) : replayText(answer));
      if (answer.equal) return;
      process.exitCode = exitCodes.workFailed;
      const { source } = manifest.code;
      const here = sourceHash(model);
      if (answer.stored !== null && source !== undefined && source !== here)
        io.say(
          `The model's code is ${shortHash(here)} here; the experiment was submitted with ${shortHash(source)}, commit ${manifest.code.commit ?? "unknown"}.`,
        );
    });
  program
    .command("diff")
    .description("What changed between two experiments, and which simulations' results differ.")
    .argument("<A>", 'in full, the start of its id, its name, or "latest"')
    .argument("<B>", "likewise")
    .addHelpText(
      "before",
      examples(
        "diff building-energy/20261120-181500-x7kd latest",
        "diff 20261120-1815 20261121-0930 --json",
      ),
    )
    .addHelpText(
      "after",
      "\nExit code 0 when no result differs, 1 when some do or none could be compared.",
    )
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .action(async (a: string, b: string, options: { stage: string; json?: true }) => {
      const { store } = await openStage(options.stage, io);
      const answer = await diff(
        store,
        await findExperiment(store, a),
        await findExperiment(store, b),
      );
      io.out(options.json ? JSON.stringify(answer) : diffText(answer));
      if (!answer.equal) process.exitCode = exitCodes.workFailed;
    });
}
