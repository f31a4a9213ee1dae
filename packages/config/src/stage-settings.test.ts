import { describe, expect, test } from "vitest";
import { cpuChoices, memoryChoices } from "./fargate.ts";
import { fleets } from "./fleets.ts";
import {
  StageSettings,
  isPermanentStage,
  parseStageSettings,
  profiles,
  settingNames,
} from "./stage-settings.ts";

function reasons(input: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    parseStageSettings(input).problems.map(({ name, reason }) => [name, reason]),
  );
}

describe("values", () => {
  test("every setting of the seed is there", () => {
    expect(settingNames).toEqual(
      expect.arrayContaining([
        "ROOT_DOMAIN",
        "DB_INSTANCE_TYPE",
        "DB_STORAGE",
        "BROKER_INSTANCE_TYPE",
        "ENGINE_CPU",
        "ENGINE_MEMORY",
        "ENGINE_PRIVATE_SUBNET",
        "NAT_GATEWAY",
        "BASTION_ENABLED",
        "OVERWRITE_CONFIG",
      ]),
    );
  });

  test.for(["false", "0", "no", "FALSE"])('"%s" is false', (value) => {
    expect(StageSettings.parse({ WORKER_SPOT: value }).WORKER_SPOT).toBe(false);
  });

  test.for(["false", "False", "", "  "])('a ROOT_DOMAIN of "%s" is none', (value) => {
    expect(StageSettings.parse({ ROOT_DOMAIN: value }).ROOT_DOMAIN).toBeUndefined();
  });

  test.for(["localhost", "http://a.b", "a..b", "-a.com", "a.com/x", "a_b.com", "1.2.3.4"])(
    'the domain "%s" is refused',
    (value) => {
      expect(reasons({ ROOT_DOMAIN: value })["ROOT_DOMAIN"]).toContain("must be a domain");
    },
  );

  test("units may be written without a space and in any case", () => {
    expect(StageSettings.parse({ WORKER_CPU: "8vcpu", WORKER_MEMORY: "20gb" })).toMatchObject({
      WORKER_CPU: "8 vCPU",
      WORKER_MEMORY: "20 GB",
    });
  });

  test.for([
    ["WORKER_MAX", "5001"],
    ["WORKER_MAX", "1.5"],
    ["WORKER_MAX", "many"],
    ["AZ_COUNT", "0"],
    ["AZ_COUNT", "7"],
    ["DB_STORAGE", "20 GB"],
    ["DB_STORAGE", "1 TB"],
    ["DB_INSTANCE_TYPE", "db.t4g.medium"],
    ["BROKER_INSTANCE_TYPE", "mq.t3.micro"],
    ["WORKER_IMAGE", "models:latest"],
    ["ALLOWED_CIDRS", "203.0.113.7"],
    ["ALLOWED_CIDRS", ","],
    ["ALLOWED_CIDRS", "2001:db8::/32"],
    ["LEASE_HOURS", "NaN"],
    ["ENGINE_RETENTION_HOURS", "1"],
    ["FLEETS", "{"],
  ] as const)('%s="%s" is refused, and told what is allowed', ([name, value]) => {
    expect(reasons({ [name]: value })).toEqual({ [name]: expect.stringMatching(/^must be .+\.$/) });
  });

  test("address ranges are a list, each in it once", () => {
    const text = "10.0.0.0/8, 203.0.113.7/32,10.0.0.0/8";
    expect(StageSettings.parse({ ALLOWED_CIDRS: text }).ALLOWED_CIDRS).toEqual([
      "10.0.0.0/8",
      "203.0.113.7/32",
    ]);
  });

  test("a range that begins in its middle, which AWS would refuse, is told its beginning", () => {
    expect(reasons({ ALLOWED_CIDRS: "10.0.0.0/8,203.0.113.7/24" })).toEqual({
      ALLOWED_CIDRS:
        'must be ranges by their first address: "203.0.113.0/24" in place of "203.0.113.7/24".',
    });
  });
});

describe("defaults", () => {
  test("a profile sets the defaults of others", () => {
    const large = StageSettings.parse({ PROFILE: "large" });
    expect(large).toMatchObject({
      ENGINE_CPU: "4 vCPU",
      ENGINE_MEMORY: "8 GB",
      BROKER_INSTANCE_TYPE: "mq.m7g.large",
      WORKER_MAX: 1250,
      AZ_COUNT: 3,
    });
    expect(StageSettings.parse({ PROFILE: "medium" }).WORKER_MAX).toBe(250);
  });

  test("what is set wins over the profile", () => {
    expect(StageSettings.parse({ PROFILE: "large", WORKER_MAX: "7" }).WORKER_MAX).toBe(7);
  });

  test.for(Object.keys(profiles))('the profile "%s" is valid by itself', (PROFILE) => {
    expect(reasons({ PROFILE })).toEqual({});
  });

  test.for(cpuChoices)("%s alone has its smallest memory", (cpu) => {
    expect(StageSettings.parse({ WORKER_CPU: cpu }).WORKER_MEMORY).toBe(memoryChoices(cpu)[0]);
  });

  test('the stage "production" is to stay, another one if it says so', () => {
    const usual = StageSettings.parse({});
    expect(isPermanentStage("production", usual)).toBe(true);
    expect(isPermanentStage("x", usual)).toBe(false);
    expect(isPermanentStage("x", StageSettings.parse({ PERMANENT: "true" }))).toBe(true);
  });
});

describe("what goes together", () => {
  test.for([
    [{ WORKER_MIN: "60" }, "WORKER_MIN"],
    [{ NAT_GATEWAY: "true", NAT_INSTANCE: "true" }, "NAT_INSTANCE"],
    [{ NAT_GATEWAY: "true", VPC_ID: "vpc-0a1b2c3d" }, "NAT_GATEWAY"],
    [{ CERTIFICATE_ARN: "arn:aws:acm:us-east-1:123456789012:certificate/0a-1" }, "CERTIFICATE_ARN"],
    [{ AZ_COUNT: "1", ROOT_DOMAIN: "acmelab.com" }, "AZ_COUNT"],
    [{ BROKER_INSTANCE_TYPE: "mq.m5.large" }, "BROKER_VERSION"],
    [{ WORKER_COUNT: "5000" }, "AZ_COUNT"],
    [{ ENGINE_MAX_WORKERS: "10" }, "ENGINE_MAX_WORKERS"],
    [{ LOCAL_GRPC_PORT: "5000", LOCAL_API_PORT: "5000" }, "LOCAL_API_PORT"],
    [{ LOCAL_DATABASE_PORT: "5000", LOCAL_GRPC_PORT: "5000" }, "LOCAL_GRPC_PORT"],
  ] as const)("%o is refused at %s", ([input, name]) => {
    expect(Object.keys(reasons(input))).toEqual([name]);
  });

  test.for([
    { BROKER_INSTANCE_TYPE: "mq.m5.large", BROKER_VERSION: "3.13" },
    { WORKER_COUNT: "5000", NAT_INSTANCE: "true" },
    { WORKER_COUNT: "5000", ENGINE_PRIVATE_SUBNET: "true" },
    { WORKER_COUNT: "5000", VPC_ID: "vpc-0a1b2c3d" },
    { AZ_COUNT: "6", WORKER_MAX: "5000" },
  ] as Record<string, string>[])("%o is accepted", (input) => {
    expect(reasons(input)).toEqual({});
  });

  test("a wrong value elsewhere does not hide what does not go together", () => {
    expect(Object.keys(reasons({ LEASE_HOURS: "x", WORKER_SPOT: "z", WORKER_MIN: "60" }))).toEqual(
      expect.arrayContaining(["LEASE_HOURS", "WORKER_SPOT", "WORKER_MIN"]),
    );
  });

  test("a wrong value is not said to go ill with others, too", () => {
    expect(reasons({ WORKER_MAX: "x", WORKER_MIN: "60" })).toEqual({
      WORKER_MAX: "must be a whole number from 0 to 5,000.",
    });
  });
});

describe("fleets", () => {
  test("WORKER_COUNT pins the fleet", () => {
    expect(fleets(StageSettings.parse({ WORKER_COUNT: "200", WORKER_MAX: "10" }))).toMatchObject([
      { name: "default", min: 200, max: 200, slotsPerWorker: 4 },
    ]);
  });

  test("further fleets have defaults of their own", () => {
    const FLEETS =
      '[{"name":"big","cpu":"16 vCPU","memory":"120 GB","max":3,"labels":{"memory":"big"}},{"name":"tiny","cpu":"0.25 vCPU","max":2,"spot":false}]';
    expect(fleets(StageSettings.parse({ FLEETS })).slice(1)).toEqual([
      {
        name: "big",
        cpu: "16 vCPU",
        memory: "120 GB",
        min: 0,
        max: 3,
        spot: true,
        onDemandPercent: 0,
        slotsPerWorker: 16,
        labels: { memory: "big" },
      },
      {
        name: "tiny",
        cpu: "0.25 vCPU",
        memory: "0.5 GB",
        min: 0,
        max: 2,
        spot: false,
        onDemandPercent: 100,
        slotsPerWorker: 1,
        labels: {},
      },
    ]);
  });

  test.for([
    [
      '[{"name":"big","cpu":"16 vCPU","memory":"8 GB","max":3}]',
      '"memory": goes not with this cpu',
    ],
    ['[{"name":"default","cpu":"1 vCPU","max":3}]', '"name": is taken'],
    ['[{"name":"a","cpu":"1 vCPU","max":3},{"name":"a","cpu":"1 vCPU","max":3}]', "the same fleet"],
    ['[{"name":"a","cpu":"1 vCPU","max":3,"mex":3}]', "mex"],
    ['[{"name":"a","cpu":"1 vCPU","max":2,"min":3}]', '"min": must not be above max'],
  ] as const)("%s is refused: %s", ([FLEETS, reason]) => {
    expect(reasons({ FLEETS })["FLEETS"]).toContain(reason);
  });
});
