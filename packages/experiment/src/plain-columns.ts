/**
 * Plain columns: those that row-group.ts wrote, each one page of plain numbers or of places in a dictionary of texts, read
 * back without the Parquet library, which copies every page twice, makes an object of every text and works on one thread.
 * Pages are decompressed on all cores; those that are not compressed are read where they lie.
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
  wanted: readonly string[],
): Promise<Map<string, Numbers | Texts>> {
  const [group, ...others] = metadata.row_groups;
  if (group === undefined || others.length > 0) return new Map();
  const rows = Number(group.num_rows);
  const found = await Promise.all(
    group.columns.map(async ({ meta_data: column }) => {
      const name = column?.path_in_schema[0];
      if (column === undefined || name === undefined || !wanted.includes(name)) return undefined;
      const values = await (column.type === "BYTE_ARRAY"
        ? textsIn(file, column, rows)
        : numbersOfColumn(file, column, rows));
      return values && ([name, values] as const);
    }),
  );
  return new Map(found.filter((column) => column !== undefined));
}

async function numbersOfColumn(
  file: ArrayBuffer,
  column: ColumnMetaData,
  rows: number,
): Promise<Numbers | undefined> {
  const page = plainPage(file, column, rows);
  if (page === undefined) return undefined;
  const { bytes, size, crc } = page;
  if (crc === undefined) return numbersIn(column.type, await decompress(bytes, size), rows);
  if (crc !== (crc32(bytes) | 0)) throw new Error("A page is not as it was written.");
  return numbersIn(column.type, bytes, rows);
}

/** The column's texts, when they are a dictionary and one page of places that are all there. */
function textsIn(file: ArrayBuffer, column: ColumnMetaData, rows: number): Texts | undefined {
  const { dictionary_page_offset: dictionaryStart, data_page_offset: dataStart, codec } = column;
  if (dictionaryStart === undefined || codec !== "ZSTD") return undefined;
  const dictionary = pageAt(file, Number(dictionaryStart));
  const data = pageAt(file, Number(dataStart));
  const page = data.header.data_page_header_v2;
  const count = dictionary.header.dictionary_page_header?.num_values;
  const isWhole =
    page?.num_values === rows &&
    page.encoding === "RLE_DICTIONARY" &&
    page.definition_levels_byte_length === 0 &&
    page.repetition_levels_byte_length === 0;
  if (!isWhole || count === undefined) return undefined;
  const plain = readPlain({ view: decompressed(dictionary), offset: 0 }, "BYTE_ARRAY", count, 0);
  const texts = Array.from(plain as Uint8Array[], (bytes) => Buffer.from(bytes).toString("utf8"));
  const view = decompressed(data);
  const places = new Int32Array(rows);
  readRleBitPackedHybrid({ view, offset: 1 }, view.getUint8(0), places, view.byteLength - 1);
  return { places, texts };
}

function pageAt(file: ArrayBuffer, start: number) {
  const reader = { view: new DataView(file, start), offset: 0 };
  const header = parquetHeader(reader);
  return {
    header,
    bytes: new Uint8Array(file, start + reader.offset, header.compressed_page_size),
  };
}

function decompressed({ header, bytes }: ReturnType<typeof pageAt>): DataView {
  const { buffer, byteOffset, byteLength } = decompressors.ZSTD(
    bytes,
    header.uncompressed_page_size,
  );
  return new DataView(buffer, byteOffset, byteLength);
}

/** The column's only page, when it is one of plain numbers that are all there. */
function plainPage(file: ArrayBuffer, column: ColumnMetaData, rows: number) {
  const isPlain = column.encodings.length === 1 && column.encodings[0] === "PLAIN";
  if (!isPlain || column.dictionary_page_offset !== undefined) return undefined;
  const start = Number(column.data_page_offset);
  const length = Number(column.total_compressed_size);
  const reader = { view: new DataView(file, start, length), offset: 0 };
  const header = parquetHeader(reader);
  const page = header.data_page_header_v2;
  const isWhole =
    page?.num_values === rows &&
    page.definition_levels_byte_length === 0 &&
    page.repetition_levels_byte_length === 0 &&
    reader.offset + header.compressed_page_size === length;
  if (!isWhole) return undefined;
  const { codec } = column;
  if (codec === "UNCOMPRESSED" && header.crc === undefined) return undefined;
  return {
    bytes: new Uint8Array(file, start + reader.offset, header.compressed_page_size),
    size: header.uncompressed_page_size,
    /** Of a page that is not compressed. */
    crc: codec === "UNCOMPRESSED" ? header.crc : undefined,
  };
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
