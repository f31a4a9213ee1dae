/** Verify: the ledger recounted from the parts, held against what the experiment's close said. */
import {
  countLedger,
  describeRanges,
  experimentKeys,
  notRunRanges,
  sha256,
  type Ranges,
  type Store,
} from "@hatchery/experiment";
import type { ExperimentState } from "./experiments.ts";
import { checkFiles } from "./files.ts";
import { count } from "./progress-line.ts";

/** Its keys are a contract with scripts. */
export interface Verification {
  readonly experiment: string;
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly notRun: number;
  /** The simulations that have no row, as [first, how many]. */
  readonly missing: Ranges;
  readonly ok: boolean;
  readonly problems: readonly string[];
}

/** Reads every byte of every part, and every file that simulations returned. `ok` only when each simulation is accounted for and nothing differs from the close. */
export async function verify(
  store: Store,
  { manifest, progress, summary }: ExperimentState,
): Promise<Verification> {
  const { experiment, total } = manifest;
  const ledger = await countLedger(store, manifest);
  const { done, failed, notRun } = ledger;
  const missing = notRunRanges(ledger);
  const problems: string[] = [];
  for (const { key, problem, simulations } of ledger.corrupt)
    problems.push(
      `${key} cannot be read (${problem}): simulations ${describeRanges(simulations)}.`,
    );
  for (const { pack, problem, simulations } of await checkFiles(store, manifest))
    problems.push(`${pack} ${problem}: files of simulations ${describeRanges(simulations)}.`);
  if (summary === undefined)
    problems.push(
      `It is not closed (${progress?.state ?? "queued"}): ${count(notRun)} simulations have no row yet.`,
    );
  else {
    const accounted = summary.notRunCauses.reduce((sum, cause) => sum + cause.count, 0);
    if (notRun !== accounted)
      problems.push(
        `${count(notRun - accounted)} simulations have lost their row: ${describeRanges(missing)}.`,
      );
    if (done !== summary.done || failed !== summary.failed)
      problems.push(
        `The close counted ${count(summary.done)} done and ${count(summary.failed)} failed; the parts hold ${count(done)} and ${count(failed)}.`,
      );
    const file = await store.localFile(experimentKeys(experiment).results);
    if (file === undefined) problems.push("results.parquet is gone.");
    else if ((await sha256(file)) !== summary.resultsSha256)
      problems.push("results.parquet is not as it was written.");
  }
  return { experiment, total, done, failed, notRun, missing, ok: problems.length === 0, problems };
}

export function verificationText(verification: Verification): string {
  const { experiment, total, done, failed, notRun, ok, problems } = verification;
  return [
    `${experiment}: ${count(done)} done + ${count(failed)} failed + ${count(notRun)} not run = ${count(total)}`,
    ...(ok ? ["Every simulation is accounted for."] : problems),
  ].join("\n");
}
