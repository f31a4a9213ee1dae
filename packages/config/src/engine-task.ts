/** The tasks of the engine and of its dashboard: each readied by a program of ours before the engine's own starts. */
import { type ContainerTask, databaseUrlSource, ownProgram, secretsOf } from "./containers.ts";
import type { EngineEnvironment } from "./engine-environment.ts";

/** How the engine's database sessions are called: by these `free` sees whether one is alive. */
export const engineSessions = "hatchet-engine";

/**
 * The engine. `free` takes from a dead one what the new one would wait a minute for; it refuses while another is alive,
 * so the service must have minimum 0 % and maximum 100 %.
 */
export function engineTask(engine: EngineEnvironment): ContainerTask {
  return {
    containers: [
      {
        name: "free",
        ...ownProgram("free"),
        environment: {},
        secrets: databaseUrlSource,
        after: [],
        essential: false,
        shared: "write",
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
        name: "trust",
        ...ownProgram("trust"),
        environment: {},
        secrets: {},
        after: [],
        essential: false,
        shared: "write",
      },
      {
        name: "dashboard",
        image: "dashboard",
        environment: { ...engine.plain, SERVER_OTEL_SERVICE_NAME: "hatchet-api" },
        secrets: secretsOf(engine),
        after: ["trust"],
        essential: true,
        shared: "read",
      },
    ],
    readsAndWrites: [],
  };
}
