/**
 * A stage on this machine, as files: where they lie and what they say.
 * Written by packages/local; read by the CLI, by a worker started by hand and by the steward's local fleet.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { UserError, exitCodes } from "./errors.ts";
import { defaultFleet } from "./worker.ts";

/** The folder that holds pnpm-workspace.yaml, upwards from where the command runs, else from this file. */
export function workspaceRoot(): string {
  for (const start of [process.cwd(), import.meta.dirname])
    for (let folder = start; folder !== dirname(folder); folder = dirname(folder))
      if (existsSync(join(folder, "pnpm-workspace.yaml"))) return folder;
  throw new UserError(`No workspace found above "${process.cwd()}".`, {
    hint: "Run the command inside the Hatchery checkout.",
    exitCode: exitCodes.wrongUsage,
  });
}

/** Everything that local stages leave on this machine: `.hatchery` in the checkout, or HATCHERY_HOME. */
export function hatcheryHome(environment: NodeJS.ProcessEnv = process.env): string {
  return environment["HATCHERY_HOME"]
    ? resolve(environment["HATCHERY_HOME"])
    : join(workspaceRoot(), ".hatchery");
}

/** Stages named "local" or "local-…" are on this machine, any other is on AWS. */
export function isLocalStage(stage: string): boolean {
  return stage === "local" || stage.startsWith("local-");
}

export interface LocalStagePaths {
  readonly folder: string;
  /** LocalStageState, rewritten by the supervisor. */
  readonly state: string;
  /** LocalFleetRequest of the default fleet, written by the steward (the one writer of the desired count). */
  readonly fleet: string;
  /** The supervisor's own lock: its process id. */
  readonly lock: string;
  readonly mailbox: string;
  readonly logs: string;
  readonly database: string;
  /** Keysets, cookie secrets, passwords and the worker token; mode 0700. */
  readonly secrets: string;
  readonly workerToken: string;
  /** What the steward has on the disk for the moment; gone with it. */
  readonly scratch: string;
  /** Shared by all local stages, kept by `down`. */
  readonly store: string;
}

export function localStagePaths(stage: string, home: string = hatcheryHome()): LocalStagePaths {
  const folder = join(home, "stages", stage);
  return {
    folder,
    state: join(folder, "stage.json"),
    fleet: join(folder, "fleet.json"),
    lock: join(folder, "supervisor.pid"),
    mailbox: join(folder, "mailbox"),
    logs: join(folder, "logs"),
    database: join(folder, "database"),
    secrets: join(folder, "secrets"),
    workerToken: join(folder, "secrets", "worker-token"),
    scratch: join(folder, "scratch"),
    store: join(home, "store"),
  };
}

/** LocalFleetRequest of any fleet. */
export function localFleetFile(paths: LocalStagePaths, fleet: string): string {
  return fleet === defaultFleet ? paths.fleet : join(paths.folder, `fleet-${fleet}.json`);
}

const ProcessState = z.object({
  name: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  restarts: z.int(),
});

export const LocalStageState = z.object({
  stage: z.string(),
  supervisorPid: z.int(),
  startedAt: z.string(),
  status: z.enum(["starting", "ready", "stopping"]),
  broker: z.enum(["none", "rabbitmq"]),
  /** Loopback ports. */
  ports: z.object({ database: z.int(), grpc: z.int(), api: z.int(), health: z.int() }),
  engine: z.object({ serverUrl: z.url(), grpcAddress: z.string() }),
  processes: z.array(ProcessState),
  workers: z.array(ProcessState.extend({ fleet: z.string().default(defaultFleet) })),
  /** What does not stay up, in plain sentences; absent while all is well. */
  trouble: z.array(z.string()).optional(),
});
export type LocalStageState = z.infer<typeof LocalStageState>;

export const LocalFleetRequest = z.object({ desired: z.int().min(0) });
export type LocalFleetRequest = z.infer<typeof LocalFleetRequest>;

/** The state of a local stage that is up, or undefined when none is: its supervisor is looked for, not believed. */
export function readLocalStage(stage: string, home?: string): LocalStageState | undefined {
  const { state } = localStagePaths(stage, home);
  if (!existsSync(state)) return undefined;
  const found = LocalStageState.safeParse(JSON.parse(readFileSync(state, "utf8")));
  return found.success && startTime(found.data.supervisorPid) !== undefined
    ? found.data
    : undefined;
}

/**
 * When a process was started, in its system's own words: with the pid it names one process for good. Undefined when
 * there is none, also for one that has ended and that its parent has not asked after yet (in a container, none may).
 */
export function startTime(pid: number): string | undefined {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field may hold spaces; it ends at the last parenthesis. Then state is the 3rd, the start the 22nd.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[22 - 3];
  } catch {
    return undefined;
  }
}
