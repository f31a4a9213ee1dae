/** Stored files: what an experiment's simulations returned, found by their rows and read from their chunks' packs. */
import { hash } from "node:crypto";
import { packedFiles, type PackedFile } from "./file-pack.ts";
import { roundKeys } from "./layout.ts";
import { manifestColumns, type Manifest } from "./manifest.ts";
import { mergeParts } from "./merge-parts.ts";
import type { PartFacts } from "./part.ts";
import type { Rows } from "./rows.ts";
import type { Store } from "./store.ts";
import { findInPart } from "./stored-row.ts";

export interface StoredFile extends Pick<
  PackedFile,
  "simulation" | "name" | "bytes" | "sha256" | "offset"
> {
  /** Key of the pack that it is in. */
  readonly pack: string;
}

/** Where `filesColumn` stands among a part's columns: it is the last. */
export function filesColumnAt(manifest: Manifest): number {
  const { parameters, results } = manifestColumns(manifest);
  return parameters.length + results.length - 1;
}

/** The files of all simulations that are done, in ascending order, each from the row that counts. */
export async function* storedFiles(store: Store, manifest: Manifest): AsyncGenerator<StoredFile> {
  if (manifest.limits.files === undefined) return;
  const column = filesColumnAt(manifest);
  let indexed: { rows: Rows; files: PackedFile[] } | undefined;
  for await (const { rows, facts, from, to } of mergeParts(store, manifest)) {
    if (indexed?.rows !== rows) indexed = { rows, files: [...packedFiles(rows, column)] };
    for (const file of indexed.files)
      if (file.row >= from && file.row < to) yield storedFile(file, facts);
  }
}

/** The files of one simulation; none when it is not done. Throws a UserError when its part cannot be read. */
export async function storedFilesOf(
  store: Store,
  manifest: Manifest,
  simulation: number,
): Promise<StoredFile[]> {
  if (manifest.limits.files === undefined) return [];
  const found = await findInPart(store, manifest, simulation);
  if (found === undefined) return [];
  return [...packedFiles(found.rows, filesColumnAt(manifest))]
    .filter(({ row }) => row === found.at)
    .map((file) => storedFile(file, found.facts));
}

function storedFile(
  { simulation, name, bytes, sha256, offset }: PackedFile,
  facts: PartFacts,
): StoredFile {
  const { experiment, round, chunk, files } = facts;
  if (files === undefined) throw new Error(`Chunk ${chunk} of round ${round} names no pack.`);
  const pack = roundKeys(experiment, round).pack(chunk, files.sha256);
  return { simulation, name, bytes, sha256, offset, pack };
}

/** How much of a pack is read at once: files that follow each other need one request. */
const windowBytes = 8e6;

export interface FileReader {
  /** The content, or what is wrong with it: "is gone" or "is damaged". */
  read(file: StoredFile): Promise<Buffer | "is gone" | "is damaged">;
}

/** Reads files one after the other; quick when they come in the order of `storedFiles`. */
export function createFileReader(store: Store, window = windowBytes): FileReader {
  let held: { pack: string; from: number; bytes: Buffer } | undefined;
  return {
    async read({ pack, offset, bytes, sha256 }) {
      const isHeld =
        held?.pack === pack &&
        offset >= held.from &&
        offset + bytes <= held.from + held.bytes.length;
      if (!isHeld) {
        const read = await store.readRange(pack, offset, Math.max(window, bytes));
        if (read === undefined) return "is gone";
        held = { pack, from: offset, bytes: read };
      }
      const content = held!.bytes.subarray(offset - held!.from, offset - held!.from + bytes);
      return content.length === bytes && hash("sha256", content) === sha256
        ? content
        : "is damaged";
    },
  };
}
