/**
 * Where everything stands, and who may reach whom: one security group per role, and one list of what each may reach.
 * A simulation is somebody's program, so workers reach the engine and nothing else of the stage.
 */
import { UserError, enginePorts, exitCodes, networkMode, subnets } from "@hatchery/config";
import { ofThisVersion, region, settings, stage, stageName } from "./settings.ts";

const mode = networkMode(settings);
const isNew = mode !== "existing";

/** Without local zones, which an account may have switched on and which lack most services. */
const zones = aws
  .getAvailabilityZonesOutput({
    state: "available",
    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
  })
  .names.apply((names) => {
    if (names.length >= Math.max(2, settings.AZ_COUNT)) return [...names];
    throw new UserError(
      `AZ_COUNT="${settings.AZ_COUNT}" is more than the ${names.length} zones of this region.`,
      { exitCode: exitCodes.wrongSettings },
    );
  });

const layout = subnets(settings.AZ_COUNT);
const zoneOf = (name: string) => layout[Number(/\d+$/.exec(name)?.[0]) - 1];

const vpc = isNew
  ? new sst.aws.Vpc(ofThisVersion("Vpc"), {
      az: zones.apply((names) => names.slice(0, settings.AZ_COUNT)),
      nat: ({ "nat-gateway": "managed", "nat-instance": "ec2" } as const)[mode as "nat-gateway"],
      bastion: settings.BASTION_ENABLED,
      transform: {
        vpc: { tags: { Name: stageName } },
        publicSubnet: (args, _options, name) => {
          args.cidrBlock = zoneOf(name)?.public;
          // Nothing gets a public address by standing here; those that need one ask for it.
          args.mapPublicIpOnLaunch = false;
        },
        privateSubnet: (args, _options, name) => {
          args.cidrBlock = zoneOf(name)?.private;
        },
        // SST would let everything in the network reach everything else.
        securityGroup: (args) => {
          args.ingress = [];
          args.egress = [];
        },
        natSecurityGroup: closed,
        bastionSecurityGroup: closed,
        natInstance: hardened,
        bastionInstance: (args, options) => {
          hardened(args, options);
          args.associatePublicIpAddress = true;
        },
      },
    })
  : undefined;

/** Rules of their own follow below; inline ones would fight with them. */
function closed(args: aws.ec2.SecurityGroupArgs): undefined {
  delete args.ingress;
  delete args.egress;
}

function hardened(args: aws.ec2.InstanceArgs, options: $util.CustomResourceOptions): undefined {
  args.metadataOptions = { httpEndpoint: "enabled", httpTokens: "required" };
  args.rootBlockDevice = { encrypted: true };
  args.volumeTags = { app: "hatchery", stage };
  // SST takes the newest image at each deploy: no reason to replace what the fleet's traffic goes through.
  options.ignoreChanges = ["ami"];
}

const vpcId = vpc?.id ?? $output(settings.VPC_ID ?? "");

const existingSubnets = (isPublic: boolean) =>
  aws.ec2
    .getSubnetsOutput({
      filters: [
        { name: "vpc-id", values: [vpcId] },
        { name: "map-public-ip-on-launch", values: [String(isPublic)] },
      ],
    })
    .ids.apply((ids) => {
      if (ids.length > 0 || (isPublic && settings.ROOT_DOMAIN === undefined)) return ids.toSorted();
      throw new UserError(
        `The VPC "${settings.VPC_ID}" has no ${isPublic ? "public" : "private"} subnets.`,
        { exitCode: exitCodes.wrongSettings },
      );
    });

const publicSubnets: $util.Output<string[]> = vpc
  ? $util.output(vpc.publicSubnets)
  : existingSubnets(true);
const privateSubnets: $util.Output<string[]> = vpc
  ? $util.output(vpc.privateSubnets)
  : existingSubnets(false);

/** A database wants subnets in two zones, also where the stage has one. Beyond every other subnet of any AZ_COUNT. */
const secondZone =
  isNew && settings.AZ_COUNT === 1
    ? new aws.ec2.Subnet("DatabaseSubnet", {
        vpcId,
        cidrBlock: "10.0.48.0/28",
        availabilityZone: zones.apply((names) => names[1] ?? ""),
        tags: { Name: `${stageName}-database` },
      })
    : undefined;

/** An existing VPC may have SST's own "sst" for something else, so a stage in it brings one of its own. */
const namespace =
  vpc?.nodes.cloudmapNamespace ??
  new aws.servicediscovery.PrivateDnsNamespace("Names", {
    name: `${stage}.hatchet.sst`,
    vpc: vpcId,
  });

export const network = {
  mode,
  vpcId,
  vpc,
  publicSubnets,
  privateSubnets,
  databaseSubnets: secondZone
    ? $util.all([privateSubnets, secondZone.id]).apply(([ids, second]) => [...ids, second])
    : privateSubnets,
  databaseZone: secondZone && zones.apply((names) => names[0] ?? ""),
  /** Where tasks stand: on public subnets they need an address of their own to reach anything. */
  taskSubnets: mode === "public" ? publicSubnets : privateSubnets,
  hasPublicAddresses: mode === "public",
  namespace,
};

const group = (name: string, description: string) =>
  new aws.ec2.SecurityGroup(`${name}Group`, {
    vpcId,
    description,
    revokeRulesOnDelete: true,
    tags: { Name: `${stageName}-${name.toLowerCase()}` },
  });

export const groups = {
  engine: group("Engine", "Engine, API and dashboard"),
  steward: group("Steward", "The steward"),
  worker: group("Worker", "Workers: reached by nobody"),
  setup: group("Setup", "The setup job"),
  database: group("Database", "Postgres"),
  ...(settings.BROKER_INSTANCE_TYPE !== "none" && { broker: group("Broker", "RabbitMQ") }),
  ...(settings.ROOT_DOMAIN !== undefined && {
    loadBalancer: group("LoadBalancer", "The way in from outside"),
  }),
  ...(mode === "endpoints" && { endpoints: group("Endpoints", "AWS's own services") }),
};
type Role =
  | "engine"
  | "steward"
  | "worker"
  | "setup"
  | "database"
  | "broker"
  | "loadBalancer"
  | "endpoints"
  | "bastion"
  | "nat";

const groupIds: Partial<Record<Role, $util.Input<string>>> = {
  ...Object.fromEntries(Object.entries(groups).map(([role, { id }]) => [role, id])),
  ...(vpc && mode === "nat-instance" && { nat: natGroup() }),
  ...(vpc && settings.BASTION_ENABLED && { bastion: bastionGroup() }),
};

function natGroup() {
  return vpc!.nodes.natSecurityGroup.apply((found) => found!.id);
}
/** With NAT instances SST makes the first of them the bastion. */
function bastionGroup() {
  return vpc!.nodes.bastionSecurityGroup.apply((found) => found!.id);
}

const https = 443;
const database = 5432;
const amqps = 5671;
const dashboard = 80;

/** Who may reach whom, at which ports. What is not here is shut. */
const reach: readonly (readonly [Role, Role, readonly number[]])[] = [
  ["worker", "engine", [enginePorts.grpc, dashboard]],
  ["steward", "engine", [enginePorts.grpc, dashboard]],
  ["loadBalancer", "engine", [enginePorts.grpc, dashboard]],
  ["engine", "database", [database]],
  ["setup", "database", [database]],
  ["engine", "broker", [amqps]],
  ...(["engine", "setup", "steward", "worker"] as const).flatMap(
    (role) =>
      [
        [role, "endpoints", [https]],
        [role, "nat", [https]],
      ] as const,
  ),
  ["bastion", "engine", [enginePorts.grpc, dashboard, enginePorts.api]],
  ["bastion", "database", [database]],
  // RabbitMQ's console.
  ["bastion", "broker", [https]],
];

const titled = (role: string) => role.charAt(0).toUpperCase() + role.slice(1);

for (const [from, to, ports] of reach) {
  const [source, target] = [groupIds[from], groupIds[to]];
  if (source === undefined || target === undefined) continue;
  for (const port of ports) {
    const name = `${titled(from)}To${titled(to)}${port}`;
    const rule = { ipProtocol: "tcp", fromPort: port, toPort: port };
    new aws.vpc.SecurityGroupIngressRule(`${name}In`, {
      ...rule,
      securityGroupId: target,
      referencedSecurityGroupId: source,
    });
    new aws.vpc.SecurityGroupEgressRule(`${name}Out`, {
      ...rule,
      securityGroupId: source,
      referencedSecurityGroupId: target,
    });
  }
}

/** In every mode but the VPC of somebody else: image layers and results cost nothing on this way. */
const storeEndpoint = vpc
  ? new aws.ec2.VpcEndpoint("StoreEndpoint", {
      vpcId,
      serviceName: $interpolate`com.amazonaws.${region}.s3`,
      routeTableIds: $util
        .all([vpc.nodes.publicRouteTables, vpc.nodes.privateRouteTables])
        .apply((tables) => $util.all(tables.flat().map((table) => table.id))),
      tags: { Name: `${stageName}-store` },
    })
  : undefined;

/** Out to AWS's services and, where there is a way, to the internet: 443 only. */
for (const role of ["engine", "steward", "worker", "setup", "nat", "bastion"] as const) {
  const source = groupIds[role];
  if (source === undefined) continue;
  const isClosed = mode === "endpoints" && role !== "bastion";
  new aws.vpc.SecurityGroupEgressRule(`${titled(role)}ToHttps`, {
    securityGroupId: source,
    ipProtocol: "tcp",
    fromPort: https,
    toPort: https,
    ...(isClosed && storeEndpoint
      ? { prefixListId: storeEndpoint.prefixListId }
      : { cidrIpv4: "0.0.0.0/0" }),
  });
}

/** `sst tunnel` comes by SSH, from the addresses that a person named; never from everywhere. */
if (groupIds.bastion !== undefined)
  settings.ALLOWED_CIDRS.filter((range) => !range.endsWith("/0")).forEach((range, index) => {
    new aws.vpc.SecurityGroupIngressRule(`Tunnel${index}`, {
      securityGroupId: groupIds.bastion!,
      ipProtocol: "tcp",
      fromPort: 22,
      toPort: 22,
      cidrIpv4: range,
    });
  });

const interfaceEndpoints = new Map<string, aws.ec2.VpcEndpoint>();

/**
 * The ways to the services that a task uses, made when the first task says that it uses them, so that none can be
 * forgotten. Nothing where there is another way.
 */
export function waysTo(services: Iterable<string>): aws.ec2.VpcEndpoint[] {
  if (!("endpoints" in groups) || groups.endpoints === undefined) return [];
  const { id } = groups.endpoints;
  return [...services].map((service) => {
    const known = interfaceEndpoints.get(service);
    if (known) return known;
    const made = new aws.ec2.VpcEndpoint(`${service.split(".").map(titled).join("")}Endpoint`, {
      vpcId,
      serviceName: $interpolate`com.amazonaws.${region}.${service}`,
      vpcEndpointType: "Interface",
      privateDnsEnabled: true,
      subnetIds: privateSubnets,
      securityGroupIds: [id],
      tags: { Name: `${stageName}-${service}` },
    });
    interfaceEndpoints.set(service, made);
    return made;
  });
}
