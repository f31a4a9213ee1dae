/**
 * Sensitivities: how much of a result's variance each parameter explains.
 *
 * It is the correlation ratio of a result over a parameter's bins (Pearson 1905; also the first-order
 * Sobol index estimated from given data, Plischke, Borgonovo and Smith 2013), corrected for chance as ε²
 * (Kelley 1935), since k bins of pure noise alone "explain" (k − 1) / (n − 1) of the variance:
 *
 *   share = max(0, 1 − (SSwithin / (n − k)) / (SStotal / (n − 1)))
 */
import type { Digest } from "./digest.ts";
import { isConstant, isUsable, momentsOf, type Moments } from "./moments.ts";
import { parameterBins, type ParameterBins } from "./parameter-bins.ts";
import type { Sensitivity } from "./summary-format.ts";

/** Of each result to each parameter that varies, the strongest of a result first. */
export function sensitivities({ sampled, parameters, results }: Digest): Sensitivity[] {
  if (sampled < 2) return [];
  const binned = parameters.flatMap(({ column, values }) => parameterBins(column, values) ?? []);
  return results
    .filter(({ moments }) => moments.count > 0)
    .flatMap(({ column: { name }, values }) => {
      const moments = momentsOf(values);
      return binned
        .map((bins) => sensitivityOf(name, values, moments, bins))
        .toSorted((a, b) => b.share - a.share);
    });
}

function sensitivityOf(
  result: string,
  values: Float64Array,
  moments: Moments,
  { parameter, labels, binOf }: ParameterBins,
): Sensitivity {
  const { counts, distances } = binSums(values, moments.mean, binOf, labels.length);
  const bins = labels.flatMap((label, bin) => {
    const count = counts[bin]!;
    return count === 0 ? [] : [{ label, mean: moments.mean + distances[bin]! / count, count }];
  });
  let between = 0;
  for (const [bin, count] of counts.entries())
    if (count > 0) between += distances[bin]! ** 2 / count;
  return { result, parameter, share: explainedShare(moments, between, bins.length), bins };
}

/** By bin: how many usable values it has, and the sum of their distances from the mean. */
function binSums(values: Float64Array, mean: number, binOf: Uint8Array, bins: number) {
  const counts = new Uint32Array(bins);
  const distances = new Float64Array(bins);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (!isUsable(value)) continue;
    counts[binOf[row]!]!++;
    distances[binOf[row]!]! += value - mean;
  }
  return { counts, distances };
}

/** ε² of a result over bins: see the top of this file. 0 where there is nothing to explain or nothing left to judge by. */
function explainedShare(moments: Moments, between: number, bins: number): number {
  const { count, squares } = moments;
  if (isConstant(moments) || count <= bins) return 0;
  const within = Math.max(0, squares - between);
  return Math.max(0, 1 - within / (count - bins) / (squares / (count - 1)));
}
