export { createBroker } from "./broker.ts";
export { type Check, localChecks } from "./checks.ts";
export { answersQueries, createDatabase, launchDatabase, query } from "./database.ts";
export { cacheFolder, engineBinaries, engineFolder } from "./engine-binaries.ts";
export { lockHolder, releaseLock, takeLock } from "./lock.ts";
export { type Ports, choosePorts } from "./ports.ts";
export { type Running, endStageProcesses, launch } from "./process.ts";
export { newPassword } from "./secrets.ts";
export {
  type LocalFleet,
  type LocalSettings,
  type Step,
  type StepName,
  destroyLocalStage,
  startLocalStage,
  stopLocalStage,
} from "./stage.ts";
