/**
 * File pack: all files that the simulations of one chunk returned, in one object beside its part. Millions of objects
 * of a few kilobytes would cost more than the simulations.
 *
 * It is a plain tar of `<simulation>/<name>`, in the order of the part's rows, so where a file begins follows from the
 * sizes that the rows have, any of them is one ranged read, and `tar xf` unpacks it without us.
 */
import { closeSync, ftruncateSync, openSync, writevSync } from "node:fs";
import { readFilesCell, type FileEntry, type ReturnedFile } from "./returned-files.ts";
import type { Rows } from "./rows.ts";
import { textAt, type Texts } from "./texts.ts";

/** Everything in a tar is in blocks of this size. */
const block = 512;
/** Two empty blocks end a tar. */
export const packEnd = Buffer.alloc(2 * block);

const paddingOf = (bytes: number) => (block - (bytes % block)) % block;

/** What a file takes in a pack: header, content, padding. */
export const packedSize = (bytes: number) => block + bytes + paddingOf(bytes);

/** A file on this machine to which one simulation after the other appends its files. */
export interface PackWriter extends Disposable {
  /** Bytes so far. */
  readonly length: number;
  append(simulation: number, files: readonly ReturnedFile[]): void;
}

/** Goes on after the first `length` bytes; what is behind them, of a process that was ended, is dropped. */
export function openPackWriter(path: string, length: number): PackWriter {
  const descriptor = openSync(path, "a", 0o600);
  ftruncateSync(descriptor, length);
  let written = length;
  return {
    get length() {
      return written;
    },
    append(simulation, files) {
      if (files.length === 0) return;
      const pieces = files.flatMap(({ name, content }) => [
        packHeader(`${simulation}/${name}`, content.length),
        content,
        Buffer.alloc(paddingOf(content.length)),
      ]);
      const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
      // A disk that is full takes a part and says so at the next write only.
      if (writevSync(descriptor, pieces) !== size)
        throw new Error(`The disk of "${path}" is full: a simulation's files do not fit on it.`);
      written += size;
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

/** A ustar header (POSIX 1003.1-1988) that says nothing of who and when: the same files are the same bytes. */
function packHeader(name: string, bytes: number): Buffer {
  const header = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  header.write(name, 0, "latin1");
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(bytes, 124, 11);
  octal(0, 136, 11);
  header.write("0", 156, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  // The sum of all bytes, its own eight taken for spaces.
  const sum = header.reduce((total, byte) => total + byte, 8 * 0x20);
  octal(sum, 148, 6);
  header.write("\0 ", 154, "latin1");
  return header;
}

/** A file of a pack, and where its content begins there. */
export interface PackedFile extends FileEntry {
  readonly simulation: number;
  readonly row: number;
  readonly offset: number;
}

/** The files of a part's rows, in their order. `column` is the place of `filesColumn` among the part's columns. */
export function* packedFiles(rows: Rows, column: number): Generator<PackedFile> {
  const cells = rows.values[column] as Texts;
  let at = 0;
  for (let row = 0; row < rows.count; row++)
    for (const file of readFilesCell(textAt(cells, row))) {
      yield { ...file, simulation: rows.simulation[row]!, row, offset: at + block };
      at += packedSize(file.bytes);
    }
}

/** The bytes of a pack that holds exactly the files of these rows, without its end. */
export function packLength(rows: Rows, column: number): number {
  let length = 0;
  for (const { bytes } of packedFiles(rows, column)) length += packedSize(bytes);
  return length;
}
