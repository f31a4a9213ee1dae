/** `run`, `submit`, `watch`, `cancel`, `quickstart`: experiments on their way. */
import type { Command } from "commander";
import { UserError, exitCodes, isLocalStage } from "@hatchery/config";
import { describeDesign } from "@hatchery/experiment";
import {
  addExperimentOptions,
  readRequest,
  type ExperimentOptions,
} from "../experiment-options.ts";
import { findExperiment, readExperiment } from "../experiments.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { numberOption } from "../number-option.ts";
import { finish } from "../outcome.ts";
import {
  bringUp,
  defaultStage,
  isUp,
  openKeeper,
  openStage,
  stageOption,
  startCommand,
} from "../stage.ts";
import { checkDesign, submit, type Request } from "../submit.ts";
import { watch } from "../watch.ts";

export function configureExperimentCommands(program: Command, io: Io): void {
  addExperimentOptions(
    program
      .command("run")
      .description(
        "Run an experiment to its end: start the stage if need be, submit, watch, show the results.",
      )
      .argument("<model>", "one of `pnpm hatchery models`")
      .addHelpText(
        "before",
        examples(
          "run building-energy --simulations 10000",
          "run building-energy -n 5000 --set climate=miami --range windowRatio=0.2..0.6",
          "run building-energy --design grid --levels windowRatio=9 --levels wallUValue=5",
          "run building-energy --rows buildings.csv --set climate=miami --replicates 3",
          "run pi -n 1000 --seed 7 --json",
        ),
      ),
  )
    .option("--stage <stage>", "which stage", defaultStage(io))
    .option(
      "--workers <N>",
      "worker processes, when this starts the stage",
      numberOption("--workers"),
    )
    .option("--json", "one JSON document on stdout")
    .option("--dry-run", "show what would run, and stop there")
    .action(async (model: string, options: ExperimentOptions) => run(model, options, io));

  addExperimentOptions(
    program
      .command("submit")
      .description("Submit an experiment and return at once.")
      .argument("<model>", "one of `pnpm hatchery models`")
      .addHelpText(
        "before",
        examples(
          "submit building-energy --simulations 1000000",
          "submit building-energy --simulations 1000000 --stage mystage",
          "submit pi -n 100 --json",
        ),
      ),
  )
    .option("--stage <stage>", "which stage", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .option("--dry-run", "show what would run, and stop there")
    .action(async (model: string, options: ExperimentOptions) => {
      const stage = await openStage(options.stage, io);
      const request = await readRequest(model, options, io);
      describeRequest(request, io);
      if (options.dryRun) return;
      const experiment = await submit(request, stage);
      if (options.json) io.out(JSON.stringify({ experiment, stage: stage.name }));
      else io.out(experiment);
      if (isLocalStage(stage.name) && !(await isUp(stage.name, io)))
        io.say(`The stage "${stage.name}" is not up. It begins with:  ${startCommand(stage.name)}`);
      io.say(`Watch it:  pnpm hatchery watch ${experiment}${stageOption(stage.name, io)}`);
    });

  program
    .command("watch")
    .description("Follow an experiment to its end. Ctrl-C leaves it running.")
    .argument("[experiment]", 'in full, the start of its id, or "latest"', "latest")
    .addHelpText(
      "before",
      examples("watch", "watch latest --stage mystage", "watch 20261121 --json"),
    )
    .option("--stage <stage>", "which stage", defaultStage(io))
    .option("--json", "a line of JSON for each change")
    .action(async (reference: string, options: { stage: string; json?: true }) => {
      const stage = await openStage(options.stage, io);
      const experiment = await findExperiment(stage.store, reference);
      const state = await readExperiment(stage.store, experiment);
      const keeper = await openKeeper(stage, state, io);
      const progress = await watch(experiment, keeper, options.json ? quiet(io) : io, (change) => {
        if (options.json) io.out(JSON.stringify(change));
      });
      if (!options.json) await finish(experiment, keeper, {}, io);
      else if (progress.done < progress.total) process.exitCode = exitCodes.workFailed;
    });

  program
    .command("cancel")
    .description(
      "Cancel an experiment. What is done stays; the rest is accounted for as cancelled.",
    )
    .argument("<experiment>", 'in full, the start of its id, or "latest"')
    .addHelpText("before", examples("cancel latest", "cancel building-energy/20261121-093000-k3f9"))
    .option("--stage <stage>", "which stage", defaultStage(io))
    .action(async (reference: string, options: { stage: string }) => {
      const stage = await openStage(options.stage, io);
      const experiment = await findExperiment(stage.store, reference);
      const state = await readExperiment(stage.store, experiment);
      const { progress } = state;
      if (progress?.state === "closed")
        throw new UserError(`${experiment} is closed already (${progress.ended}).`, {
          hint: `See it:  pnpm hatchery results ${experiment}`,
          exitCode: exitCodes.wrongUsage,
        });
      const keeper = await openKeeper(stage, state, io);
      await keeper.mailbox.post({ kind: "cancel", experiment });
      io.say(
        `${experiment} is being cancelled; what is done stays. See:  pnpm hatchery watch ${experiment}${stageOption(keeper.name, io)}`,
      );
    });

  program
    .command("quickstart")
    .description("Run the sample experiment: 10,000 buildings in three climates.")
    .addHelpText("before", examples("quickstart", "quickstart --json"))
    .option("--json", "one JSON document on stdout")
    .action(async ({ json }: { json?: true }) => {
      io.say(
        "10,000 simulations of one building zone's year, in three climates, on the real engine.",
      );
      io.say("The first time, the engine is built from source, which takes a few minutes.\n");
      await run(
        "building-energy",
        {
          stage: "local",
          simulations: 10_000,
          design: "latin-hypercube",
          seed: 1,
          set: [],
          range: [],
          levels: [],
          ...(json && { json }),
        },
        io,
      );
    });
}

async function run(modelName: string, options: ExperimentOptions, io: Io): Promise<void> {
  const stage = await openStage(options.stage, io);
  const request = await readRequest(modelName, options, io);
  describeRequest(request, io);
  if (options.dryRun) return;
  await bringUp(stage.name, options.workers === undefined ? {} : { workers: options.workers }, io);
  const experiment = await submit(request, stage);
  io.say(`Submitted ${experiment}.`);
  await watch(experiment, stage, io);
  await finish(experiment, stage, options, io);
}

function describeRequest(request: Request, io: Io): void {
  const design = checkDesign(request);
  io.say(`${request.model.name}: ${describeDesign(request.design, design)}, seed ${request.seed}.`);
}

/** The same io without talk: a script reads every line. */
function quiet(io: Io): Io {
  return { ...io, say: () => undefined, redraw: () => undefined };
}
