/** The store as a folder of this machine. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import { folderChanges } from "./folder-changes.ts";
import { checkKey, type Store, type StoredObject } from "./store.ts";

export function createFolderStore(folder: string): Store {
  const pathOf = (key: string) => join(folder, checkKey(key));
  /** The folder of a prefix that ends in "/", or that holds the names that a prefix begins. */
  const folderOf = (prefix: string) => join(folder, prefix.slice(0, prefix.lastIndexOf("/") + 1));

  /** Writes beside the final name and then gives it its name: no reader ever sees half an object. */
  async function writeBeside(path: string, content: Uint8Array | string): Promise<string> {
    // The leading dot keeps it out of every listing.
    const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.writing`);
    try {
      await inFolder(path, () => fs.writeFile(beside, content));
    } catch (error) {
      await fs.rm(beside, { force: true });
      throw error;
    }
    return beside;
  }

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(error as NodeJS.ErrnoException, folder) ?? error;
    }
  };

  return {
    address: folder,
    // 50,000 names take about 50 ms. Who waits for something near hears of it at once: `changes`.
    lookEveryMs: 500,
    // What is read ahead is held in memory: two parts of 2 MB, where 16 took a merge above 300 MB.
    readsAtATime: 2,
    changes: (prefix) => folderChanges(folderOf(prefix)),
    addressOf: pathOf,
    read: (key, take) =>
      guarded(() =>
        take === undefined
          ? orMissing(fs.readFile(pathOf(key)))
          : readSlice(pathOf(key), (size) => [0, size], take),
      ),
    readEnd: (key, bytes) =>
      guarded(() => readSlice(pathOf(key), (size) => [Math.max(0, size - bytes), size])),
    readRange: (key, from, bytes) =>
      guarded(() => readSlice(pathOf(key), (size) => [from, Math.min(from + bytes, size)])),
    create: (key, content) =>
      guarded(async () => {
        const path = pathOf(key);
        const beside = await writeBeside(path, content);
        try {
          // A hard link is the one call that both names the file and refuses a taken name.
          await fs.link(beside, path);
          return true;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
          throw error;
        } finally {
          await fs.rm(beside, { force: true });
        }
      }),
    replace: (key, content) =>
      guarded(async () => {
        const path = pathOf(key);
        await fs.rename(await writeBeside(path, content), path);
      }),
    replaceFromFile: (key, file) =>
      guarded(async () => {
        const path = pathOf(key);
        try {
          await inFolder(path, () => fs.rename(file, path));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
          const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.writing`);
          await inFolder(path, () => fs.copyFile(file, beside));
          await fs.rename(beside, path);
          await fs.rm(file);
        }
      }),
    remove: (key) =>
      guarded(async () => {
        const path = pathOf(key);
        // What is a folder here is no object.
        if (await isObject(path)) await orMissing(fs.unlink(path));
        await removeEmptyFolders(dirname(path), folder);
      }),
    list: (prefix) =>
      guarded(async () => {
        const entries = await orMissing(
          fs.readdir(folderOf(prefix), { recursive: true, withFileTypes: true }),
        );
        const found: StoredObject[] = [];
        for (const entry of entries ?? []) {
          if (!entry.isFile() || entry.name.startsWith(".")) continue;
          const path = join(entry.parentPath, entry.name);
          const key = relative(folder, path).split(sep).join("/");
          if (!key.startsWith(prefix)) continue;
          const stat = await orMissing(fs.stat(path));
          if (stat !== undefined) found.push({ key, size: stat.size });
        }
        return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      }),
    names: (prefix, after = "") =>
      guarded(async () => {
        const names = (await orMissing(fs.readdir(folderOf(prefix)))) ?? [];
        return names.filter((name) => !name.startsWith(".") && name > after).toSorted();
      }),
    localFile: (key) =>
      guarded(async () => ((await isObject(pathOf(key))) ? pathOf(key) : undefined)),
  };
}

/** The bytes from the first to the second place that `slice` chooses by the file's size. */
async function readSlice(
  path: string,
  slice: (size: number) => readonly [from: number, to: number],
  take = (bytes: number): Buffer => Buffer.alloc(bytes),
): Promise<Buffer | undefined> {
  const file = await orMissing(fs.open(path));
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const [from, to] = slice(stat.size);
    const bytes = take(Math.max(0, to - from));
    await file.read(bytes, 0, bytes.length, from);
    return bytes;
  } finally {
    await file.close();
  }
}

/** Does something in the folder of a path, which is made where it lacks, and again where it was just taken away as empty. */
async function inFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      await fs.mkdir(dirname(path), { recursive: true });
      return await work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === 5) throw error;
    }
  }
}

/** A bucket has no folder without an object in it; neither has this store. */
async function removeEmptyFolders(path: string, top: string): Promise<void> {
  for (let folder = path; folder !== top; folder = dirname(folder)) {
    const isRemoved = await fs.rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!isRemoved) return;
  }
}

const isObject = async (path: string) => (await orMissing(fs.stat(path)))?.isFile() === true;

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}

function storeError(error: NodeJS.ErrnoException, folder: string): UserError | undefined {
  const reasons: Record<string, [string, string]> = {
    ENOSPC: ["is full", "Free space on that disk; work that was not written is done again."],
    EDQUOT: [
      "is over its quota",
      "Free space on that disk; work that was not written is done again.",
    ],
    EROFS: ["is read-only", "Choose a folder that can be written, by HATCHERY_HOME."],
    EACCES: [
      "may not be entered or written",
      "Give this user the right, or choose another folder by HATCHERY_HOME.",
    ],
    EPERM: [
      "may not be written, or its file system has no hard links",
      "Choose another folder by HATCHERY_HOME.",
    ],
  };
  const reason = reasons[error.code ?? ""];
  return (
    reason &&
    new UserError(`The store "${folder}" ${reason[0]} (${error.code}).`, {
      hint: reason[1],
      exitCode: exitCodes.workFailed,
      cause: error,
    })
  );
}
