/**
 * Plain columns: those that row-group.ts wrote, each one page of plain numbers, read back without the Parquet library,
 * which copies every page twice and works on one thread. Pages are decompressed on all cores; those that are not
 * compressed are read where they lie.
 */
import { crc32 } from "node:zlib";
import type { ColumnMetaData, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompress } from "./compression.ts";
import { bitsToBytes, numbersOf, type Numbers } from "./plain-values.ts";

/**
 * The columns of a file with one row group that are plain pages, by name; the library reads the others.
 * Throws when the bytes of a page are not as they were written.
 */
export async function readPlainColumns(
  file: ArrayBuffer,
  metadata: FileMetaData,
  wanted: readonly string[],
): Promise<Map<string, Numbers>> {
  const [group, ...others] = metadata.row_groups;
  if (group === undefined || others.length > 0) return new Map();
  const rows = Number(group.num_rows);
  const pages = group.columns.flatMap(({ meta_data: column }) => {
    const name = column?.path_in_schema[0];
    if (column === undefined || name === undefined || !wanted.includes(name)) return [];
    const page = plainPage(file, column, rows);
    return page === undefined ? [] : [{ name, type: column.type, ...page }];
  });
  const numbers = await Promise.all(
    pages.map(async ({ type, bytes, size, crc }) => {
      if (crc === undefined) return numbersIn(type, await decompress(bytes, size), rows);
      if (crc !== (crc32(bytes) | 0)) throw new Error("A page is not as it was written.");
      return numbersIn(type, bytes, rows);
    }),
  );
  return new Map(pages.map(({ name }, c) => [name, numbers[c]!]));
}

/** The column's only page, when it is one of plain numbers that are all there. */
function plainPage(file: ArrayBuffer, column: ColumnMetaData, rows: number) {
  const isPlain = column.encodings.length === 1 && column.encodings[0] === "PLAIN";
  if (!isPlain || column.type === "BYTE_ARRAY" || column.dictionary_page_offset !== undefined)
    return undefined;
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
