/**
 * Input cache: the input files that this machine has fetched, shared by all its workers and slots, as names are hashes.
 * A process computes with links of its own, so that a file may leave the cache at any time and is whole for whoever has
 * it. What nobody has goes where room is needed, the one that was used longest ago first.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { startTime } from "@hatchery/config";

/** Half of the disk that a Fargate task has, which also holds what simulations write. */
export const inputCacheBytes = 10e9;

const cacheFolder = () => join(tmpdir(), `hatchery-inputs-${process.getuid?.() ?? 0}`);
export const cachePath = (name: string) => join(cacheFolder(), name);

const processesFolder = () => join(cacheFolder(), "in-use");
/** Named so that it can be told from that of a later process with the same number. */
const ownFolder = () => join(processesFolder(), (own ??= ownerName(process.pid)));
let own: string | undefined;
const ownerName = (pid: number) => `${pid}-${encodeURIComponent(startTime(pid) ?? "")}`;

/** A path in this process's folder for what is on its way into the cache. */
export async function newFetch(): Promise<string> {
  const folder = ownFolder();
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  return join(folder, `.${randomBytes(6).toString("hex")}.fetching`);
}

/** By the link's path: how many chunks of this process compute with it. */
const holders = new Map<string, number>();
/** Links are made and removed one after the other: each step looks at what the last one left. */
let turn: Promise<unknown> = Promise.resolve();

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}

/** This process's link to a cached file: the same path for all its chunks. Undefined when the file has just gone. */
export function hold(path: string): Promise<string | undefined> {
  return inTurn(async () => {
    const link = join(ownFolder(), basename(path));
    if (!(await isSameFile(link, path))) {
      const beside = await newFetch();
      try {
        await fs.link(path, beside);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
      await fs.rename(beside, link);
    }
    holders.set(link, (holders.get(link) ?? 0) + 1);
    return link;
  });
}

/** What no chunk of this process needs any more may leave the cache. */
export function release(link: string): Promise<void> {
  return inTurn(async () => {
    const left = (holders.get(link) ?? 1) - 1;
    if (left > 0) return void holders.set(link, left);
    holders.delete(link);
    await fs.rm(link, { force: true });
  });
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [a, b].map((path) => fs.stat(path).catch(() => undefined)),
  );
  return one !== undefined && one.ino === other?.ino;
}

/** Removes files until `bytes` more fit into `mostBytes`, or until only those are left that are in use. */
export async function makeRoom(
  bytes: number,
  mostBytes: number,
  log: (line: string) => void,
): Promise<void> {
  await forgetTheDead();
  const files = (await cachedFiles()).toSorted((a, b) => a.usedAtMs - b.usedAtMs);
  let left = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const { name, bytes: size, isInUse } of files) {
    if (left + bytes <= mostBytes) return;
    if (isInUse) continue;
    await fs.rm(cachePath(name), { force: true });
    log(`input cache: ${name} made room, ${size} bytes.`);
    left -= size;
  }
}

interface CachedFile {
  readonly name: string;
  readonly bytes: number;
  readonly isInUse: boolean;
  readonly usedAtMs: number;
}

async function cachedFiles(): Promise<CachedFile[]> {
  const names = await fs.readdir(cacheFolder()).catch((): string[] => []);
  const files = names.map(async (name): Promise<CachedFile[]> => {
    const file = await fs.stat(cachePath(name)).catch(() => undefined);
    if (file?.isFile() !== true) return [];
    // A link that is made or removed is a change of the file's own record: when it was last used.
    return [{ name, bytes: file.size, isInUse: file.nlink > 1, usedAtMs: file.ctimeMs }];
  });
  return (await Promise.all(files)).flat();
}

/** Links of processes that were killed hold nothing any more. */
async function forgetTheDead(): Promise<void> {
  for (const owner of await fs.readdir(processesFolder()).catch((): string[] => [])) {
    const pid = Number.parseInt(owner, 10);
    if (owner !== ownerName(pid))
      await fs.rm(join(processesFolder(), owner), { recursive: true, force: true });
  }
}
