/** The options that say what to compute: shared by `run` and `submit`, and turned into a request in one place. */
import { Option, type Command } from "commander";
import { UserError, exitCodes } from "@hatchery/config";
import { inputProblems, type Column, type DesignSettings, type Value } from "@hatchery/experiment";
import { importRows } from "@hatchery/experiment/results";
import { planFor } from "./fleets.ts";
import type { Io } from "./io.ts";
import { numberOption, readNumber } from "./number-option.ts";
import { openStage } from "./stage.ts";
import { findModel, type Request } from "./submit.ts";

export interface ExperimentOptions {
  readonly stage: string;
  readonly simulations?: number;
  readonly design: "latin-hypercube" | "sobol" | "random" | "grid";
  readonly rows?: string;
  readonly seed: number;
  readonly set: readonly string[];
  readonly range: readonly string[];
  readonly levels: readonly string[];
  readonly input?: readonly string[];
  readonly replicates?: number;
  readonly chunkSize?: number;
  readonly maxFailures?: number;
  readonly maxHours?: number;
  readonly maxUsd?: number;
  readonly name?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly workers?: number;
}

const collect = (value: string, before: readonly string[]) => [...before, value];

export function addExperimentOptions(command: Command): Command {
  return command
    .option(
      "-n, --simulations <N>",
      "how many simulations (a grid counts its own)",
      numberOption("-n"),
    )
    .addOption(
      new Option("--design <kind>", "how the parameters are laid out")
        .choices(["latin-hypercube", "sobol", "random", "grid"])
        .default("latin-hypercube"),
    )
    .option(
      "--rows <file>",
      "in place of a design, one simulation per row of a .csv, .jsonl or .parquet file; an empty cell takes the default",
    )
    .option("--seed <number>", "makes the same experiment again", numberOption("--seed"), 1)
    .option(
      "--set <name=value,…>",
      "fix a parameter, or allow some of its choices only (repeatable)",
      collect,
      [],
    )
    .option(
      "--range <name=min..max>",
      "vary a parameter in a narrower range (repeatable)",
      collect,
      [],
    )
    .option("--levels <name=count>", "steps of a parameter in a grid (repeatable)", collect, [])
    .option(
      "--input <name=file>",
      "a file that the model needs, kept in the store (repeatable)",
      collect,
      [],
    )
    .option(
      "--replicates <R>",
      "run each point R times, each with its own random stream",
      numberOption("--replicates"),
    )
    .option(
      "--chunk-size <S>",
      "simulations per chunk (measured by a canary when left out)",
      numberOption("--chunk-size"),
    )
    .option(
      "--max-failures <percent>",
      "hold the rest back when more of the canary or of the latest simulations fail; 100: never (default: 50)",
      numberOption("--max-failures"),
    )
    .option(
      "--max-hours <hours>",
      "hold the rest back when the canary says that all will take longer",
      numberOption("--max-hours"),
    )
    .option(
      "--max-usd <USD>",
      "stop when its workers have cost so much, or when the canary says that all will cost more",
      numberOption("--max-usd"),
    )
    .option("--name <name>", "what the experiment is called (the model's name when left out)");
}

/** Reads the options against the model. Throws a UserError with every problem at once. */
export async function readRequest(
  modelName: string,
  options: ExperimentOptions,
  io: Io,
): Promise<Request> {
  const model = await findModel(modelName, io);
  const problems: string[] = [];
  const fixed: Record<string, Value> = {};
  const choices: Record<string, Value[]> = {};
  for (const [name, text] of pairs(options.set, "--set", "=", problems)) {
    const column = model.parameterColumns.find((each) => each.name === name);
    // A comma parts values, but for a parameter that may be any text.
    const isFreeText = column?.kind === "text" && column.choices === undefined;
    const values = (isFreeText ? [text] : text.split(",")).map((value) => readValue(value, column));
    if (values.length === 1) fixed[name] = values[0]!;
    else choices[name] = values;
  }
  const ranges: Record<string, { minimum: number; maximum: number }> = {};
  for (const [name, text] of pairs(options.range, "--range", "=", problems)) {
    const [minimum, maximum, ...more] = text.split("..").map(readNumber);
    if (minimum === undefined || maximum === undefined || more.length > 0)
      problems.push(`--range ${name}=${text} must be of the form ${name}=minimum..maximum.`);
    else ranges[name] = { minimum, maximum };
  }
  const levels: Record<string, number> = {};
  for (const [name, text] of pairs(options.levels, "--levels", "=", problems))
    levels[name] = readNumber(text);
  const inputs: Record<string, string> = {};
  for (const [name, file] of pairs(options.input ?? [], "--input", "=", problems))
    if (Object.hasOwn(inputs, name)) problems.push(`--input ${name} is given twice.`);
    else inputs[name] = file;
  problems.push(...(await inputProblems(model.inputs, inputs)));
  if (options.design === "grid" && options.simulations !== undefined)
    problems.push(
      "--simulations does not go with --design grid: its levels say how many there are.",
    );
  if (options.rows !== undefined) problems.push(...besideRows(options, choices));
  else if (options.design !== "grid" && options.levels.length > 0)
    problems.push(`--levels goes with --design grid only, not with ${options.design}.`);
  const name = options.name ?? model.name;
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))
    problems.push(
      `--name ${JSON.stringify(name)} must be lower-case letters, digits and "-", at most 63.`,
    );
  checkWhole(options.seed, "--seed", 0, Number.MAX_SAFE_INTEGER, problems);
  checkWhole(options.chunkSize, "--chunk-size", 1, 100_000, problems);
  checkWhole(options.maxFailures, "--max-failures", 0, 100, problems);
  problems.push(...maxHoursProblems(options), ...maxUsdProblems(options));
  checkWhole(options.workers, "--workers", 1, 256, problems);
  if (problems.length > 0) throw wrongUsage(problems);

  const wishes = {
    ...(Object.keys(fixed).length > 0 && { fixed }),
    ...(Object.keys(choices).length > 0 && { choices }),
    ...(Object.keys(ranges).length > 0 && { ranges }),
    ...(options.replicates !== undefined && { replicates: options.replicates }),
  };
  const design = await readDesign();
  return {
    model,
    design,
    seed: options.seed,
    name,
    inputs,
    plan: await planFor(
      model,
      await openStage(options.stage, io),
      {
        chunkSimulations: options.chunkSize,
        maxFailures: (options.maxFailures ?? 50) / 100,
        maxHours: options.maxHours,
        maxUsd: options.maxUsd,
        workers: options.workers,
      },
      io,
    ),
  };

  async function readDesign(): Promise<DesignSettings> {
    if (options.rows === undefined)
      return options.design === "grid"
        ? { kind: "grid", levels, ...wishes }
        : { kind: options.design, simulations: options.simulations ?? 1_000, ...wishes };
    const store = options.dryRun ? undefined : (await openStage(options.stage, io)).store;
    return importRows(options.rows, model.parameterColumns, wishes, store);
  }
}

function maxHoursProblems({ maxHours, chunkSize }: ExperimentOptions): string[] {
  if (maxHours === undefined) return [];
  return [
    ...(maxHours > 0 ? [] : [`--max-hours ${maxHours} must be a number above 0.`]),
    ...(chunkSize === undefined
      ? []
      : ["--max-hours does not go with --chunk-size: without a canary nobody knows the time."]),
  ];
}

/** Shared with `resume`, where a person may say another, and `study`. */
export function maxUsdProblems({ maxUsd }: { readonly maxUsd?: number }): string[] {
  return maxUsd === undefined || (maxUsd > 0 && maxUsd < Infinity)
    ? []
    : [`--max-usd ${maxUsd} must be a number above 0.`];
}

/** What does not go with rows, whose file says which values there are. */
function besideRows(
  options: ExperimentOptions,
  choices: Readonly<Record<string, unknown>>,
): string[] {
  const others: [option: string, isThere: boolean][] = [
    [`--design ${options.design}`, options.design !== "latin-hypercube"],
    ["--simulations", options.simulations !== undefined],
    ["--range", options.range.length > 0],
    ["--levels", options.levels.length > 0],
    ["--set with several values", Object.keys(choices).length > 0],
  ];
  return others
    .filter(([, isThere]) => isThere)
    .map(([option]) => `${option} does not go with --rows: its file says which values there are.`);
}

function pairs(
  texts: readonly string[],
  option: string,
  separator: string,
  problems: string[],
): [name: string, value: string][] {
  return texts.flatMap((text): [string, string][] => {
    const at = text.indexOf(separator);
    if (at > 0) return [[text.slice(0, at), text.slice(at + 1)]];
    problems.push(`${option} ${text} must be of the form name=value.`);
    return [];
  });
}

/** What is no value of the column's kind stays as it was typed, for the design to say so. */
function readValue(text: string, column: Column | undefined): Value {
  const number = readNumber(text);
  if ((column?.kind === "number" || column?.kind === "integer") && !Number.isNaN(number))
    return number;
  if (column?.kind === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

function checkWhole(
  value: number | undefined,
  option: string,
  least: number,
  most: number,
  problems: string[],
): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
    problems.push(`${option} ${value} must be a whole number from ${least} to ${most}.`);
}

function wrongUsage(problems: readonly string[]): UserError {
  return new UserError(problems.join("\n"), {
    hint: "See the options:  pnpm hatchery run --help\nSee the parameters:  pnpm hatchery models",
    exitCode: exitCodes.wrongUsage,
  });
}
