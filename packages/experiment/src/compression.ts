/** How every Parquet file here is compressed: Zstandard, with a checksum, where that makes it smaller. */
import { promisify } from "node:util";
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
  type ZstdOptions,
} from "node:zlib";

// Level 1 costs about 2 ms for a megabyte and the checksum makes a flipped bit an error instead of a number.
const params = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 1,
};
/** Room for all of the output at once: zlib's default, 16 kB, would make and join a hundred buffers a megabyte. */
const whole = (bytes: number) => ({ chunkSize: bytes + 1_024 });
// Told the size, it prepares for as much: a sample takes 28 µs in place of 38.
const options = ({ byteLength }: Uint8Array) => ({
  params,
  pledgedSrcSize: byteLength,
  ...whole(byteLength),
});

/** What saves less than this is not worth its time: numbers that are all different save 0.08. */
const leastSaving = 0.1;
/** Tells the saving to a hundredth. */
const sampleBytes = 8_192;

/**
 * Compresses on a thread of its own; undefined where that does not make the bytes a good deal smaller, by a sample from
 * their middle. The same answer for the same bytes.
 */
export async function compress(bytes: Uint8Array): Promise<Buffer | undefined> {
  const sampled = Math.min(sampleBytes, bytes.byteLength);
  const start = (bytes.byteLength - sampled) >>> 1;
  const sample = compressors.ZSTD(bytes.subarray(start, start + sampled));
  if (sample.byteLength > (1 - leastSaving) * sampled) return undefined;
  return sampled === bytes.byteLength ? sample : compressAsync(bytes, options(bytes));
}
const compressAsync = promisify<Uint8Array, ZstdOptions, Buffer>(zstdCompress);

/** To hand so many bytes to a thread takes as long as to decompress them: 0.3 ms. */
const worthThread = 2 ** 18;

/** Decompresses, much on a thread of its own. */
export async function decompress(bytes: Uint8Array, outputBytes: number): Promise<NonSharedBuffer> {
  return outputBytes < worthThread
    ? decompressors.ZSTD(bytes, outputBytes)
    : decompressAsync(bytes, whole(outputBytes));
}
const decompressAsync = promisify<Uint8Array, ZstdOptions, NonSharedBuffer>(zstdDecompress);

export const compressors = { ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes, options(bytes)) };
export const decompressors = {
  ZSTD: (bytes: Uint8Array, outputBytes: number) => zstdDecompressSync(bytes, whole(outputBytes)),
};
