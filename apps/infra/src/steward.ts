/** The steward: takes requests from the mailbox, feeds the engine, sets the fleets' size, closes experiments. */
import {
  type StewardFleet,
  type StewardSettings,
  defaultFleet,
  workerHourUsdOf,
} from "@hatchery/config";
import { cluster, placed } from "./cluster.ts";
import { engine } from "./engine.ts";
import { engineConnection, stageFleets } from "./fleet.ts";
import { ownImage } from "./images.ts";
import { lease } from "./lease.ts";
import { groups } from "./network.ts";
import { workerToken } from "./secrets.ts";
import { settings, stage } from "./settings.ts";
import { mailbox, store } from "./store.ts";
import { defineTask } from "./task.ts";

/** Without a domain the dashboard is reached by a session through the steward: the one task that lets sessions in. */
const hasSessions = settings.ROOT_DOMAIN === undefined;

const stewardFleets = stageFleets.map(({ fleet, at }): StewardFleet => ({
  name: fleet.name,
  at,
  min: fleet.min,
  max: fleet.max,
  ...(fleet.name === defaultFleet &&
    settings.WORKER_COUNT !== undefined && { pin: settings.WORKER_COUNT }),
  slotsPerWorker: fleet.slotsPerWorker,
  workerHourUsd: workerHourUsdOf(fleet, settings),
  labels: { ...fleet.labels },
}));

const task = defineTask("steward", {
  cpu: settings.STEWARD_CPU,
  memory: settings.STEWARD_MEMORY,
  architecture: settings.WORKER_ARCHITECTURE,
  volumes: ["scratch"],
  permissions: [
    {
      actions: ["s3:GetObject"],
      resources: store.objects("experiments/", "inputs/", "stages/", "studies/"),
    },
    {
      actions: ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
      resources: store.objects("experiments/", "inputs/", `stages/${stage}/`),
    },
    store.listing("experiments/", "inputs/", `stages/${stage}/`),
    {
      actions: [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
      ],
      resources: [mailbox.queue.arn],
    },
    {
      actions: ["ecs:DescribeServices", "ecs:UpdateService"],
      resources: stageFleets.map(({ service }) => service.id),
    },
    { actions: ["scheduler:GetSchedule", "scheduler:UpdateSchedule"], resources: lease.arns },
    {
      actions: ["iam:PassRole"],
      resources: [lease.role.arn],
      conditions: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
    },
    // AWS knows no resource for a session.
    ...(hasSessions
      ? [
          {
            actions: [
              "ssmmessages:CreateControlChannel",
              "ssmmessages:CreateDataChannel",
              "ssmmessages:OpenControlChannel",
              "ssmmessages:OpenDataChannel",
            ],
            resources: ["*"],
          },
        ]
      : []),
  ],
  containers: [
    {
      name: "steward",
      image: ownImage,
      command: ["node", "apps/steward/src/main.ts"],
      environment: {
        ...engineConnection,
        STAGE: stage,
        STORE: store.address,
        MAILBOX: mailbox.queue.url,
        FLEETS: JSON.stringify(stewardFleets),
        LEASE: lease.address,
        LEASE_HOURS: String(settings.LEASE_HOURS),
      } satisfies Partial<Record<keyof StewardSettings, $util.Input<string>>>,
      secrets: { HATCHET_CLIENT_TOKEN: { place: workerToken } },
      stopSeconds: 60,
      mounts: [{ volume: "scratch", path: "/tmp" }],
    },
  ],
});

export const steward = {
  task,
  service: new aws.ecs.Service(
    "Steward",
    {
      name: "steward",
      cluster: cluster.arn,
      taskDefinition: task.definition.arn,
      desiredCount: 1,
      launchType: "FARGATE",
      networkConfiguration: placed(groups.steward),
      // Two stewards would count the same experiment.
      deploymentMinimumHealthyPercent: 0,
      deploymentMaximumPercent: 100,
      deploymentCircuitBreaker: { enable: true, rollback: true },
      propagateTags: "SERVICE",
      enableEcsManagedTags: true,
      enableExecuteCommand: hasSessions,
      waitForSteadyState: true,
    },
    {
      dependsOn: [
        engine.service,
        ...stageFleets.map(({ service }) => service),
        ...lease.schedules,
        ...task.roles,
        ...task.ways,
      ],
    },
  ),
};
