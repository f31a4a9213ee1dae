/**
 * Returned files: what a simulation leaves beside its results, such as a year hour by hour.
 * Their names, sizes and hashes are a column of the dataset; their content is in the chunk's pack (file-pack.ts).
 */
import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Column } from "./columns.ts";
import { SimulationFailed } from "./failures.ts";

/** What a simulation gets to return files. */
export interface SimulationFiles {
  /**
   * Keeps a file with this simulation. The same name again replaces it. A failed attempt keeps none.
   * Fails the simulation when all its files together exceed the model's `limits.files`.
   */
  readonly write: (name: string, content: string | Uint8Array) => void;
  /** Keeps the file at a path, in the same way. One over the limit is not read: it may be larger than the memory. */
  readonly copy: (name: string, path: string) => void;
}

export interface ReturnedFile extends FileEntry {
  readonly content: Uint8Array;
}

/** One file of a simulation, as the column has it. */
export interface FileEntry {
  readonly name: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface ReturnedFiles extends SimulationFiles {
  /** What was written, by name; after it nothing can be. Throws a SimulationFailed when it was too much or misnamed. */
  take(): ReturnedFile[];
}

/** A column of every dataset whose model declares `limits.files`: JSON, a list of entries in the order of their names. */
export const filesColumn: Column = {
  name: "files",
  kind: "text",
  description: "Files that it returned: name, bytes and sha256 of each, as JSON.",
};

/** As the column has it: a function of what was returned alone. */
export function filesCell(files: readonly FileEntry[]): string {
  return JSON.stringify(files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })));
}

export function readFilesCell(cell: string | null): readonly FileEntry[] {
  return cell === null || cell === "[]" ? [] : (JSON.parse(cell) as FileEntry[]);
}

/** Why a name is none for a returned file: it must be one in every folder of every system, and in a pack. */
export function fileNameProblem(name: unknown): string | undefined {
  if (typeof name === "string" && /^\w[\w.-]{0,79}$/.test(name)) return undefined;
  return `The file name ${JSON.stringify(name)} must be letters, digits, "_", "-" and ".", at most 80, and no folder.`;
}

/** The files of one attempt at one simulation. */
export function createReturnedFiles(limit: string, mostBytes: number): ReturnedFiles {
  const contents = new Map<string, Uint8Array>();
  let total = 0;
  let problem: SimulationFailed | undefined;
  let isTaken = false;

  /** Thrown, and kept: a model that catches it has failed all the same. */
  function fail(reason: SimulationFailed): never {
    problem ??= reason;
    contents.clear();
    throw problem;
  }

  /** What all files hold with one of so many bytes. Throws when that is too much. */
  function totalWith(name: string, bytes: number): number {
    const together = total + bytes - (contents.get(name)?.length ?? 0);
    if (together > mostBytes)
      fail(
        new SimulationFailed(
          "file limit",
          `Its files hold more than ${limit}: "${name}" brought them to ${(together / 1e6).toFixed(1)} MB.`,
        ),
      );
    return together;
  }

  function write(name: string, content: string | Uint8Array): void {
    if (isTaken) throw new Error(`"${name}" was written after its simulation had ended.`);
    const misnamed = fileNameProblem(name);
    if (misnamed !== undefined) fail(new SimulationFailed("invalid results", misnamed));
    // A copy: the model may use its buffer again.
    const bytes =
      typeof content === "string" ? Buffer.from(content) : Buffer.copyBytesFrom(content);
    total = totalWith(name, bytes.length);
    contents.set(name, bytes);
  }

  return {
    write,
    copy(name, path) {
      totalWith(name, statSync(path).size);
      write(name, readFileSync(path));
    },
    take() {
      isTaken = true;
      if (problem !== undefined) throw problem;
      return [...contents]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, content]) => ({
          name,
          bytes: content.length,
          sha256: hash("sha256", content),
          content,
        }));
    },
  };
}

/** For a model that declares no files. */
export const noFiles: ReturnedFiles = { write: refuse, copy: refuse, take: () => [] };

function refuse(name: string): never {
  throw new Error(
    `"${name}" cannot be kept: the model declares no files. Give it limits: { files: "10 MB" }, the most that one simulation may return.`,
  );
}
