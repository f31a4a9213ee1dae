/**
 * Input files: local files that a model needs beside its parameters, such as a year's weather, a template or a mesh.
 * Given at submit, kept in the store under the hash of their content, handed to simulations as paths of a local copy.
 */
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { sha256 } from "./file-hash.ts";
import { cachePath, hold, inputCacheBytes, makeRoom, newFetch, release } from "./input-cache.ts";
import { inputKey } from "./layout.ts";
import type { Store } from "./store.ts";

/** What a model says of a file that it needs. */
export interface InputDeclaration {
  /** What it is, and its format. */
  readonly description: string;
  /** The file that is taken unless another is given: an absolute path, such as join(import.meta.dirname, "miami.epw"). */
  readonly default?: string;
}

export type InputDeclarations = Readonly<Record<string, InputDeclaration>>;

/** What the manifest says of a file that was given. */
export const InputFile = z.object({
  /** What it was called where it came from, without its folder. */
  file: z.string(),
  sha256: z.string(),
  bytes: z.int(),
});
export type InputFile = z.infer<typeof InputFile>;

export const inputFileKey = ({ file, sha256: hash }: InputFile) => inputKey(hash, endingOf(file));

/** Simulators that know a format by its ending find it in the store and on a worker too. */
function endingOf(file: string): string {
  const ending = extname(file).slice(1).toLowerCase();
  return /^[a-z0-9]{1,16}$/.test(ending) ? ending : "bin";
}

/** Everything that is wrong with the files given for a model's inputs, by name. */
export async function inputProblems(
  declared: InputDeclarations,
  given: Readonly<Record<string, string>>,
): Promise<string[]> {
  const known = Object.keys(declared);
  const there =
    known.length === 0 ? "the model takes no file." : `the model takes: ${known.join(", ")}.`;
  const problems = Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => `There is no input "${name}"; ${there}`);
  for (const [name, { description, default: fallback }] of Object.entries(declared)) {
    const path = given[name] ?? fallback;
    if (path === undefined)
      problems.push(
        `Input "${name}" is missing (${description}): give it by --input ${name}=<file>.`,
      );
    else {
      const problem = await fileProblem(path);
      if (problem !== undefined) problems.push(`Input "${name}": "${path}" ${problem}.`);
    }
  }
  return problems;
}

async function fileProblem(path: string): Promise<string | undefined> {
  try {
    const file = await fs.open(path);
    try {
      const found = await file.stat();
      if (!found.isFile()) return "is not a file";
      return found.size === 0 ? "is empty" : undefined;
    } finally {
      await file.close();
    }
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code})`;
  }
}

/** Puts a model's input files into the store; one that is there already stays. Throws a UserError that names every problem. */
export async function storeInputs(
  declared: InputDeclarations,
  given: Readonly<Record<string, string>>,
  store: Store,
): Promise<Record<string, InputFile>> {
  const problems = await inputProblems(declared, given);
  if (problems.length > 0)
    throw new UserError(problems.join("\n"), { exitCode: exitCodes.wrongUsage });
  const stored: Record<string, InputFile> = {};
  const folder = await fs.mkdtemp(join(tmpdir(), "hatchery-inputs-"));
  try {
    for (const [name, { default: fallback }] of Object.entries(declared)) {
      const path = given[name] ?? fallback!;
      // A copy, so that what is hashed and stored is one and the same whatever happens to the file.
      const copy = join(folder, name);
      await fs.copyFile(path, copy);
      const { size } = await fs.stat(copy);
      const input = { file: basename(path), sha256: await sha256(copy), bytes: size };
      stored[name] = input;
      const key = inputFileKey(input);
      const there = (await store.list(key)).some((one) => one.key === key && one.size === size);
      if (!there) await store.replaceFromFile(key, copy);
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
  return stored;
}

/** What tells a file that was checked from one that was changed since, without reading it. */
type Stamp = Pick<Stats, "ino" | "size" | "mtimeMs">;

/** Local copies that this process has checked, or is about to, by their path. */
const checked = new Map<string, Promise<Stamp>>();

/** Paths of local copies, which stay until they are disposed of. */
export interface LocalInputs extends AsyncDisposable {
  readonly paths: Readonly<Record<string, string>>;
}

/**
 * Local copies of an experiment's input files, fetched where this machine has none, and kept within `mostBytes` there.
 * A copy is checked against its hash once per process, and again when it was changed. Throws an Error when the store
 * lacks a file or has another content under its hash.
 */
export async function localInputs(
  store: Store,
  inputs: Readonly<Record<string, InputFile>>,
  log: (line: string) => void,
  mostBytes = inputCacheBytes,
): Promise<LocalInputs> {
  await using links = new AsyncDisposableStack();
  const paths: Record<string, string> = {};
  for (const [name, input] of Object.entries(inputs)) {
    const link = await localInput(store, input, log, mostBytes);
    links.defer(() => release(link));
    paths[name] = link;
  }
  const kept = links.move();
  return { paths, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function localInput(
  store: Store,
  input: InputFile,
  log: (line: string) => void,
  mostBytes: number,
): Promise<string> {
  const path = cachePath(basename(inputFileKey(input)));
  for (;;) {
    const known = checked.get(path);
    // Another slot may have begun meanwhile.
    if ((known === undefined || !(await isAsChecked(path, known))) && checked.get(path) === known) {
      const bringing = bring(store, input, path, log, mostBytes);
      checked.set(path, bringing);
      bringing.catch(() => checked.delete(path));
    }
    await checked.get(path);
    // Another worker may have needed the room.
    const link = await hold(path);
    if (link !== undefined) return link;
  }
}

async function isAsChecked(path: string, known: Promise<Stamp>): Promise<boolean> {
  const [before, now] = await Promise.all([known.catch(() => undefined), stampOf(path)]);
  return (
    before !== undefined &&
    now !== undefined &&
    (["ino", "size", "mtimeMs"] as const).every((key) => before[key] === now[key])
  );
}

const stampOf = (path: string): Promise<Stamp | undefined> => fs.stat(path).catch(() => undefined);

async function bring(
  store: Store,
  input: InputFile,
  path: string,
  log: (line: string) => void,
  mostBytes: number,
): Promise<Stamp> {
  const there = await stampOf(path);
  if (there?.size === input.bytes && (await sha256(path)) === input.sha256) return there;
  if (there !== undefined) log(`input "${input.file}": the copy on this machine is damaged.`);
  await makeRoom(input.bytes, mostBytes, log);
  const beside = await newFetch();
  try {
    await fetchInput(store, input, beside);
    // Simulators share it: none may write to it by mistake.
    await fs.chmod(beside, 0o444);
    await fs.rename(beside, path);
  } finally {
    await fs.rm(beside, { force: true });
  }
  log(`input "${input.file}": fetched ${input.bytes} bytes.`);
  return fs.stat(path);
}

/** Read by pieces of this size: files may be larger than memory. */
const pieceBytes = 16e6;

async function fetchInput(store: Store, input: InputFile, path: string): Promise<void> {
  const key = inputFileKey(input);
  const hash = createHash("sha256");
  await using file = await fs.open(path, "wx");
  for (let from = 0; from < input.bytes; from += pieceBytes) {
    const piece = await store.readRange(key, from, pieceBytes);
    if (piece === undefined)
      throw new Error(`The store "${store.address}" lacks ${key}, the input "${input.file}".`);
    hash.update(piece);
    await file.writeFile(piece);
  }
  if (hash.digest("hex") !== input.sha256)
    throw new Error(
      `${key} in the store is not the input "${input.file}" that was submitted. Delete it and submit that file again.`,
    );
}
