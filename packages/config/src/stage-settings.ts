/**
 * What a person sets for a stage: one zod object, each field with its type, default, rule and documentation, in the
 * groups of the generated documents (`.env.example`, `docs/settings.md`). An empty file is a valid one.
 * Values arrive as text, as an environment has them; an empty value is no value.
 */
import { z } from "zod";
import {
  type Memory,
  cpuChoices,
  fargateSizes,
  gigabytes,
  isFargatePair,
  listed,
  memoryChoices,
  memoryChoicesText,
} from "./fargate.ts";
import { FleetSetting, mostWorkers, mostWorkersOf } from "./fleets.ts";
import { networkMode, workerAddresses } from "./network.ts";
import { prices } from "./prices.ts";

/** What a setting may be, in words: for the message when it is not, and for the documents. */
const allowed = (what: string) => ({ error: `must be ${what}.` });

const wholeNumber = (from: number, to: number) => {
  const rule = allowed(
    `a whole number from ${from.toLocaleString("en")} to ${to.toLocaleString("en")}`,
  );
  return z.coerce.number(rule).int(rule).min(from, rule).max(to, rule).meta(rule);
};

const yesOrNo = () => {
  const rule = allowed('"true" or "false"');
  return z.stringbool(rule).meta(rule);
};

const oneOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) => {
  const rule = allowed(listed(choices.map((choice) => `"${choice}"`)));
  return z.enum(choices, rule).meta(rule);
};

const text = (what: string, pattern: RegExp, example: string) => {
  const rule = allowed(`${what} such as "${example}"`);
  return z
    .string(rule)
    .regex(pattern, rule)
    .meta({ ...rule, example });
};

/** "4vcpu" is "4 vCPU". */
const spaced = (unit: string) => (value: string) =>
  value.replace(new RegExp(`^([\\d.]+)\\s*${unit}$`, "i"), `$1 ${unit}`);

const cpu = () => {
  const rule = allowed(`one of ${listed(cpuChoices.map((choice) => `"${choice}"`))}`);
  return z.string().transform(spaced("vCPU")).pipe(z.enum(cpuChoices, rule)).meta(rule);
};

const amount = (rule: { error: string }) =>
  z
    .string()
    .transform(spaced("GB"))
    .pipe(z.templateLiteral([z.number(), " GB"], rule));

const memory = () => {
  const rule = allowed('an amount such as "2 GB" that Fargate has with this CPU');
  return amount(rule).meta(rule);
};

const addressRanges = () => {
  const rule = allowed('IPv4 address ranges such as "203.0.113.7/32", separated by commas');
  return z
    .string()
    .transform((value) => value.split(/[\s,]+/).filter((range) => range !== ""))
    .pipe(z.array(z.cidrv4(rule)))
    .meta(rule);
};

const furtherFleets = () => {
  const rule = allowed(
    'JSON such as [{"name":"big","cpu":"16 vCPU","memory":"120 GB","max":10,"labels":{"memory":"big"}}]',
  );
  return z
    .string()
    .transform((value, context): unknown => {
      try {
        return JSON.parse(value);
      } catch {
        context.addIssue({ code: "custom", message: rule.error });
        return z.NEVER;
      }
    })
    .pipe(
      z
        .array(FleetSetting, rule)
        .refine((all) => new Set(all.map((fleet) => fleet.name)).size === all.length, {
          error: "must not name the same fleet twice.",
        }),
    )
    .meta(rule);
};

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
      "Hours after the last work when every fleet is set to zero, even if engine and steward are dead.",
    ),
  AWS_REGION: text("a region", /^[a-z]{2}(-[a-z]+)+-\d$/, "us-east-1")
    .optional()
    .describe("Where the stage stands; as your AWS configuration says when left out."),
  AWS_PROFILE: text("the name of a profile", /^\S+$/, "research")
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
      `CPU of the engine's task. Each vCPU costs ${usd(prices.fargate.amd64.onDemand.vcpuHour)}.`,
    ),
  ENGINE_MEMORY: memory()
    .default("2 GB")
    .describe(
      `Memory of the engine's task. Each GB costs ${usd(prices.fargate.amd64.onDemand.gbHour)}.`,
    ),
  DASHBOARD_CPU: cpu().default("0.25 vCPU").describe("CPU of the task with dashboard and API."),
  DASHBOARD_MEMORY: memory()
    .default("0.5 GB")
    .describe("Memory of the task with dashboard and API."),
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
  ENGINE_MAX_TASKS_PER_DAY: wholeNumber(1, 2_147_483_647)
    .optional()
    .describe(
      "Chunks that the engine accepts in 24 hours; without limit when left out. The engine keeps the first value it was started with.",
    ),
  ENGINE_MAX_WORKERS: wholeNumber(1, 2_147_483_647)
    .optional()
    .describe("Workers that the engine accepts at a time; without limit when left out."),
  ENGINE_MAX_SLOTS: wholeNumber(1, 2_147_483_647)
    .optional()
    .describe("Slots of all workers that the engine accepts; without limit when left out."),
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
  DB_STORAGE: amount(allowed('an amount from "100 GB" to "65536 GB"'))
    .refine((value) => Number.isInteger(gigabytes(value)) && within(gigabytes(value), 100, 65_536), {
      ...allowed('an amount from "100 GB" to "65536 GB"'),
    })
    .meta(allowed('an amount from "100 GB" to "65536 GB"'))
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
      `Whether private subnets reach the internet by one small NAT instance, ${usd(prices.smallInstanceHour + prices.publicAddressHour)}: cheap, and no second one when it fails.`,
    ),
  BASTION_ENABLED: yesOrNo()
    .default(false)
    .describe(
      `Whether there is a bastion for "sst tunnel": ${usd(prices.smallInstanceHour + prices.publicAddressHour)}. The dashboard needs none.`,
    ),
};

const access = {
  ROOT_DOMAIN: z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(
      z
        .string()
        .max(200, allowed("a domain of at most 200 letters"))
        .regex(
          /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/,
          allowed('a domain such as "acmelab.com", without "https://", or "false"'),
        ),
    )
    .meta({ ...allowed('a domain such as "acmelab.com", or "false"'), example: "acmelab.com" })
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
    .describe("Who may reach the load balancer of ROOT_DOMAIN; everyone, who then has to log in, when left out."),
};

const worker = {
  WORKER_COUNT: wholeNumber(0, mostWorkers)
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
  WORKER_MEMORY: memory().default("8 GB").describe("Memory of a worker, shared by its simulations."),
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
    .describe("Processor of the workers. arm64 costs a fifth less; your programs must run on it."),
  WORKER_IMAGE: text(
    "an image with its digest",
    /^[a-z0-9][a-zA-Z0-9._/:-]*@sha256:[0-9a-f]{64}$/,
    `registry.example.com/models@sha256:${"0123456789abcdef".repeat(4)}`,
  )
    .optional()
    .describe("Image of worker and steward; built from this repository, by Docker, when left out."),
  FLEETS: furtherFleets()
    .default([])
    .describe(
      'Further fleets, for models that ask for their labels: JSON with name, cpu, max, and memory, min, spot, onDemandPercent, labels where the defaults do not fit.',
    ),
};

const kept = {
  STORE_RETENTION_DAYS: wholeNumber(1, 3_650)
    .optional()
    .describe(
      `Days after which the store's bucket deletes an experiment; never when left out. Each GB costs ${prices.storeGbMonth} USD a month.`,
    ),
  LOG_RETENTION_DAYS: oneOf(["1", "3", "7", "14", "30", "60", "90", "180", "365"])
    .transform(Number)
    .default(14)
    .describe("Days that CloudWatch keeps log lines."),
};

const port = () => wholeNumber(1_024, 65_535).optional();
const local = {
  LOCAL_DATABASE_PORT: port().describe("Port of Postgres on this machine; a free one when left out."),
  LOCAL_GRPC_PORT: port().describe("Port of the engine's gRPC on this machine; a free one when left out."),
  LOCAL_API_PORT: port().describe("Port of the engine's API on this machine; a free one when left out."),
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

const taskSizes = [
  ["WORKER_CPU", "WORKER_MEMORY"],
  ["ENGINE_CPU", "ENGINE_MEMORY"],
  ["DASHBOARD_CPU", "DASHBOARD_MEMORY"],
  ["STEWARD_CPU", "STEWARD_MEMORY"],
] as const;

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
    const isAbsent =
      trimmed === "" || trimmed === undefined || (name === "ROOT_DOMAIN" && trimmed === "false");
    if (!isAbsent) given[name] = trimmed;
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

interface Rule {
  /** The settings it looks at; a message goes to the first. */
  readonly names: readonly [SettingName, ...SettingName[]];
  /** What is wrong and what is allowed. */
  readonly problem: (settings: StageSettings) => string | undefined;
}

const rules: readonly Rule[] = [
  ...taskSizes.map(
    ([cpuName, memoryName]): Rule => ({
      names: [memoryName, cpuName],
      problem: (settings) =>
        isFargatePair(settings[cpuName], settings[memoryName])
          ? undefined
          : `is not possible with ${cpuName}="${settings[cpuName]}". Choose ${memoryChoicesText(settings[cpuName])}.`,
    }),
  ),
  {
    names: ["WORKER_MIN", "WORKER_MAX"],
    problem: (settings) =>
      settings.WORKER_MIN > settings.WORKER_MAX
        ? `must not be above WORKER_MAX="${settings.WORKER_MAX}".`
        : undefined,
  },
  {
    names: ["WORKER_MAX", "WORKER_COUNT", "FLEETS", "AZ_COUNT", "VPC_ID", "NAT_GATEWAY", "NAT_INSTANCE", "ENGINE_PRIVATE_SUBNET"],
    problem(settings) {
      const addresses = workerAddresses(settings);
      const most = mostWorkersOf(settings);
      if (addresses === undefined || most <= addresses) return undefined;
      const where = networkMode(settings) === "public" ? "public" : "private";
      return `needs addresses for ${count(most)} workers; ${settings.AZ_COUNT} ${where} subnets have ${count(addresses)}. Choose a larger AZ_COUNT${where === "public" ? ", or private subnets by NAT_INSTANCE or ENGINE_PRIVATE_SUBNET" : ""}, or fewer workers.`;
    },
  },
  {
    names: ["ENGINE_MAX_WORKERS", "WORKER_MAX", "WORKER_COUNT", "FLEETS"],
    problem: (settings) =>
      settings.ENGINE_MAX_WORKERS !== undefined && settings.ENGINE_MAX_WORKERS < mostWorkersOf(settings)
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
  ...(["NAT_GATEWAY", "NAT_INSTANCE"] as const).map(
    (nat): Rule => ({
      names: [nat, "VPC_ID"],
      problem: (settings) =>
        settings[nat] && settings.VPC_ID !== undefined
          ? `is not possible in an existing VPC, VPC_ID="${settings.VPC_ID}": its own routes serve.`
          : undefined,
    }),
  ),
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
  ...(["LOCAL_GRPC_PORT", "LOCAL_API_PORT"] as const).map(
    (name, index): Rule => ({
      names: [name, "LOCAL_DATABASE_PORT", "LOCAL_GRPC_PORT"],
      problem(settings) {
        const others = (["LOCAL_DATABASE_PORT", "LOCAL_GRPC_PORT"] as const).slice(0, index + 1);
        const same = others.find(
          (other) => settings[name] !== undefined && settings[other] === settings[name],
        );
        return same && `is also ${same}. Choose another port, or leave it out.`;
      },
    }),
  ),
];

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
  const note = (issues: readonly z.core.$ZodIssue[], isApart: (names: string[]) => boolean) => {
    for (const issue of issues) {
      const [name = "", ...inside] = issue.path.map(String);
      const names = issue.code === "custom" && (issue.params?.["names"] as string[] | undefined);
      if (problems.has(name) || !isApart(names || [name])) continue;
      problems.set(name, name === "FLEETS" && inside.length > 0 ? fleetProblem(inside, issue) : issue.message);
    }
  };
  note(parsed.error.issues, () => true);
  // Zod looks at fields together only when each is right: the wrong ones are left away, and what is said of them not heard.
  const wrong = new Set(problems.keys());
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !wrong.has(name)));
  note(StageSettings.safeParse(rest).error?.issues ?? [], (names) => !names.some((name) => wrong.has(name)));
  return {
    settings: undefined,
    problems: [...problems].map(([name, reason]) => ({ name, reason })),
  };
}

function fleetProblem(path: readonly string[], issue: z.core.$ZodIssue): string {
  const [index = "0", ...field] = path;
  return `is wrong in fleet ${Number(index) + 1}${field.length > 0 ? `, "${field.join(".")}"` : ""}: ${issue.message}.`;
}

/** What a stage's documents say of a setting. */
export interface SettingDocument {
  readonly name: SettingName;
  readonly group: keyof typeof settingGroups;
  readonly description: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly example: string | undefined;
  /** As text; undefined when there is none. */
  readonly default: string | undefined;
}

export function settingDocuments(): SettingDocument[] {
  const defaults = StageSettings.parse({});
  return Object.entries(settingGroups).flatMap(([group, fields]) =>
    Object.entries(fields).map(([name, schema]) => {
      const said = innerMeta(schema);
      return {
        name: name as SettingName,
        group: group as keyof typeof settingGroups,
        description: schema.description ?? "",
        allowed: String(said["error"] ?? "").replace(/^must be (.*)\.$/, "$1"),
        example: said["example"] as string | undefined,
        default: written(defaults[name as SettingName]),
      };
    }),
  );
}

/** What `.meta` said before `.default`, `.optional` or `.transform` went around it. */
function innerMeta(schema: z.core.$ZodType): Record<string, unknown> {
  const def = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType };
  const said = z.globalRegistry.get(schema);
  const inner = said?.["error"] === undefined ? (def.innerType ?? def.in) : undefined;
  return inner === undefined ? { ...said } : innerMeta(inner);
}

/** A value as a settings file has it. */
export function written(value: StageSettings[SettingName]): string | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return String(value);
  if (value.length === 0) return undefined;
  return value.map((item) => (typeof item === "string" ? item : JSON.stringify(item))).join(",");
}

/** A stage that is to stay: said by PERMANENT, or by its name. */
export function isPermanentStage(stage: string, settings: StageSettings): boolean {
  return settings.PERMANENT || stage === "production";
}

const count = (value: number) => value.toLocaleString("en");
const within = (value: number, from: number, to: number) => value >= from && value <= to;

/** Memory as settings have it, from what a task may have: a bridge for callers that compute sizes. */
export type { Memory };
export const fargateCpus = Object.keys(fargateSizes);
