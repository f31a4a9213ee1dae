/**
 * The store's layout: every key is a function of what it names.
 *
 *   experiments/<name>/<id>/manifest.json            written once, before the first task
 *                           parts/<round>/plan.json   written once per round, before its tasks
 *                           parts/<round>/<chunk>.parquet             a finished chunk
 *                           parts/<round>/<chunk>.<rows>.partial.parquet  what an interrupted chunk had
 *                           parts/<round>/<chunk>.<hash>.tar          files that a part's simulations returned
 *                           progress.json, events.jsonl               kept by the steward while it runs
 *                           trouble/<kind>.<worker>                   why chunks do not get done, told by workers
 *                           cancelled, halted, capped                 there once a person, its limits or its cost stopped it
 *                           counted.json                              the parts that the close found, where it was stopped before
 *                           results.parquet, failures.parquet, summary.json, report.html   at the close
 *   inputs/<sha256>.<ending>                          files that experiments were given, and what was made of them
 *   studies/<name>/<id>/study.json                   a study's record; its steps are experiments
 *   stages/<stage>/active/<name>/<id>                 experiments the steward is at work on
 *   stages/<stage>/fleets.json                        its fleets, as the steward last saw and set them
 */
import { randomInt } from "node:crypto";

/** `<name>/<id>`: what an experiment is called everywhere. */
export type ExperimentName = `${string}/${string}`;

export function newExperimentId(now: Date): string {
  const time = now.toISOString().replaceAll(/[-:]/g, "").replace("T", "-").slice(0, 15);
  // Without vowels and look-alikes: readable aloud, and never a word.
  const letters = "23456789bcdfghjkmnpqrstvwxz";
  const suffix = Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join("");
  return `${time}-${suffix}`;
}

export const experimentsPrefix = "experiments/";

export function experimentKeys(experiment: string) {
  const folder = `${experimentsPrefix}${experiment}`;
  return {
    folder,
    manifest: `${folder}/manifest.json`,
    progress: `${folder}/progress.json`,
    events: `${folder}/events.jsonl`,
    cancelled: `${folder}/cancelled`,
    halted: `${folder}/halted`,
    capped: `${folder}/capped`,
    counted: `${folder}/counted.json`,
    trouble: `${folder}/trouble/`,
    results: `${folder}/results.parquet`,
    failures: `${folder}/failures.parquet`,
    summary: `${folder}/summary.json`,
    report: `${folder}/report.html`,
    rounds: `${folder}/parts/`,
  };
}

export function roundKeys(experiment: string, round: number) {
  const folder = `${experimentsPrefix}${experiment}/parts/${round}`;
  const chunkName = (chunk: number) => String(chunk).padStart(6, "0");
  return {
    folder: `${folder}/`,
    /** Names of the chunk's parts begin so, and come after it in order. */
    chunkName,
    plan: `${folder}/plan.json`,
    part: (chunk: number) => `${folder}/${chunkName(chunk)}.parquet`,
    /** The files of a part, by their content: of two workers at one chunk each part has its own. */
    pack: (chunk: number, sha256: string) =>
      `${folder}/${chunkName(chunk)}.${sha256.slice(0, 16)}.tar`,
    partialPrefix: (chunk: number) => `${folder}/${chunkName(chunk)}.`,
    partial: (chunk: number, rows: number) =>
      `${folder}/${chunkName(chunk)}.${String(rows).padStart(6, "0")}.partial.parquet`,
  };
}

/** A file by its content: given twice, it is stored once. `ending` without a dot. */
export const inputKey = (sha256: string, ending: string) => `inputs/${sha256}.${ending}`;

/** What a part's key says: its chunk, and how many rows a partial one has. Undefined for any other key. */
export function readPartKey(key: string): { chunk: number; rows: number | undefined } | undefined {
  const match = /\/(\d{6,})(?:\.(\d{6,})\.partial)?\.parquet$/.exec(key);
  if (match === null) return undefined;
  return { chunk: Number(match[1]), rows: match[2] === undefined ? undefined : Number(match[2]) };
}

export const activePrefix = (stage: string) => `stages/${stage}/active/`;
export const activeKey = (stage: string, experiment: string) =>
  `${activePrefix(stage)}${experiment}`;

export const stageFleetsKey = (stage: string) => `stages/${stage}/fleets.json`;
