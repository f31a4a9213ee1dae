/**
 * Rows: the outcome of simulations as columns, from the slot that computes them to the dataset.
 * Typed arrays all the way: no object per simulation lives longer than its own turn.
 */
import type { Column, Value } from "./columns.ts";
import { partitionPoint } from "./partition-point.ts";
import { createTextBuffer, textAt, type TextBuffer, type Texts } from "./texts.ts";

/** Why a simulation failed. `fingerprint` is equal for failures of one kind. */
export interface Failure {
  readonly cause: FailureCause;
  readonly fingerprint: string;
  readonly message: string;
}

export const failureCauses = [
  "threw",
  "invalid parameters",
  "invalid results",
  "time limit",
  "memory limit",
  "file limit",
  "crashed",
] as const;
export type FailureCause = (typeof failureCauses)[number];

/** One column's values; booleans are 0 and 1, an absent number is NaN. */
export type Values = Float64Array | Texts;

export interface Rows {
  readonly count: number;
  readonly simulation: Int32Array;
  /** 1 where the simulation failed. */
  readonly failed: Uint8Array;
  readonly attempts: Uint8Array;
  /** Wall seconds of the last attempt. */
  readonly seconds: Float64Array;
  /** Parameters, then results, in the model's order. */
  readonly values: readonly Values[];
  /** For each failed row, in order. */
  readonly failures: readonly { readonly row: number; readonly failure: Failure }[];
}

/** Grows as rows come. */
export interface RowBuffer {
  readonly count: number;
  /** `record` holds any of the columns; what it lacks is absent. */
  push(
    simulation: number,
    attempts: number,
    seconds: number,
    record: Readonly<Record<string, Value | undefined>>[],
    failure?: Failure,
  ): void;
  /** Copies rows `from` to `to` (exclusive) of other rows. */
  append(rows: Rows, from?: number, to?: number): void;
  /** Copies the rows at some places of other rows, all of them done. */
  pick(rows: Rows, places: readonly number[]): void;
  /** The rows as they stand, which the next `push`, `append` or `clear` may overwrite. */
  look(): Rows;
  clear(): void;
}

export function createRowBuffer(
  parameterColumns: readonly Column[],
  resultColumns: readonly Column[],
  initialCapacity = 256,
): RowBuffer {
  const columns = [...parameterColumns, ...resultColumns];
  const parameters = parameterColumns.length;
  let capacity = initialCapacity;
  let count = 0;
  let simulation = new Int32Array(capacity);
  let failed = new Uint8Array(capacity);
  let attempts = new Uint8Array(capacity);
  let seconds = new Float64Array(capacity);
  let values: (Float64Array | TextBuffer)[] = columns.map(({ kind }) =>
    kind === "text" ? createTextBuffer(capacity) : new Float64Array(capacity),
  );
  let failures: { row: number; failure: Failure }[] = [];

  function reserve(more: number) {
    if (count + more <= capacity) return;
    capacity = Math.max(capacity * 2, count + more);
    simulation = grown(simulation, new Int32Array(capacity));
    failed = grown(failed, new Uint8Array(capacity));
    attempts = grown(attempts, new Uint8Array(capacity));
    seconds = grown(seconds, new Float64Array(capacity));
    values = values.map((column) =>
      column instanceof Float64Array ? grown(column, new Float64Array(capacity)) : column,
    );
  }

  return {
    get count() {
      return count;
    },
    push(i, attempt, elapsed, records, failure) {
      reserve(1);
      simulation[count] = i;
      attempts[count] = attempt;
      seconds[count] = elapsed;
      failed[count] = failure === undefined ? 0 : 1;
      for (let c = 0; c < columns.length; c++) {
        const value = records[c < parameters ? 0 : 1]?.[columns[c]!.name];
        const column = values[c]!;
        if (column instanceof Float64Array)
          column[count] = value === undefined ? NaN : Number(value);
        else column.push(value === undefined ? null : String(value));
      }
      if (failure !== undefined) failures.push({ row: count, failure });
      count++;
    },
    append(rows, from = 0, to = rows.count) {
      const more = to - from;
      reserve(more);
      simulation.set(rows.simulation.subarray(from, to), count);
      failed.set(rows.failed.subarray(from, to), count);
      attempts.set(rows.attempts.subarray(from, to), count);
      seconds.set(rows.seconds.subarray(from, to), count);
      for (let c = 0; c < columns.length; c++) {
        const source = rows.values[c]!;
        const target = values[c]!;
        if (target instanceof Float64Array)
          target.set((source as Float64Array).subarray(from, to), count);
        else target.append(source as Texts, from, to);
      }
      // They are in the order of their rows: where many are appended one by one, none looks at all.
      const first = partitionPoint(0, rows.failures.length, (k) => rows.failures[k]!.row >= from);
      for (let k = first; k < rows.failures.length && rows.failures[k]!.row < to; k++) {
        const { row, failure } = rows.failures[k]!;
        failures.push({ row: row - from + count, failure });
      }
      count += more;
    },
    pick(rows, places) {
      reserve(places.length);
      places.forEach((place, k) => {
        simulation[count + k] = rows.simulation[place]!;
        attempts[count + k] = rows.attempts[place]!;
      });
      failed.fill(0, count, count + places.length);
      pickNumbers(rows.seconds, places, seconds, count);
      for (let c = 0; c < columns.length; c++) {
        const source = rows.values[c]!;
        const target = values[c]!;
        if (target instanceof Float64Array)
          pickNumbers(source as Float64Array, places, target, count);
        else for (const place of places) target.push(textAt(source as Texts, place));
      }
      count += places.length;
    },
    look: () => ({
      count,
      simulation: simulation.subarray(0, count),
      failed: failed.subarray(0, count),
      attempts: attempts.subarray(0, count),
      seconds: seconds.subarray(0, count),
      values: values.map((column) =>
        column instanceof Float64Array ? column.subarray(0, count) : column.look(),
      ),
      failures,
    }),
    clear() {
      count = 0;
      failures = [];
      for (const column of values) if (!(column instanceof Float64Array)) column.clear();
    },
  };
}

function pickNumbers(
  source: Float64Array,
  places: readonly number[],
  target: Float64Array,
  at: number,
): void {
  for (let k = 0; k < places.length; k++) target[at + k] = source[places[k]!]!;
}

function grown<T extends { set(source: T): void }>(source: T, target: T): T {
  target.set(source);
  return target;
}

/** The same rows in ascending order of simulation; a simulation that is there twice keeps its first row. */
export function sortedRows(
  rows: Rows,
  parameterColumns: readonly Column[],
  resultColumns: readonly Column[],
): Rows {
  if (isAscending(rows.simulation)) return rows;
  const order = Array.from(rows.simulation.keys()).toSorted(
    (a, b) => rows.simulation[a]! - rows.simulation[b]! || a - b,
  );
  const sorted = createRowBuffer(parameterColumns, resultColumns, rows.count);
  let previous = -1;
  for (const row of order) {
    if (rows.simulation[row] === previous) continue;
    previous = rows.simulation[row]!;
    sorted.append(rows, row, row + 1);
  }
  return sorted.look();
}

function isAscending(numbers: Int32Array): boolean {
  for (let k = 1; k < numbers.length; k++) if (numbers[k]! <= numbers[k - 1]!) return false;
  return true;
}
