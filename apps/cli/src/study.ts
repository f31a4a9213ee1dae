/** A study, step after step: asks for the next design, has it computed, and asks again until it stops. */
import { UserError, exitCodes } from "@hatchery/config";
import {
  DesignSettings,
  experimentKeys,
  isSameDesign,
  newExperimentId,
  readManifest,
  readProgress,
  readStudyRecord,
  stepExperiment,
  studiesPrefix,
  studyKey,
  type Model,
  type Stop,
  type Store,
  type Study,
  type StudyRecord,
  type StudyStep,
} from "@hatchery/experiment";
import { openDataset, type Dataset } from "@hatchery/experiment/results";
import { loadStudies } from "@hatchery/models/load-models";
import { z } from "zod";
import { readSummary } from "./experiments.ts";
import { planFor } from "./fleets.ts";
import type { Io } from "./io.ts";
import { bringUp, isUp, type Stage, type UpOptions } from "./stage.ts";
import { resumeWords, spent } from "./stopped.ts";
import { findModel, submit } from "./submit.ts";
import { watch } from "./watch.ts";

export async function findStudy(name: string, io: Io): Promise<Study> {
  const studies = await loadStudies(io.environment["MODELS_MODULE"]);
  const study = studies[name];
  if (study !== undefined) return study;
  throw new UserError(
    `There is no study "${name}". There are: ${Object.keys(studies).join(", ") || "none"}.`,
    { hint: "See them:  pnpm hatchery study", exitCode: exitCodes.wrongUsage },
  );
}

/** Records a new run of a study; answers its id. */
export async function startStudy({ name, model, seed }: Study, store: Store): Promise<string> {
  const now = new Date();
  const id = newExperimentId(now);
  const record: StudyRecord = { format: 1, name, model, seed, createdAt: now.toISOString() };
  await store.create(studyKey(name, id), JSON.stringify(record, undefined, 2));
  return id;
}

/** The run that is meant by the start of its id, or the latest. Throws a UserError when there is none or more than one. */
export async function findRun(
  { name }: Study,
  reference: string | undefined,
  store: Store,
): Promise<string> {
  const ids = await store.names(studiesPrefix(name));
  const matches =
    reference === undefined ? ids.slice(-1) : ids.filter((id) => id.startsWith(reference));
  if (matches.length === 1) return matches[0]!;
  const what = reference === undefined ? "" : ` whose id starts with "${reference}"`;
  throw new UserError(
    matches.length === 0
      ? `The store has no run of the study "${name}"${what}.`
      : `The study "${name}" has ${matches.length} runs${what}: ${matches.slice(0, 5).join(", ")}.`,
    {
      hint: `Start one:  pnpm hatchery study ${name}\nSee all:    pnpm hatchery study --json`,
      exitCode: exitCodes.wrongUsage,
    },
  );
}

export interface StudyOptions extends UpOptions {
  /** What all steps of a run may cost together; as was said before when absent. */
  readonly maxUsd?: number;
}

export interface StudyOutcome {
  readonly steps: readonly StudyStep[];
  /** Undefined when the study has taken its most steps without a stop. */
  readonly stop: Stop | undefined;
}

/**
 * Goes on with a run where its store is, to its end. What is closed is not run again; `next` is asked again for all
 * of it, and throws a UserError where its design is not the stored one.
 */
export async function goOn(
  study: Study,
  id: string,
  stage: Stage,
  { maxUsd: said, ...options }: StudyOptions,
  io: Io,
  onStep: (step: StudyStep, wasStored: boolean) => void,
): Promise<StudyOutcome> {
  const { name, mostSteps, freshSeeds } = study;
  const { store } = stage;
  const { seed } = await checkedRecord(study, id, store);
  const model = await findModel(study.model, io);
  const steps: StudyStep[] = [];
  let spentUsd = 0;
  let maxUsd = said;
  for (;;) {
    const step = steps.length;
    const experiment = stepExperiment({ name, id, step });
    const manifest = await readManifest(store, experiment);
    const answer = await ask(study, steps, store);
    if (manifest !== undefined && !isSameDesign(manifest.design, answer))
      throw otherDesign(experiment, manifest.design, answer);
    if ("stop" in answer) return { steps, stop: answer };
    if (step === mostSteps) return { steps, stop: undefined };
    if (io.interrupted.aborted) throw interrupted(study, id);
    // What was said once holds until something else is said.
    if (said === undefined && manifest?.plan.maxUsd !== undefined)
      maxUsd = spentUsd + manifest.plan.maxUsd;
    const wasStored = (await readProgress(store, experiment))?.state === "closed";
    if (!wasStored) {
      if (maxUsd !== undefined && spentUsd >= maxUsd)
        throw spent(
          `The study "${name}"`,
          spentUsd,
          Number(maxUsd.toFixed(2)),
          `pnpm hatchery study ${name} --resume ${id} `,
        );
      await bringUp(stage.name, options, io);
      const own = {
        seed: freshSeeds ? seed + step : seed,
        maxUsd: maxUsd && maxUsd - spentUsd,
      };
      if (manifest === undefined) await submitStep(study, id, step, answer, own, model, stage, io);
      else await postAgain(experiment, stage, io);
      await watchStep(study, id, experiment, stage, io);
    }
    const closed = await readStep(study, id, step, store);
    spentUsd += (await readProgress(store, experiment))?.costUsd ?? 0;
    steps.push(closed);
    onStep(closed, wasStored);
  }
}

async function checkedRecord(study: Study, id: string, store: Store): Promise<StudyRecord> {
  const record = await readStudyRecord(store, study.name, id);
  if (record === undefined)
    throw new UserError(`The run "${id}" of the study "${study.name}" has no study.json.`, {
      hint: `Its folder was changed by hand. Start anew:  pnpm hatchery study ${study.name}`,
    });
  if (record.model !== study.model)
    throw new UserError(
      `The run "${id}" is of the model "${record.model}", but the study "${study.name}" now names "${study.model}".`,
      { hint: `Put the model back, or start anew:  pnpm hatchery study ${study.name}` },
    );
  return record;
}

/** The next design as a manifest would hold it, or the stop. Throws a UserError when `next` does, or answers neither. */
async function ask(
  study: Study,
  steps: readonly StudyStep[],
  store: Store,
): Promise<DesignSettings | Stop> {
  let opened: Promise<Dataset> | undefined;
  const where = `Study "${study.name}", next of step ${steps.length}`;
  try {
    const answer: unknown = await study.next({
      step: steps.length,
      steps,
      summary: steps.at(-1)?.summary,
      results: {
        async query(sql) {
          if (steps.length === 0) throw new UserError("There are no results before step 0.");
          opened ??= openSteps(steps, store);
          return (await opened).rows(overAllSteps(sql, steps.length));
        },
      },
    });
    return checkedAnswer(answer);
  } catch (error) {
    throw new UserError(`${where}: ${error instanceof Error ? error.message : String(error)}`, {
      hint: `Correct the study; what is computed stays:  pnpm hatchery study ${study.name} --resume`,
      cause: error,
    });
  } finally {
    // One that did not open has told so to the query.
    await opened?.then(
      (dataset) => dataset[Symbol.asyncDispose](),
      () => undefined,
    );
  }
}

async function openSteps(steps: readonly StudyStep[], store: Store): Promise<Dataset> {
  const files: Record<string, string> = {};
  for (const { step, experiment } of steps) {
    const file = await store.localFile(experimentKeys(experiment).results);
    if (file === undefined) throw new UserError(`${experiment} has no results.parquet any more.`);
    files[`step${step}`] = file;
  }
  return openDataset(files);
}

/** The query with `results` within its reach. The line break ends a comment that it may end with. */
function overAllSteps(sql: string, count: number): string {
  const all = Array.from({ length: count }, (_, k) => `SELECT ${k} AS step, * FROM step${k}`);
  return `WITH results AS (${all.join(" UNION ALL BY NAME ")}) FROM (${sql.trim().replace(/;+$/, "")}\n)`;
}

const Stopped = z.strictObject({
  stop: z.string().min(1),
  answer: z.record(z.string(), z.json()).optional(),
});

function checkedAnswer(answer: unknown): DesignSettings | Stop {
  if (typeof answer !== "object" || answer === null)
    throw new UserError(`it answered ${String(answer)}, not a design or { stop: "why" }.`);
  const isStop = "stop" in answer;
  const written: unknown = JSON.parse(JSON.stringify(answer));
  const checked = isStop ? Stopped.safeParse(written) : DesignSettings.safeParse(written);
  if (checked.success) return checked.data;
  throw new UserError(
    `it answered no ${isStop ? "stop" : "design"}:\n${z.prettifyError(checked.error)}\nIt answered: ${JSON.stringify(answer)}`,
  );
}

function otherDesign(experiment: string, stored: DesignSettings, answer: DesignSettings | Stop) {
  return new UserError(
    [
      `The study has changed: for ${experiment}, \`next\` does not give the design that was computed.`,
      `  stored   ${JSON.stringify(stored)}`,
      `  now      ${JSON.stringify(answer)}`,
    ].join("\n"),
    {
      hint: "The same results must give the same design. Put the study back as it was, or start it anew without --resume.",
      exitCode: exitCodes.workFailed,
    },
  );
}

async function submitStep(
  { name, maxFailures, inputs }: Study,
  id: string,
  step: number,
  design: DesignSettings,
  { seed, maxUsd }: { readonly seed: number; readonly maxUsd: number | undefined },
  model: Model,
  stage: Stage,
  io: Io,
): Promise<void> {
  await submit(
    {
      model,
      design,
      seed,
      name,
      inputs,
      study: { name, id, step },
      plan: await planFor(model, stage, { maxFailures, maxUsd }, io),
    },
    stage,
  );
}

/** Where nobody keeps it: it was never taken from a mailbox, or by a stage that is not up. Taken twice, it is kept once. */
async function postAgain(experiment: string, stage: Stage, io: Io): Promise<void> {
  const keeper = (await readProgress(stage.store, experiment))?.stage;
  if (keeper === undefined || !(await isUp(keeper, io)))
    await stage.mailbox.post({ kind: "submit", experiment });
}

async function watchStep(
  study: Study,
  id: string,
  experiment: string,
  stage: Stage,
  io: Io,
): Promise<void> {
  // Elsewhere than on a terminal, the one line of a step is enough.
  const talk = io.isTerminal ? io : { ...io, isTerminal: true, redraw: () => undefined };
  try {
    await watch(experiment, stage, talk);
  } catch (error) {
    if (error instanceof UserError && error.exitCode === exitCodes.interrupted)
      throw interrupted(study, id, `${experiment} goes on without you, and no step after it. `);
    throw error;
  }
}

function interrupted({ name }: Study, id: string, what = ""): UserError {
  return new UserError(`${what}The study "${name}" stands where it is.`, {
    hint: `Go on with it:  pnpm hatchery study ${name} --resume ${id}`,
    exitCode: exitCodes.interrupted,
  });
}

/** A closed step. Throws a UserError when a part of it did not run: a design made of that would not be made again. */
async function readStep(
  { name }: Study,
  id: string,
  step: number,
  store: Store,
): Promise<StudyStep> {
  const experiment = stepExperiment({ name, id, step });
  const manifest = await readManifest(store, experiment);
  const summary = await readSummary(store, experiment);
  if (manifest === undefined || summary === undefined)
    throw new Error(`${experiment} is closed and has no manifest or summary.`);
  if (summary.notRun > 0)
    throw new UserError(
      `Step ${step} (${experiment}) is not whole: ${summary.notRun} of ${summary.total} simulations did not run (${summary.notRunCauses.map(({ cause }) => cause).join(", ")}).`,
      {
        hint: `Run them:       pnpm hatchery ${resumeWords(experiment, await readProgress(store, experiment))}\nThen go on:     pnpm hatchery study ${name} --resume ${id}`,
      },
    );
  return { step, experiment, design: manifest.design, summary };
}
