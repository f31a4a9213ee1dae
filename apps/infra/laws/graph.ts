/**
 * The stage's resource graph, as Pulumi would be asked for it: the app's own source and SST's own components are
 * evaluated for a set of settings, and only the clouds' answers are made up.
 */
import { join } from "node:path";
import type * as Pulumi from "@pulumi/pulumi";
import { vi } from "vitest";
import type { Resource } from "../policy/rules.ts";
import { fromPlatform, platform } from "./platform.ts";

export interface Graph {
  readonly resources: readonly Resource[];
  readonly outputs: unknown;
  of(type: string): Resource[];
  /** The one with this name. */
  named(name: string): Resource;
}

/** What every generated secret is here: where it turns up, a secret has got out. */
export const canary = "CanarySecret1";

const region = "us-east-1";
const accountId = "123456789012";

/** Settings as a person writes them; versions of SST's components, as a deploy before has left them. */
export async function evaluate(
  settings: Readonly<Record<string, string>>,
  stage = "laws",
  componentVersions: Readonly<Record<string, number>> = {},
): Promise<Graph> {
  const resources: Resource[] = [];
  vi.resetModules();
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  try {
    const pulumi = fromPlatform("@pulumi/pulumi") as typeof Pulumi;
    await pulumi.runtime.setMocks(mocks(resources), "hatchery", stage);
    await setGlobals(pulumi, stage, componentVersions);
    const { default: config } = (await import("../sst.config.ts")) as unknown as {
      default: { run: () => Promise<unknown> };
    };
    const outputs = await config.run();
    await pulumi.runtime.disconnect();
    return {
      resources,
      outputs: await settled(pulumi, outputs),
      of: (type) => resources.filter((each) => each.type === type),
      named(name) {
        const [found, ...more] = resources.filter((each) => each.name === name);
        if (found === undefined || more.length > 0)
          throw new Error(`Not one resource is called "${name}".`);
        return found;
      },
    };
  } finally {
    vi.unstubAllEnvs();
  }
}

const settled = (pulumi: typeof Pulumi, value: unknown) =>
  new Promise((resolve) => {
    pulumi.output(value as object).apply(resolve);
  });

/** What SST puts in place around the app: its names, its command line's state, the providers' packages. */
async function setGlobals(
  pulumi: typeof Pulumi,
  stage: string,
  versions: Readonly<Record<string, number>>,
) {
  const { output, all, interpolate, jsonParse, jsonStringify } = pulumi;
  Object.assign(globalThis, {
    aws: fromPlatform("@pulumi/aws"),
    command: fromPlatform("@pulumi/command"),
    dockerbuild: fromPlatform("@pulumi/docker-build"),
    random: fromPlatform("@pulumi/random"),
    $app: { name: "hatchery", stage, removal: "remove", protect: false, providers: {} },
    $cli: {
      command: "deploy",
      paths: { root: process.cwd(), work: process.cwd(), platform, home: "/nowhere" },
      state: { version: { ...versions } },
    },
    $dev: false,
    $config: (config: unknown) => config,
    $util: pulumi,
    $output: output,
    $resolve: all,
    $interpolate: interpolate,
    $jsonParse: jsonParse,
    $jsonStringify: jsonStringify,
  });
  // Last, for SST's own modules read those names.
  const sst = (await import(join(platform, "src/components/index.ts"))) as unknown;
  Object.assign(globalThis, { sst });
}

function mocks(resources: Resource[]): Pulumi.runtime.Mocks {
  return {
    newResource({ type, name, inputs, id }) {
      resources.push({ type, name, props: inputs as Resource["props"] });
      return { id: id || `${name}-id`, state: { ...inputs, ...made(type, name, inputs) } };
    },
    call: ({ token, inputs }) =>
      answers(inputs as Record<string, unknown>)[token] ?? unknown(token),
  };
}

function unknown(token: string): never {
  throw new Error(`Nothing is made up for "${token}".`);
}

/** What a provider adds to the inputs. */
function made(type: string, name: string, inputs: Record<string, string>): Record<string, unknown> {
  const arn = `arn:aws:${type.split(":")[1]?.split("/")[0]}:${region}:${accountId}:${inputs["name"] ?? name}`;
  const special: Record<string, Record<string, unknown>> = {
    "random:index/randomPassword:RandomPassword": { result: `${canary}${name}` },
    "random:index/randomId:RandomId": { hex: "0a1b2c3d" },
    "aws:rds/instance:Instance": { address: "database.example.com", port: 5432 },
    "aws:mq/broker:Broker": {
      instances: [{ endpoints: ["amqps://broker.example.com:5671"] }],
    },
    "aws:ecr/repository:Repository": {
      repositoryUrl: `${accountId}.dkr.ecr.${region}.amazonaws.com/${inputs["name"]}`,
      registryId: accountId,
    },
    "aws:acm/certificate:Certificate": {
      domainValidationOptions: [
        {
          domainName: inputs["domainName"],
          resourceRecordName: "_proof.example.com",
          resourceRecordType: "CNAME",
          resourceRecordValue: "proof.example.com",
        },
      ],
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": { prefixListId: "pl-12345678" },
    "aws:sqs/queue:Queue": {
      url: `https://sqs.${region}.amazonaws.com/${accountId}/${inputs["name"]}`,
    },
    "aws:secretsmanager/secret:Secret": {
      arn: `arn:aws:secretsmanager:${region}:${accountId}:secret:${inputs["name"]}-AbCdEf`,
    },
    "aws:secretsmanager/secretVersion:SecretVersion": { versionId: "version-1" },
    "docker-build:index:Image": { digest: `sha256:${"d".repeat(64)}` },
  };
  return { arn, name: inputs["name"] ?? name, ...special[type] };
}

function answers(inputs: Record<string, unknown>): Record<string, Record<string, unknown>> {
  return {
    "aws:index/getRegion:getRegion": { region },
    "aws:index/getCallerIdentity:getCallerIdentity": { accountId },
    "aws:index/getPartition:getPartition": { partition: "aws" },
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
      names: ["a", "b", "c", "d", "e", "f"].map((zone) => region + zone),
    },
    "aws:ec2/getSubnets:getSubnets": {
      ids: JSON.stringify(inputs).includes("true")
        ? ["subnet-public1", "subnet-public2"]
        : ["subnet-private1", "subnet-private2"],
    },
    "aws:ec2/getAmi:getAmi": { id: "ami-1" },
    "aws:iam/getPolicyDocument:getPolicyDocument": { json: JSON.stringify(inputs) },
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
      proxyEndpoint: "https://registry.example.com",
      userName: "AWS",
      password: `${canary}Registry`,
    },
    "aws:route53/getZone:getZone": { zoneId: "Z1", name: "acmelab.com" },
  };
}
