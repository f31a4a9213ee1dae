/** Summary: what a closed experiment came to, from the digest of its rows and the file of its failures. */
import type { Digest } from "./digest.ts";
import { openDataset } from "./dataset-query.ts";
import { resultStatistics } from "./result-statistics.ts";
import { sensitivities } from "./sensitivities.ts";
import type { FailureGroup, Summary } from "./summary-format.ts";

const mostFailureGroups = 100;

/** What the rows cannot tell: it comes from the manifest, the ledger and the steward's meter. */
export type SummaryFacts = Omit<
  Summary,
  | "done"
  | "failed"
  | "notRun"
  | "simulationsPerSecond"
  | "sampled"
  | "results"
  | "sensitivities"
  | "failures"
>;

export interface SummaryInput {
  readonly facts: SummaryFacts;
  readonly digest: Digest;
  /** A local Parquet file, as the close writes it. */
  readonly failuresPath: string;
}

/** The summary of a closed experiment. Throws when done, failed and not run do not sum to N. */
export async function summarize({ facts, digest, failuresPath }: SummaryInput): Promise<Summary> {
  const { done, failed, sampled } = digest;
  const notRun = facts.notRunCauses.reduce((sum, { count }) => sum + count, 0);
  if (done + failed + notRun !== facts.total)
    throw new Error(
      `${facts.experiment}: ${done} done + ${failed} failed + ${notRun} not run is not ${facts.total}.`,
    );
  return {
    ...facts,
    done,
    failed,
    notRun,
    simulationsPerSecond: facts.seconds > 0 ? (done + failed) / facts.seconds : 0,
    ...(sampled < done && { sampled }),
    results: resultStatistics(digest),
    sensitivities: sensitivities(digest),
    failures: failed === 0 ? [] : await failureGroups(failuresPath),
  };
}

async function failureGroups(failuresPath: string): Promise<FailureGroup[]> {
  await using dataset = await openDataset({ failures: failuresPath });
  // Beyond the most frequent kinds the rest is one line, so that a model that never fails twice alike stays readable.
  const { rows } = await dataset.rows(
    `WITH kinds AS (
       SELECT cause, coalesce(fingerprint, '') AS fingerprint, coalesce(min_by(message, simulation), '') AS message,
              count(*) AS failures, min(simulation) AS example,
              row_number() OVER (ORDER BY count(*) DESC, min(simulation)) AS place
       FROM failures GROUP BY ALL)
     SELECT first(cause), first(fingerprint), first(message), sum(failures), min(example), count(*)
     FROM kinds GROUP BY least(place, ${mostFailureGroups + 1}) ORDER BY min(place)`,
  );
  type Group = [string, string, string, number, number, number];
  return (rows as unknown as Group[]).map(([cause, fingerprint, message, count, example, kinds]) =>
    kinds === 1
      ? { cause, fingerprint, message, count, example }
      : { cause: "other", fingerprint: "", message: `${kinds} rarer kinds.`, count, example },
  );
}
