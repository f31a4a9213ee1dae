/**
 * A row group of plain columns, its numbers compressed on all cores where that makes them smaller.
 *
 * The Parquet library writes a number at a time into buffers that grow, and compresses on the main thread: 10⁷ rows of
 * 12 columns took four times as long. Here a column's plain bytes are the page; everything else is the library's.
 */
import { crc32 } from "node:zlib";
import type { ColumnChunk, Encoding, SchemaElement } from "hyparquet";
import { ByteWriter, type ParquetWriter } from "hyparquet-writer";
import { writeColumn } from "hyparquet-writer/src/column.js";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeDictionaryPage } from "hyparquet-writer/src/dictionary.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";
import { compress, compressors } from "./compression.ts";
import { extent, levelsOf, plainBytes, presence, type Numbers } from "./plain-values.ts";
import type { Rows } from "./rows.ts";
import { cellsOf, type Texts } from "./texts.ts";

/** A column of numbers or of texts. Only in one that the schema has as optional may some be absent: NaN, or without a place. */
export type PlainCells = Numbers | Texts;

/** Appends one row group. `columns` are in the order of the file's schema and of equal length. */
export async function writeRowGroup(
  parquet: ParquetWriter,
  columns: readonly PlainCells[],
  { statistics }: { statistics: boolean },
): Promise<void> {
  const { writer, schema } = parquet;
  const pages = await Promise.all(
    columns.map(async (values, c) =>
      isNumbers(values) ? pageOf(schema[c + 1]!, values) : undefined,
    ),
  );
  const chunks = columns.map((values, c) => {
    // Those of an optional column would have to count what is absent, and nobody asks for them.
    const isDescribed = statistics && !isOptional(schema[c + 1]!);
    return isNumbers(values)
      ? writeNumbers(parquet, c, pages[c]!, isDescribed ? values : undefined)
      : writeTexts(parquet, c, values, isDescribed);
  });
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

/** 65,536 rows of 22 columns are 11 MB in memory; readers skip and parallelize by such groups. */
export const rowsPerGroup = 65_536;

/** Appends rows to what is being filled, and has it written each time that it is a whole group: groups are cut by row number. */
export async function fillGroups(
  filling: () => { readonly count: number; append(rows: Rows, from: number, to: number): void },
  write: () => Promise<void>,
  rows: Rows,
  from: number,
  to: number,
): Promise<void> {
  for (let start = from; start < to;) {
    const group = filling();
    const end = Math.min(to, start + rowsPerGroup - group.count);
    group.append(rows, start, end);
    start = end;
    if (group.count === rowsPerGroup) await write();
  }
}

type PlainType = Parameters<typeof plainBytes>[0];
const isNumbers = (values: PlainCells): values is Numbers => !("places" in values);
const isOptional = ({ repetition_type }: SchemaElement) => repetition_type === "OPTIONAL";
const lengthOf = (values: PlainCells) => (isNumbers(values) ? values.length : values.places.length);

interface Page {
  readonly rows: number;
  /** Rows without a value. */
  readonly absent: number;
  /** Which rows have one; nothing in a column where all have. */
  readonly levels: Uint8Array;
  /** Bytes of the values before they are compressed. */
  readonly size: number;
  /** As they are written. */
  readonly bytes: Uint8Array;
  readonly codec: "ZSTD" | "UNCOMPRESSED";
  readonly encoding: "PLAIN" | "RLE_DICTIONARY";
}

const noLevels = new Uint8Array();

async function pageOf(element: SchemaElement, values: Numbers): Promise<Page> {
  const rows = values.length;
  const flags = isOptional(element) ? presence(values) : undefined;
  const present = flags === undefined ? values : values.filter((_, row) => flags[row] === 1);
  const plain = plainBytes(element.type as PlainType, present);
  const smaller = await compress(plain);
  return {
    rows,
    absent: rows - present.length,
    levels: flags === undefined ? noLevels : levelsOf(flags),
    size: plain.byteLength,
    bytes: smaller ?? plain,
    codec: smaller === undefined ? "UNCOMPRESSED" : "ZSTD",
    encoding: "PLAIN",
  };
}

/** One column as one page of plain numbers. */
function writeNumbers(
  { writer, schema }: ParquetWriter,
  c: number,
  page: Page,
  described: Numbers | undefined,
): ColumnChunk {
  const { name, type } = schema[c + 1]!;
  const header = headerOf(page);
  // So that the numbers can be read in place.
  align(writer, header.length + page.levels.length);
  const start = writer.offset;
  const size = writePage(writer, header, page);
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: type!,
      encodings: encodingsOf(page),
      path_in_schema: [name],
      codec: page.codec,
      num_values: BigInt(page.rows),
      total_uncompressed_size: BigInt(size),
      total_compressed_size: BigInt(writer.offset - start),
      data_page_offset: BigInt(start),
      ...(described !== undefined && { statistics: statisticsOf(type as PlainType, described) }),
    },
  };
}

/** Of levels and values, as the footer lists them. */
const encodingsOf = ({ levels }: Page): Encoding[] =>
  levels.length === 0 ? ["PLAIN"] : ["RLE", "PLAIN"];

function headerOf({ rows, absent, levels, size, bytes, codec, encoding }: Page): Uint8Array {
  const header = new ByteWriter();
  // What is compressed has a checksum of its own, its levels have not. Parquet has it as a signed number.
  const isChecked = codec === "UNCOMPRESSED" || levels.length > 0;
  writePageHeader(header, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levels.length + size,
    compressed_page_size: levels.length + bytes.byteLength,
    ...(isChecked && { crc: crc32(bytes, crc32(levels)) | 0 }),
    data_page_header_v2: {
      num_values: rows,
      num_nulls: absent,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: codec !== "UNCOMPRESSED",
    },
  });
  return header.getBytes();
}

/** Answers how long it is with its header, before it was compressed. */
function writePage(
  writer: ParquetWriter["writer"],
  header: Uint8Array,
  { levels, bytes, size }: Page,
): number {
  writer.appendBytes(header);
  writer.appendBytes(levels);
  writer.appendBytes(bytes);
  return header.length + levels.length + size;
}

/** Widest number, in bytes. */
const widest = 8;

/** Leaves a gap, so that what follows so many more bytes can be read in place, as an array of numbers. */
function align(writer: ParquetWriter["writer"], more: number): void {
  writer.appendBytes(new Uint8Array(-(writer.offset + more) & (widest - 1)));
}

/**
 * Texts that repeat as a dictionary and their places in it, which is how Parquet has them too; others one by one. Those of
 * an optional column, causes of failures mostly, always as a dictionary: the library's pages have no checksum of levels.
 */
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
  if (!isOptional(element) && 2 * texts.length > places.length) {
    const levels = { definitionLevels: [], repetitionLevels: [], maxDefinitionLevel: 0 };
    const pageData = { values: cellsOf(column) as string[], ...levels };
    return writeColumn({ writer, column: encoder, pageData }).chunk;
  }
  const page = dictionaryPageOf(element, places);
  const start = writer.offset;
  const dictionarySize = writeDictionaryPage(writer, encoder, [...texts]);
  const dataStart = writer.offset;
  const dataSize = writePage(writer, headerOf(page), page);
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: "BYTE_ARRAY",
      encodings: [...encodingsOf(page), "RLE_DICTIONARY"],
      path_in_schema: [element.name],
      codec: page.codec,
      num_values: BigInt(page.rows),
      total_uncompressed_size: BigInt(dictionarySize + dataSize),
      total_compressed_size: BigInt(writer.offset - start),
      dictionary_page_offset: BigInt(start),
      data_page_offset: BigInt(dataStart),
      ...(statistics && { statistics: extentOfTexts(texts) }),
    },
  };
}

function dictionaryPageOf(element: SchemaElement, places: Int32Array): Page {
  const flags = isOptional(element) ? placed(places) : undefined;
  const present = flags === undefined ? places : places.filter((_, row) => flags[row] === 1);
  const width = Math.ceil(Math.log2(present.reduce((most, place) => Math.max(most, place), 0) + 1));
  const indices = new ByteWriter();
  indices.appendUint8(width);
  writeRleBitPackedHybrid(indices, present, width);
  const plain = indices.getBytes();
  return {
    rows: places.length,
    absent: places.length - present.length,
    levels: flags === undefined ? noLevels : levelsOf(flags),
    size: plain.byteLength,
    bytes: compressors.ZSTD(plain),
    codec: "ZSTD",
    encoding: "RLE_DICTIONARY",
  };
}

const placed = (places: Int32Array) => Uint8Array.from(places, (place) => (place >= 0 ? 1 : 0));

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
