/** Outcome: what a person or a script gets when an experiment has come to its end. */
import { pathToFileURL } from "node:url";
import { exitCodes, isLocalStage } from "@hatchery/config";
import { experimentKeys, readManifest, readProgress, type Progress } from "@hatchery/experiment";
import { summaryText, type Summary } from "@hatchery/experiment/results";
import { readSummary } from "./experiments.ts";
import type { Io } from "./io.ts";
import { duration } from "./progress-line.ts";
import { resumeWords } from "./stopped.ts";
import { idleMinutes, stageOption, type Stage } from "./stage.ts";

/** Shows the outcome and sets the exit code: 0 only when every simulation is done. */
export async function finish(
  experiment: string,
  stage: Stage,
  options: { readonly json?: true },
  io: Io,
): Promise<void> {
  const summary = await closedSummary(experiment, stage);
  if (options.json) io.out(JSON.stringify(await outcomeJson(summary, stage)));
  else await showOutcome(summary, stage, io);
  if (summary.failed > 0 || summary.notRun > 0) process.exitCode = exitCodes.workFailed;
}

async function closedSummary(experiment: string, stage: Stage): Promise<Summary> {
  const summary = await readSummary(stage.store, experiment);
  if (summary === undefined) throw new Error(`${experiment} is closed and has no summary.`);
  return summary;
}

/** The keys are a contract with scripts. */
async function outcomeJson(summary: Summary, stage: Stage) {
  const { experiment, model, total, done, failed, notRun, seconds, simulationsPerSecond } = summary;
  const keys = experimentKeys(experiment);
  return {
    experiment,
    stage: stage.name,
    model,
    total,
    done,
    failed,
    notRun,
    seconds,
    simulationsPerSecond,
    results: stage.store.addressOf(keys.results),
    report: stage.store.addressOf(keys.report),
  };
}

async function showOutcome(summary: Summary, stage: Stage, io: Io): Promise<void> {
  const keys = experimentKeys(summary.experiment);
  io.out(summaryText(summary, { columns: io.columns, color: io.color }));
  io.out(`\nDataset  ${stage.store.addressOf(keys.results)}`);
  const report = await stage.store.localFile(keys.report);
  if (report !== undefined) io.out(`Report   ${pathToFileURL(report).href}`);
  const progress = await readProgress(stage.store, summary.experiment);
  if (progress?.reason !== undefined) io.say(`\nHeld back: ${progress.reason}`);
  const manifest = await readManifest(stage.store, summary.experiment);
  const hasFiles = manifest?.limits.files !== undefined;
  io.say(`\nNext:\n${nextCommands(summary, progress, hasFiles, stage.name, io).join("\n")}`);
}

function nextCommands(
  { experiment, model, failed, notRun, failures }: Summary,
  progress: Progress | undefined,
  hasFiles: boolean,
  stage: string,
  io: Io,
): string[] {
  const option = stageOption(stage, io);
  const command = (words: string, why: string) =>
    `  pnpm hatchery ${`${words}${option}`.padEnd(58)} # ${why}`;
  const example = failures[0]?.example;
  return [
    ...(example === undefined
      ? []
      : [command(`replay ${experiment} ${example}`, "one that failed, here")]),
    ...(failed > 0 ? [command(`retry ${experiment} --failed`, "run what failed again")] : []),
    ...(notRun > 0 ? [command(resumeWords(experiment, progress), "run what did not run")] : []),
    command(`verify ${experiment}`, "recount every simulation"),
    ...(hasFiles ? [command(`files ${experiment}`, "what simulations returned in files")] : []),
    ...(model === "building-energy"
      ? [
          command(
            'results --sql "select climate, avg(heatingKwhPerM2) from results group by 1"',
            "ask",
          ),
        ]
      : []),
    command("results --csv results.csv", "take them elsewhere"),
    ...(isLocalStage(stage)
      ? [command("down", `or it stops after ${duration(idleMinutes * 60)} without work`)]
      : []),
  ];
}
