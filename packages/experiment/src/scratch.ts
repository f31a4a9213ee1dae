/** Scratch: folders for what a simulator reads and writes. They are named after their process, and outlive it by little. */
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new one, below `root` where that is given. Whoever asks for it takes it away; a process that is killed leaves it. */
export function createScratchFolder(root?: string): string {
  return mkdtempSync(join(scratchRoot(root), `${process.pid}-`));
}

const cleaned = new Set<string>();

/** Where scratch folders are made, without those that ended processes have left. */
function scratchRoot(root = join(tmpdir(), `hatchery-scratch-${process.getuid?.() ?? 0}`)): string {
  if (cleaned.has(root)) return root;
  mkdirSync(root, { recursive: true, mode: 0o700 });
  cleaned.add(root);
  for (const name of readdirSync(root)) {
    const owner = /^(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner)))
      // A neighbour slot may be at it too.
      void rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
  }
  return root;
}

function isAlive(process_: number): boolean {
  try {
    process.kill(process_, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
