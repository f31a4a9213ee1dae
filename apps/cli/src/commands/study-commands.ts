/** `study`: a series of experiments in which each step's design is made of the results so far. */
import type { Command } from "commander";
import { UserError, exitCodes } from "@hatchery/config";
import { describeDesign, studiesPrefix, type DesignSettings } from "@hatchery/experiment";
import { loadStudies } from "@hatchery/models/load-models";
import { maxUsdProblems } from "../experiment-options.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { numberOption } from "../number-option.ts";
import { count, duration } from "../progress-line.ts";
import { defaultStage, openStage, stageOption, type Stage } from "../stage.ts";
import { findRun, findStudy, goOn, startStudy, type StudyOutcome } from "../study.ts";

interface StudyOptions {
  readonly stage: string;
  /** True: the latest. */
  readonly resume?: string | true;
  readonly workers?: number;
  readonly maxUsd?: number;
  readonly json?: true;
}

export function configureStudyCommands(program: Command, io: Io): void {
  program
    .command("study")
    .description(
      "Run a study: experiment after experiment, each designed from the results so far. Without a name: list them.",
    )
    .argument("[study]", "its name")
    .addHelpText(
      "before",
      examples(
        "study",
        "study wall-insulation",
        "study wall-insulation --max-usd 20",
        "study wall-insulation --resume",
        "study wall-insulation --resume 20261121-093000-k3f9 --json",
      ),
    )
    .option("--resume [id]", "go on with a run that was left, the latest when no id is given")
    .option("--stage <stage>", "which stage computes it", defaultStage(io))
    .option(
      "--workers <N>",
      "worker processes, when this starts the stage",
      numberOption("--workers"),
    )
    .option("--max-usd <USD>", "what all its steps may cost together", numberOption("--max-usd"))
    .option("--json", "one JSON document on stdout")
    .action(async (name: string | undefined, options: StudyOptions) => {
      const stage = await openStage(options.stage, io);
      if (name !== undefined) return run(name, options, stage, io);
      if (options.resume === undefined) return list(options, stage, io);
      throw new UserError("--resume needs the name of the study before it.", {
        hint: "See them:  pnpm hatchery study",
        exitCode: exitCodes.wrongUsage,
      });
    });
}

async function list({ json }: StudyOptions, { store }: Stage, io: Io): Promise<void> {
  const studies = Object.values(await loadStudies(io.environment["MODELS_MODULE"]));
  const rows = [];
  for (const { name, model, description = "", mostSteps } of studies)
    rows.push({
      name,
      model,
      description,
      mostSteps,
      runs: await store.names(studiesPrefix(name)),
    });
  if (json) return io.out(JSON.stringify(rows));
  if (rows.length === 0) return io.out("There is no study. See docs/studies.md.");
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, model, description, runs } of rows)
    io.out(
      `${name.padEnd(width)}  ${model}${runs.length > 0 ? `, latest run ${runs.at(-1)}` : ""}\n${" ".repeat(width)}  ${description}`,
    );
}

async function run(name: string, options: StudyOptions, stage: Stage, io: Io): Promise<void> {
  const { workers, maxUsd, resume } = options;
  const problems = maxUsdProblems(options);
  if (workers !== undefined && !(Number.isInteger(workers) && workers >= 1 && workers <= 256))
    problems.push(`--workers ${workers} must be a whole number from 1 to 256.`);
  if (problems.length > 0)
    throw new UserError(problems.join("\n"), { exitCode: exitCodes.wrongUsage });
  const study = await findStudy(name, io);
  const id =
    resume === undefined
      ? await startStudy(study, stage.store)
      : await findRun(study, resume === true ? undefined : resume, stage.store);
  io.say(`Study ${name}, run ${id}, of ${study.model}.`);
  let before: DesignSettings | undefined;
  const outcome = await goOn(
    study,
    id,
    stage,
    { ...(workers !== undefined && { workers }), ...(maxUsd !== undefined && { maxUsd }) },
    io,
    ({ step, design, summary: { done, failed, seconds } }, wasStored) => {
      const time = wasStored ? "from the store" : duration(seconds);
      io.say(
        `  step ${String(step).padStart(2)}  ${designWords(design, before)} · ${count(done)} done, ${count(failed)} failed · ${time}`,
      );
      before = design;
    },
  );
  if (options.json) io.out(JSON.stringify(outcomeJson(outcome, { name, id, model: study.model })));
  else showOutcome(outcome, stageOption(stage.name, io), io);
  if (outcome.stop === undefined) {
    io.say(`Not stopped: the study may take ${study.mostSteps} steps, and has taken them.`);
    process.exitCode = exitCodes.workFailed;
  }
}

/** The keys are a contract with scripts. */
function outcomeJson(
  { steps, stop }: StudyOutcome,
  { name, id, model }: { name: string; id: string; model: string },
) {
  return {
    study: name,
    id,
    model,
    stopped: stop?.stop ?? null,
    answer: stop?.answer ?? null,
    steps: steps.map(({ step, experiment, design, summary: { total, done, failed } }) => ({
      step,
      experiment,
      design,
      total,
      done,
      failed,
    })),
  };
}

function showOutcome({ steps, stop }: StudyOutcome, option: string, io: Io): void {
  if (stop === undefined) return;
  io.out(`${stop.stop} (${steps.length} ${steps.length === 1 ? "step" : "steps"})`);
  const answer = Object.entries(stop.answer ?? {});
  const width = Math.max(0, ...answer.map(([key]) => key.length));
  for (const [key, value] of answer) io.out(`  ${key.padEnd(width)}  ${short(value)}`);
  const last = steps.at(-1);
  if (last !== undefined) io.say(`\nNext:\n  pnpm hatchery results ${last.experiment}${option}`);
}

/** What sets a step apart from the one before; all of the first. */
function designWords(design: DesignSettings, before: DesignSettings | undefined): string {
  const words = wordsOf(design);
  const known = before === undefined ? [] : wordsOf(before);
  const others = words.filter((word) => !known.includes(word));
  return others.length > 0 ? others.join(" ") : `${words[0]}, as before`;
}

/** The design, then what it says of single parameters, as the options of `run` have it. */
function wordsOf(design: DesignSettings): string[] {
  const {
    fixed = {},
    choices = {},
    ranges = {},
  } = { choices: undefined, ranges: undefined, ...design };
  return [
    describeDesign(design),
    ...Object.entries(choices).map(([name, values]) => `${name}=${values.map(short).join(",")}`),
    ...Object.entries(fixed).map(([name, value]) => `${name}=${short(value)}`),
    ...Object.entries(ranges).map(
      ([name, { minimum, maximum }]) => `${name}=${short(minimum)}..${short(maximum)}`,
    ),
  ];
}

/** Of a long value the beginning: `--json` has all of it. */
const short = (value: unknown) =>
  typeof value === "number"
    ? String(Number(value.toPrecision(6)))
    : (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 60);
