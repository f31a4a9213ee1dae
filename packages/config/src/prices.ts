/**
 * What a stage costs: a dated price table and pure functions over the settings.
 * List prices of us-east-1, on demand, in USD, without tax, free tier and discounts. Sources: AWS price pages as SST's
 * component documentation and infracost's golden data print them. Where a figure is marked "about" it is the upper
 * end of what was found.
 */
import { type Cpu, type Memory, gigabytes, vcpus } from "./fargate.ts";
import { type Fleet, fleets, mostWorkersOf } from "./fleets.ts";
import { interfaceEndpoints, networkMode } from "./network.ts";
import type { StageSettings } from "./stage-settings.ts";

export const pricesAsOf = "2026-11";
export const pricesRegion = "us-east-1";

export const prices = {
  /** Per vCPU-hour and GB-hour. Spot moves: 50 to 70 % below on-demand; about, for arm64. */
  fargate: {
    amd64: {
      onDemand: { vcpuHour: 0.04048, gbHour: 0.004445 },
      spot: { vcpuHour: 0.01218784, gbHour: 0.00133831 },
    },
    arm64: {
      onDemand: { vcpuHour: 0.03238, gbHour: 0.00356 },
      spot: { vcpuHour: 0.0162, gbHour: 0.00178 },
    },
  },
  /** RDS for PostgreSQL, one zone, per hour. m7g: about. */
  databaseHour: {
    "t4g.micro": 0.016,
    "t4g.small": 0.032,
    "t4g.medium": 0.065,
    "t4g.large": 0.129,
    "t4g.xlarge": 0.258,
    "t4g.2xlarge": 0.517,
    "m7g.large": 0.168,
    "m7g.xlarge": 0.337,
    "m7g.2xlarge": 0.674,
    "m7g.4xlarge": 1.348,
    "m7g.8xlarge": 2.696,
  } as Readonly<Record<string, number>>,
  databaseStorageGbMonth: 0.115,
  databaseSnapshotGbMonth: 0.095,
  /** Amazon MQ for RabbitMQ, one instance, per hour. m7g: about. */
  brokerHour: {
    none: 0,
    "mq.m7g.medium": 0.09,
    "mq.m7g.large": 0.3,
    "mq.m7g.xlarge": 0.6,
    "mq.m7g.2xlarge": 1.2,
    "mq.m7g.4xlarge": 2.4,
    "mq.m5.large": 0.288,
    "mq.m5.xlarge": 0.576,
    "mq.m5.2xlarge": 1.152,
    "mq.m5.4xlarge": 2.304,
  },
  natGatewayHour: 0.045,
  natGatewayGb: 0.045,
  /** t4g.nano: NAT instance and bastion. */
  smallInstanceHour: 0.0042,
  publicAddressHour: 0.005,
  /** Per service and availability zone. */
  endpointHour: 0.01,
  endpointGb: 0.01,
  loadBalancerHour: 0.0225,
  loadBalancerUnitHour: 0.008,
  secretMonth: 0.4,
  alarmMonth: 0.1,
  dashboardMonth: 3,
  privateZoneMonth: 0.5,
  logsGb: 0.5,
  logsKeptGbMonth: 0.03,
  imageGbMonth: 0.1,
  /** gp3 of EBS. */
  diskGbMonth: 0.08,
  storeGbMonth: 0.023,
  storePut: 0.005 / 1_000,
  internetOutGb: 0.09,
} as const;

/** AWS counts a month as 730 hours. */
export const hoursPerMonth = 730;
/** Database URL, admin password, engine keys, worker token. The broker's URL is one more. */
const secrets = 4;
const alarms = 6;

export interface CostLine {
  readonly what: string;
  /** USD per hour with every fleet at its least size. */
  readonly idleUsd: number;
  /** USD per hour with every fleet at its greatest size. */
  readonly atMaxUsd: number;
  readonly why: string;
}

export interface HourlyCost {
  readonly idleUsd: number;
  readonly atMaxUsd: number;
  readonly lines: readonly CostLine[];
  /** What costs, too, but not by the hour, or at a price that is not in the table. */
  readonly notCounted: readonly string[];
}

/** What a stage with these settings costs per hour while it stands. */
export function hourlyCost(settings: StageSettings): HourlyCost {
  const lines: CostLine[] = [];
  const notCounted: string[] = [];
  const add = (what: string, why: string, idleUsd: number, atMaxUsd = idleUsd) =>
    lines.push({ what, why, idleUsd, atMaxUsd });

  const architecture = settings.WORKER_ARCHITECTURE;
  for (const [what, cpu, memory] of [
    ["engine", settings.ENGINE_CPU, settings.ENGINE_MEMORY],
    ["steward", settings.STEWARD_CPU, settings.STEWARD_MEMORY],
  ] as const)
    add(
      what,
      `${cpu}, ${memory}, Fargate on demand${what === "engine" ? ", with API and dashboard" : ""}`,
      taskHour(cpu, memory, architecture, "onDemand"),
    );

  const database = prices.databaseHour[settings.DB_INSTANCE_TYPE];
  if (database === undefined)
    notCounted.push(`the database: no price known for "${settings.DB_INSTANCE_TYPE}"`);
  else add("database", `db.${settings.DB_INSTANCE_TYPE}, one zone`, database);
  const stored = gigabytes(settings.DB_STORAGE) * prices.databaseStorageGbMonth;
  add("database storage", `${settings.DB_STORAGE} of gp3`, stored / hoursPerMonth);

  if (settings.BROKER_INSTANCE_TYPE !== "none")
    add(
      "broker",
      `${settings.BROKER_INSTANCE_TYPE}, one instance`,
      prices.brokerHour[settings.BROKER_INSTANCE_TYPE],
    );

  const zones = settings.AZ_COUNT;
  const mode = networkMode(settings);
  if (mode === "nat-gateway")
    add(
      "NAT gateways",
      `one in each of ${zones} zones, with its address`,
      zones * (prices.natGatewayHour + prices.publicAddressHour),
    );
  if (mode === "nat-instance")
    add(
      "NAT instances",
      `one t4g.nano in each of ${zones} zones, with its address`,
      zones * (prices.smallInstanceHour + prices.publicAddressHour),
    );
  if (mode === "endpoints") {
    const services = interfaceEndpoints(settings).length;
    add(
      "interface endpoints",
      `${services} services in each of ${zones} zones`,
      services * zones * prices.endpointHour,
    );
  }
  if (mode === "public") {
    const own = 2;
    const least = fleets(settings).reduce((sum, fleet) => sum + fleet.min, 0);
    add(
      "public addresses",
      "one for each task: engine, steward, workers",
      (own + least) * prices.publicAddressHour,
      (own + mostWorkersOf(settings)) * prices.publicAddressHour,
    );
  }
  if (mode === "existing") notCounted.push("whatever the VPC that VPC_ID names costs");

  if (settings.ROOT_DOMAIN !== undefined)
    add(
      "load balancer",
      `one capacity unit, and an address in each of ${zones} zones`,
      prices.loadBalancerHour + prices.loadBalancerUnitHour + zones * prices.publicAddressHour,
    );
  // The first of the NAT instances is the bastion, too.
  if (settings.BASTION_ENABLED && mode !== "nat-instance")
    add(
      "bastion",
      "one t4g.nano with its address",
      prices.smallInstanceHour + prices.publicAddressHour,
    );
  const kept = settings.BROKER_INSTANCE_TYPE === "none" ? secrets : secrets + 1;
  add(
    "secrets, alarms, names",
    `${kept} secrets, ${alarms} alarms, one CloudWatch dashboard, one private zone`,
    (kept * prices.secretMonth +
      alarms * prices.alarmMonth +
      prices.dashboardMonth +
      prices.privateZoneMonth) /
      hoursPerMonth,
  );

  for (const fleet of fleets(settings)) {
    const hour = fleetWorkerHourUsd(fleet, settings.WORKER_ARCHITECTURE);
    add(
      fleet.name === "default" ? "workers" : `workers of fleet "${fleet.name}"`,
      `${fleet.min === fleet.max ? fleet.max : `${fleet.min} to ${fleet.max}`} of ${fleet.cpu}, ${fleet.memory}, ${hour.toFixed(3)} USD each${fleet.spot ? ", Spot, which moves" : ""}`,
      fleet.min * hour,
      fleet.max * hour,
    );
  }

  notCounted.push(
    "taxes, the free tier, discounts",
    `data out to the internet (${prices.internetOutGb} USD per GB)`,
    `log lines (${prices.logsGb} USD per GB)`,
    `results in the store (${prices.storeGbMonth} USD per GB and month, ${prices.storePut * 1_000} USD per 1,000 parts), which stay after a teardown`,
  );
  if (mode === "nat-gateway")
    notCounted.push(`data through the NAT gateways (${prices.natGatewayGb} USD per GB)`);
  if (mode === "endpoints")
    notCounted.push(`data through the interface endpoints (${prices.endpointGb} USD per GB)`);
  if (settings.ROOT_DOMAIN !== undefined && settings.CERTIFICATE_ARN === undefined)
    notCounted.push("the Route 53 zone of ROOT_DOMAIN, which is yours");

  return {
    idleUsd: lines.reduce((sum, line) => sum + line.idleUsd, 0),
    atMaxUsd: lines.reduce((sum, line) => sum + line.atMaxUsd, 0),
    lines,
    notCounted,
  };
}

/** USD per hour of one worker of the WORKER_* settings, without its public address. */
export function workerHourUsd(settings: StageSettings): number {
  const [fleet] = fleets(settings);
  return fleet === undefined ? 0 : fleetWorkerHourUsd(fleet, settings.WORKER_ARCHITECTURE);
}

type Architecture = keyof typeof prices.fargate;

/** USD per hour of one worker of a fleet, with its public address where it has one. */
export function workerHourUsdOf(fleet: Fleet, settings: StageSettings): number {
  const address = networkMode(settings) === "public" ? prices.publicAddressHour : 0;
  return fleetWorkerHourUsd(fleet, settings.WORKER_ARCHITECTURE) + address;
}

function fleetWorkerHourUsd(fleet: Fleet, architecture: Architecture): number {
  const onDemand = fleet.onDemandPercent / 100;
  return (
    onDemand * taskHour(fleet.cpu, fleet.memory, architecture, "onDemand") +
    (1 - onDemand) * taskHour(fleet.cpu, fleet.memory, architecture, "spot")
  );
}

function taskHour(
  cpu: Cpu,
  memory: Memory,
  architecture: Architecture,
  capacity: "onDemand" | "spot",
): number {
  const price = prices.fargate[architecture][capacity];
  return vcpus(cpu) * price.vcpuHour + gigabytes(memory) * price.gbHour;
}
