/** The logs of a stage: one file for each of its processes, and the one of the stage's last life beside it. */
import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LocalStagePaths } from "@hatchery/config";

export function logFile(paths: LocalStagePaths, name: string): string {
  return join(paths.logs, `${name}.log`);
}

export function rotateLog(path: string): void {
  if (existsSync(path) && statSync(path).size > 0) renameSync(path, `${path}.1`);
}

/** The end of a log, each line indented and cut to what a terminal shows. */
export function lastLines(path: string, count: number): string {
  try {
    return readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .slice(-count)
      .map((line) => `  ${line.slice(0, 300)}`)
      .join("\n")
      .trimEnd();
  } catch {
    return "";
  }
}
