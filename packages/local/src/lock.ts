/**
 * A lock that is a file: the holder's pid, and below it when that process was started.
 * A holder that is gone holds nothing, even when its pid has been given to somebody else.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { startTime } from "./process.ts";

/** Takes the lock for this process. Returns undefined when it is ours, else the pid of its holder. */
export function takeLock(path: string): number | undefined {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n${startTime(process.pid)}\n`);
  try {
    for (;;) {
      try {
        // A link appears with its whole content, and only when nothing is there.
        linkSync(own, path);
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const text = read(path);
      const holder = text === undefined ? undefined : aliveHolder(text);
      if (holder !== undefined) return holder;
      if (text !== undefined) removeStale(path, text);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** The pid of the living holder of a lock, if there is one. */
export function lockHolder(path: string): number | undefined {
  const text = read(path);
  return text === undefined ? undefined : aliveHolder(text);
}

export function releaseLock(path: string): void {
  if (lockHolder(path) === process.pid) rmSync(path, { force: true });
}

function aliveHolder(text: string): number | undefined {
  const [pid = "", started = ""] = text.split("\n");
  return started !== "" && startTime(Number(pid)) === started ? Number(pid) : undefined;
}

/** Takes a stale lock away, unless somebody else did so and holds it now: then it is given back. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
