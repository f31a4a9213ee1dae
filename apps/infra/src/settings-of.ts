import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type StageSettings, loadStageSettings } from "@hatchery/config";

/**
 * The workspace's root, where `.env.<stage>` is. Found from the working directory: SST runs a bundle of this file from
 * elsewhere, so that the file's own place says nothing.
 */
export function workspaceRoot(from = process.cwd()): string {
  if (existsSync(join(from, "pnpm-workspace.yaml"))) return from;
  const above = dirname(from);
  if (above === from)
    throw new Error("There is no pnpm-workspace.yaml above the working directory.");
  return workspaceRoot(above);
}

export function settingsOf(stage: string): StageSettings {
  return loadStageSettings(stage, { root: workspaceRoot(), environment: process.env });
}
