/**
 * What a person sets for a stage: one zod object, each field with its type, default, rule and documentation, in the
 * groups of the generated documents (`.env.example`, `docs/settings.md`). An empty file is a valid one.
 * Values arrive as text, as an environment has them; an empty value is no value.
 */
import { z } from "zod";
import { memoryChoices } from "./fargate.ts";
import { mostWorkers } from "./fleets.ts";
import { prices } from "./prices.ts";
import {
  addressRanges,
  cpu,
  domain,
  furtherFleets,
  image,
  images,
  memory,
  oneOf,
  share,
  storage,
  text,
  usdAnHour,
  wholeNumber,
  yesOrNo,
} from "./setting-types.ts";
import { rules, taskSizes } from "./stage-rules.ts";
import { engineImageNames, engineVersion } from "./versions.ts";

const usd = (perHour: number) => `${perHour.toFixed(3).replace(/0+$/, "")} USD an hour`;

const profileNames = ["small", "medium", "large"] as const;
export type Profile = (typeof profileNames)[number];

const size = {
  PROFILE: oneOf(profileNames)
    .default("small")
    .describe(
      "How large the stage is: sets the defaults of other settings, for up to 200, 1,000 or 5,000 vCPU of workers.",
    ),
  PERMANENT: yesOrNo()
    .default(false)
    .describe(
      "Whether the stage is to stay: the database is protected from deletion and leaves a last snapshot, and a teardown asks for the stage's name.",
    ),
  LEASE_HOURS: wholeNumber(1, 720)
    .default(12)
    .describe(
      "Hours after the last chunk of work when every fleet is set to zero, even if engine and steward are dead.",
    ),
  AWS_REGION: text("a region", /^[a-z]{2}(-[a-z]+)+-\d$/, "us-east-1")
    .optional()
    .describe("Where the stage stands; as your AWS configuration says when left out."),
  AWS_PROFILE: text("the name of a profile", /./, "research")
    .optional()
    .describe("Which profile of your AWS configuration pays."),
  ALARM_EMAIL: text("an e-mail address", /^[^\s@]+@[^\s@]+\.[^\s@]+$/, "you@acmelab.com")
    .optional()
    .describe("Who is told of alarms; nobody when left out."),
};

const engine = {
  ENGINE_CPU: cpu()
    .default("1 vCPU")
    .describe(
      `CPU of the task of engine, API and dashboard. Each vCPU costs ${usd(prices.fargate.amd64.onDemand.vcpuHour)}.`,
    ),
  ENGINE_MEMORY: memory()
    .default("2 GB")
    .describe(
      `Memory of the task of engine, API and dashboard. Each GB costs ${usd(prices.fargate.amd64.onDemand.gbHour)}.`,
    ),
  DASHBOARD_MEMORY: share("0.5 GB")
    .default("0.5 GB")
    .describe(
      "So much of ENGINE_MEMORY dashboard and API may have: beyond it they start again, and the engine stays.",
    ),
  STEWARD_CPU: cpu()
    .default("0.5 vCPU")
    .describe("CPU of the steward's task, which also merges the results."),
  STEWARD_MEMORY: memory().default("1 GB").describe("Memory of the steward's task."),
  ENGINE_LOG_LEVEL: oneOf(["debug", "info", "warn", "error"])
    .default("warn")
    .describe(`What the engine logs. Each GB of logs costs ${prices.logsGb} USD.`),
  ENGINE_RETENTION_HOURS: wholeNumber(24, 8_760)
    .default(168)
    .describe(
      "Hours that the engine keeps finished tasks; must be longer than the longest experiment. Results are in the store and stay.",
    ),
  ENGINE_MAX_TASKS_PER_DAY: wholeNumber(1, 2_147_483_647, "100000")
    .optional()
    .describe(
      "Chunks that the engine accepts in 24 hours; without limit when left out. The engine keeps the first value it was started with.",
    ),
  ENGINE_MAX_WORKERS: wholeNumber(1, 2_147_483_647, "1000")
    .optional()
    .describe("Workers that the engine accepts at a time; without limit when left out."),
  ENGINE_MAX_SLOTS: wholeNumber(1, 2_147_483_647, "5000")
    .optional()
    .describe("Slots of all workers that the engine accepts; without limit when left out."),
  ENGINE_IMAGES: images(engineImageNames)
    .default({})
    .describe(
      `Images of the engine in place of the official ones of ${engineVersion}, such as copies in your own registry: JSON with engine, dashboard, migrate, admin, or some of them.`,
    ),
  OVERWRITE_CONFIG: yesOrNo()
    .default(false)
    .describe(
      "Whether the deploy makes new keys and cookie secrets for the engine: every token that exists then dies.",
    ),
};

const database = {
  DB_INSTANCE_TYPE: text(
    'an instance type of RDS without "db.",',
    /^(?!db\.)[a-z][a-z0-9-]*\.[a-z0-9]+$/,
    "t4g.medium",
  )
    .default("t4g.medium")
    .describe(
      `Size of the Postgres database. t4g.medium costs ${usd(prices.databaseHour["t4g.medium"] ?? 0)}, m7g.2xlarge about ${usd(prices.databaseHour["m7g.2xlarge"] ?? 0)}.`,
    ),
  // RDS grows a volume only once in six hours: one of 20 GB fills up during the first large experiment.
  DB_STORAGE: storage(100, 65_536)
    .default("100 GB")
    .describe(
      `Storage of the database. 100 GB cost ${(prices.databaseStorageGbMonth * 100).toFixed(2)} USD a month.`,
    ),
};

const brokerInstances = Object.keys(prices.brokerHour) as [
  keyof typeof prices.brokerHour,
  ...(keyof typeof prices.brokerHour)[],
];

const broker = {
  BROKER_INSTANCE_TYPE: oneOf(brokerInstances)
    .default("none")
    .describe(
      `Size of the RabbitMQ broker on AWS, with "mq."; "none" queues in Postgres, which stands up 15 minutes sooner. mq.m7g.medium costs about ${usd(prices.brokerHour["mq.m7g.medium"])}.`,
    ),
  BROKER_VERSION: oneOf(["3.13", "4.2"])
    .default("4.2")
    .describe("Version of RabbitMQ on AWS. 4.2 runs on mq.m7g only."),
  BROKER: oneOf(["postgres", "rabbitmq"])
    .default("postgres")
    .describe(
      "Queue of a stage on this machine: Postgres, or a local rabbitmq-server. On AWS BROKER_INSTANCE_TYPE decides.",
    ),
};

const network = {
  AZ_COUNT: wholeNumber(1, 6)
    .default(2)
    .describe("Availability zones of the network; a region has three to six."),
  VPC_ID: text("the id of a VPC", /^vpc-[0-9a-f]{8,17}$/, "vpc-0a1b2c3d4e5f67890")
    .optional()
    .describe("An existing VPC to stand in, with its own routes; a new one when left out."),
  ENGINE_PRIVATE_SUBNET: yesOrNo()
    .default(false)
    .describe(
      `Whether the engine is on a private subnet. Without NAT everything is, and reaches AWS by interface endpoints: each costs ${usd(prices.endpointHour)} and zone.`,
    ),
  NAT_GATEWAY: yesOrNo()
    .default(false)
    .describe(
      `Whether private subnets reach the internet by NAT gateways: ${usd(prices.natGatewayHour + prices.publicAddressHour)} and zone, and ${prices.natGatewayGb} USD per GB.`,
    ),
  NAT_INSTANCE: yesOrNo()
    .default(false)
    .describe(
      `Whether private subnets reach the internet by small NAT instances: ${usd(prices.smallInstanceHour + prices.publicAddressHour)} and zone, and no second one where one fails.`,
    ),
  BASTION_ENABLED: yesOrNo()
    .default(false)
    .describe(
      `Whether there is a bastion: ${usd(prices.smallInstanceHour + prices.publicAddressHour)}, or a NAT instance where there is one. Sessions reach it; "sst tunnel" does from ALLOWED_CIDRS, when these are not everybody's. The dashboard needs none.`,
    ),
};

const access = {
  ROOT_DOMAIN: domain()
    .optional()
    .describe(
      `Domain below which the dashboard is open to the internet, at hatchet-<stage>.<domain>; inside the VPC only when left out or "false". Its load balancer costs ${usd(prices.loadBalancerHour + prices.loadBalancerUnitHour)}.`,
    ),
  CERTIFICATE_ARN: text(
    "the ARN of a certificate",
    /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]+$/,
    "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
  )
    .optional()
    .describe(
      "Certificate of ACM for a ROOT_DOMAIN that is not in Route 53; you then add the DNS record that the deploy prints.",
    ),
  ALLOWED_CIDRS: addressRanges()
    .default(["0.0.0.0/0"])
    .describe(
      "Who may reach the load balancer of ROOT_DOMAIN, and the bastion; the load balancer everyone, who then has to log in, and the bastion nobody, when left out.",
    ),
};

const worker = {
  WORKER_COUNT: wholeNumber(0, mostWorkers, "200")
    .optional()
    .describe(
      "Pins the fleet to so many workers; it follows the work between WORKER_MIN and WORKER_MAX when left out. On this machine: worker processes, one when left out.",
    ),
  WORKER_MIN: wholeNumber(0, mostWorkers)
    .default(0)
    .describe("Workers that stand even without work. 0 costs nothing between experiments."),
  WORKER_MAX: wholeNumber(0, mostWorkers)
    .default(50)
    .describe("Most workers that the fleet grows to, which bounds the cost per hour."),
  WORKER_CPU: cpu()
    .default("4 vCPU")
    .describe(
      `CPU of a worker; it runs one simulation per vCPU. Each vCPU costs about ${usd(prices.fargate.amd64.spot.vcpuHour)} on Spot, ${usd(prices.fargate.amd64.onDemand.vcpuHour)} on demand.`,
    ),
  WORKER_MEMORY: memory()
    .default("8 GB")
    .describe("Memory of a worker, shared by its simulations."),
  WORKER_SPOT: yesOrNo()
    .default(true)
    .describe(
      "Whether workers are Spot tasks: about a third of the price, interrupted now and then, which loses no result.",
    ),
  WORKER_ON_DEMAND_PERCENT: wholeNumber(0, 100)
    .default(0)
    .describe("So many of a hundred workers of a Spot fleet are on demand all the same."),
  WORKER_ARCHITECTURE: oneOf(["amd64", "arm64"])
    .default("amd64")
    .describe("Processor of all tasks. arm64 costs a fifth less; your programs must run on it."),
  WORKER_INPUT_CACHE: share("10 GB")
    .default("10 GB")
    .describe(
      "What the input files that a worker keeps may take; on this machine, of all workers together. A Fargate task has 20 GB of disk, with what simulations write.",
    ),
  WORKER_IMAGE: image()
    .optional()
    .describe("Image of worker and steward; built from this repository, by Docker, when left out."),
  FLEETS: furtherFleets()
    .default([])
    .describe(
      "Further fleets, for models that ask for their labels: JSON with name, cpu, max, and memory, min, spot, onDemandPercent, labels where the defaults do not fit.",
    ),
};

const kept = {
  STORE_RETENTION_DAYS: wholeNumber(1, 3_650, "365")
    .optional()
    .describe(
      `Days after which the store's bucket deletes an experiment; never when left out. Each GB costs ${prices.storeGbMonth} USD a month.`,
    ),
  LOG_RETENTION_DAYS: oneOf(["1", "3", "7", "14", "30", "60", "90", "180", "365"])
    .transform(Number)
    .default(14)
    .describe("Days that CloudWatch keeps log lines."),
};

const port = (example: string) => wholeNumber(1_024, 65_535, example).optional();
const local = {
  LOCAL_DATABASE_PORT: port("15432").describe(
    "Port of Postgres on this machine; a free one when left out.",
  ),
  LOCAL_GRPC_PORT: port("17070").describe(
    "Port of the engine's gRPC on this machine; a free one when left out.",
  ),
  LOCAL_API_PORT: port("18080").describe(
    "Port of the engine's API on this machine; a free one when left out.",
  ),
  LOCAL_WORKER_HOUR_USD: usdAnHour("0.35")
    .default(0)
    .describe(
      "What an hour of a worker on this machine costs, for the cost that is shown and --max-usd, as on a machine that is rented.",
    ),
};

/** The fields in the groups and the order of the documents. */
export const settingGroups = {
  Stage: size,
  Workers: worker,
  Engine: engine,
  Database: database,
  Broker: broker,
  Network: network,
  "Access from outside": access,
  "What is kept": kept,
  "A stage on this machine": local,
} as const;

const Fields = z.object({
  ...size,
  ...worker,
  ...engine,
  ...database,
  ...broker,
  ...network,
  ...access,
  ...kept,
  ...local,
});

export type StageSettings = z.output<typeof Fields>;
export type SettingName = keyof StageSettings;
export const settingNames = Object.keys(Fields.shape) as SettingName[];

/**
 * What a profile sets other than the field's own default, which is the small profile's.
 * Sizes: 100 chunks a second on a small database, 500 on 8 vCPU of database (Hatchet's benchmarks).
 */
export const profiles = {
  small: {},
  medium: { ENGINE_CPU: "2 vCPU", DB_INSTANCE_TYPE: "m7g.large", WORKER_MAX: "250" },
  large: {
    ENGINE_CPU: "4 vCPU",
    DB_INSTANCE_TYPE: "m7g.2xlarge",
    DB_STORAGE: "200 GB",
    BROKER_INSTANCE_TYPE: "mq.m7g.large",
    // A public address for each of 1,250 workers would cost 6.25 USD an hour, endpoints cost 0.24.
    AZ_COUNT: "3",
    ENGINE_PRIVATE_SUBNET: "true",
    WORKER_MAX: "1250",
  },
} as const satisfies Record<Profile, Partial<Record<SettingName, string>>>;

/** Settings whose default follows another setting, and which. */
export function defaultFollows(name: SettingName): "PROFILE" | SettingName | undefined {
  const cpuName = taskSizes.find(([, memoryName]) => memoryName === name)?.[0];
  const byProfile = Object.values(profiles).some((profile) => name in profile);
  return cpuName ?? (byProfile ? "PROFILE" : undefined);
}

/** Drops what is as good as absent, then puts in the profile's defaults and each CPU's smallest memory. */
function completed(input: unknown): unknown {
  if (typeof input !== "object" || input === null) return input;
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    const trimmed: unknown = typeof value === "string" ? value.trim() : value;
    // The seed's way to say that there is no domain.
    const isNoDomain =
      name === "ROOT_DOMAIN" && typeof trimmed === "string" && /^false$/i.test(trimmed);
    if (trimmed !== undefined && trimmed !== "" && !isNoDomain) given[name] = trimmed;
  }
  const profile = z.enum(profileNames).safeParse(given["PROFILE"]);
  const filled: Record<string, unknown> = {
    ...(profile.success ? profiles[profile.data] : {}),
    ...given,
  };
  for (const [cpuName, memoryName] of taskSizes) {
    const chosen = Fields.shape[cpuName].safeParse(filled[cpuName]);
    if (chosen.success) filled[memoryName] ??= memoryChoices(chosen.data)[0];
  }
  return filled;
}

/** Every setting of a stage. Parses the text values of an environment; throws a ZodError with all problems of the fields. */
export const StageSettings = z.preprocess(
  completed,
  Fields.superRefine((settings, context) => {
    for (const { names, problem } of rules) {
      const message = problem(settings);
      if (message !== undefined)
        context.addIssue({ code: "custom", path: [names[0]], message, params: { names } });
    }
  }),
);

/** One field's problem: the setting, and what is wrong with it and what is allowed. */
export interface SettingProblem {
  readonly name: string;
  readonly reason: string;
}

/** The settings, or everything that is wrong: of each field, and of those that do not go together. */
export function parseStageSettings(
  input: Readonly<Record<string, unknown>>,
): { settings: StageSettings; problems: [] } | { settings: undefined; problems: SettingProblem[] } {
  const parsed = StageSettings.safeParse(input);
  if (parsed.success) return { settings: parsed.data, problems: [] };
  const problems = new Map<string, string>();
  for (const issue of parsed.error.issues) {
    const [name = "", ...inside] = issue.path.map(String);
    if (namesOfRule(issue) !== undefined || problems.has(name)) continue;
    const isInFleet = name === "FLEETS" && inside.length > 0;
    problems.set(name, isInFleet ? fleetProblem(inside, issue) : issue.message);
  }
  // Zod does not always look at fields together when one is wrong. So the wrong ones are left away for a second look,
  // in which nothing is believed of what concerns them.
  const wrong = new Set(problems.keys());
  const right = Object.fromEntries(Object.entries(input).filter(([name]) => !wrong.has(name)));
  for (const issue of StageSettings.safeParse(right).error?.issues ?? []) {
    const names = namesOfRule(issue) ?? [];
    if (!names.some((name) => wrong.has(name))) problems.set(String(issue.path[0]), issue.message);
  }
  return {
    settings: undefined,
    problems: [...problems].map(([name, reason]) => ({ name, reason })),
  };
}

function namesOfRule(issue: z.core.$ZodIssue): readonly string[] | undefined {
  return issue.code === "custom" ? (issue.params?.["names"] as string[] | undefined) : undefined;
}

function fleetProblem(path: readonly string[], issue: z.core.$ZodIssue): string {
  const [index = "0", ...field] = path;
  return `is wrong in fleet ${Number(index) + 1}${field.length > 0 ? `, "${field.join(".")}"` : ""}: ${issue.message}.`;
}

/** A stage that is to stay: said by PERMANENT, or by its name. */
export function isPermanentStage(stage: string, settings: StageSettings): boolean {
  return settings.PERMANENT || stage === "production";
}
