/**
 * Chunk files: what the simulations of one chunk return in files, on its way from the slot's process to the store.
 * The slot appends it to a file on this machine, its spool; that becomes the pack beside the part.
 */
import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bytesOf,
  packEnd,
  packLength,
  roundKeys,
  sha256,
  type ChunkInput,
  type PartFacts,
  type Rows,
  type Store,
} from "@hatchery/experiment";
import type { SlotFiles } from "./slot-protocol.ts";

/** Read by pieces of this size: the files of a chunk may be larger than memory. */
const pieceBytes = 16e6;

export interface ChunkFiles extends AsyncDisposable {
  /** What the slot needs to go on with. */
  readonly forSlot: SlotFiles;
  /** Fetches what an interrupted worker had of them; false when the store does not have it as its part says. */
  takeOver(facts: PartFacts): Promise<boolean>;
  /** Puts the files of these rows, which the slot has handed over in this order, into the store. */
  store(rows: Rows, column: number): Promise<PartFacts["files"]>;
}

export async function openChunkFiles(
  store: Store,
  input: ChunkInput,
  limit: string,
): Promise<ChunkFiles> {
  const keys = roundKeys(input.experiment, input.round);
  const folder = await mkdtemp(join(tmpdir(), "hatchery-files-"));
  const spool = join(folder, "spool");
  let length = 0;
  await writeFile(spool, "");

  async function fetch({ sha256: hash, bytes }: NonNullable<PartFacts["files"]>): Promise<boolean> {
    const key = keys.pack(input.chunk, hash);
    for (let from = 0; from < bytes; from += pieceBytes) {
      const piece = await store.readRange(key, from, pieceBytes);
      if (piece === undefined) return false;
      await appendFile(spool, piece);
    }
    return (await sha256(spool)) === hash;
  }

  return {
    get forSlot() {
      return { limit, mostBytes: bytesOf(limit), spool, length };
    },
    async takeOver({ files }) {
      if (files === undefined) return true;
      const isWhole = await fetch(files);
      length = isWhole ? files.bytes - packEnd.length : 0;
      await truncate(spool, length);
      return isWhole;
    },
    async store(rows, column) {
      const bytes = packLength(rows, column);
      if (bytes === 0) return undefined;
      // Behind it may be what a process had begun when it was ended.
      await truncate(spool, bytes);
      await appendFile(spool, packEnd);
      const hash = await sha256(spool);
      await store.replaceFromFile(keys.pack(input.chunk, hash), spool);
      return { sha256: hash, bytes: bytes + packEnd.length };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
