/** `list`, `results`, `verify`, `models`: what the store and the checkout hold. None of them needs a stage that is up. */
import type { Command } from "commander";
import { UserError, exitCodes } from "@hatchery/config";
import { experimentKeys, type Column, type InputDeclarations } from "@hatchery/experiment";
import { openDataset, summaryText, type Summary } from "@hatchery/experiment/results";
import { loadModels } from "@hatchery/models/load-models";
import { findExperiment, listExperiments, ofEach, readExperiment } from "../experiments.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { count, progressLine } from "../progress-line.ts";
import { defaultStage, openStage, stageOption } from "../stage.ts";
import { stoppedLines } from "../stopped.ts";
import { verify, verificationText } from "../verify.ts";

export function configureResultCommands(program: Command, io: Io): void {
  program
    .command("list")
    .description("List the experiments of the store, newest first.")
    .addHelpText("before", examples("list", "list --json"))
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .action(async (options: { stage: string; json?: true }) => {
      const { store } = await openStage(options.stage, io);
      const rows = await ofEach(await listExperiments(store), async (experiment) => {
        const { manifest, progress } = await readExperiment(store, experiment);
        const { done = 0, failed = 0, state = "queued", ended } = progress ?? {};
        return {
          experiment,
          stage: manifest.stage,
          model: manifest.model,
          state: ended ?? state,
          total: manifest.total,
          done,
          failed,
          notRun: manifest.total - done - failed,
          createdAt: manifest.createdAt,
        };
      });
      if (options.json) return io.out(JSON.stringify(rows));
      if (rows.length === 0)
        return io.out(
          `No experiment yet. Run one:  pnpm hatchery run building-energy --simulations 1000${stageOption(options.stage, io)}`,
        );
      const width = Math.max(...rows.map(({ experiment }) => experiment.length));
      for (const { experiment, state, total, done, failed, notRun } of rows)
        io.out(
          `${experiment.padEnd(width)}  ${state.padEnd(9)}  ${count(done)} done, ${count(failed)} failed, ${count(notRun)} not run of ${count(total)}`,
        );
    });

  program
    .command("results")
    .description("Show the results of an experiment, query them, or write them as CSV.")
    .argument("[experiment]", 'in full, the start of its id, its name, or "latest"', "latest")
    .addHelpText(
      "before",
      examples(
        "results",
        'results --sql "select climate, avg(heatingKwhPerM2) from results group by 1"',
        "results --csv results.csv",
        "results --path",
      ),
    )
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--sql <query>", "query the views `results` and `failures`")
    .option("--csv <file>", "write all results, or the query's answer, to a file")
    .option("--path", "print the path of the Parquet file")
    .option("--json", "one JSON document on stdout: the summary, or the query's answer")
    .action(async (reference: string, options: ResultOptions) =>
      showResults(reference, options, io),
    );

  program
    .command("verify")
    .description(
      "Recount every simulation from the store alone: done + failed + not run must be N, each with its cause.",
    )
    .argument("[experiment]", 'in full, the start of its id, or "latest"', "latest")
    .addHelpText("before", examples("verify", "verify building-energy --json"))
    .option("--stage <stage>", "which stage's store", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .action(async (reference: string, options: { stage: string; json?: true }) => {
      const { store } = await openStage(options.stage, io);
      const experiment = await findExperiment(store, reference);
      const verification = await verify(store, await readExperiment(store, experiment));
      io.out(options.json ? JSON.stringify(verification) : verificationText(verification));
      if (!verification.ok) process.exitCode = exitCodes.workFailed;
    });

  program
    .command("models")
    .description("List the models with their parameters and results.")
    .argument("[model]", "only this one")
    .addHelpText("before", examples("models", "models building-energy --json"))
    .option("--json", "one JSON document on stdout")
    .action(async (name: string | undefined, { json }: { json?: true }) => {
      const all = Object.values(await loadModels(io.environment["MODELS_MODULE"]));
      const models = name === undefined ? all : all.filter((model) => model.name === name);
      if (models.length === 0)
        throw new UserError(
          `There is no model "${name}". There are: ${all.map((model) => model.name).join(", ")}.`,
          {
            exitCode: exitCodes.wrongUsage,
          },
        );
      if (json)
        return io.out(
          JSON.stringify(
            models.map(
              ({ name: title, description, limits, inputs, parameterColumns, resultColumns }) => ({
                name: title,
                description,
                limits,
                inputs,
                parameters: parameterColumns,
                results: resultColumns,
              }),
            ),
          ),
        );
      for (const { name: title, description, inputs, parameterColumns, resultColumns } of models)
        io.out(
          [
            `${title}${description === undefined ? "" : `: ${description}`}`,
            "  Parameters",
            ...columnLines(parameterColumns),
            ...inputLines(inputs),
            "  Results",
            ...columnLines(resultColumns),
            "",
          ].join("\n"),
        );
    });
}

function inputLines(inputs: InputDeclarations): string[] {
  const names = Object.keys(inputs);
  if (names.length === 0) return [];
  const width = Math.max(...names.map((name) => name.length));
  return [
    "  Input files",
    ...Object.entries(inputs).map(
      ([name, { description, default: file }]) =>
        `    ${name.padEnd(width)}  ${description} (${file === undefined ? "must be given" : `${file} if none is given`})`,
    ),
  ];
}

/** Whoever takes the rows elsewhere sees no summary beside them. */
function incomplete({ total, done, failed, notRunCauses }: Summary): string {
  const causes = [
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...notRunCauses.map((one) => `${count(one.count)} did not run (${one.cause})`),
  ];
  return `Of ${count(total)} simulations ${count(done)} are done: ${causes.join(", ")}.`;
}

interface ResultOptions {
  readonly stage: string;
  readonly sql?: string;
  readonly csv?: string;
  readonly path?: true;
  readonly json?: true;
}

async function showResults(reference: string, options: ResultOptions, io: Io): Promise<void> {
  const { store } = await openStage(options.stage, io);
  const experiment = await findExperiment(store, reference);
  const { progress, summary } = await readExperiment(store, experiment);
  const keys = experimentKeys(experiment);
  if (summary === undefined) {
    const where = progress === undefined ? "is queued" : progressLine(progress, 76);
    throw new UserError(`${experiment} is not closed, so it has no results yet: ${where}.`, {
      hint: `Watch it:  pnpm hatchery watch ${experiment}`,
    });
  }
  if (options.sql === undefined && options.csv === undefined && !options.path) {
    if (options.json) return io.out(JSON.stringify(summary));
    io.out(
      `${summaryText(summary, { columns: io.columns, color: io.color })}\n\nDataset  ${store.addressOf(keys.results)}\nReport   ${await store.localFile(keys.report)}`,
    );
    const stopped = stoppedLines(progress, stageOption(options.stage, io));
    if (stopped.length > 0) io.say(`\n${stopped.join("\n")}`);
    return;
  }
  const results = await store.localFile(keys.results);
  if (results === undefined)
    throw new UserError(`${experiment} has no results.parquet any more.`, {
      hint: `Its parts may be whole:  pnpm hatchery verify ${experiment}`,
    });
  if (summary.done < summary.total) io.say(incomplete(summary));
  if (options.path) return io.out(results);
  const failures = await store.localFile(keys.failures);
  await using dataset = await openDataset({ results, ...(failures !== undefined && { failures }) });
  const query = options.sql ?? "select * from results";
  if (options.csv !== undefined) {
    const rows = await dataset.writeCsv(query, options.csv);
    io.say(`${count(rows)} rows are in ${options.csv}.`);
    return;
  }
  const { columns, rows } = await dataset.rows(query);
  if (options.json) return io.out(JSON.stringify({ columns, rows }));
  io.out(columns.join("\t"));
  for (const row of rows)
    io.out(
      row
        .map((value) =>
          value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value),
        )
        .join("\t"),
    );
}

function columnLines(columns: readonly Column[]): string[] {
  const width = Math.max(...columns.map(({ name }) => name.length));
  return columns.map((column) => {
    const { minimum, maximum } = column;
    const range =
      column.choices?.join(" | ") ??
      (minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : column.kind);
    const fallback = column.default === undefined ? "" : `, ${column.default} if not varied`;
    return `    ${column.name.padEnd(width)}  ${column.description ?? ""} (${range}${fallback})`;
  });
}
