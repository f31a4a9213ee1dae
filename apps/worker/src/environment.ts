/** Where a worker that a person starts gets its settings: from the local stage if one is up, else from the shell. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { UserError, exitCodes, localStagePaths, readLocalStage } from "@hatchery/config";

/** The environment as it is when it names an engine, else completed by the local stage's. */
export function workerEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const slots = { WORKER_SLOTS: String(availableParallelism()) };
  if (environment["HATCHET_CLIENT_TOKEN"] !== undefined) return { ...slots, ...environment };
  const stage = environment["STAGE"] ?? "local";
  const local = readLocalStage(stage);
  if (local?.status !== "ready")
    throw new UserError(
      `No engine: the stage "${stage}" is not up, and HATCHET_CLIENT_TOKEN is not set.`,
      {
        hint: "Start a stage here:  pnpm hatchery up\nor name an engine by HATCHET_CLIENT_TOKEN, HATCHET_CLIENT_HOST_PORT, HATCHET_CLIENT_API_URL, HATCHET_CLIENT_TLS_STRATEGY, and a store by STORE.",
        exitCode: exitCodes.stageNotUp,
      },
    );
  const paths = localStagePaths(stage);
  return {
    ...slots,
    WORKER_NAME: "worker-by-hand",
    ...environment,
    STAGE: stage,
    STORE: paths.store,
    HATCHET_CLIENT_TOKEN: readFileSync(paths.workerToken, "utf8").trim(),
    HATCHET_CLIENT_API_URL: local.engine.serverUrl,
    HATCHET_CLIENT_SERVER_URL: local.engine.serverUrl,
    HATCHET_CLIENT_HOST_PORT: local.engine.grpcAddress,
    HATCHET_CLIENT_TLS_STRATEGY: "none",
  };
}
