/** `retry` and `resume`: what an experiment lacks, planned from its store alone, on whatever stage is up. */
import type { Command } from "commander";
import { UserError, exitCodes } from "@hatchery/config";
import {
  costCap,
  countLedger,
  ledgerAtClose,
  readProgress,
  readRounds,
  shortHash,
  sourceHash,
  type Manifest,
  type Message,
  type Progress,
} from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";
import { maxUsdProblems } from "../experiment-options.ts";
import { findExperiment, readExperiment } from "../experiments.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { numberOption } from "../number-option.ts";
import { finish } from "../outcome.ts";
import { count } from "../progress-line.ts";
import { bringUp, defaultStage, openStage, startCommand, type Stage } from "../stage.ts";
import { spent } from "../stopped.ts";
import { watch } from "../watch.ts";

type Again = Extract<Message, { kind: "again" }>;

interface AgainOptions {
  readonly stage: string;
  readonly json?: true;
  readonly maxFailures?: number;
  readonly maxUsd?: number;
  readonly changedCode?: true;
}

export function configureAgainCommands(program: Command, io: Io): void {
  addAgainOptions(
    program
      .command("retry")
      .description(
        "Run the simulations again that failed, or that have no row. What is done is not touched.",
      )
      .argument("[experiment]", 'in full, the start of its id, or "latest"', "latest")
      .addHelpText(
        "before",
        examples("retry --failed", "retry building-energy --missing", "retry --failed --missing"),
      ),
    io,
  )
    .option("--failed", "those that failed")
    .option("--missing", "those that have no row")
    .action(
      async (reference: string, options: AgainOptions & { failed?: true; missing?: true }) => {
        if (!options.failed && !options.missing)
          throw new UserError("Say which: --failed, --missing, or both.", {
            exitCode: exitCodes.wrongUsage,
          });
        const simulations =
          options.failed && options.missing ? "both" : options.failed ? "failed" : "missing";
        await again(reference, simulations, options, io);
      },
    );

  addAgainOptions(
    program
      .command("resume")
      .description(
        "Go on with an experiment that was cancelled, halted, capped or lost: run what has no row.",
      )
      .argument("[experiment]", 'in full, the start of its id, or "latest"', "latest")
      .addHelpText(
        "before",
        examples(
          "resume",
          "resume building-energy --stage mystage",
          "resume building-energy --max-failures 100",
          "resume building-energy --max-usd 20",
        ),
      ),
    io,
  ).action((reference: string, options: AgainOptions) => again(reference, "missing", options, io));
}

function addAgainOptions(command: Command, io: Io): Command {
  return command
    .option("--stage <stage>", "which stage computes it", defaultStage(io))
    .option(
      "--max-failures <percent>",
      "in place of the experiment's own; 100: never hold back",
      numberOption("--max-failures"),
    )
    .option(
      "--max-usd <USD>",
      "what it may cost in all, with what it has cost so far",
      numberOption("--max-usd"),
    )
    .option(
      "--changed-code",
      "with the model's code as it is now, though it was changed since; it is recorded",
    )
    .option("--json", "one JSON document on stdout");
}

async function again(
  reference: string,
  simulations: Again["simulations"],
  options: AgainOptions,
  io: Io,
): Promise<void> {
  const { maxFailures, maxUsd } = options;
  const problems = maxUsdProblems(options);
  if (maxFailures !== undefined && !(maxFailures >= 0 && maxFailures <= 100))
    problems.push(`--max-failures ${maxFailures} must be a number from 0 to 100.`);
  if (problems.length > 0)
    throw new UserError(problems.join("\n"), { exitCode: exitCodes.wrongUsage });
  const stage = await openStage(options.stage, io);
  const experiment = await findExperiment(stage.store, reference);
  const { manifest, progress } = await readExperiment(stage.store, experiment);
  if (progress === undefined && simulations === "missing") {
    // Whoever submitted it may have ended before its message was in the mailbox. Taken twice, it is kept once.
    await bringUp(stage.name, {}, io);
    await stage.mailbox.post({ kind: "submit", experiment });
    await watch(experiment, stage, io);
    await finish(experiment, stage, options, io);
    return;
  }
  if (progress?.state !== "closed") {
    const keeper = progress?.stage ?? manifest.stage;
    throw new UserError(
      `${experiment} is not closed: it goes on by itself while its stage is up.`,
      {
        hint: `Watch it:  pnpm hatchery watch ${experiment}\nor start its stage:  ${startCommand(keeper)}`,
        exitCode: exitCodes.wrongUsage,
      },
    );
  }
  const ledger = await countLedger(stage.store, manifest);
  const wanted = {
    failed: ledger.failed,
    missing: ledger.notRun,
    both: ledger.failed + ledger.notRun,
  }[simulations];
  // What was written after the close is in no dataset yet: the next close takes it in.
  if (wanted === 0 && (await ledgerAtClose(stage.store, manifest, ledger)) === undefined) {
    io.say(
      `${experiment}: nothing to do, ${count(ledger.done)} done and ${count(ledger.failed)} failed of ${count(ledger.total)}.`,
    );
    await finish(experiment, stage, options, io);
    return;
  }
  await checkCap(manifest, progress, stage, options);
  const source = await chosenSource(manifest, stage, options, io);
  io.say(`${experiment}: ${count(wanted)} simulations of ${count(ledger.total)} run again.`);
  await bringUp(stage.name, {}, io);
  const before = (await readProgress(stage.store, experiment))?.updatedAt;
  await stage.mailbox.post({
    kind: "again",
    experiment,
    simulations,
    ...(maxFailures !== undefined && { maxFailures: maxFailures / 100 }),
    ...(maxUsd !== undefined && { maxUsd }),
    ...(source !== undefined && { source }),
  });
  await watch(experiment, stage, io, undefined, before);
  await finish(experiment, stage, options, io);
}

/** Refuses what would be capped at once. */
async function checkCap(
  { experiment, plan }: Manifest,
  { costUsd = 0 }: Progress,
  { store }: Stage,
  { maxUsd }: AgainOptions,
): Promise<void> {
  const cap = maxUsd ?? costCap(plan, await readRounds(store, experiment));
  if (cap === undefined || costUsd < cap) return;
  throw spent(experiment, costUsd, cap, "");
}

/**
 * The source that a person chose in place of the one that computed the experiment so far; undefined when there is
 * nothing to choose. Throws a UserError when the code was changed and nobody chose: one dataset would be of two models.
 */
async function chosenSource(
  { experiment, model: name, code }: Manifest,
  { store }: Stage,
  { changedCode }: AgainOptions,
  io: Io,
): Promise<string | undefined> {
  const before =
    (await readRounds(store, experiment)).findLast(({ source }) => source !== undefined)?.source ??
    code.source;
  // Where the model is not, as with a store that came from elsewhere, its workers know.
  const model = (await loadModels(io.environment["MODELS_MODULE"]))[name];
  if (model === undefined || before === undefined) return undefined;
  const here = sourceHash(model);
  if (here === before) return undefined;
  if (changedCode) return here;
  throw new UserError(
    `The code of model "${name}" is ${shortHash(here)} here; ${experiment} was computed with ${shortHash(before)}${code.commit === undefined ? "" : `, commit ${code.commit.slice(0, 12)}${code.dirty ? " and changes that are in none" : ""}`}.`,
    {
      hint: "Bring that code back, or go on with this one for what is left, which is recorded:  --changed-code",
      exitCode: exitCodes.notAllowed,
    },
  );
}
