/** Which settings do not go together, and what to choose instead. */
import { gigabytes, isFargatePair, memoryChoicesText } from "./fargate.ts";
import { mostWorkersOf } from "./fleets.ts";
import { networkMode, workerAddresses } from "./network.ts";
import type { SettingName, StageSettings } from "./stage-settings.ts";

/** The settings that are the size of one task. */
export const taskSizes = [
  ["WORKER_CPU", "WORKER_MEMORY"],
  ["ENGINE_CPU", "ENGINE_MEMORY"],
  ["STEWARD_CPU", "STEWARD_MEMORY"],
] as const;

export interface Rule {
  /** The settings it looks at; a message goes to the first. */
  readonly names: readonly [SettingName, ...SettingName[]];
  /** What is wrong and what is allowed. */
  readonly problem: (settings: StageSettings) => string | undefined;
}

export const rules: readonly Rule[] = [
  ...taskSizes.map(([cpuName, memoryName]): Rule => ({
    names: [memoryName, cpuName],
    problem: (settings) =>
      isFargatePair(settings[cpuName], settings[memoryName])
        ? undefined
        : `is not possible with ${cpuName}="${settings[cpuName]}". Choose ${memoryChoicesText(settings[cpuName])}.`,
  })),
  {
    names: ["DASHBOARD_MEMORY", "ENGINE_MEMORY"],
    problem: (settings) =>
      gigabytes(settings.DASHBOARD_MEMORY) > gigabytes(settings.ENGINE_MEMORY) / 2
        ? `must not be more than half of ENGINE_MEMORY="${settings.ENGINE_MEMORY}", which it is a part of.`
        : undefined,
  },
  {
    names: ["WORKER_MIN", "WORKER_MAX"],
    problem: (settings) =>
      settings.WORKER_MIN > settings.WORKER_MAX
        ? `must not be above WORKER_MAX="${settings.WORKER_MAX}".`
        : undefined,
  },
  {
    names: [
      "AZ_COUNT",
      "WORKER_MAX",
      "WORKER_COUNT",
      "FLEETS",
      "VPC_ID",
      "NAT_GATEWAY",
      "NAT_INSTANCE",
      "ENGINE_PRIVATE_SUBNET",
    ],
    problem(settings) {
      const addresses = workerAddresses(settings);
      const most = mostWorkersOf(settings);
      if (addresses === undefined || most <= addresses) return undefined;
      const where = networkMode(settings) === "public" ? "public" : "private";
      const choice =
        where === "public"
          ? "NAT_INSTANCE or ENGINE_PRIVATE_SUBNET, for larger subnets, or fewer workers"
          : "more zones or fewer workers";
      return `has ${count(addresses)} addresses for workers on its ${where} subnets, and the fleets may have ${count(most)} workers. Choose ${choice}.`;
    },
  },
  {
    names: ["ENGINE_MAX_WORKERS", "WORKER_MAX", "WORKER_COUNT", "FLEETS"],
    problem: (settings) =>
      settings.ENGINE_MAX_WORKERS !== undefined &&
      settings.ENGINE_MAX_WORKERS < mostWorkersOf(settings)
        ? `must be at least ${count(mostWorkersOf(settings))}, the most workers of all fleets.`
        : undefined,
  },
  {
    names: ["BROKER_VERSION", "BROKER_INSTANCE_TYPE"],
    problem: (settings) =>
      settings.BROKER_VERSION === "4.2" && settings.BROKER_INSTANCE_TYPE.startsWith("mq.m5.")
        ? `is not possible with BROKER_INSTANCE_TYPE="${settings.BROKER_INSTANCE_TYPE}". Choose "3.13", or an mq.m7g instance.`
        : undefined,
  },
  {
    names: ["NAT_INSTANCE", "NAT_GATEWAY"],
    problem: (settings) =>
      settings.NAT_INSTANCE && settings.NAT_GATEWAY
        ? 'is not possible together with NAT_GATEWAY="true". Choose one.'
        : undefined,
  },
  ...(["NAT_GATEWAY", "NAT_INSTANCE", "BASTION_ENABLED"] as const).map((nat): Rule => ({
    names: [nat, "VPC_ID"],
    problem: (settings) =>
      settings[nat] && settings.VPC_ID !== undefined
        ? `is not possible in an existing VPC, VPC_ID="${settings.VPC_ID}": its own routes serve.`
        : undefined,
  })),
  {
    names: ["CERTIFICATE_ARN", "ROOT_DOMAIN"],
    problem: (settings) =>
      settings.CERTIFICATE_ARN !== undefined && settings.ROOT_DOMAIN === undefined
        ? "needs ROOT_DOMAIN, the domain that it is for."
        : undefined,
  },
  {
    names: ["AZ_COUNT", "ROOT_DOMAIN", "VPC_ID"],
    problem: (settings) =>
      settings.AZ_COUNT < 2 && settings.ROOT_DOMAIN !== undefined && settings.VPC_ID === undefined
        ? `must be 2 or more with ROOT_DOMAIN="${settings.ROOT_DOMAIN}": a load balancer stands in two zones.`
        : undefined,
  },
  ...(["LOCAL_GRPC_PORT", "LOCAL_API_PORT"] as const).map((name, index): Rule => ({
    names: [name, "LOCAL_DATABASE_PORT", "LOCAL_GRPC_PORT"],
    problem(settings) {
      const others = (["LOCAL_DATABASE_PORT", "LOCAL_GRPC_PORT"] as const).slice(0, index + 1);
      const same = others.find(
        (other) => settings[name] !== undefined && settings[other] === settings[name],
      );
      return same && `is also ${same}. Choose another port, or leave it out.`;
    },
  })),
];

const count = (value: number) => value.toLocaleString("en");
