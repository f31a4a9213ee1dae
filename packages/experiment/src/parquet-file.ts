/**
 * Parquet file: where a Parquet writer's bytes go, written to the disk while the next ones are made.
 * The library's own file writer waits for the disk on the main thread: a fifth of the time of a merge.
 */
import { ByteWriter } from "hyparquet-writer";
import { createHashedFile } from "./hashed-file.ts";

/** A row group of 22 columns is 11 MB at most. */
const initialBytes = 2 ** 20;

export interface ParquetFile extends AsyncDisposable {
  /** For a ParquetWriter: its `flush` answers when there is room for the next row group. */
  readonly writer: ByteWriter & { flush(): Promise<void> };
  /** After the ParquetWriter's `finish`: everything is on the disk. Answers its SHA-256, hex. */
  finish(): Promise<string>;
}

export function createParquetFile(path: string): ParquetFile {
  const file = createHashedFile(path);
  const writer = Object.assign(new ByteWriter(initialBytes), {
    async flush() {
      // The library fills it through views, which are the same for memory that threads share.
      const buffer = (await file.write(writer.buffer, writer.index)) as ArrayBuffer;
      writer.buffer = buffer;
      writer.view = new DataView(buffer);
      writer.index = 0;
    },
  });
  return {
    writer,
    async finish() {
      await writer.flush();
      return file.finish();
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}
