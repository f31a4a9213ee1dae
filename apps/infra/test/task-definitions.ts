/** The task definitions of a stage. */
import type { TaskDefinition } from "@aws-sdk/client-ecs";
import {
  type ContainerTask,
  type StageSettings,
  addresses,
  adminEmail,
  dashboardTask,
  engineEnvironment,
  enginePorts,
  engineTask,
  keptGeneration,
  secretName,
  setupJob,
  sharedFolder,
} from "@hatchery/config";

export interface StageTasks {
  readonly setup: TaskDefinition;
  readonly engine: TaskDefinition;
}

export function taskDefinitions(
  stage: string,
  settings: StageSettings,
  keysGeneration = keptGeneration,
): StageTasks {
  const engine = engineEnvironment({
    addresses: addresses(stage, settings),
    ports: enginePorts,
    broker: settings.BROKER_INSTANCE_TYPE === "none" ? "none" : "rabbitmq",
    place: "aws",
    settings,
  });
  return {
    setup: definition(
      "setup",
      stage,
      setupJob({ stage, engine, adminEmail: adminEmail(settings), keysGeneration }),
    ),
    engine: definition("engine", stage, {
      readsAndWrites: [],
      containers: [...engineTask(engine).containers, ...dashboardTask(engine).containers],
    }),
  };
}

function definition(family: string, stage: string, task: ContainerTask): TaskDefinition {
  return {
    family,
    volumes: [{ name: "shared" }],
    containerDefinitions: task.containers.map((container) => ({
      name: container.name,
      image: container.image,
      command: [...(container.command ?? [])],
      environment: Object.entries(container.environment).map(([name, value]) => ({ name, value })),
      secrets: Object.entries(container.secrets).map(([name, { secret, field = "" }]) => ({
        name,
        valueFrom: `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${secretName(stage, secret)}-AbCdEf:${field}::`,
      })),
      dependsOn: container.after.map((containerName) => ({
        containerName,
        condition: "SUCCESS" as const,
      })),
      mountPoints: [{ sourceVolume: "shared", containerPath: sharedFolder }],
    })),
  };
}
