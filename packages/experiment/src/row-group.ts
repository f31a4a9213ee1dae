/**
 * A row group of required columns, its numbers compressed on all cores where that makes them smaller.
 *
 * The Parquet library writes a number at a time into buffers that grow, and compresses on the main thread: 10⁷ rows of
 * 12 columns took four times as long. Here a column's plain bytes are the page; everything else is the library's.
 */
import { crc32 } from "node:zlib";
import type { ColumnChunk } from "hyparquet";
import { ByteWriter, type ParquetWriter } from "hyparquet-writer";
import { writeColumn } from "hyparquet-writer/src/column.js";
import { writeDataPageV2, writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeDictionaryPage } from "hyparquet-writer/src/dictionary.js";
import { compress, compressors } from "./compression.ts";
import { extent, plainBytes, type Numbers } from "./plain-values.ts";
import { cellsOf, type Texts } from "./texts.ts";

/** A column of numbers or of texts, none of them absent. */
export type RequiredCells = Numbers | Texts;

/** Appends one row group. `columns` are in the order of the file's schema and of equal length. */
export async function writeRowGroup(
  parquet: ParquetWriter,
  columns: readonly RequiredCells[],
  { statistics }: { statistics: boolean },
): Promise<void> {
  const { writer, schema } = parquet;
  const pages = await Promise.all(
    columns.map(async (values, c) =>
      isNumbers(values) ? pageOf(plainBytes(schema[c + 1]!.type as PlainType, values)) : undefined,
    ),
  );
  const chunks = columns.map((values, c) =>
    isNumbers(values)
      ? writePage(parquet, c, values.length, pages[c]!, statistics ? values : undefined)
      : writeTexts(parquet, c, values, statistics),
  );
  const rows = BigInt(lengthOf(columns[0]!));
  parquet.num_rows += rows;
  parquet.row_groups.push({
    columns: chunks,
    num_rows: rows,
    total_byte_size: chunks.reduce(
      (sum, { meta_data }) => sum + meta_data!.total_uncompressed_size,
      0n,
    ),
    total_compressed_size: chunks.reduce(
      (sum, { meta_data }) => sum + meta_data!.total_compressed_size,
      0n,
    ),
  });
  await writer.flush?.();
}

type PlainType = Parameters<typeof plainBytes>[0];
const isNumbers = (values: RequiredCells): values is Numbers => !("places" in values);
const lengthOf = (values: RequiredCells) =>
  isNumbers(values) ? values.length : values.places.length;

interface Page {
  /** Bytes of the plain numbers. */
  readonly size: number;
  /** As they are written. */
  readonly bytes: Uint8Array;
  readonly codec: "ZSTD" | "UNCOMPRESSED";
}

async function pageOf(bytes: Uint8Array): Promise<Page> {
  const size = bytes.byteLength;
  const smaller = await compress(bytes);
  return smaller === undefined
    ? { size, bytes, codec: "UNCOMPRESSED" }
    : { size, bytes: smaller, codec: "ZSTD" };
}

/** One column as one page of plain numbers. */
function writePage(
  { writer, schema }: ParquetWriter,
  c: number,
  count: number,
  { size, bytes, codec }: Page,
  described: Numbers | undefined,
): ColumnChunk {
  const { name } = schema[c + 1]!;
  const type = schema[c + 1]!.type as PlainType;
  const header = new ByteWriter();
  writePageHeader(header, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: size,
    compressed_page_size: bytes.byteLength,
    // What is compressed has a checksum of its own. Parquet has it as a signed number.
    ...(codec === "UNCOMPRESSED" && { crc: crc32(bytes) | 0 }),
    data_page_header_v2: {
      num_values: count,
      num_nulls: 0,
      num_rows: count,
      encoding: "PLAIN",
      definition_levels_byte_length: 0,
      repetition_levels_byte_length: 0,
      is_compressed: codec !== "UNCOMPRESSED",
    },
  });
  align(writer, header.offset);
  const start = writer.offset;
  writer.appendBytes(header.getBytes());
  writer.appendBytes(bytes);
  return {
    file_offset: BigInt(start),
    meta_data: {
      type,
      encodings: ["PLAIN"],
      path_in_schema: [name],
      codec,
      num_values: BigInt(count),
      total_uncompressed_size: BigInt(header.offset + size),
      total_compressed_size: BigInt(header.offset + bytes.byteLength),
      data_page_offset: BigInt(start),
      ...(described !== undefined && { statistics: statisticsOf(type, described) }),
    },
  };
}

/** Widest number, in bytes. */
const widest = 8;

/** Leaves a gap, so that what follows so many more bytes can be read in place, as an array of numbers. */
function align(writer: ParquetWriter["writer"], more: number): void {
  writer.appendBytes(new Uint8Array(-(writer.offset + more) & (widest - 1)));
}

/** Texts that repeat as a dictionary and their places in it, which is how Parquet has them too; others one by one. */
function writeTexts(
  { writer, schema }: ParquetWriter,
  c: number,
  column: Texts,
  statistics: boolean,
): ColumnChunk {
  const element = schema[c + 1]!;
  const encoder = {
    columnName: element.name,
    element,
    schemaPath: [schema[0]!, element],
    codec: "ZSTD",
    compressors,
    stats: statistics,
    pageSize: 0,
    columnIndex: false,
    offsetIndex: false,
  } satisfies Parameters<typeof writeColumn>[0]["column"];
  const { places, texts } = column;
  const levels = { definitionLevels: [], repetitionLevels: [], maxDefinitionLevel: 0 };
  if (2 * texts.length > places.length) {
    const pageData = { values: cellsOf(column) as string[], ...levels };
    return writeColumn({ writer, column: encoder, pageData }).chunk;
  }
  const start = writer.offset;
  const dictionarySize = writeDictionaryPage(writer, encoder, [...texts]);
  const dataStart = writer.offset;
  const dataSize = writeDataPageV2({
    writer,
    column: encoder,
    encoding: "RLE_DICTIONARY",
    pageData: { values: places, ...levels },
  });
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: "BYTE_ARRAY",
      encodings: ["PLAIN", "RLE_DICTIONARY"],
      path_in_schema: [element.name],
      codec: "ZSTD",
      num_values: BigInt(places.length),
      total_uncompressed_size: BigInt(dictionarySize + dataSize),
      total_compressed_size: BigInt(writer.offset - start),
      dictionary_page_offset: BigInt(start),
      data_page_offset: BigInt(dataStart),
      ...(statistics && { statistics: extentOfTexts(texts) }),
    },
  };
}

/** Parquet orders texts by their bytes, which JavaScript's `<` does not. */
function extentOfTexts(texts: readonly string[]) {
  const inOrder = texts.map((text) => Buffer.from(text)).toSorted((a, b) => a.compare(b));
  return {
    min_value: inOrder[0]!.toString(),
    max_value: inOrder.at(-1)!.toString(),
    null_count: 0n,
  };
}

function statisticsOf(type: PlainType, values: Numbers) {
  const [least, most] = extent(values);
  switch (type) {
    case "DOUBLE":
      // A zero may be of either sign, so the least is written as −0 and the most as 0.
      return {
        min_value: least === 0 ? -0 : least,
        max_value: most === 0 ? 0 : most,
        null_count: 0n,
      };
    case "INT32":
      return { min_value: least, max_value: most, null_count: 0n };
    case "INT64":
      return { min_value: BigInt(least), max_value: BigInt(most), null_count: 0n };
    case "BOOLEAN":
      return { min_value: least !== 0, max_value: most !== 0, null_count: 0n };
  }
}
