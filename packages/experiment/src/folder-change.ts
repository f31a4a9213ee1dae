/** Folder change: waits for news in a folder instead of asking for it. */
import { watch, type FSWatcher } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a folder is asked that cannot be watched: one that is not there yet, or the system's watches are used up. */
const askEveryMs = 100;

/**
 * Resolves when a name in the folder is new or changed, and after `withinMs` in any case: a folder of another machine
 * says nothing. Names with a leading dot are still being written and do not count. Rejects when `signal` aborts.
 */
export async function folderChange(
  folder: string,
  withinMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const changed = new AbortController();
  const watcher = watchNames(folder, () => changed.abort());
  const stop = signal === undefined ? changed.signal : AbortSignal.any([changed.signal, signal]);
  try {
    const waitMs = watcher === undefined ? Math.min(withinMs, askEveryMs) : withinMs;
    await sleep(waitMs, undefined, { signal: stop });
  } catch (error) {
    if (signal?.aborted === true) throw error;
  } finally {
    watcher?.close();
  }
}

function watchNames(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, (_event, name) => {
      if (name?.startsWith(".") !== true) onChange();
    }).on("error", onChange);
  } catch {
    return undefined;
  }
}
