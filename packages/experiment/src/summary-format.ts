/**
 * The summary of a closed experiment: what `summary.json` holds and the report, the CLI and scripts read.
 * A public contract: add keys, never rename them.
 */
import { z } from "zod";

/** Of the simulations that are sampled. */
const Histogram = z.object({
  /** n + 1 edges of n bins of equal width; of no width when all values are the same. */
  edges: z.array(z.number()),
  counts: z.array(z.int()),
});

export const NumberStatistics = z.object({
  name: z.string(),
  description: z.string().optional(),
  /** Simulations that have this result as a finite number. */
  count: z.int(),
  mean: z.number(),
  standardDeviation: z.number(),
  minimum: z.number(),
  /** Quantiles: of the simulations that are sampled. */
  p05: z.number(),
  p25: z.number(),
  median: z.number(),
  p75: z.number(),
  p95: z.number(),
  maximum: z.number(),
  histogram: Histogram,
});
export type NumberStatistics = z.infer<typeof NumberStatistics>;

/**
 * Share of a result's variance that goes with one parameter alone (0 to 1): the correlation ratio over bins,
 * corrected for the number of bins. Only parameters that the design varies have one.
 * Of the simulations that are sampled.
 */
export const Sensitivity = z.object({
  result: z.string(),
  parameter: z.string(),
  share: z.number(),
  /** The result's mean in each bin of the parameter, in the parameter's order: how it acts. Empty bins are left out. */
  bins: z.array(z.object({ label: z.string(), mean: z.number(), count: z.int() })),
});
export type Sensitivity = z.infer<typeof Sensitivity>;

export const FailureGroup = z.object({
  cause: z.string(),
  fingerprint: z.string(),
  message: z.string(),
  count: z.int(),
  /** The first simulation that failed so: what to replay. */
  example: z.int(),
});
export type FailureGroup = z.infer<typeof FailureGroup>;

export const NotRunGroup = z.object({ cause: z.string(), count: z.int(), example: z.int() });

export const Summary = z.object({
  experiment: z.string(),
  model: z.string(),
  stage: z.string(),
  design: z.string(),
  seed: z.int(),
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  notRun: z.int(),
  submittedAt: z.string(),
  closedAt: z.string(),
  /** From submit to the last simulation, wall clock. */
  seconds: z.number(),
  /** Simulations done or failed, per second of wall clock. */
  simulationsPerSecond: z.number(),
  /** Core-seconds inside the model's own function. */
  simulationSeconds: z.number(),
  chunks: z.int(),
  retries: z.int(),
  interruptions: z.int(),
  /** SHA-256 of results.parquet, hex: what `verify` holds the file against. */
  resultsSha256: z.string(),
  /**
   * How many simulations quantiles, histograms and sensitivities rest on, where these are not all that are done: of more
   * than 200,000 about 50,000, so that ranks are right to about 0.2 %; of very many columns less.
   */
  sampled: z.int().optional(),
  /** In the model's order; booleans count as 0 and 1, texts are left out. */
  results: z.array(NumberStatistics),
  /** By result, the strongest parameter first. */
  sensitivities: z.array(Sensitivity),
  failures: z.array(FailureGroup),
  notRunCauses: z.array(NotRunGroup),
});
export type Summary = z.infer<typeof Summary>;
