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
  const required = metadata.schema.filter(({ repetition_type }) => repetition_type === "REQUIRED");
  const names = new Set(required.map(({ name }) => name));
  const found = await Promise.all(
    group.columns.map(async ({ meta_data: column }) => {
      const name = column?.path_in_schema[0];
      if (column === undefined || name === undefined || !names.has(name)) return undefined;
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

/** A column's numbers, when they are one page without a dictionary. */
async function numbersOfColumn(
  file: ArrayBuffer,
  column: ColumnMetaData,
  rows: number,
): Promise<Numbers | undefined> {
  const { codec, encodings, dictionary_page_offset: dictionary } = column;
  if (dictionary !== undefined || encodings.join() !== "PLAIN") return undefined;
  const start = Number(column.data_page_offset);
  const { header, bytes } = pageIn(file, start, start + Number(column.total_compressed_size));
  expectAsWritten(holdsAll(header, rows, "PLAIN"));
  if (codec !== "UNCOMPRESSED")
    return numbersIn(column.type, await decompress(bytes, header.uncompressed_page_size), rows);
  expectAsWritten(header.crc === (crc32(bytes) | 0));
  return numbersIn(column.type, bytes, rows);
}

/** A column's texts, when they are a dictionary and one page of places in it. */
function textsOfColumn(file: ArrayBuffer, column: ColumnMetaData, rows: number): Texts | undefined {
  if (column.dictionary_page_offset === undefined) return undefined;
  const start = Number(column.dictionary_page_offset);
  const middle = Number(column.data_page_offset);
  const dictionary = pageIn(file, start, middle);
  const data = pageIn(file, middle, start + Number(column.total_compressed_size));
  expectAsWritten(holdsAll(data.header, rows, "RLE_DICTIONARY"));

  const plain = { view: decompressed(dictionary), offset: 0 };
  const count = dictionary.header.dictionary_page_header?.num_values ?? 0;
  const texts = Array.from(readPlain(plain, "BYTE_ARRAY", count, 0) as Uint8Array[], (bytes) =>
    Buffer.from(bytes).toString("utf8"),
  );
  expectAsWritten(plain.offset === plain.view.byteLength);

  const view = decompressed(data);
  const places = new Int32Array(rows);
  readRleBitPackedHybrid({ view, offset: 1 }, view.getUint8(0), places, view.byteLength - 1);
  expectAsWritten(places.every((place) => place < texts.length));
  return { places, texts };
}

type Page = ReturnType<typeof pageIn>;

/** The one page that is between two places of the file. */
function pageIn(file: ArrayBuffer, start: number, end: number) {
  const reader = { view: new DataView(file, start, end - start), offset: 0 };
  const header = parquetHeader(reader);
  expectAsWritten(start + reader.offset + header.compressed_page_size === end);
  return {
    header,
    bytes: new Uint8Array(file, start + reader.offset, header.compressed_page_size),
  };
}

function holdsAll({ data_page_header_v2: page }: Page["header"], rows: number, encoding: string) {
  return (
    page?.num_values === rows &&
    page.encoding === encoding &&
    page.definition_levels_byte_length === 0 &&
    page.repetition_levels_byte_length === 0
  );
}

function decompressed({ header, bytes }: Page): DataView {
  const size = header.uncompressed_page_size;
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
