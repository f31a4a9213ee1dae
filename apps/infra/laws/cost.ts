/** What a graph costs per hour with its fleets as they are made, priced resource by resource. */
import {
  type StageSettings,
  gigabytes,
  hoursPerMonth as month,
  prices,
  vcpus,
  type Cpu,
  type Memory,
  fleets,
} from "@hatchery/config";
import type { Resource } from "../policy/rules.ts";

type Price = (resource: Resource, all: readonly Resource[], settings: StageSettings) => number;
const free: Price = () => 0;

const byType: Readonly<Record<string, Price>> = {
  "aws:rds/instance:Instance": ({ props }) =>
    (prices.databaseHour[String(props["instanceClass"]).replace("db.", "")] ?? NaN) +
    (Number(props["allocatedStorage"]) * prices.databaseStorageGbMonth) / month,
  "aws:mq/broker:Broker": ({ props }) =>
    prices.brokerHour[props["hostInstanceType"] as keyof typeof prices.brokerHour],
  "aws:ec2/natGateway:NatGateway": () => prices.natGatewayHour,
  "aws:ec2/eip:Eip": () => prices.publicAddressHour,
  // A NAT instance's address is an Eip of its own.
  "aws:ec2/instance:Instance": ({ props }) =>
    prices.smallInstanceHour + (props["associatePublicIpAddress"] ? prices.publicAddressHour : 0),
  "aws:ec2/vpcEndpoint:VpcEndpoint": ({ props }) =>
    props["vpcEndpointType"] === "Interface"
      ? (props["subnetIds"] as string[]).length * prices.endpointHour
      : 0,
  "aws:lb/loadBalancer:LoadBalancer": ({ props }, _all, settings) =>
    prices.loadBalancerHour +
    prices.loadBalancerUnitHour +
    (settings.VPC_ID === undefined ? (props["subnets"] as string[]).length : settings.AZ_COUNT) *
      prices.publicAddressHour,
  "aws:secretsmanager/secret:Secret": () => prices.secretMonth / month,
  "aws:cloudwatch/metricAlarm:MetricAlarm": () => prices.alarmMonth / month,
  "aws:cloudwatch/dashboard:Dashboard": () => prices.dashboardMonth / month,
  "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": () =>
    prices.privateZoneMonth / month,
  "aws:ecs/service:Service": serviceHour,
};

/** Without a price by the hour: free, or by what goes through, which the quotation names as not counted. */
const freeTypes = [
  "aws:acm/certificate:Certificate",
  "aws:acm/certificateValidation:CertificateValidation",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
  "aws:ec2/eipAssociation:EipAssociation",
  "aws:ec2/internetGateway:InternetGateway",
  "aws:ec2/keyPair:KeyPair",
  "aws:ec2/routeTable:RouteTable",
  "aws:ec2/routeTableAssociation:RouteTableAssociation",
  "aws:ec2/securityGroup:SecurityGroup",
  "aws:ec2/subnet:Subnet",
  "aws:ec2/vpc:Vpc",
  "aws:ecr/repository:Repository",
  "aws:ecs/cluster:Cluster",
  "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
  "aws:ecs/taskDefinition:TaskDefinition",
  "aws:iam/instanceProfile:InstanceProfile",
  "aws:iam/role:Role",
  "aws:lb/listener:Listener",
  "aws:lb/targetGroup:TargetGroup",
  "aws:rds/parameterGroup:ParameterGroup",
  "aws:rds/subnetGroup:SubnetGroup",
  "aws:route53/record:Record",
  "aws:scheduler/schedule:Schedule",
  "aws:secretsmanager/secretVersion:SecretVersion",
  "aws:servicediscovery/service:Service",
  "aws:sns/topic:Topic",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queue:Queue",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:ssm/parameter:Parameter",
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
];

export function graphCost(resources: readonly Resource[], settings: StageSettings) {
  const known: Readonly<Record<string, Price>> = {
    ...byType,
    ...Object.fromEntries(freeTypes.map((type) => [type, free])),
  };
  const billed = resources.filter(({ type }) => type.startsWith("aws:"));
  return {
    usd: billed.reduce(
      (sum, each) => sum + (known[each.type]?.(each, resources, settings) ?? 0),
      0,
    ),
    unpriced: [...new Set(billed.map(({ type }) => type))].filter((type) => !(type in known)),
  };
}

/** From the task definition, as Fargate bills it. */
function serviceHour(
  { props }: Resource,
  all: readonly Resource[],
  settings: StageSettings,
): number {
  const name = String(props["name"]);
  const definition = all.find(
    (each) =>
      each.type === "aws:ecs/taskDefinition:TaskDefinition" &&
      each.props["family"] === `hatchery-laws-${name}`,
  );
  const cpu: Cpu = `${Number(definition?.props["cpu"]) / 1024} vCPU` as Cpu;
  const memory: Memory = `${Number(definition?.props["memory"]) / 1024} GB`;
  const price = prices.fargate[settings.WORKER_ARCHITECTURE];
  const hour = (kind: "onDemand" | "spot") =>
    vcpus(cpu) * price[kind].vcpuHour + gigabytes(memory) * price[kind].gbHour;
  const strategies = (props["capacityProviderStrategies"] ?? []) as {
    capacityProvider: string;
    weight: number;
  }[];
  const weights = strategies.reduce((sum, { weight }) => sum + weight, 0);
  const each =
    weights === 0
      ? hour("onDemand")
      : strategies.reduce(
          (sum, { capacityProvider, weight }) =>
            sum +
            (weight / weights) * hour(capacityProvider === "FARGATE_SPOT" ? "spot" : "onDemand"),
          0,
        );
  const address = props["networkConfiguration"].assignPublicIp ? prices.publicAddressHour : 0;
  const count =
    fleets(settings).find((fleet) => name === `fleet-${fleet.name}`)?.min ??
    Number(props["desiredCount"]);
  return count * (each + address);
}
