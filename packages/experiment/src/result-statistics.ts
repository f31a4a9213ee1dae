/** Result statistics: count, moments, quantiles and histogram of each result. */
import type { Digest, ResultDigest } from "./digest.ts";
import { isConstant, isUsable, standardDeviation } from "./moments.ts";
import type { NumberStatistics } from "./summary-format.ts";

const histogramBins = 30;

/** Of each result that at least one simulation has. */
export function resultStatistics({ results }: Digest): NumberStatistics[] {
  return results.filter(({ moments }) => moments.count > 0).map(statisticsOf);
}

function statisticsOf(result: ResultDigest): NumberStatistics {
  const { name, description, kind } = result.column;
  const { count, mean, minimum, maximum } = result.moments;
  const ranked = rankedValues(result);
  const edges = histogramEdges(minimum, maximum, kind !== "number");
  return {
    name,
    ...(description !== undefined && { description }),
    count,
    mean,
    standardDeviation: standardDeviation(result.moments),
    minimum,
    p05: quantile(ranked, 0.05),
    p25: quantile(ranked, 0.25),
    median: quantile(ranked, 0.5),
    p75: quantile(ranked, 0.75),
    p95: quantile(ranked, 0.95),
    maximum,
    histogram: { edges, counts: histogramCounts(ranked, edges) },
  };
}

/** In ascending order; one at least. */
function rankedValues({ values, first }: ResultDigest): Float64Array {
  const sampled = values.filter(isUsable);
  return (sampled.length < first.length ? first : sampled).toSorted();
}

/** Between the two nearest ranks, in proportion. */
function quantile(ranked: Float64Array, share: number): number {
  const rank = share * (ranked.length - 1);
  const below = ranked[Math.floor(rank)]!;
  return below + (rank % 1) * (ranked[Math.ceil(rank)]! - below);
}

/** One bin of no width when all values are the same; one per whole number when these are few. */
function histogramEdges(minimum: number, maximum: number, whole: boolean): number[] {
  if (isConstant({ minimum, maximum })) return [minimum, maximum];
  const few = whole && maximum - minimum < histogramBins;
  const bins = few ? maximum - minimum + 1 : histogramBins;
  const first = few ? minimum - 0.5 : minimum;
  const last = few ? maximum + 0.5 : maximum;
  return Array.from({ length: bins + 1 }, (_, i) =>
    i === bins ? last : first + (i * (last - first)) / bins,
  );
}

/** How many of the values are in each bin. Its upper edge belongs to it. */
function histogramCounts(ranked: Float64Array, edges: readonly number[]): number[] {
  const counts = Array.from({ length: edges.length - 1 }, () => 0);
  let bin = 0;
  for (const value of ranked) {
    while (bin < counts.length - 1 && value > edges[bin + 1]!) bin++;
    counts[bin]!++;
  }
  return counts;
}
