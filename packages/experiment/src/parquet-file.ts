/**
 * Parquet file: where a Parquet writer's bytes go, written to the disk while the next ones are made.
 * The library's own file writer waits for the disk on the main thread: a fifth of the time of a merge.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { ByteWriter } from "hyparquet-writer";

/** A row group of 22 columns is 11 MB at most. */
const initialBytes = 2 ** 20;

export interface ParquetFile {
  /** For a ParquetWriter: its `flush` answers when the flush before has reached the disk. */
  readonly writer: ByteWriter & { flush(): Promise<void> };
  /** After the ParquetWriter's `finish`: everything is written, the file closed. Answers its SHA-256, hex. */
  close(): Promise<string>;
}

export async function createParquetFile(path: string): Promise<ParquetFile> {
  const file = await open(path, "w");
  let spare = new ArrayBuffer(initialBytes);
  let written: Promise<unknown> = Promise.resolve();
  const hash = createHash("sha256");
  const writer = Object.assign(new ByteWriter(initialBytes), {
    async flush() {
      await written;
      const filled = writer.buffer;
      const bytes = new Uint8Array(filled, 0, writer.index);
      writer.buffer = spare;
      writer.view = new DataView(spare);
      writer.index = 0;
      spare = filled;
      hash.update(bytes);
      // `writeFile` on an open file goes on where the last one ended, and writes all of it.
      written = file.writeFile(bytes);
      // Whoever awaits it next hears of its failure.
      written.catch(() => undefined);
    },
  });
  return {
    writer,
    async close() {
      try {
        await writer.flush();
        await written;
        return hash.digest("hex");
      } finally {
        await file.close();
      }
    },
  };
}
