import { type StageSettings, loadStageSettings, workspaceRoot } from "@hatchery/config";

export function settingsOf(stage: string): StageSettings {
  return loadStageSettings(stage, { root: workspaceRoot(), environment: process.env });
}
