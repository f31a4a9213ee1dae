import { createHash } from "node:crypto";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createHashedFile } from "./hashed-file.ts";

const folder = await mkdtemp(join(tmpdir(), "hatchery-hashed-"));

/** Pieces as a writer makes them: its buffer is sometimes too small, and then it takes a larger one of its own. */
const sizes = { none: [], one: [5], many: [100, 300_000, 299_999, 1, 700_000, 650_000, 700_000] };

test.each(Object.entries(sizes))(
  "%s: the file has all bytes in their order, and their hash",
  async (name, pieces) => {
    const path = join(folder, name);
    const bytes = Buffer.alloc(pieces.reduce((sum, size) => sum + size, 0));
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) % 251;
    await using file = createHashedFile(path);
    let buffer: ArrayBufferLike = new ArrayBuffer(10);
    let from = 0;
    for (const size of pieces) {
      if (buffer.byteLength < size) buffer = new ArrayBuffer(size);
      new Uint8Array(buffer).set(bytes.subarray(from, from + size));
      buffer = await file.write(buffer, size);
      from += size;
    }
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(await file.finish()).toBe(sha256);
    expect((await readFile(path)).equals(bytes)).toBe(true);
  },
);

test("a disk that cannot be written to is an error", async () => {
  await using file = createHashedFile(join(folder, "not", "there"));
  const write = async () => {
    for (let piece = 0; piece < 3; piece++) await file.write(new ArrayBuffer(10), 10);
    await file.finish();
  };
  await expect(write()).rejects.toThrow("ENOENT");
});
