/**
 * The fleets: one ECS service each, on its own size. The steward is the one who sets their size; a deploy leaves it as
 * it is. Not in Cloud Map, which holds 1,000 tasks of a service and of which nobody asks for a worker.
 */
import { type Fleet, type WorkerSettings, defaultFleet, fleets } from "@hatchery/config";
import { cluster, placed } from "./cluster.ts";
import { engine, engineAddresses } from "./engine.ts";
import { ownImage } from "./images.ts";
import { groups } from "./network.ts";
import { workerToken } from "./secrets.ts";
import { arn, settings, stage, stageName } from "./settings.ts";
import { store } from "./store.ts";
import { type Statement, defineTask } from "./task.ts";

/** How a worker or the steward reaches the engine, but for the token. */
export const engineConnection = {
  HATCHET_CLIENT_API_URL: engineAddresses.internalServerUrl,
  HATCHET_CLIENT_SERVER_URL: engineAddresses.internalServerUrl,
  HATCHET_CLIENT_HOST_PORT: engineAddresses.internalGrpcBroadcastAddress,
  // Inside the stage security groups say who may connect; TLS ends at the load balancer.
  HATCHET_CLIENT_TLS_STRATEGY: "none",
} as const;

const scratch = "/tmp";

const permissions: Statement[] = [
  { actions: ["s3:GetObject"], resources: store.objects("experiments/", "inputs/") },
  {
    actions: ["s3:PutObject", "s3:AbortMultipartUpload"],
    resources: store.objects("experiments/"),
  },
  store.listing("experiments/", "inputs/"),
  // A worker at work asks not to be stopped by scaling in or by a deploy.
  {
    actions: ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
    resources: [arn("ecs", `task/${stageName}/*`)],
  },
];

function createFleet(fleet: Fleet) {
  const name = `fleet-${fleet.name}`;
  const task = defineTask(name, {
    cpu: fleet.cpu,
    memory: fleet.memory,
    architecture: settings.WORKER_ARCHITECTURE,
    volumes: ["scratch"],
    permissions,
    containers: [
      {
        name: "worker",
        image: ownImage,
        command: ["node", "apps/worker/src/main.ts"],
        environment: {
          ...engineConnection,
          STAGE: stage,
          STORE: store.address,
          FLEET: fleet.name,
          WORKER_SLOTS: String(fleet.slotsPerWorker),
          INPUT_CACHE: settings.WORKER_INPUT_CACHE,
          // The root is read-only.
          HOME: scratch,
          TMPDIR: scratch,
        } satisfies Partial<Record<keyof WorkerSettings | "HOME" | "TMPDIR", $util.Input<string>>>,
        secrets: { HATCHET_CLIENT_TOKEN: { place: workerToken } },
        // The engine gives a silent worker's chunks away after 30 s; the rest is for the last write to the store.
        stopSeconds: 60,
        isReadOnly: true,
        mounts: [{ volume: "scratch", path: scratch }],
      },
    ],
  });
  const service = new aws.ecs.Service(
    `Fleet${fleet.name === defaultFleet ? "" : fleet.name.charAt(0).toUpperCase() + fleet.name.slice(1).replaceAll("-", "")}`,
    {
      name,
      cluster: cluster.arn,
      taskDefinition: task.definition.arn,
      desiredCount: fleet.min,
      capacityProviderStrategies: [
        { capacityProvider: "FARGATE", base: 0, weight: fleet.onDemandPercent },
        { capacityProvider: "FARGATE_SPOT", base: 0, weight: 100 - fleet.onDemandPercent },
      ].filter(({ weight }) => weight > 0),
      // Lets another mix of Spot and on demand be a change of this service, where it would be a new one otherwise.
      forceNewDeployment: true,
      networkConfiguration: placed(groups.worker),
      deploymentMinimumHealthyPercent: 50,
      deploymentMaximumPercent: 100,
      // No circuit breaker: a day without Spot capacity is no reason to roll back.
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      enableExecuteCommand: false,
    },
    { ignoreChanges: ["desiredCount"], dependsOn: [engine.service, ...task.roles, ...task.ways] },
  );
  return { fleet, task, service, name, at: `ecs:${stageName}/${name}` };
}

export const stageFleets = fleets(settings).map(createFleet);
