/**
 * The lease: when it ends, every fleet is set to zero by a schedule of AWS's own, whether engine and steward live or
 * not. The steward moves the end on while there is work; a deploy does so once, when it makes the stage.
 */
import type { Fleet } from "@hatchery/config";
import { stageFleets } from "./fleet.ts";
import { arn, settings, stageName } from "./settings.ts";
import { stageRole } from "./task.ts";

/** The group that every account has: schedules are found by their name. */
const group = "default";
const nameOf = (fleet: Fleet) => `${stageName}-${fleet.name}`;

const role = stageRole("Lease", "scheduler.amazonaws.com", [
  {
    actions: ["ecs:UpdateService"],
    resources: stageFleets.map(({ service }) => service.id),
  },
]);

/** To the second and without a zone, as the scheduler wants it. */
const end = new Date(Date.now() + settings.LEASE_HOURS * 3_600_000).toISOString().slice(0, 19);

const schedules = stageFleets.map(
  ({ fleet, name, service }) =>
    new aws.scheduler.Schedule(
      `${fleet.name === "default" ? "" : fleet.name.replaceAll("-", "")}LeaseEnd`,
      {
        name: nameOf(fleet),
        groupName: group,
        description: `Sets the fleet "${fleet.name}" to zero when the lease of ${stageName} ends`,
        scheduleExpression: `at(${end})`,
        flexibleTimeWindow: { mode: "OFF" },
        target: {
          arn: "arn:aws:scheduler:::aws-sdk:ecs:updateService",
          roleArn: role.arn,
          input: $jsonStringify({ Cluster: stageName, Service: name, DesiredCount: 0 }),
          retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
        },
      },
      // The steward is the one who moves the end.
      { ignoreChanges: ["scheduleExpression", "state"], dependsOn: [service] },
    ),
);

export const lease = {
  role,
  /** As the steward reads it: one schedule for each fleet. */
  address: stageFleets.map(({ fleet }) => `${group}/${nameOf(fleet)}`).join(","),
  schedules,
  arns: stageFleets.map(({ fleet }) => arn("scheduler", `schedule/${group}/${nameOf(fleet)}`)),
};
