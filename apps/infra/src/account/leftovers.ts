/** What of a stage is in the account: AWS's own lists, service by service, and its list by tag for what those miss. */
import {
  ResourceGroupsTaggingAPIClient,
  paginateGetResources,
} from "@aws-sdk/client-resource-groups-tagging-api";
import type { AwsPlace } from "@hatchery/config";
import { isAbsent } from "./aws-errors.ts";
import { leftImages, leftInEcs } from "./left/compute.ts";
import {
  knownStages,
  leftBrokers,
  leftBuckets,
  leftDatabases,
  leftParameters,
  leftQueues,
  leftSecrets,
} from "./left/data.ts";
import { leftInNetwork, leftLoadBalancers, leftNames } from "./left/network.ts";
import { type Leftover, type Scope, all, stageScope } from "./left/scope.ts";
import { leftAlarms, leftLogs, leftRoles, leftSchedules } from "./left/watching.ts";

export type { Leftover } from "./left/scope.ts";

export interface Leftovers {
  readonly found: readonly Leftover[];
  /** What could not be looked for, and why: nothing is proved there. */
  readonly unseen: readonly string[];
}

type Look = (scope: Scope, place: AwsPlace) => Promise<Leftover[]>;

const looks: Readonly<Record<string, Look>> = {
  "networks and machines": leftInNetwork,
  "load balancers": leftLoadBalancers,
  "Cloud Map namespaces": leftNames,
  "ECS clusters": leftInEcs,
  "image repositories": leftImages,
  databases: leftDatabases,
  brokers: leftBrokers,
  queues: leftQueues,
  secrets: leftSecrets,
  parameters: leftParameters,
  buckets: leftBuckets,
  "log groups": leftLogs,
  "alarms and dashboards": leftAlarms,
  schedules: leftSchedules,
  roles: leftRoles,
  "whatever is tagged": leftByTag,
};

export async function findLeftovers(
  stage: string,
  place: AwsPlace,
  options: { readonly isPermanent?: boolean } = {},
): Promise<Leftovers> {
  const unseen: string[] = [];
  const others = (await knownStages()).filter((other) => other !== stage);
  const scope = stageScope(stage, others, options);
  const found = await Promise.all(
    Object.entries(looks).map(async ([what, look]) => {
      try {
        return await look(scope, place);
      } catch (error) {
        // A list of things of which one went meanwhile: what matters is looked at again.
        const isGone = isAbsent(error) ? ", something in it went meanwhile" : "";
        unseen.push(`${what}: ${(error as Error).name}${isGone}`);
        return [];
      }
    }),
  );
  return { found: found.flat(), unseen };
}

/**
 * Types that the looks above list themselves, or that go with one of those. AWS's list by tag has a thing for minutes
 * to hours after it is gone, so that of these the service's own list is believed.
 */
const listed = [
  /:ec2:[^:]*:\d*:(vpc|subnet|route-table|internet-gateway|network-interface|elastic-ip|natgateway|vpc-endpoint|security-group|security-group-rule|instance|volume)\//,
  /:elasticloadbalancing:[^:]*:\d*:(loadbalancer|listener|listener-rule)\//,
  /:servicediscovery:/,
  /:ecs:/,
  /:ecr:/,
  /:rds:[^:]*:\d*:(db|snapshot|auto-backup):/,
  /:mq:[^:]*:\d*:(broker|configuration):/,
  /:sqs:/,
  /:secretsmanager:/,
  /:ssm:[^:]*:\d*:parameter\/hatchery\//,
  /:s3:/,
  /:logs:/,
  /:cloudwatch:/,
  /:scheduler:/,
  /:iam:/,
];

async function leftByTag(scope: Scope): Promise<Leftover[]> {
  const client = new ResourceGroupsTaggingAPIClient({});
  const tagged = await all(
    paginateGetResources(
      { client },
      {
        TagFilters: [
          { Key: "app", Values: ["hatchery"] },
          { Key: "stage", Values: [scope.stage] },
        ],
      },
    ),
    (page) => page.ResourceTagMappingList,
  );
  return tagged
    .map((each) => each.ResourceARN ?? "")
    .filter((arn) => !listed.some((pattern) => pattern.test(arn)))
    .map((arn) => ({
      kind: arn.split(":")[2] ?? "unknown",
      name: arn,
      why: "found by its tags; AWS lists some things for a while after they are gone",
      usdPerMonth: undefined,
    }));
}
