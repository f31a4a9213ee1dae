/** Files: what the simulations of an experiment returned beside their results; listed, fetched, and checked. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import {
  createFileReader,
  storedFiles,
  rangesWhere,
  storedFilesOf,
  type Ranges,
  type Manifest,
  type Store,
  type StoredFile,
} from "@hatchery/experiment";

/** Files of one simulation or of all, of one name or of any. */
export interface FileWishes {
  readonly simulation?: number;
  readonly name?: string;
}

/** In ascending order of simulations, then names. Throws a UserError where the experiment has no such simulation. */
export async function* wantedFiles(
  store: Store,
  manifest: Manifest,
  { simulation, name }: FileWishes,
): AsyncGenerator<StoredFile> {
  const { experiment, total } = manifest;
  if (manifest.limits.files === undefined)
    throw new UserError(`The model "${manifest.model}" of ${experiment} returns no files.`, {
      hint: 'A model that does declares how much:  limits: { files: "10 MB" }',
      exitCode: exitCodes.wrongUsage,
    });
  const isOne = simulation !== undefined;
  if (isOne && !(Number.isInteger(simulation) && simulation >= 0 && simulation < total))
    throw new UserError(
      `${experiment} has no simulation ${simulation}: they are numbered 0 to ${total - 1}.`,
      { exitCode: exitCodes.wrongUsage },
    );
  const files = isOne
    ? await storedFilesOf(store, manifest, simulation)
    : storedFiles(store, manifest);
  for await (const file of files) if (name === undefined || file.name === name) yield file;
}

export interface Fetched {
  readonly files: number;
  readonly bytes: number;
  /** Files that the store does not have as they were returned. */
  readonly problems: readonly string[];
}

/** Writes files to `<folder>/<simulation>/<name>`, each checked against its hash. */
export async function fetchFiles(
  store: Store,
  files: AsyncIterable<StoredFile>,
  folder: string,
): Promise<Fetched> {
  const reader = createFileReader(store);
  const problems: string[] = [];
  let count = 0;
  let bytes = 0;
  for await (const file of files) {
    const content = await reader.read(file);
    if (typeof content === "string")
      problems.push(`"${file.name}" of simulation ${file.simulation} in ${file.pack} ${content}.`);
    else {
      const place = join(folder, String(file.simulation));
      await mkdir(place, { recursive: true });
      await writeFile(join(place, file.name), content);
      count++;
      bytes += content.length;
    }
  }
  return { files: count, bytes, problems };
}

/** Simulations whose files one pack does not have as they were returned. */
export interface PackProblem {
  readonly pack: string;
  readonly problem: "is gone" | "is damaged";
  readonly simulations: Ranges;
}

/** Reads every file of every simulation that is done, and holds it against its hash. */
export async function checkFiles(store: Store, manifest: Manifest): Promise<PackProblem[]> {
  const reader = createFileReader(store);
  const found = new Map<string, { problem: PackProblem["problem"]; simulations: Set<number> }>();
  for await (const file of storedFiles(store, manifest)) {
    const problem = await reader.read(file);
    if (typeof problem !== "string") continue;
    const known = found.get(file.pack) ?? { problem, simulations: new Set<number>() };
    known.simulations.add(file.simulation);
    found.set(file.pack, known);
  }
  return [...found].map(([pack, { problem, simulations }]) => ({
    pack,
    problem,
    simulations: rangesWhere(manifest.total, (i) => simulations.has(i)),
  }));
}
