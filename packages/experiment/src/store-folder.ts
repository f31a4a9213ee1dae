/** The store as a folder of this machine. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import type { Store, StoredObject } from "./store.ts";

export function createFolderStore(folder: string): Store {
  const pathOf = (key: string) => {
    const path = join(folder, key);
    if (relative(folder, path).startsWith("..")) throw new Error(`Key "${key}" leaves the store.`);
    return path;
  };

  /** Writes beside the final name and then gives it its name: no reader ever sees half an object. */
  async function writeBeside(path: string, content: Uint8Array | string): Promise<string> {
    await fs.mkdir(dirname(path), { recursive: true });
    // The leading dot keeps it out of every listing.
    const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.writing`);
    try {
      await fs.writeFile(beside, content);
    } catch (error) {
      await fs.rm(beside, { force: true });
      throw error;
    }
    return beside;
  }

  const guarded = <T>(work: () => Promise<T>) =>
    work().catch((error: NodeJS.ErrnoException) => {
      throw storeError(error, folder) ?? error;
    });

  return {
    address: folder,
    read: (key) => guarded(() => orMissing(fs.readFile(pathOf(key)))),
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
        await fs.mkdir(dirname(path), { recursive: true });
        try {
          await fs.rename(file, path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
          const beside = join(dirname(path), `.${randomBytes(6).toString("hex")}.writing`);
          await fs.copyFile(file, beside);
          await fs.rename(beside, path);
          await fs.rm(file);
        }
      }),
    remove: (key) => guarded(() => fs.rm(pathOf(key), { force: true })),
    list: (prefix) =>
      guarded(async () => {
        const start = prefix.endsWith("/") ? prefix : dirname(prefix);
        const entries = await orMissing(
          fs.readdir(pathOf(start), { recursive: true, withFileTypes: true }),
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
    names: (prefix) =>
      guarded(async () => {
        const names = (await orMissing(fs.readdir(pathOf(prefix)))) ?? [];
        return names.filter((name) => !name.startsWith(".")).toSorted();
      }),
    localFile: (key) =>
      guarded(async () => ((await orMissing(fs.stat(pathOf(key)))) ? pathOf(key) : undefined)),
  };
}

/** The bytes from the first to the second place that `slice` chooses by the file's size. */
async function readSlice(
  path: string,
  slice: (size: number) => readonly [from: number, to: number],
): Promise<Buffer | undefined> {
  const file = await orMissing(fs.open(path));
  if (file === undefined) return undefined;
  try {
    const [from, to] = slice((await file.stat()).size);
    const bytes = Buffer.alloc(Math.max(0, to - from));
    await file.read(bytes, 0, bytes.length, from);
    return bytes;
  } finally {
    await file.close();
  }
}

async function orMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
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
