/**
 * The task definitions of a stage as AWS answers them: those of a rehearsal, in the file that HATCHERY_TASK_DEFINITIONS
 * names, or made here of the same descriptions that infra makes its own of.
 */
import { readFileSync } from "node:fs";
import type { TaskDefinition } from "@aws-sdk/client-ecs";
import {
  type Container,
  type StageSettings,
  type StewardFleet,
  type StewardSettings,
  type WorkerSettings,
  addresses,
  adminEmail,
  dashboardTask,
  defaultFleet,
  engineEnvironment,
  enginePorts,
  engineTask,
  keptGeneration,
  secretName,
  setupJob,
  sharedFolder,
  storeAddress,
} from "@hatchery/config";

export interface StageTasks {
  readonly setup: TaskDefinition;
  readonly engine: TaskDefinition;
  readonly worker: TaskDefinition;
  readonly steward: TaskDefinition;
}

/** As moto and AWS's own examples have them. */
export const place = { accountId: "123456789012", region: "eu-central-1" } as const;
const mailbox = (stage: string) =>
  `https://sqs.${place.region}.amazonaws.com/${place.accountId}/hatchery-${stage}-mailbox`;

export function taskDefinitions(
  stage: string,
  settings: StageSettings,
  keysGeneration = keptGeneration,
): StageTasks {
  const reach = addresses(stage, settings);
  const engine = engineEnvironment({
    addresses: reach,
    ports: enginePorts,
    broker: settings.BROKER_INSTANCE_TYPE === "none" ? "none" : "rabbitmq",
    place: "aws",
    settings,
  });
  const job = setupJob({ stage, engine, adminEmail: adminEmail(settings), keysGeneration });
  const both = {
    STAGE: stage,
    STORE: storeAddress(place),
    HATCHET_CLIENT_API_URL: reach.internalServerUrl,
    HATCHET_CLIENT_SERVER_URL: reach.internalServerUrl,
    HATCHET_CLIENT_HOST_PORT: reach.internalGrpcBroadcastAddress,
    HATCHET_CLIENT_TLS_STRATEGY: "none",
  };
  const fleet: StewardFleet = {
    name: defaultFleet,
    at: `ecs:hatchery-${stage}/fleet-${defaultFleet}`,
    min: 0,
    max: 2,
    slotsPerWorker: 2,
    workerHourUsd: 0.1,
    labels: {},
  };
  return {
    setup: definition("setup", stage, job.containers),
    engine: definition("engine", stage, [
      ...engineTask(engine).containers,
      ...dashboardTask(engine).containers,
    ]),
    worker: definition("worker", stage, [
      program("worker", {
        ...both,
        FLEET: defaultFleet,
        WORKER_SLOTS: "2",
      } satisfies Partial<Record<keyof WorkerSettings, string>>),
    ]),
    steward: definition("steward", stage, [
      program("steward", {
        ...both,
        MAILBOX: mailbox(stage),
        FLEETS: JSON.stringify([fleet]),
        LEASE: "none",
        LEASE_HOURS: "12",
      } satisfies Partial<Record<keyof StewardSettings, string>>),
    ]),
  };
}

/** Those of a rehearsal, where there is one. */
export function rehearsedDefinitions(): StageTasks | undefined {
  const file = process.env["HATCHERY_TASK_DEFINITIONS"];
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as StageTasks);
}

function program(name: "worker" | "steward", environment: Record<string, string>): Container {
  return {
    name,
    image: "worker",
    command: ["node", `apps/${name}/src/main.ts`],
    environment,
    secrets: { HATCHET_CLIENT_TOKEN: { secret: "worker-token" } },
    after: [],
    essential: true,
    shared: "read",
  };
}

function definition(
  family: string,
  stage: string,
  containers: readonly Container[],
): TaskDefinition {
  return {
    family,
    volumes: [{ name: "shared" }],
    containerDefinitions: containers.map((container) => ({
      name: container.name,
      image: container.image,
      command: [...(container.command ?? [])],
      environment: Object.entries(container.environment).map(([name, value]) => ({ name, value })),
      secrets: Object.entries(container.secrets).map(([name, { secret, field = "" }]) => ({
        name,
        valueFrom: `arn:aws:secretsmanager:${place.region}:${place.accountId}:secret:${secretName(stage, secret)}-AbCdEf:${field}::`,
      })),
      dependsOn: container.after.map((containerName) => ({
        containerName,
        condition: "SUCCESS" as const,
      })),
      mountPoints: [{ sourceVolume: "shared", containerPath: sharedFolder }],
    })),
  };
}
