/**
 * Parameter bins: the values of a varied parameter in a few groups, whose means tell how it acts.
 * Each value is a bin of its own where there are few, else bins hold about equally many simulations.
 */
import type { Column, Value } from "./columns.ts";
import { double, identifier, literal } from "./dataset-query.ts";

/** What a curve of means needs; more bins only add noise. */
const mostNumberBins = 20;
/** A text with more values is a name or a note, not a choice. */
const mostTextBins = 50;
/** Means of fewer simulations are mostly noise. */
const leastPerBin = 5;

export interface ParameterBins {
  readonly parameter: string;
  readonly labels: readonly string[];
  /** SQL for the number of a row's bin, counted from `first`. */
  readonly sql: (first: number) => string;
}

/**
 * Bins for one parameter, from a sample of its values; undefined when the sample shows no variation,
 * or a text that is no choice. `total` is the number of simulations that the bins will hold.
 */
export function parameterBins(
  column: Column,
  sample: readonly Value[],
  total: number,
): ParameterBins | undefined {
  const found = new Set(sample);
  if (found.size < 2) return undefined;
  const name = identifier(column.name);
  if (column.kind === "boolean")
    return {
      parameter: column.name,
      labels: ["false", "true"],
      sql: (first) => `CASE WHEN ${name} THEN ${first + 1} ELSE ${first} END`,
    };
  if (column.kind === "text") {
    const values = column.choices?.map(String) ?? [...found].map(String).toSorted();
    if (values.length > mostTextBins) return undefined;
    const cases = (first: number) =>
      values.map((value, i) => `WHEN ${literal(value)} THEN ${first + i}`).join(" ");
    return {
      parameter: column.name,
      // What the sample did not show.
      labels: [...values, "other"],
      sql: (first) => `CASE ${name} ${cases(first)} ELSE ${first + values.length} END`,
    };
  }
  const most = Math.min(mostNumberBins, Math.max(2, Math.floor(total / leastPerBin)));
  const sorted = Float64Array.from(sample, Number).toSorted();
  if (found.size <= most) {
    const values = [...new Set(sorted)];
    return {
      parameter: column.name,
      labels: shortest(values),
      sql: (first) => binSearch(name, values.slice(0, -1), first),
    };
  }
  const quantiles = Array.from(
    { length: most - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / most)] as number,
  );
  // The largest value as an edge would leave nothing above it.
  const edges = [...new Set(quantiles)].filter((edge) => edge < (sorted.at(-1) as number));
  const names = shortest(edges);
  return {
    parameter: column.name,
    labels: [
      `≤ ${names[0]}`,
      ...names.slice(1).map((upper, i) => `${names[i]} to ${upper}`),
      `> ${names.at(-1)}`,
    ],
    sql: (first) => binSearch(name, edges, first),
  };
}

/** SQL that counts the edges below a value by halving: five comparisons for twenty bins, not nineteen. */
function binSearch(name: string, edges: readonly number[], first: number): string {
  if (edges.length === 0) return String(first);
  const middle = edges.length >> 1;
  const edge = double(edges[middle] as number);
  const below = binSearch(name, edges.slice(0, middle), first);
  const above = binSearch(name, edges.slice(middle + 1), first + middle + 1);
  return `CASE WHEN ${name} <= ${edge} THEN ${below} ELSE ${above} END`;
}

/** Numbers in as few digits, three at least, as tell them all apart. */
function shortest(values: readonly number[]): string[] {
  for (let digits = 3; ; digits++) {
    const labels = values.map((value) => String(Number(value.toPrecision(digits))));
    if (digits === 17 || new Set(labels).size === values.length) return labels;
  }
}
