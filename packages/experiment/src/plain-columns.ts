/**
 * Plain columns: those that row-group.ts wrote, each one page of plain numbers or of places in a dictionary of texts, read
 * back without the Parquet library, which copies every page twice, makes an object of every text and works on one thread.
 * Large pages are decompressed on all cores; those that are not compressed are read where they lie.
 */
import { crc32 } from "node:zlib";
import type { ColumnMetaData, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import { decompress, decompressors } from "./compression.ts";
import { bitsToBytes, numbersOf, type Numbers } from "./plain-values.ts";
import type { Texts } from "./texts.ts";

/**
 * The columns of a file with one row group that are plain pages, by name; the library reads the others.
 * Throws when the bytes of a page are not as they were written.
 */
export async function readPlainColumns(
  file: ArrayBuffer,
  metadata: FileMetaData,
): Promise<Map<string, Numbers | Texts>> {
  const [group, ...others] = metadata.row_groups;
  if (group === undefined || others.length > 0) return new Map();
  const rows = Number(group.num_rows);
  // Which columns these are is told by the footer alone, whatever a page may say.
  const elements = new Map(metadata.schema.slice(1).map((element) => [element.name, element]));
  const found = await Promise.all(
    group.columns.map(async ({ meta_data: column }) => {
      const name = column?.path_in_schema[0];
      if (column === undefined || name === undefined) return undefined;
      // The library lists no encoding of levels, and writes no checksum of them.
      const isOptional = elements.get(name)?.repetition_type === "OPTIONAL";
      if (isOptional !== column.encodings.includes("RLE")) return undefined;
      const values = await (column.type === "BYTE_ARRAY"
        ? textsOfColumn(file, column, rows)
        : numbersOfColumn(file, column, rows));
      return values && ([name, values] as const);
    }),
  );
  return new Map(found.filter((column) => column !== undefined));
}

function expectAsWritten(is: boolean): void {
  if (!is) throw new Error("A page is not as it was written.");
}

/** A column's numbers, when they are one page without a dictionary; NaN where there is none. */
async function numbersOfColumn(
  file: ArrayBuffer,
  column: ColumnMetaData,
  rows: number,
): Promise<Numbers | undefined> {
  const { codec, encodings, dictionary_page_offset: dictionary } = column;
  if (dictionary !== undefined || encodings.at(-1) !== "PLAIN") return undefined;
  const start = Number(column.data_page_offset);
  const page = pageIn(file, start, start + Number(column.total_compressed_size));
  const there = presentIn(page, column, rows, "PLAIN");
  const { bytes, size } = valuesIn(page);
  const values = codec === "UNCOMPRESSED" ? bytes : await decompress(bytes, size);
  if (there === undefined) return numbersIn(column.type, values, rows);
  const present = numbersIn(column.type, values, there.count);
  return spread(present, there.flags, new Float64Array(rows).fill(NaN));
}

/** A column's texts, when they are a dictionary and one page of places in it. */
function textsOfColumn(file: ArrayBuffer, column: ColumnMetaData, rows: number): Texts | undefined {
  if (column.dictionary_page_offset === undefined) return undefined;
  const start = Number(column.dictionary_page_offset);
  const middle = Number(column.data_page_offset);
  const dictionary = pageIn(file, start, middle);
  const data = pageIn(file, middle, start + Number(column.total_compressed_size));
  const there = presentIn(data, column, rows, "RLE_DICTIONARY");

  const plain = { view: decompressed(dictionary), offset: 0 };
  const count = dictionary.header.dictionary_page_header?.num_values ?? 0;
  const texts = Array.from(readPlain(plain, "BYTE_ARRAY", count, 0) as Uint8Array[], (bytes) =>
    Buffer.from(bytes).toString("utf8"),
  );
  expectAsWritten(plain.offset === plain.view.byteLength);

  const view = decompressed(data);
  const present = new Int32Array(there?.count ?? rows);
  readRleBitPackedHybrid({ view, offset: 1 }, view.getUint8(0), present, view.byteLength - 1);
  expectAsWritten(present.every((place) => place < texts.length));
  if (there === undefined) return { places: present, texts };
  return { places: spread(present, there.flags, new Int32Array(rows).fill(-1)), texts };
}

/** Puts the values that are there at their rows. */
function spread<T extends Float64Array | Int32Array>(
  values: Numbers,
  flags: Uint8Array,
  rows: T,
): T {
  let k = 0;
  for (let row = 0; row < rows.length; row++) if (flags[row] === 1) rows[row] = values[k++]!;
  return rows;
}

type Page = ReturnType<typeof pageIn>;

/** The one page that is between two places of the file. */
function pageIn(file: ArrayBuffer, start: number, end: number) {
  const reader = { view: new DataView(file, start, end - start), offset: 0 };
  const header = parquetHeader(reader);
  const body = start + reader.offset;
  expectAsWritten(body + header.compressed_page_size === end);
  return { header, bytes: new Uint8Array(file, body, header.compressed_page_size) };
}

/** Which rows of an optional column have a value; undefined in a required one. Throws where the page is not as it was written. */
function presentIn(
  { header, bytes }: Page,
  { codec, encodings }: ColumnMetaData,
  rows: number,
  encoding: "PLAIN" | "RLE_DICTIONARY",
): { flags: Uint8Array; count: number } | undefined {
  const page = header.data_page_header_v2;
  const isOptional = encodings[0] === "RLE";
  expectAsWritten(
    page?.num_values === rows &&
      page.encoding === encoding &&
      page.definition_levels_byte_length > 0 === isOptional &&
      page.repetition_levels_byte_length === 0,
  );
  // What is compressed has a checksum of its own.
  if (isOptional || codec === "UNCOMPRESSED") expectAsWritten(header.crc === (crc32(bytes) | 0));
  if (!isOptional) return undefined;
  const flags = new Uint8Array(rows);
  const length = page!.definition_levels_byte_length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  readRleBitPackedHybrid({ view, offset: 0 }, 1, flags, length);
  const count = flags.reduce((sum, flag) => sum + flag, 0);
  expectAsWritten(count === rows - page!.num_nulls);
  return { flags, count };
}

/** A page without its levels; `size` is that of its values before they were compressed. */
function valuesIn({ header, bytes }: Page) {
  const levels = header.data_page_header_v2?.definition_levels_byte_length ?? 0;
  return { bytes: bytes.subarray(levels), size: header.uncompressed_page_size - levels };
}

function decompressed(page: Page): DataView {
  const { bytes, size } = valuesIn(page);
  const { buffer, byteOffset, byteLength } = decompressors.ZSTD(bytes, size);
  expectAsWritten(byteLength === size);
  return new DataView(buffer, byteOffset, byteLength);
}

function numbersIn(
  type: ColumnMetaData["type"],
  page: Uint8Array<ArrayBuffer>,
  rows: number,
): Numbers {
  const { buffer, byteOffset } = page;
  const expect = (bytes: number) => {
    if (page.byteLength !== bytes)
      throw new Error(`A page of ${rows} rows has ${page.byteLength} bytes, not ${bytes}.`);
  };
  switch (type) {
    case "DOUBLE":
      expect(8 * rows);
      return new Float64Array(buffer, byteOffset, rows);
    case "INT32":
      expect(4 * rows);
      return new Int32Array(buffer, byteOffset, rows);
    case "INT64":
      expect(8 * rows);
      return numbersOf(new BigInt64Array(buffer, byteOffset, rows));
    case "BOOLEAN":
      expect(Math.ceil(rows / 8));
      return bitsToBytes(page, rows);
    default:
      throw new Error(`A page of plain ${type} is not expected.`);
  }
}
