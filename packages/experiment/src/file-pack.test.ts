import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Column } from "./columns.ts";
import { openPackWriter, packEnd, packLength, packedFiles } from "./file-pack.ts";
import {
  createReturnedFiles,
  filesCell,
  filesColumn,
  type ReturnedFile,
} from "./returned-files.ts";
import { createRowBuffer, type Rows } from "./rows.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "hatchery-pack-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const value: Column = { name: "value", kind: "number" };
type Contents = Readonly<Record<string, Uint8Array>>;

function returned(contents: Contents): ReturnedFile[] {
  const files = createReturnedFiles("1 MB", 1e6);
  for (const [name, content] of Object.entries(contents)) files.write(name, content);
  return files.take();
}

/** Packs the files of simulations 0, 2, 4, … and answers the rows that go with them. */
function pack(path: string, simulations: readonly Contents[]): Rows {
  const rows = createRowBuffer([], [value, filesColumn]);
  writeFileSync(path, "");
  using writer = openPackWriter(path, 0);
  simulations.forEach((contents, k) => {
    const files = returned(contents);
    writer.append(2 * k, files);
    rows.push(2 * k, 1, 0, [{}, { value: k, files: filesCell(files) }]);
  });
  const taken = rows.look();
  expect(writer.length).toBe(packLength(taken, 1));
  return taken;
}

const Contents = fc.dictionary(
  fc.stringMatching(/^\w[\w.-]{0,20}$/),
  fc.uint8Array({ maxLength: 1_500 }),
  { maxKeys: 4, noNullPrototype: true },
);

test("every file is where its row says that it is", () => {
  fc.assert(
    fc.property(fc.array(Contents, { maxLength: 8 }), (simulations) => {
      const path = join(folder, "pack");
      const rows = pack(path, simulations);
      const bytes = readFileSync(path);
      const found = simulations.map((): Record<string, Uint8Array> => ({}));
      for (const { simulation, row, name, offset, bytes: size, sha256 } of packedFiles(rows, 1)) {
        const content = bytes.subarray(offset, offset + size);
        expect(createHash("sha256").update(content).digest("hex")).toBe(sha256);
        expect(simulation).toBe(2 * row);
        found[row]![name] = new Uint8Array(content);
      }
      expect(found).toEqual(simulations);
    }),
    { numRuns: 50 },
  );
});

test("a pack is a tar that any tar unpacks, its bytes a function of the files", () => {
  const path = join(folder, "a.tar");
  const simulations: Contents[] = [
    { "b.txt": Buffer.from("two"), "a.txt": Buffer.from("one") },
    {},
    { "empty.bin": Buffer.alloc(0), "block.bin": Buffer.alloc(512, 7) },
  ];
  pack(path, simulations);
  pack(join(folder, "b.tar"), simulations);
  expect(readFileSync(path)).toEqual(readFileSync(join(folder, "b.tar")));
  appendFileSync(path, packEnd);
  execFileSync("tar", ["-xf", path, "-C", folder]);
  expect(readdirSync(join(folder, "0"))).toEqual(["a.txt", "b.txt"]);
  expect(readFileSync(join(folder, "0", "b.txt"), "utf8")).toBe("two");
  expect(readFileSync(join(folder, "4", "empty.bin")).length).toBe(0);
  expect(readFileSync(join(folder, "4", "block.bin"))).toEqual(Buffer.alloc(512, 7));
});

test("who goes on at a length drops what a process that was ended had begun", () => {
  const path = join(folder, "pack");
  const rows = pack(path, [{ a: Buffer.from("kept") }]);
  const length = packLength(rows, 1);
  const before = readFileSync(path);
  appendFileSync(path, "half a file");
  using writer = openPackWriter(path, length);
  expect(readFileSync(path)).toEqual(before);
  writer.append(9, returned({ b: Buffer.from("next") }));
  expect(readFileSync(path).length).toBe(writer.length);
});
