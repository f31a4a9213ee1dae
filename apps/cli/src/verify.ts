/** Verify: the ledger recounted from the parts, held against what the experiment's close said. */
import {
  countLedger,
  describeRanges,
  experimentKeys,
  ledgerAtClose,
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
  /** Simulations with a row that was written after the close, which the dataset therefore lacks. */
  readonly late: number;
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
  const atClose = (await ledgerAtClose(store, manifest, ledger)) ?? ledger;
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
    if (atClose.notRun !== accounted)
      problems.push(
        `${count(atClose.notRun - accounted)} simulations have lost their row: ${describeRanges(missing)}.`,
      );
    if (atClose.done !== summary.done || atClose.failed !== summary.failed)
      problems.push(
        `The close counted ${count(summary.done)} done and ${count(summary.failed)} failed; the parts hold ${count(atClose.done)} and ${count(atClose.failed)}.`,
      );
    const file = await store.localFile(experimentKeys(experiment).results);
    if (file === undefined) problems.push("results.parquet is gone.");
    else if ((await sha256(file)) !== summary.resultsSha256)
      problems.push("results.parquet is not as it was written.");
  }
  const late = ledger.outcomes.filter((outcome, i) => outcome !== atClose.outcomes[i]).length;
  const ok = problems.length === 0;
  return { experiment, total, done, failed, notRun, missing, late, ok, problems };
}

export function verificationText(verification: Verification): string {
  const { experiment, total, done, failed, notRun, late, ok, problems } = verification;
  return [
    `${experiment}: ${count(done)} done + ${count(failed)} failed + ${count(notRun)} not run = ${count(total)}`,
    ...(late > 0
      ? [
          `${count(late)} of them were written after the close: the dataset has them after  pnpm hatchery resume ${experiment}`,
        ]
      : []),
    ...(ok ? ["Every simulation is accounted for."] : problems),
  ].join("\n");
}
