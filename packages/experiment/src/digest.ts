/**
 * Digest: what the summary needs of all rows, noted while they pass on their way into the dataset. Of each result exact
 * moments, and for whatever orders or groups values, a sample of the simulations. Asked of the finished file, a million
 * rows took DuckDB 0.8 s of both cores, as long as the merge itself.
 */
import type { Column } from "./columns.ts";
import { mix } from "./hash.ts";
import { isUsable, momentsOf, noMoments, together, type Moments } from "./moments.ts";
import { createRowBuffer, type Rows, type Values } from "./rows.ts";

export interface Digest {
  readonly done: number;
  readonly failed: number;
  /** How many of those that are done are in the sample: all, or about 50,000 of very many. */
  readonly sampled: number;
  readonly parameters: readonly { readonly column: Column; readonly values: Values }[];
  /** Those that are numbers or booleans. */
  readonly results: readonly ResultDigest[];
}

export interface ResultDigest {
  readonly column: Column;
  readonly moments: Moments;
  /** Of the sampled simulations. */
  readonly values: Float64Array;
  /** The first usable ones: of a result that few simulations have, the sample may hold none. */
  readonly first: Float64Array;
}

/** Of so many simulations all are in the sample. */
const mostSampled = 200_000;
/** Of more one in so many as would fill it: of 50,000 quantiles are right to about 0.2 % of the ranks. */
const thinning = 4;
/** A sample of more cells, 50 MB, is not kept. */
const mostCells = 6_250_000;
/** So many of the first values are kept: of a result that fewer simulations have, all. */
const mostFirst = 1_000;

export interface DigestBuilder {
  /** Takes rows `from` to `to` (exclusive), all of them done. */
  add(rows: Rows, from: number, to: number): void;
  addFailed(count: number): void;
  finish(): Digest;
}

/** Of about so many simulations: what is sampled is right from the start, and thinned when there are many more. */
export function createDigest(
  parameters: readonly Column[],
  results: readonly Column[],
  expected: number,
): DigestBuilder {
  const most = Math.min(mostSampled, mostCells / (parameters.length + results.length));
  let every = expected <= most ? 1 : (thinning * expected) / most;
  // One in a hundred more than are likely: it need not grow.
  let sample = createRowBuffer(parameters, results, Math.ceil((1.01 * expected) / every));
  const numbers = results.flatMap((column, c) =>
    column.kind === "text"
      ? []
      : [{ column, place: parameters.length + c, moments: noMoments, first: [] as number[] }],
  );
  let done = 0;
  let failed = 0;
  return {
    add(rows, from, to) {
      done += to - from;
      for (const result of numbers) {
        const values = rows.values[result.place] as Float64Array;
        result.moments = together(result.moments, momentsOf(values, from, to));
        for (let row = from; row < to && result.first.length < mostFirst; row++)
          if (isUsable(values[row]!)) result.first.push(values[row]!);
      }
      if (every === 1) sample.append(rows, from, to);
      else sample.pick(rows, chosen(rows.simulation, from, to));
      while (sample.count > most) thin();
    },
    addFailed: (count) => void (failed += count),
    finish() {
      const { count, values } = sample.look();
      return {
        done,
        failed,
        sampled: count,
        parameters: parameters.map((column, c) => ({ column, values: values[c]! })),
        results: numbers.map(({ column, place, moments, first }) => ({
          column,
          moments,
          values: values[place] as Float64Array,
          first: Float64Array.from(first),
        })),
      };
    },
  };

  function thin(): void {
    every *= thinning;
    const before = sample.look();
    sample = createRowBuffer(parameters, results, before.count);
    sample.pick(before, chosen(before.simulation, 0, before.count));
  }

  function chosen(simulations: Int32Array, from: number, to: number): number[] {
    const places: number[] = [];
    for (let row = from; row < to; row++) if (isChosen(simulations[row]!, every)) places.push(row);
    return places;
  }
}

/** Whether a number is of the one in so many that are chosen. By hash, since every so-and-so-many rows of a grid would show one level only. */
export const isChosen = (number: number, every: number) => mix(number) >>> 0 < 2 ** 32 / every;
