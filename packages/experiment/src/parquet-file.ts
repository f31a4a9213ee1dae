/**
 * Parquet file: a file of row groups, each hashed and on the disk as soon as it is made. All of it is synchronous: a file
 * that is worth a thread is written on one of its own (results-table.ts), where waiting for a second one took longer.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { compressors } from "./compression.ts";

/** What every Parquet file here says of who has written it. */
export const createdBy = "hatchery";

export interface ParquetFile extends Disposable {
  readonly parquet: ParquetWriter;
  /** Writes the footer; answers the file's SHA-256, hex. */
  finish(): string;
}

/** `columns` as the schema has them, without its root. */
export function createParquetFile(path: string, columns: readonly SchemaElement[]): ParquetFile {
  const file = new HashedFile(path);
  const parquet = new ParquetWriter({
    writer: file,
    schema: [{ name: "root", num_children: columns.length }, ...columns],
    codec: "ZSTD",
    compressors,
    createdBy,
  });
  return {
    parquet,
    finish() {
      void parquet.finish();
      return file.close();
    },
    [Symbol.dispose]: () => void file.close(),
  };
}

/** Stays in the processor's cache from the hash to the disk: six megabytes at a time took half as long again. */
const atATime = 2 ** 18;

class HashedFile extends ByteWriter {
  readonly #hash = createHash("sha256");
  #file: number | undefined;

  constructor(path: string) {
    super(atATime);
    this.#file = openSync(path, "w");
  }

  /** Pages go to the disk from where they are; what is small is gathered. */
  override appendBytes(value: Uint8Array): void {
    if (value.length < atATime / 4) return super.appendBytes(value);
    this.flush();
    for (let from = 0; from < value.length; from += atATime)
      this.#write(value.subarray(from, from + atATime));
    this.offset += value.length;
  }

  flush(): void {
    this.#write(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }

  /** Answers the SHA-256 of what was written, the first time. */
  close(): string {
    if (this.#file === undefined) return "";
    closeSync(this.#file);
    this.#file = undefined;
    return this.#hash.digest("hex");
  }

  #write(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    for (let written = 0; written < bytes.length;)
      written += writeSync(this.#file!, bytes, written);
  }
}
