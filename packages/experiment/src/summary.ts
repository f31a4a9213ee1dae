/**
 * Summary: what a closed experiment came to, computed from its files in a few passes and constant memory.
 *
 * Sensitivity is the correlation ratio of a result over a parameter's bins (Pearson 1905; also the first-order
 * Sobol index estimated from given data, Plischke, Borgonovo and Smith 2013), corrected for chance as ε²
 * (Kelley 1935), since k bins of pure noise alone "explain" (k − 1) / (n − 1) of the variance:
 *
 *   share = max(0, 1 − (SSwithin / (n − k)) / (SStotal / (n − 1)))
 */
import type { Column, Value } from "./columns.ts";
import { double, identifier, openDataset, type Dataset } from "./dataset-query.ts";
import { parameterBins, type ParameterBins } from "./parameter-bins.ts";
import {
  sampledSimulations,
  type FailureGroup,
  type NumberStatistics,
  type Sensitivity,
  type Summary,
} from "./summary-format.ts";

const histogramBins = 30;
/** Enough to cut a parameter into twenty bins of 5 % ± 0.3 %. */
const binningRows = 5_000;
/** Quantiles hold every value in memory: up to 3 MB per result, of the 200 MB there are. */
const resultsPerPass = 16;
/** Each parameter's bins are a hash table in memory: 90 at once do not fit into 200 MB (measured at 10⁶ rows). */
const parametersPerPass = 24;
const mostFailureGroups = 100;

/** What the files cannot tell: it comes from the manifest, the ledger and the steward's meter. */
export type SummaryFacts = Omit<
  Summary,
  "done" | "failed" | "notRun" | "simulationsPerSecond" | "results" | "sensitivities" | "failures"
>;

export interface SummaryInput {
  readonly facts: SummaryFacts;
  /** Local Parquet files, as the close writes them. */
  readonly resultsPath: string;
  readonly failuresPath: string;
  readonly parameterColumns: readonly Column[];
  readonly resultColumns: readonly Column[];
  readonly temporaryFolder?: string;
}

/** The summary of a closed experiment. Throws when done, failed and not run do not sum to N. */
export async function summarize(input: SummaryInput): Promise<Summary> {
  const { facts, resultsPath, failuresPath, parameterColumns, resultColumns } = input;
  await using dataset = await openDataset(
    { results: resultsPath, failures: failuresPath },
    input.temporaryFolder === undefined ? {} : { temporaryFolder: input.temporaryFolder },
  );
  const [[done, failed] = [0, 0]] = await rowsOf<[number, number]>(
    dataset,
    "SELECT (SELECT count(*) FROM results), (SELECT count(*) FROM failures)",
  );
  const notRun = facts.notRunCauses.reduce((sum, { count }) => sum + count, 0);
  if (done + failed + notRun !== facts.total)
    throw new Error(
      `${facts.experiment}: ${done} done + ${failed} failed + ${notRun} not run is not ${facts.total}.`,
    );
  const results = await statistics(dataset, done, resultColumns);
  return {
    ...facts,
    done,
    failed,
    notRun,
    simulationsPerSecond: facts.seconds > 0 ? (done + failed) / facts.seconds : 0,
    results,
    sensitivities: await sensitivities(dataset, done, parameterColumns, results),
    failures: failed === 0 ? [] : await failureGroups(dataset),
  };
}

async function statistics(
  dataset: Dataset,
  done: number,
  columns: readonly Column[],
): Promise<NumberStatistics[]> {
  const numeric = columns.filter(({ kind }) => kind !== "text");
  if (done === 0) return [];
  const found: NumberStatistics[] = [];
  for (let i = 0; i < numeric.length; i += resultsPerPass)
    found.push(...(await statisticsOf(dataset, numeric.slice(i, i + resultsPerPass))));
  return histogramCounts(dataset, found);
}

async function statisticsOf(
  dataset: Dataset,
  columns: readonly Column[],
): Promise<NumberStatistics[]> {
  const aggregates = columns.map(({ name }) => {
    const x = finite(name);
    return `count(${x}), avg(${x}), stddev_samp(${x}), min(${x}), max(${x})`;
  });
  const [row = []] = await rowsOf<(number | null)[]>(
    dataset,
    `SELECT ${aggregates.join(", ")} FROM results`,
  );
  const moments = columns.map((_, i) => row.slice(5 * i, 5 * i + 5) as Moments);
  const quantiles = columns.map(({ name }, i) => {
    const sampled = inSample(moments[i]![0], sampledSimulations);
    const filter = sampled === undefined ? "" : ` FILTER (WHERE ${sampled})`;
    return `quantile_cont(${finite(name)}, [0.05, 0.25, 0.5, 0.75, 0.95])${filter}`;
  });
  const [ranks = []] = await rowsOf<Ranks[]>(
    dataset,
    `SELECT ${quantiles.join(", ")} FROM results`,
  );
  return columns.flatMap(({ name, description, kind }, i) => {
    const [count, mean, deviation, minimum, maximum] = moments[i]!;
    if (count === 0) return [];
    const [p05, p25, median, p75, p95] = ranks[i]!;
    return {
      name,
      ...(description !== undefined && { description }),
      count,
      mean,
      // SQL has no deviation for one row.
      standardDeviation: deviation ?? 0,
      minimum,
      p05,
      p25,
      median,
      p75,
      p95,
      maximum,
      histogram: { edges: histogramEdges(minimum, maximum, kind !== "number"), counts: [count] },
    };
  });
}

type Moments = [
  count: number,
  mean: number,
  deviation: number | null,
  minimum: number,
  maximum: number,
];
type Ranks = [number, number, number, number, number];

/** One bin of no width when all values are the same; one per whole number when these are few. */
function histogramEdges(minimum: number, maximum: number, whole: boolean): number[] {
  if (isConstant(minimum, maximum)) return [minimum, maximum];
  const few = whole && maximum - minimum < histogramBins;
  const bins = few ? maximum - minimum + 1 : histogramBins;
  const first = few ? minimum - 0.5 : minimum;
  const last = few ? maximum + 0.5 : maximum;
  return Array.from({ length: bins + 1 }, (_, i) =>
    i === bins ? last : first + (i * (last - first)) / bins,
  );
}

async function histogramCounts(
  dataset: Dataset,
  results: readonly NumberStatistics[],
): Promise<NumberStatistics[]> {
  const varied = results.filter(({ minimum, maximum }) => !isConstant(minimum, maximum));
  if (varied.length === 0) return [...results];
  // One pass over the file, where a GROUP BY per result would be one each and take twice as long.
  const [counted = []] = await rowsOf<BinCount[][]>(
    dataset,
    `SELECT ${varied
      .map(
        ({ name, histogram: { edges } }) =>
          `histogram(${finite(name)}, [${edges.slice(1).map(double).join(", ")}])`,
      )
      .join(", ")} FROM results`,
  );
  const countsOf = new Map(
    varied.map(({ name }, i) => [name, counted[i]!.map(({ value }) => value)]),
  );
  return results.map((result) => {
    const { edges, counts } = result.histogram;
    return { ...result, histogram: { edges, counts: countsOf.get(result.name) ?? counts } };
  });
}

/** DuckDB's answer for one bin: its upper edge, which belongs to it, and how many values it has. */
interface BinCount {
  readonly key: number;
  readonly value: number;
}

async function sensitivities(
  dataset: Dataset,
  done: number,
  parameters: readonly Column[],
  results: readonly NumberStatistics[],
): Promise<Sensitivity[]> {
  if (done < 2 || results.length === 0 || parameters.length === 0) return [];
  const sample = await rowsOf<Value[]>(
    dataset,
    `SELECT ${parameters.map(({ name }) => identifier(name)).join(", ")} FROM ${sampleOf(done, binningRows)}`,
  );
  const binned = parameters.flatMap(
    (column, i) =>
      parameterBins(
        column,
        sample.map((row) => row[i] as Value),
        Math.min(done, sampledSimulations),
      ) ?? [],
  );
  if (binned.length === 0) return [];
  const rows = sampleOf(done, sampledSimulations);
  const whole = await sampleStatistics(dataset, rows, results);
  const found: Sensitivity[] = [];
  for (let i = 0; i < binned.length; i += parametersPerPass)
    found.push(...(await binMeans(dataset, rows, binned.slice(i, i + parametersPerPass), whole)));
  const place = new Map(results.map(({ name }, i) => [name, i]));
  return found.toSorted(
    (a, b) => (place.get(a.result) ?? 0) - (place.get(b.result) ?? 0) || b.share - a.share,
  );
}

function sampleOf(done: number, most: number): string {
  const sampled = inSample(done, most);
  return sampled === undefined ? "results" : `(SELECT * FROM results WHERE ${sampled})`;
}

/**
 * Chooses about `most` of so many simulations, the same ones each time; undefined for all, where there are less than
 * twice as many. By hash, since every so-and-so-many rows of a grid would show one level only.
 */
function inSample(count: number, most: number): string | undefined {
  const every = Math.floor(count / most);
  return every < 2 ? undefined : `hash(simulation) % ${every} = 0`;
}

type SampleStatistics = Pick<
  NumberStatistics,
  "name" | "count" | "mean" | "standardDeviation" | "minimum" | "maximum"
>;

async function sampleStatistics(
  dataset: Dataset,
  rows: string,
  results: readonly NumberStatistics[],
): Promise<SampleStatistics[]> {
  if (rows === "results") return [...results];
  const aggregates = results.map(({ name }) => {
    const x = finite(name);
    return `count(${x}), avg(${x}), stddev_samp(${x}), min(${x}), max(${x})`;
  });
  const [row = []] = await rowsOf<(number | null)[]>(
    dataset,
    `SELECT ${aggregates.join(", ")} FROM ${rows}`,
  );
  return results.map(({ name }, i) => {
    const [count, mean, standardDeviation, minimum, maximum] = row
      .slice(5 * i, 5 * i + 5)
      .map((value) => value ?? 0) as [number, number, number, number, number];
    return { name, count, mean, standardDeviation, minimum, maximum };
  });
}

async function binMeans(
  dataset: Dataset,
  rows: string,
  binned: readonly ParameterBins[],
  results: readonly SampleStatistics[],
): Promise<Sensitivity[]> {
  // Bins of all parameters are numbered through, so that one number tells the parameter and the bin.
  let next = 0;
  const parameters = binned.map((bins) => {
    const first = next;
    next += bins.labels.length;
    return { ...bins, first };
  });
  const inner = [
    ...parameters.map(({ sql, first }, i) => `(${sql(first)})::USMALLINT AS b${i}`),
    ...results.map(({ name }, i) => `${finite(name)} AS r${i}`),
  ];
  const sets = parameters.map((_, i) => `b${i}`);
  const answer = await rowsOf<[bin: number, ...(number | null)[]]>(
    dataset,
    `SELECT coalesce(${sets.join(", ")}, 0), ${results.map((_, i) => `count(r${i}), avg(r${i})`).join(", ")}
     FROM (SELECT ${inner.join(", ")} FROM ${rows})
     GROUP BY GROUPING SETS (${sets.map((set) => `(${set})`).join(", ")})`,
  );
  const byBin = new Map(answer.map(([bin, ...means]) => [bin, means]));
  return parameters.flatMap(({ parameter, labels, first }) =>
    results.map((result, i) => {
      const bins = labels.flatMap((label, bin) => {
        const means = byBin.get(first + bin);
        const count = means?.[2 * i] ?? 0;
        return count === 0 ? [] : [{ label, mean: means?.[2 * i + 1] as number, count }];
      });
      return { result: result.name, parameter, share: explainedShare(result, bins), bins };
    }),
  );
}

/** ε² of a result over bins: see the top of this file. 0 where there is nothing to explain or nothing left to judge by. */
function explainedShare(
  { count, mean, standardDeviation, minimum, maximum }: SampleStatistics,
  bins: Sensitivity["bins"],
): number {
  if (isConstant(minimum, maximum) || count <= bins.length) return 0;
  const total = standardDeviation ** 2 * (count - 1);
  const between = bins.reduce((sum, bin) => sum + bin.count * (bin.mean - mean) ** 2, 0);
  const within = Math.max(0, total - between);
  return Math.max(0, 1 - within / (count - bins.length) / (total / (count - 1)));
}

async function failureGroups(dataset: Dataset): Promise<FailureGroup[]> {
  // Beyond the most frequent kinds the rest is one line, so that a model that never fails twice alike stays readable.
  const groups = await rowsOf<[string, string, string, number, number, number]>(
    dataset,
    `WITH kinds AS (
       SELECT cause, coalesce(fingerprint, '') AS fingerprint, coalesce(min_by(message, simulation), '') AS message,
              count(*) AS failures, min(simulation) AS example,
              row_number() OVER (ORDER BY count(*) DESC, min(simulation)) AS place
       FROM failures GROUP BY ALL)
     SELECT first(cause), first(fingerprint), first(message), sum(failures), min(example), count(*)
     FROM kinds GROUP BY least(place, ${mostFailureGroups + 1}) ORDER BY min(place)`,
  );
  return groups.map(([cause, fingerprint, message, count, example, kinds]) =>
    kinds === 1
      ? { cause, fingerprint, message, count, example }
      : { cause: "other", fingerprint: "", message: `${kinds} rarer kinds.`, count, example },
  );
}

async function rowsOf<Row>(dataset: Dataset, sql: string): Promise<Row[]> {
  return (await dataset.rows(sql)).rows as unknown as Row[];
}

/** A result as a number, or NULL where it is none; above 1e150 a square overflows and would stop the whole query. */
function finite(name: string): string {
  const x = `${identifier(name)}::DOUBLE`;
  return `CASE WHEN abs(${x}) < 1e150 THEN ${x} END`;
}

/** Whether values differ by no more than rounding does. */
function isConstant(minimum: number, maximum: number): boolean {
  return maximum - minimum <= 1e-12 * Math.max(Math.abs(minimum), Math.abs(maximum));
}
