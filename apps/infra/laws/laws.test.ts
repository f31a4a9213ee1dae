import {
  type StageSettings,
  StageSettings as Settings,
  fleets,
  hourlyCost,
  interfaceEndpoints,
  networkMode,
} from "@hatchery/config";
import { beforeAll, describe, expect, test } from "vitest";
import { type Resource, containersOf, problemsOf, rules, statementsOf } from "../policy/rules.ts";
import { rightsOfTypes } from "../src/rights.ts";
import { combinations } from "./combinations.ts";
import { graphCost } from "./cost.ts";
import { type Graph, canary, evaluate } from "./graph.ts";

const seen = new Set<string>();

describe.each(Object.entries(combinations))("%s", (_name, written) => {
  const settings: StageSettings = Settings.parse(written);
  const mode = networkMode(settings);
  let graph: Graph;

  beforeAll(async () => {
    graph = await evaluate(written);
    for (const { type } of graph.resources) seen.add(type);
  }, 120_000);

  test("keeps every rule of the policy pack", () => {
    expect(problemsOf(graph.resources)).toEqual([]);
  });

  test("no generated secret is anywhere but where secrets are kept", () => {
    const keepers = [
      "random:index/randomId:RandomId keepers",
      "aws:secretsmanager/secretVersion:SecretVersion secretString",
      "aws:rds/instance:Instance password",
      "aws:mq/broker:Broker users",
      "docker-build:index:Image registries",
      "sst:sst:Secret placeholder",
    ];
    const found = graph.resources.flatMap(({ type, props }) =>
      Object.entries(props)
        .filter(([, value]) => JSON.stringify(value)?.includes(canary))
        .map(([property]) => `${type} ${property}`),
    );
    expect(found.filter((place) => !keepers.includes(place))).toEqual([]);
    expect(found).toContain("aws:secretsmanager/secretVersion:SecretVersion secretString");
    expect(JSON.stringify(graph.outputs)).not.toContain(canary);
  });

  test("workers reach the engine and HTTPS, nobody reaches workers", () => {
    const groupOf = (id: unknown) => String(id).replace(/-id$/, "");
    const rulesOf = (direction: "Ingress" | "Egress") =>
      graph.of(`aws:vpc/securityGroup${direction}Rule:SecurityGroup${direction}Rule`);
    const into = rulesOf("Ingress").map(({ props }) => groupOf(props["securityGroupId"]));
    expect(into).not.toContain("WorkerGroup");
    const reached = (role: string) =>
      rulesOf("Ingress")
        .filter(({ props }) => groupOf(props["referencedSecurityGroupId"]) === role)
        .map(({ props }) => `${groupOf(props["securityGroupId"])} ${props["fromPort"]}`)
        .toSorted();
    const way = {
      "nat-instance": ["VpcNatInstanceSecurityGroup 443"],
      endpoints: ["EndpointsGroup 443"],
    };
    expect(reached("WorkerGroup")).toEqual(
      ["EngineGroup 7070", "EngineGroup 80", ...(way[mode as keyof typeof way] ?? [])].toSorted(),
    );
    expect(reached("StewardGroup")).toEqual(reached("WorkerGroup"));
    const out = rulesOf("Egress")
      .filter(({ props }) => groupOf(props["securityGroupId"]) === "WorkerGroup")
      .map(({ props }) => props["fromPort"]);
    expect(new Set(out)).toEqual(new Set([80, 443, 7070]));
  });

  test("every rule for coming in has its rule for going out", () => {
    const pair = ({ props }: Resource, from: string, to: string) =>
      `${String(props[from])} ${String(props[to])} ${String(props["fromPort"])}`;
    const named = (direction: string) =>
      graph
        .of(`aws:vpc/securityGroup${direction}Rule:SecurityGroup${direction}Rule`)
        .filter(({ props }) => props["referencedSecurityGroupId"] !== undefined);
    expect(
      named("Ingress")
        .map((each) => pair(each, "referencedSecurityGroupId", "securityGroupId"))
        .toSorted(),
    ).toEqual(
      named("Egress")
        .map((each) => pair(each, "securityGroupId", "referencedSecurityGroupId"))
        .toSorted(),
    );
  });

  test("subnets do not overlap, and hold every worker", () => {
    const subnets = graph.of("aws:ec2/subnet:Subnet").map(({ name, props }) => {
      const [address = "", bits = ""] = String(props["cidrBlock"]).split("/");
      const from = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
      return { name, from, size: 2 ** (32 - Number(bits)), isPublic: props["mapPublicIpOnLaunch"] };
    });
    if (mode === "existing") return expect(subnets).toEqual([]);
    const inOrder = subnets.toSorted((a, b) => a.from - b.from);
    for (const [index, subnet] of inOrder.slice(1).entries()) {
      const before = inOrder[index]!;
      expect(before.from + before.size, `${before.name} and ${subnet.name}`).toBeLessThanOrEqual(
        subnet.from,
      );
    }
    const kind = mode === "public" ? "PublicSubnet" : "PrivateSubnet";
    const free = subnets
      .filter(({ name }) => name.includes(kind))
      .reduce((sum, { size }) => sum + size - 5, 0);
    expect(free - 40).toBeGreaterThanOrEqual(
      fleets(settings).reduce((sum, fleet) => sum + fleet.max, 0),
    );
    expect(subnets.some(({ isPublic }) => isPublic === true)).toBe(false);
  });

  test("the database has subnets in two zones", () => {
    const { subnetIds } = graph.named("DatabaseSubnets").props;
    expect(new Set(subnetIds as string[]).size).toBeGreaterThanOrEqual(2);
  });

  test("only where everything is public has a task a public address", () => {
    for (const { props } of graph.of("aws:ecs/service:Service"))
      expect(props["networkConfiguration"].assignPublicIp).toBe(mode === "public");
  });

  test("without a way to the internet every service that a task uses has its endpoint, and every image is in the account", () => {
    const interfaces = graph
      .of("aws:ec2/vpcEndpoint:VpcEndpoint")
      .filter(({ props }) => props["vpcEndpointType"] === "Interface")
      .map(({ props }) => String(props["serviceName"]).replace("com.amazonaws.us-east-1.", ""));
    if (mode !== "endpoints") return expect(interfaces).toEqual([]);
    // What the task definitions and roles say, by another road than the one that made the endpoints.
    const actions = graph
      .of("aws:iam/role:Role")
      .filter(({ name }) => /(Task|Start)Role$/.test(name))
      .flatMap(({ props }) =>
        statementsOf((props["inlinePolicies"] as { policy: string }[]).map(({ policy }) => policy)),
      )
      .flatMap(({ Action }) => Action);
    const services = actions.map((action) => action.split(":")[0]!);
    const used = new Set(
      services.flatMap(
        (service) => ({ s3: [], iam: [], ecr: ["ecr.api", "ecr.dkr"] })[service] ?? [service],
      ),
    );
    expect(new Set(interfaces)).toEqual(used);
    expect(interfaces.toSorted()).toEqual(interfaceEndpoints(settings).toSorted());
    const images = graph
      .of("aws:ecs/taskDefinition:TaskDefinition")
      .flatMap(containersOf)
      .map(({ image }) => image);
    expect(images.filter((image) => !/^\d{12}\.dkr\.ecr\./.test(image))).toEqual([]);
  });

  test("the gateway to S3 is there but in somebody else's network", () => {
    const gateways = graph
      .of("aws:ec2/vpcEndpoint:VpcEndpoint")
      .filter(({ props }) => props["vpcEndpointType"] === undefined);
    expect(gateways).toHaveLength(mode === "existing" ? 0 : 1);
  });

  test("a task may read the secrets that it is given, and no other", () => {
    for (const task of graph.of("aws:ecs/taskDefinition:TaskDefinition")) {
      const start = graph
        .of("aws:iam/role:Role")
        .find(({ name }) => name === task.name.replace(/Definition$/, "StartRole"))!;
      const allowed = statementsOf(
        (start.props["inlinePolicies"] as { policy: string }[]).map(({ policy }) => policy),
      )
        .filter(({ Action }) => Action.includes("secretsmanager:GetSecretValue"))
        .flatMap(({ Resource: on }) => on ?? []);
      const given = containersOf(task)
        .flatMap((each) => (each as unknown as { secrets: { valueFrom: string }[] }).secrets)
        .map(({ valueFrom }) => valueFrom.split(":").slice(0, 7).join(":"));
      expect(new Set(allowed)).toEqual(new Set(given));
    }
  });

  test("each fleet is a service of its own, sized by the steward, braked by its lease", () => {
    const services = graph
      .of("aws:ecs/service:Service")
      .map(({ props }) => props["name"] as string);
    const names = fleets(settings).map(({ name }) => `fleet-${name}`);
    expect(services.toSorted()).toEqual(["engine", "steward", ...names].toSorted());
    expect(graph.of("aws:appautoscaling/target:Target")).toEqual([]);
    const brakes = graph
      .of("aws:scheduler/schedule:Schedule")
      .map(({ props }) => JSON.parse(props["target"].input as string) as unknown);
    expect(brakes).toEqual(
      names.map((Service) => ({ Cluster: "hatchery-laws", Service, DesiredCount: 0 })),
    );
  });

  test("protection and a last snapshot are for a stage that stays", () => {
    const { props } = graph.named("Database");
    expect(props["deletionProtection"]).toBe(settings.PERMANENT);
    expect(props["skipFinalSnapshot"]).toBe(!settings.PERMANENT);
  });

  test("what stands is what the price list counts", () => {
    const counted = hourlyCost(settings);
    const { usd, unpriced } = graphCost(graph.resources, settings);
    expect(unpriced).toEqual([]);
    expect(usd).toBeCloseTo(counted.idleUsd, 6);
  });

  test("the load balancer is there for a domain alone, open to those who are allowed", () => {
    const ranges = graph
      .of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
      .filter(({ name }) => name.startsWith("Outside"))
      .map(({ props }) => props["cidrIpv4"] as string);
    expect(graph.of("aws:lb/loadBalancer:LoadBalancer")).toHaveLength(settings.ROOT_DOMAIN ? 1 : 0);
    expect(new Set(ranges)).toEqual(new Set(settings.ROOT_DOMAIN ? settings.ALLOWED_CIDRS : []));
  });

  test("a tunnel comes to the bastion from ranges that a person named, not from everybody's", () => {
    const ways = graph
      .of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
      .filter(({ props }) => props["fromPort"] === 22)
      .map(({ props }) => props["cidrIpv4"] as string);
    const named = settings.ALLOWED_CIDRS.filter((range) => range !== "0.0.0.0/0");
    expect(ways).toEqual(settings.BASTION_ENABLED ? named : []);
  });
});

test("components that an interrupted deploy has made without their version are gone on with", async () => {
  const settings = combinations["the seed's shape"]!;
  const { resources } = await evaluate(settings);
  const components = resources.filter(({ type }) => type.startsWith("sst:aws:"));
  expect(components.map(({ name }) => name)).toEqual(expect.arrayContaining(["Vpc", "Cluster"]));
  // As SST reads a state without them.
  const first = Object.fromEntries(components.map(({ name }) => [name, 1]));
  const again = await evaluate(settings, "laws", first);
  expect(again.resources).toHaveLength(resources.length);
});

test("each type of resource has its rights for whoever deploys, and no other type has", () => {
  const types = [...seen].filter((type) => /^(aws|docker-build):/.test(type));
  expect(Object.keys(rightsOfTypes).toSorted()).toEqual(types.toSorted());
});

test("every rule of the policy pack has been asked of something", () => {
  const types = rules.filter((rule) => rule.name !== "no-bucket-in-a-stage");
  expect(types.filter((rule) => !rule.types.some((type) => seen.has(type)))).toEqual([]);
});
