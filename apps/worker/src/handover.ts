/**
 * Hand-over: how rows come from a slot's process to its worker. The slot writes their columns to a file that both have
 * open and says where, and the worker reads them there. As messages, the rows of 300,000 buildings had the worker
 * collect garbage 30 times in place of 12, and each slot waited for 0.4 to 0.8 % of its time until they had been taken.
 */
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Rows, Values } from "@hatchery/experiment";

/** What the file does not hold: where the rows are in it, and everything of them that is no number. */
export interface HandedRows {
  readonly at: number;
  readonly count: number;
  readonly failures: Rows["failures"];
  /** Of each column of values: its texts, or null for one of numbers. */
  readonly texts: readonly (readonly string[] | null)[];
}

/** A file without a name, gone with the last process that has it open. */
export function openHandover(): number {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-handover-"));
  try {
    return openSync(join(folder, "rows"), "w+");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The columns of so many rows, one after the other, in memory that is used again. */
function createLayout() {
  let memory = new ArrayBuffer(0);
  return (count: number, texts: HandedRows["texts"]) => {
    // Arrays must begin at a multiple of the size of their numbers.
    const room = (size: number) => Math.ceil((size * count) / 8) * 8;
    const bytes = [8, 4, 1, 1, ...texts.map((each) => (each === null ? 8 : 4))]
      .map(room)
      .reduce((sum, size) => sum + size);
    if (memory.byteLength < bytes) memory = new ArrayBuffer(2 * bytes);
    let next = 0;
    const place = (size: number) => (next += room(size)) - room(size);
    return {
      bytes: new Uint8Array(memory, 0, bytes),
      seconds: new Float64Array(memory, place(8), count),
      simulation: new Int32Array(memory, place(4), count),
      failed: new Uint8Array(memory, place(1), count),
      attempts: new Uint8Array(memory, place(1), count),
      values: texts.map((each): Values =>
        each === null
          ? new Float64Array(memory, place(8), count)
          : { places: new Int32Array(memory, place(4), count), texts: each },
      ),
    };
  };
}

/** Writes rows from the place `at` on; answers what to tell the worker and where the next ones go. */
export function createRowWriter(
  file: number,
): (rows: Rows, at: number) => { handed: HandedRows; end: number } {
  const layout = createLayout();
  return (rows, at) => {
    const { count, failures } = rows;
    const texts = rows.values.map((values) => ("texts" in values ? values.texts : null));
    const { bytes, seconds, simulation, failed, attempts, values } = layout(count, texts);
    seconds.set(rows.seconds);
    simulation.set(rows.simulation);
    failed.set(rows.failed);
    attempts.set(rows.attempts);
    rows.values.forEach((from, c) => numbersOf(values[c]!).set(numbersOf(from)));
    const written = writeSync(file, bytes, 0, bytes.length, at);
    if (written < bytes.length)
      throw new Error(`The disk took ${written} of the ${bytes.length} bytes of ${count} rows.`);
    return { handed: { at, count, failures, texts }, end: at + written };
  };
}

const numbersOf = (values: Values) => ("places" in values ? values.places : values);

/** Reads rows, each time into the same memory: they stand until the next call. */
export function createRowReader(file: number): (handed: HandedRows) => Rows {
  const layout = createLayout();
  return ({ at, count, failures, texts }) => {
    const { bytes, ...columns } = layout(count, texts);
    const read = readSync(file, bytes, 0, bytes.length, at);
    if (read < bytes.length)
      throw new Error(`Of ${count} rows that a slot handed over, some bytes are not there.`);
    return { ...columns, count, failures };
  };
}
