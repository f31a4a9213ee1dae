/** Folder changes: waits for news in a folder instead of asking for it. */
import { watch, type FSWatcher } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Changes } from "./store.ts";

/** How often a folder is asked that cannot be watched: one that is not there yet, or the system's watches are used up. */
const askEveryMs = 100;

/**
 * News of the names in a folder, from now on. A folder of another machine says nothing: each wait ends in its time.
 * Names with a leading dot are still being written and do not count.
 */
export function folderChanges(folder: string): Changes {
  let isNews = false;
  let tell: (() => void) | undefined;
  const onChange = () => {
    isNews = true;
    tell?.();
  };
  let watcher = watchNames(folder, onChange);
  return {
    async next(withinMs, signal) {
      signal?.throwIfAborted();
      if (watcher === undefined) {
        watcher = watchNames(folder, onChange);
        // What has come meanwhile was not heard.
        isNews ||= watcher !== undefined;
      }
      if (!isNews) {
        const changed = new AbortController();
        tell = () => changed.abort();
        const waitMs = watcher === undefined ? Math.min(withinMs, askEveryMs) : withinMs;
        const stop =
          signal === undefined ? changed.signal : AbortSignal.any([changed.signal, signal]);
        await sleep(waitMs, undefined, { signal: stop }).catch(() => signal?.throwIfAborted());
        tell = undefined;
      }
      isNews = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
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
