export { type Check, localChecks } from "./checks.ts";
export { cacheFolder, engineBinaries, engineFolder } from "./engine-binaries.ts";
export { lockHolder, releaseLock, takeLock } from "./lock.ts";
export {
  type LocalFleet,
  type LocalSettings,
  type Step,
  type StepName,
  destroyLocalStage,
  startLocalStage,
  stopLocalStage,
} from "./stage.ts";
