/** Close: from parts to what a person takes home. Everything it writes is derived, so it may be done again. */
import {
  describeDesign,
  experimentKeys,
  manifestColumns,
  notRunRanges,
  type Ledger,
  type Manifest,
  type Store,
} from "@hatchery/experiment";
import { reportHtml, summarize, writeDataset } from "@hatchery/experiment/results";
import type { Ended } from "./account.ts";

export async function closeExperiment(
  manifest: Manifest,
  ended: Ended,
  store: Store,
): Promise<Ledger> {
  const keys = experimentKeys(manifest.experiment);
  const finishedAt = new Date();
  const { ledger, resultsSha256 } = await writeDataset(store, manifest);
  const { parameters, results } = manifestColumns(manifest);
  const missing = notRunRanges(ledger);
  const summary = await summarize({
    facts: {
      experiment: manifest.experiment,
      model: manifest.model,
      stage: manifest.stage,
      design: describeDesign(manifest.design),
      seed: manifest.seed,
      total: manifest.total,
      submittedAt: manifest.createdAt,
      closedAt: new Date().toISOString(),
      seconds: (finishedAt.getTime() - Date.parse(manifest.createdAt)) / 1_000,
      simulationSeconds: ledger.simulationSeconds,
      chunks: ledger.chunks,
      retries: ledger.retries,
      interruptions: ledger.interruptions,
      resultsSha256,
      notRunCauses:
        missing.length === 0
          ? []
          : [{ cause: ended === "cancelled" ? "cancelled" : "lost", count: ledger.notRun, example: missing[0]![0] }],
    },
    resultsPath: (await store.localFile(keys.results))!,
    failuresPath: (await store.localFile(keys.failures))!,
    parameterColumns: parameters,
    resultColumns: results,
  });
  await store.replace(keys.report, reportHtml(summary));
  // Last: whoever sees the summary may count on everything else.
  await store.replace(keys.summary, JSON.stringify(summary, undefined, 2));
  return ledger;
}
