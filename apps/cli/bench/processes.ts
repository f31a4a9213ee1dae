/** What the system says of processes: memory and processor time. On Linux only; elsewhere nothing is claimed. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, a constant of Linux's interface. */
const ticksPerSecond = 100;

/** Most memory a process has held so far, in bytes; undefined when it has ended. */
export function peakMemory(pid: number): number | undefined {
  try {
    const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1_024;
  } catch {
    return undefined;
  }
}

/** Seconds of processor time that a process and all below it have used; those that have ended are missing. */
export function processorSeconds(root: number): number {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)));
  const family = new Set([root]);
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all
    .filter(({ pid }) => family.has(pid))
    .reduce((sum, { ticks }) => sum + ticks / ticksPerSecond, 0);
}

function readStat(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything. After it: state, parent, …; 14th and 15th of all are the times.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return [{ pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
  } catch {
    return [];
  }
}
