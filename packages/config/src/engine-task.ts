/** The tasks of the engine and of its dashboard: each readied by a program of ours before the engine's own starts. */
import { type ContainerTask, databaseUrlSource, secretsOf, setupProgram } from "./containers.ts";
import type { EngineEnvironment } from "./engine-environment.ts";

/** How the engine's database sessions are called: by it one sees whether an engine is alive. */
export const engineSessions = "hatchet-engine";

/** A session of a dead engine may still be at a statement, and would hold what it has locked. */
export const endDeadSessions = `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like '${engineSessions}%'`;

/**
 * Takes from a dead engine what a new one would otherwise wait for: the tenant's partitions for a minute, leases for
 * 30 s, what its workers were at for as long as their heartbeats go on, and operations that were rare in a quiet hour
 * for up to 30 s. A first task then flows after 2 s. With a second engine alive this would give its work to two.
 */
export const freeWhatItHolds = `
  update "Tenant" set "schedulerPartitionId" = null, "controllerPartitionId" = null, "workerPartitionId" = null;
  delete from "ControllerPartition"; delete from "SchedulerPartition"; delete from "TenantWorkerPartition";
  delete from "Lease"; delete from v1_operation_interval_settings;
  update "Worker" set "isActive" = false, "lastHeartbeatAt" = "lastHeartbeatAt" - interval '1 minute'`;

/**
 * The engine. `free` takes from a dead one what the new one would wait for; it refuses while another is alive, so the
 * service must have minimum 0 % and maximum 100 %.
 */
export function engineTask(engine: EngineEnvironment): ContainerTask {
  return {
    containers: [
      {
        ...setupProgram("free", { environment: {}, secrets: databaseUrlSource }),
        after: [],
        essential: false,
      },
      {
        name: "engine",
        image: "engine",
        // Without the image's shell between, which would keep SIGTERM to itself.
        command: ["/hatchet/hatchet-engine"],
        environment: { ...engine.plain, SERVER_OTEL_SERVICE_NAME: engineSessions },
        secrets: secretsOf(engine),
        after: ["free"],
        essential: true,
        shared: "read",
      },
    ],
    readsAndWrites: [],
  };
}

/** The dashboard's web server and the API behind it, by the image's own command. */
export function dashboardTask(engine: EngineEnvironment): ContainerTask {
  return {
    containers: [
      {
        ...setupProgram("trust", { environment: {}, secrets: {} }),
        after: [],
        essential: false,
      },
      {
        name: "dashboard",
        image: "dashboard",
        environment: {
          ...engine.plain,
          SERVER_OTEL_SERVICE_NAME: "hatchet-api",
          // The engine's are asked for; beside it, these would take its port.
          SERVER_PROMETHEUS_ENABLED: "false",
        },
        secrets: secretsOf(engine),
        after: ["trust"],
        essential: true,
        shared: "read",
      },
    ],
    readsAndWrites: [],
  };
}
