/** Close: from parts to what a person takes home. Everything it writes is derived, so it may be done again. */
import {
  describeDesign,
  experimentKeys,
  manifestColumns,
  notRunRanges,
  outlineDesign,
  type Manifest,
  type Round,
  type Store,
} from "@hatchery/experiment";
import { reportHtml, summarize, type MergedDataset } from "@hatchery/experiment/results";
import type { Ended } from "./account.ts";

export async function closeExperiment(
  manifest: Manifest,
  ended: Ended,
  rounds: readonly Round[],
  store: Store,
  dataset: MergedDataset,
): Promise<void> {
  const { ledger, digest, resultsSha256, failuresFile } = dataset;
  const keys = experimentKeys(manifest.experiment);
  const finishedAt = new Date();
  const { parameters, results } = manifestColumns(manifest);
  const missing = notRunRanges(ledger);
  const summary = await summarize({
    facts: {
      experiment: manifest.experiment,
      model: manifest.model,
      stage: manifest.stage,
      design: describeDesign(
        manifest.design,
        outlineDesign(parameters, manifest.design, manifest.seed),
      ),
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
          : [
              {
                cause: ended,
                count: ledger.notRun,
                example: missing[0]![0],
              },
            ],
    },
    digest,
    failuresPath: failuresFile,
  });
  const measured = rounds.find(({ kind }) => kind === "main")?.secondsPerSimulation;
  const { plan, code, versions } = manifest;
  const report = reportHtml(summary, {
    ...(manifest.modelDescription !== undefined && { modelDescription: manifest.modelDescription }),
    parameterColumns: parameters,
    resultColumns: results,
    planned: {
      slots: plan.slots,
      ...(measured !== undefined && {
        secondsPerSimulation: measured,
        seconds: (measured * manifest.total) / plan.slots,
      }),
    },
    resultsAddress: `${store.address}/${keys.results}`,
    failuresAddress: `${store.address}/${keys.failures}`,
    provenance: [
      ["Experiment", manifest.experiment],
      ["Stage", manifest.stage],
      [
        "Commit",
        code.commit === undefined ? "unknown" : `${code.commit}${code.dirty ? ", changed" : ""}`,
      ],
      ...(code.source === undefined ? [] : [["Source of the model", code.source] as const]),
      ...rounds.flatMap(({ round, source }) =>
        source === undefined ? [] : [[`Source in round ${round}`, source] as const],
      ),
      ...(code.image === undefined ? [] : [["Workers' image", code.image] as const]),
      ["Hatchery", versions.hatchery],
      ["Engine", versions.engine],
      ["SDK", versions.sdk],
      ["Node", versions.node],
      ["SHA-256 of results.parquet", resultsSha256],
    ],
  });
  // Of one that was stopped a worker may write a part after us, also where its last round computed failures again.
  if (ended === "completed") await store.remove(keys.counted);
  else await store.replace(keys.counted, JSON.stringify(ledger.parts));
  await dataset.publish();
  await store.replace(keys.report, report);
  // Last: whoever sees the summary may count on everything else.
  await store.replace(keys.summary, JSON.stringify(summary, undefined, 2));
}
