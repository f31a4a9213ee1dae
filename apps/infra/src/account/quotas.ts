/** What the account allows against what the stage needs, before anything stands. */
import {
  DescribeAddressesCommand,
  DescribeVpcsCommand,
  EC2Client,
  paginateDescribeNetworkInterfaces,
} from "@aws-sdk/client-ec2";
import { GetServiceQuotaCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import {
  type StageSettings,
  UserError,
  exitCodes,
  fleets,
  mostWorkersOf,
  networkMode,
  vcpus,
} from "@hatchery/config";

export interface Quota {
  readonly code: string;
  readonly service: "fargate" | "vpc" | "ec2";
  readonly what: string;
  /** Of the stage's own parts: less, and the deploy fails half-way. */
  readonly standing: number;
  /** With every fleet at its greatest: less, and the fleets stop growing there. */
  readonly atMax: number;
  /** What else in the account counts, where AWS can be asked; 0 else. */
  readonly usedByOthers?: (stage: string, ec2: EC2Client) => Promise<number>;
}

export interface QuotaAnswer {
  readonly quota: Quota;
  /** What is left for the stage; undefined when AWS did not say. */
  readonly free: number | undefined;
  readonly found: number | undefined;
}

/** Database, broker, load balancer, endpoints in each zone, NAT, bastion: no more than this many interfaces. */
const ownInterfaces = 40;

/** Quota codes: Service Quotas of AWS; each is per account and region, and adjustable. */
export function quotaNeeds(settings: StageSettings): Quota[] {
  const parts = [settings.ENGINE_CPU, settings.STEWARD_CPU];
  const standing = parts.reduce((sum, cpu) => sum + vcpus(cpu), 0);
  const ofFleets = { onDemand: 0, spot: 0 };
  for (const { cpu, max, onDemandPercent } of fleets(settings)) {
    // ECS rounds the share of each capacity provider up.
    ofFleets.onDemand += Math.ceil((max * onDemandPercent) / 100) * vcpus(cpu);
    ofFleets.spot += Math.ceil((max * (100 - onDemandPercent)) / 100) * vcpus(cpu);
  }
  const mode = networkMode(settings);
  const addresses = mode === "nat-gateway" || mode === "nat-instance" ? settings.AZ_COUNT : 0;
  return [
    {
      code: "L-3032A538",
      service: "fargate",
      what: "Fargate vCPU on demand",
      standing,
      atMax: standing + ofFleets.onDemand,
    },
    {
      code: "L-36FBB829",
      service: "fargate",
      what: "Fargate vCPU on Spot",
      standing: 0,
      atMax: ofFleets.spot,
    },
    {
      code: "L-DF5E4CA3",
      service: "vpc",
      what: "network interfaces",
      standing: ownInterfaces,
      atMax: ownInterfaces + mostWorkersOf(settings),
      usedByOthers: interfacesOfOthers,
    },
    {
      code: "L-F678F1CE",
      service: "vpc",
      what: "VPCs",
      standing: mode === "existing" ? 0 : 1,
      atMax: mode === "existing" ? 0 : 1,
      usedByOthers: vpcsOfOthers,
    },
    {
      code: "L-0263D0A3",
      service: "ec2",
      what: "elastic addresses",
      standing: addresses,
      atMax: addresses,
      usedByOthers: addressesOfOthers,
    },
  ];
}

/** Asks AWS for each; one that it does not tell stays undefined. */
export async function readQuotas(stage: string, settings: StageSettings): Promise<QuotaAnswer[]> {
  const quotas = new ServiceQuotasClient({});
  const ec2 = new EC2Client({});
  return Promise.all(
    quotaNeeds(settings)
      .filter((quota) => quota.atMax > 0)
      .map(async (quota) => {
        try {
          const { Quota: answer } = await quotas.send(
            new GetServiceQuotaCommand({ ServiceCode: quota.service, QuotaCode: quota.code }),
          );
          const found = answer?.Value;
          if (found === undefined) return { quota, found, free: undefined };
          const used = (await quota.usedByOthers?.(stage, ec2)) ?? 0;
          return { quota, found, free: Math.max(0, found - used) };
        } catch {
          // Without the right to ask, or where a quota is not in the region: said, and no reason to stop.
          return { quota, found: undefined, free: undefined };
        }
      }),
  );
}

/** Throws when the stage could not stand. */
export function refuseTooSmallQuotas(answers: readonly QuotaAnswer[], region: string): void {
  const short = answers.filter(({ free, quota }) => free !== undefined && free < quota.standing);
  if (short.length === 0) return;
  const lines = short.map(
    ({ free, found, quota }) =>
      `  ${quota.code}  ${quota.what}: ${quota.standing} needed, ${free} of ${found} free`,
  );
  const [first] = short;
  throw new UserError(
    `The account's quotas in ${region} are too small for the stage.\n\n${lines.join("\n")}`,
    {
      hint: `Ask AWS for more, which takes minutes to days:  ${increase(first!, region)}\nWithout AWS's own command line: docs/aws.md#quotas`,
      exitCode: exitCodes.notAllowed,
    },
  );
}

/** What the quotas let the stage become, in sentences. */
export function quotaLines(answers: readonly QuotaAnswer[], region: string): string[] {
  return answers.map((answer) => {
    const { free, found, quota } = answer;
    const name = `${quota.what} (${quota.code})`;
    if (free === undefined) return `${name}: AWS does not say; up to ${quota.atMax} are needed`;
    if (free >= quota.atMax) return `${name}: ${quota.atMax} needed, ${free} of ${found} free`;
    return `${name}: only ${free} of ${found} free, and the fleets at their greatest need ${quota.atMax}: they stop growing before. More:  ${increase(answer, region)}`;
  });
}

/** The command that asks for what others use and the stage needs together. */
function increase({ quota, found = 0, free = 0 }: QuotaAnswer, region: string): string {
  const desired = Math.ceil(found - free + quota.atMax);
  return `aws service-quotas request-service-quota-increase --region ${region} --service-code ${quota.service} --quota-code ${quota.code} --desired-value ${desired}`;
}

async function vpcsOfOthers(stage: string, ec2: EC2Client): Promise<number> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  return Vpcs.filter((vpc) => !isOfStage(stage, vpc.Tags)).length;
}

async function addressesOfOthers(stage: string, ec2: EC2Client): Promise<number> {
  const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
  return Addresses.filter((address) => !isOfStage(stage, address.Tags)).length;
}

async function interfacesOfOthers(stage: string, ec2: EC2Client): Promise<number> {
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  const own = new Set(Vpcs.filter((vpc) => isOfStage(stage, vpc.Tags)).map((vpc) => vpc.VpcId));
  let others = 0;
  for await (const page of paginateDescribeNetworkInterfaces({ client: ec2 }, {}))
    others += (page.NetworkInterfaces ?? []).filter((each) => !own.has(each.VpcId)).length;
  return others;
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

function isOfStage(stage: string, tags: readonly Tag[] = []): boolean {
  const has = (key: string, value: string) =>
    tags.some((tag) => tag.Key === key && tag.Value === value);
  return has("app", "hatchery") && has("stage", stage);
}
