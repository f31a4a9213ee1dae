/**
 * Part: the result file of one chunk, one row per simulation.
 * Written once, in one step, before the engine hears that the chunk is done.
 *
 * Columns, a public contract: simulation, failed, attempts, seconds, the model's parameters, its results;
 * and, in parts that hold a failure: cause, fingerprint, message. The footer's key `hatchery` holds `PartFacts`.
 */
import { parquetMetadata, parquetRead, type FileMetaData, type SchemaElement } from "hyparquet";
import { ParquetWriter, ByteWriter, type ColumnSource } from "hyparquet-writer";
import { z } from "zod";
import type { Column } from "./columns.ts";
import { compressors, decompressors } from "./compression.ts";
import { createdBy } from "./parquet-file.ts";
import { readPlainColumns } from "./plain-columns.ts";
import { numbersOf } from "./plain-values.ts";
import { writeRowGroup } from "./row-group.ts";
import type { Failure, FailureCause, Rows, Values } from "./rows.ts";
import { cellsOf, textAt, textsOf, type Texts } from "./texts.ts";

export const PartFacts = z.object({
  experiment: z.string(),
  round: z.int(),
  chunk: z.int(),
  done: z.int(),
  failed: z.int(),
  /** Core-seconds inside the model's function. */
  seconds: z.number(),
  /** Attempts beyond each simulation's first. */
  retries: z.int(),
  /** How often the chunk was put down half done and taken up again. */
  interruptions: z.int(),
  /** Which worker computed how many of its rows, in order. */
  workers: z.array(z.tuple([z.string(), z.int()])),
  /** When, by the worker's clock. Progress counts time by it, whichever steward asks. */
  writtenAt: z.iso.datetime().optional(),
  /** The most that the slot which computed it has held, and what each slot of that worker may hold at the same time. */
  memory: z.object({ peakBytes: z.int(), shareBytes: z.int() }).optional(),
  /** The pack of the files that its simulations returned: its key follows from its hash (layout.ts). */
  files: z.object({ sha256: z.string(), bytes: z.int() }).optional(),
});
export type PartFacts = z.infer<typeof PartFacts>;

/** How a column of the given kind is stored. */
export function parquetColumn(column: Column, isOptional: boolean): SchemaElement {
  const repetition_type = isOptional ? "OPTIONAL" : "REQUIRED";
  switch (column.kind) {
    case "number":
      return { name: column.name, type: "DOUBLE", repetition_type };
    case "integer":
      return fitsInt32(column)
        ? { name: column.name, type: "INT32", repetition_type }
        : { name: column.name, type: "INT64", repetition_type };
    case "boolean":
      return { name: column.name, type: "BOOLEAN", repetition_type };
    case "text":
      return { name: column.name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type };
  }
}

function fitsInt32({ minimum = -Infinity, maximum = Infinity }: Column): boolean {
  return minimum >= -(2 ** 31) && maximum < 2 ** 31;
}

export type Cells = ColumnSource["data"];

/** One column's values as its Parquet type wants them; absent values become null. */
export function parquetValues(column: Column, values: Values, isOptional: boolean): Cells {
  if (!(values instanceof Float64Array)) return cellsOf(values);
  switch (column.kind) {
    case "number":
      return isOptional
        ? Array.from(values, (value) => (Number.isNaN(value) ? null : value))
        : values;
    case "integer":
      if (fitsInt32(column) && !isOptional) return Int32Array.from(values);
      return Array.from(values, (value) => {
        if (Number.isNaN(value)) return null;
        return fitsInt32(column) ? value : BigInt(value);
      });
    default:
      return Array.from(values, (value) => (Number.isNaN(value) ? null : value === 1));
  }
}

const factsKey = "hatchery";
/** Columns that say why a simulation failed. */
export const failureKeys = ["cause", "fingerprint", "message"] as const;

/** Memory for a part's bytes, which the next part may be given again: they stand until then. */
export const createPartMemory = () => new ByteWriter(0);

export async function encodePart(
  rows: Rows,
  columns: readonly Column[],
  facts: Omit<PartFacts, "done" | "failed" | "seconds" | "retries">,
  writer = createPartMemory(),
): Promise<{ bytes: Uint8Array; facts: PartFacts }> {
  const hasFailures = rows.failures.length > 0;
  const whole: PartFacts = {
    ...facts,
    done: rows.count - rows.failures.length,
    failed: rows.failures.length,
    seconds: rows.seconds.reduce((sum, seconds) => sum + seconds, 0),
    retries: rows.attempts.reduce((sum, attempts) => sum + attempts - 1, 0),
  };
  const schema: SchemaElement[] = [
    { name: "simulation", type: "INT32", repetition_type: "REQUIRED" },
    { name: "failed", type: "BOOLEAN", repetition_type: "REQUIRED" },
    { name: "attempts", type: "INT32", repetition_type: "REQUIRED" },
    { name: "seconds", type: "DOUBLE", repetition_type: "REQUIRED" },
    ...columns.map((column) => parquetColumn(column, hasFailures)),
    ...(hasFailures ? failureKeys.map(failureColumn) : []),
  ];
  writer.index = 0;
  writer.offset = 0;
  // Room for all at once: a buffer that grows would be copied a dozen times.
  writer.ensure(footerBytes + rows.count * schema.length * 8);
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: "root", num_children: schema.length }, ...schema],
    codec: "ZSTD",
    compressors,
    statistics: false,
    createdBy,
    kvMetadata: [{ key: factsKey, value: JSON.stringify(whole) }],
  });
  const { simulation, failed, attempts, seconds, values } = rows;
  const texts = hasFailures ? failureTexts(rows) : [];
  await writeRowGroup(parquet, [simulation, failed, attempts, seconds, ...values, ...texts], {
    statistics: false,
  });
  await parquet.finish();
  return { bytes: writer.getBytes(), facts: whole };
}

const failureColumn = (name: string): SchemaElement => ({
  name,
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "OPTIONAL",
});

/** Of each row why it failed, in the columns of `failureKeys`; none of one that is done. */
function failureTexts({ count, failures }: Rows): Texts[] {
  return failureKeys.map((key) => {
    const cells = Array.from<string | null>({ length: count }).fill(null);
    for (const { row, failure } of failures) cells[row] = failure[key];
    return textsOf(cells);
  });
}

/** Enough of a part's end to hold its footer: a footer of 200 columns is about 20 kB. */
export const footerBytes = 65_536;

/** What a part says of itself, from its last `footerBytes` bytes. Throws when it is no whole part. */
export function readPartFacts(end: Uint8Array): PartFacts {
  return factsOf(parquetMetadata(footerOf(end)));
}

function factsOf(metadata: FileMetaData): PartFacts {
  const text = metadata.key_value_metadata?.find(({ key }) => key === factsKey)?.value;
  return PartFacts.parse(JSON.parse(text ?? "null"));
}

/** Reads a part, every byte of it. Throws when one is not as it was written. */
export async function decodePart(
  bytes: Uint8Array,
  columns: readonly Column[],
): Promise<{ rows: Rows; facts: PartFacts }> {
  const file = fromItsStart(bytes);
  const metadata = parquetMetadata(footerOf(bytes));
  const facts = factsOf(metadata);
  const found = new Map<string, Cells | Texts>(await readPlainColumns(file, metadata));
  const left = metadata.schema.flatMap(({ name }, c) => (c === 0 || found.has(name) ? [] : [name]));
  if (left.length > 0)
    await parquetRead({
      file,
      metadata,
      columns: left,
      compressors: decompressors,
      onChunk: ({ columnName, columnData }) => {
        const before = found.get(columnName) as Cells | undefined;
        found.set(columnName, before === undefined ? columnData : [...before, ...columnData]);
      },
    });
  const count = Number(metadata.num_rows);
  const column = (name: string): Cells | Texts => {
    const data = found.get(name);
    const { length = 0 } = data === undefined ? {} : "places" in data ? data.places : data;
    if (length !== count) throw new Error(`Column "${name}" has ${length} of ${count} rows.`);
    return data!;
  };
  const cells = (name: string) => column(name) as Cells;
  const failedRows = smallInts(cells("failed"));
  const failures: { row: number; failure: Failure }[] = [];
  if (found.has("cause")) {
    const text = (name: string) => textValues(column(name));
    const [cause, fingerprint, message] = [text("cause"), text("fingerprint"), text("message")];
    failedRows.forEach((isFailed, row) => {
      if (isFailed === 1)
        failures.push({
          row,
          failure: {
            cause: textAt(cause, row) as FailureCause,
            fingerprint: String(textAt(fingerprint, row)),
            message: String(textAt(message, row)),
          },
        });
    });
  }
  if (count !== facts.done + facts.failed || failures.length !== facts.failed)
    throw new Error(`It has ${count} rows and says ${facts.done + facts.failed}.`);
  return {
    facts,
    rows: {
      count,
      simulation: ints(cells("simulation")),
      failed: failedRows,
      attempts: smallInts(cells("attempts")),
      seconds: doubles(cells("seconds")),
      values: columns.map((each) => valuesOf(each, column(each.name))),
      failures,
    },
  };
}

/** A column that holds few different values comes as a plain array. */
const ints = (cells: Cells) =>
  cells instanceof Int32Array ? cells : Int32Array.from(cells as number[]);
const smallInts = (cells: Cells) =>
  ArrayBuffer.isView(cells)
    ? new Uint8Array(cells as Int32Array)
    : Uint8Array.from(cells as ArrayLike<unknown>, Number);
const doubles = (cells: Cells) =>
  cells instanceof Float64Array ? cells : Float64Array.from(cells as number[]);

const textValues = (cells: Cells | Texts): Texts =>
  "places" in cells ? cells : textsOf(cells as (string | null)[]);

/** What Parquet gave, as `Values`; null becomes NaN. */
export function valuesOf(column: Column, cells: Cells | Texts): Values {
  if (column.kind === "text" || "places" in cells) return textValues(cells);
  if (cells instanceof Float64Array) return cells;
  if (cells instanceof Int32Array || cells instanceof Uint8Array) return new Float64Array(cells);
  if (cells instanceof BigInt64Array) return numbersOf(cells);
  return Float64Array.from(cells as ArrayLike<unknown>, (cell) =>
    cell === null ? NaN : Number(cell),
  );
}

/** The bytes from the start of a buffer that may be longer: copied only where they begin later. */
function fromItsStart({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return byteOffset === 0
    ? (buffer as ArrayBuffer)
    : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}

/** A copy of a part's footer, since the reader of metadata wants it to be the end of its buffer. */
function footerOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  const end = byteOffset + byteLength;
  // Its last eight bytes: how long it is before them, and "PAR1".
  const bytes = byteLength < 8 ? 0 : new DataView(buffer, end - 8).getUint32(0, true) + 8;
  return buffer.slice(Math.max(byteOffset, end - bytes), end) as ArrayBuffer;
}
