export { type Check, localChecks } from "./checks.ts";
export { engineBinaries, engineFolder } from "./engine-binaries.ts";
export {
  type LocalFleet,
  type LocalSettings,
  type Step,
  type StepName,
  destroyLocalStage,
  startLocalStage,
  stopLocalStage,
} from "./stage.ts";
