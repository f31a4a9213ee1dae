/** How a stage's network is laid out, as far as it can be said without AWS. */
import type { StageSettings } from "./stage-settings.ts";

/**
 * How the parts of a stage reach AWS and the internet:
 * - "existing": by the routes of the VPC that VPC_ID names;
 * - "nat-gateway", "nat-instance": the fleet is on private subnets behind it;
 * - "endpoints": all is on private subnets and reaches AWS alone, not the internet;
 * - "public": engine and fleet are on public subnets, with a public address each, and nothing reaches in.
 */
export type NetworkMode = "existing" | "nat-gateway" | "nat-instance" | "endpoints" | "public";

export function networkMode(settings: StageSettings): NetworkMode {
  if (settings.VPC_ID !== undefined) return "existing";
  if (settings.NAT_GATEWAY) return "nat-gateway";
  if (settings.NAT_INSTANCE) return "nat-instance";
  return settings.ENGINE_PRIVATE_SUBNET ? "endpoints" : "public";
}

export interface Subnets {
  readonly public: string;
  readonly private: string;
}

/**
 * The subnets of each availability zone in 10.0.0.0/16: SST's public /22, and private /19 beyond all of them, because
 * the private /22 that SST would make beside each holds 1,019 workers only.
 */
export function subnets(azCount: number): Subnets[] {
  return Array.from({ length: azCount }, (_, i) => ({
    public: `10.0.${8 * i}.0/22`,
    private: `10.0.${64 + 32 * i}.0/19`,
  }));
}

/** Addresses of a /22 and a /19, less the five that AWS keeps of each subnet. */
const subnetAddresses = { public: 1_019, private: 8_187 };
/** For engine, dashboard, steward, database, broker, endpoints and load balancer. */
const ownAddresses = 40;

/** How many workers find an address in this stage's own subnets; undefined for an existing VPC. */
export function workerAddresses(settings: StageSettings): number | undefined {
  const mode = networkMode(settings);
  if (mode === "existing") return undefined;
  const each = mode === "public" ? subnetAddresses.public : subnetAddresses.private;
  return settings.AZ_COUNT * each - ownAddresses;
}

/**
 * AWS services that the tasks of a stage talk to: without a way to the internet each needs an interface endpoint.
 * For the price alone; a deploy makes what its tasks use, and a test compares the two.
 */
export function interfaceEndpoints(settings: Pick<StageSettings, "ROOT_DOMAIN">): string[] {
  return [
    "ecr.api",
    "ecr.dkr",
    "logs",
    "secretsmanager",
    // The fleets' size, the mailbox, the lease.
    "ecs",
    "sqs",
    "scheduler",
    // The session by which the dashboard is reached.
    ...(settings.ROOT_DOMAIN === undefined ? ["ssmmessages"] : []),
  ];
}
