/**
 * Everything that stands in an emulated account, by AWS's own lists and nobody's names or tags: what a teardown leaves
 * shows by comparing two of them, also where our own look for leftovers is blind.
 */
import {
  CloudWatchClient,
  ListDashboardsCommand,
  paginateDescribeAlarms,
} from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import {
  DescribeAddressesCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeInternetGateways,
  paginateDescribeNatGateways,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcs,
  DescribeKeyPairsCommand,
} from "@aws-sdk/client-ec2";
import { ECRClient, paginateDescribeRepositories } from "@aws-sdk/client-ecr";
import {
  ECSClient,
  DescribeClustersCommand,
  paginateListClusters,
  paginateListTaskDefinitions,
} from "@aws-sdk/client-ecs";
import {
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
  paginateDescribeTargetGroups,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient, paginateListInstanceProfiles, paginateListRoles } from "@aws-sdk/client-iam";
import { MqClient, paginateListBrokers } from "@aws-sdk/client-mq";
import {
  RDSClient,
  paginateDescribeDBInstances,
  paginateDescribeDBParameterGroups,
  paginateDescribeDBSnapshots,
  paginateDescribeDBSubnetGroups,
} from "@aws-sdk/client-rds";
import {
  paginateListHostedZones,
  ListResourceRecordSetsCommand,
  Route53Client,
} from "@aws-sdk/client-route-53";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient, paginateListSchedules } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient, paginateListSecrets } from "@aws-sdk/client-secrets-manager";
import {
  ServiceDiscoveryClient,
  paginateListNamespaces,
  paginateListServices,
} from "@aws-sdk/client-servicediscovery";
import { SQSClient, paginateListQueues } from "@aws-sdk/client-sqs";
import { SSMClient, paginateDescribeParameters } from "@aws-sdk/client-ssm";
import { all } from "../src/account/left/scope.ts";

const isGone = (state: string | undefined) => /^(delet|terminated|INACTIVE)/.test(state ?? "");

/** `kind name` of each thing. */
export async function inventory(): Promise<Set<string>> {
  const things = await Promise.all(
    Object.entries(lists).map(async ([kind, list]) =>
      (await list()).map((name) => `${kind} ${name}`),
    ),
  );
  return new Set(things.flat());
}

const lists: Readonly<Record<string, () => Promise<(string | undefined)[]>>> = {
  ...inEc2(new EC2Client({})),
  ...inRds(new RDSClient({})),
  bucket: async () =>
    ((await new S3Client({}).send(new ListBucketsCommand({}))).Buckets ?? []).map(
      ({ Name }) => Name,
    ),
  cluster: async () => {
    const client = new ECSClient({});
    const clusters = await all(paginateListClusters({ client }, {}), (page) => page.clusterArns);
    if (clusters.length === 0) return [];
    const found = await client.send(new DescribeClustersCommand({ clusters }));
    return (found.clusters ?? [])
      .filter(({ status }) => !isGone(status))
      .map((each) => each.clusterName);
  },
  "task definition": () =>
    all(
      paginateListTaskDefinitions({ client: new ECSClient({}) }, { status: "ACTIVE" }),
      (page) => page.taskDefinitionArns,
    ),
  repository: () =>
    all(paginateDescribeRepositories({ client: new ECRClient({}) }, {}), (page) =>
      page.repositories?.map((each) => each.repositoryName),
    ),
  "load balancer": () =>
    all(
      paginateDescribeLoadBalancers({ client: new ElasticLoadBalancingV2Client({}) }, {}),
      (page) => page.LoadBalancers?.map((each) => each.LoadBalancerName),
    ),
  "target group": () =>
    all(
      paginateDescribeTargetGroups({ client: new ElasticLoadBalancingV2Client({}) }, {}),
      (page) => page.TargetGroups?.map((each) => each.TargetGroupArn),
    ),
  role: () =>
    all(paginateListRoles({ client: new IAMClient({}) }, {}), (page) =>
      page.Roles?.map((each) => `${each.Path}${each.RoleName}`),
    ),
  "instance profile": () =>
    all(paginateListInstanceProfiles({ client: new IAMClient({}) }, {}), (page) =>
      page.InstanceProfiles?.map((each) => each.InstanceProfileName),
    ),
  broker: () =>
    all(paginateListBrokers({ client: new MqClient({}) }, {}), (page) =>
      page.BrokerSummaries?.filter((each) => !isGone(each.BrokerState)).map(
        (each) => each.BrokerName,
      ),
    ),
  "DNS record": records,
  schedule: () =>
    all(paginateListSchedules({ client: new SchedulerClient({}) }, {}), (page) =>
      page.Schedules?.map((each) => each.Name),
    ),
  secret: () =>
    all(
      paginateListSecrets(
        { client: new SecretsManagerClient({}) },
        { IncludePlannedDeletion: true },
      ),
      (page) => page.SecretList?.map((each) => each.Name),
    ),
  namespace: () =>
    all(paginateListNamespaces({ client: new ServiceDiscoveryClient({}) }, {}), (page) =>
      page.Namespaces?.map((each) => each.Name),
    ),
  "Cloud Map service": () =>
    all(paginateListServices({ client: new ServiceDiscoveryClient({}) }, {}), (page) =>
      page.Services?.map((each) => each.Name),
    ),
  queue: () =>
    all(
      paginateListQueues({ client: new SQSClient({}) }, { MaxResults: 1_000 }),
      (page) => page.QueueUrls,
    ),
  parameter: () =>
    all(paginateDescribeParameters({ client: new SSMClient({}) }, {}), (page) =>
      page.Parameters?.map((each) => each.Name).filter((name) => !name?.startsWith("/aws/")),
    ),
  "log group": () =>
    all(paginateDescribeLogGroups({ client: new CloudWatchLogsClient({}) }, {}), (page) =>
      page.logGroups?.map((each) => each.logGroupName),
    ),
  alarm: () =>
    all(paginateDescribeAlarms({ client: new CloudWatchClient({}) }, {}), (page) =>
      page.MetricAlarms?.map((each) => each.AlarmName),
    ),
  dashboard: async () => {
    const found = await new CloudWatchClient({}).send(new ListDashboardsCommand({}));
    return (found.DashboardEntries ?? []).map((each) => each.DashboardName);
  },
};

function inEc2(client: EC2Client): typeof lists {
  return {
    VPC: () =>
      all(paginateDescribeVpcs({ client }, {}), (page) => page.Vpcs?.map((each) => each.VpcId)),
    subnet: () =>
      all(paginateDescribeSubnets({ client }, {}), (page) =>
        page.Subnets?.map((each) => each.SubnetId),
      ),
    "route table": () =>
      all(paginateDescribeRouteTables({ client }, {}), (page) =>
        page.RouteTables?.map((each) => each.RouteTableId),
      ),
    "internet gateway": () =>
      all(paginateDescribeInternetGateways({ client }, {}), (page) =>
        page.InternetGateways?.map((each) => each.InternetGatewayId),
      ),
    "NAT gateway": () =>
      all(paginateDescribeNatGateways({ client }, {}), (page) =>
        page.NatGateways?.filter((each) => !isGone(each.State)).map((each) => each.NatGatewayId),
      ),
    "elastic address": async () =>
      ((await client.send(new DescribeAddressesCommand({}))).Addresses ?? []).map(
        (each) => each.AllocationId,
      ),
    "security group": () =>
      all(paginateDescribeSecurityGroups({ client }, {}), (page) =>
        page.SecurityGroups?.map((each) => each.GroupId),
      ),
    endpoint: () =>
      all(paginateDescribeVpcEndpoints({ client }, {}), (page) =>
        page.VpcEndpoints?.filter((each) => !isGone(each.State)).map((each) => each.VpcEndpointId),
      ),
    instance: () =>
      all(paginateDescribeInstances({ client }, {}), (page) =>
        page.Reservations?.flatMap((each) => each.Instances ?? [])
          .filter((each) => !isGone(each.State?.Name))
          .map((each) => each.InstanceId),
      ),
    "network interface": () => interfaces(client),
    "key pair": async () =>
      ((await client.send(new DescribeKeyPairsCommand({}))).KeyPairs ?? []).map(
        (each) => each.KeyName,
      ),
  };
}

function inRds(client: RDSClient): typeof lists {
  return {
    database: () =>
      all(paginateDescribeDBInstances({ client }, {}), (page) =>
        page.DBInstances?.map((each) => each.DBInstanceIdentifier),
      ),
    snapshot: () =>
      all(paginateDescribeDBSnapshots({ client }, {}), (page) =>
        page.DBSnapshots?.map((each) => each.DBSnapshotIdentifier),
      ),
    "subnet group": () =>
      all(paginateDescribeDBSubnetGroups({ client }, {}), (page) =>
        page.DBSubnetGroups?.map((each) => each.DBSubnetGroupName),
      ),
    "parameter group": () =>
      all(paginateDescribeDBParameterGroups({ client }, {}), (page) =>
        page.DBParameterGroups?.map((each) => each.DBParameterGroupName),
      ),
  };
}

/** moto keeps the interface of a task that has ended, also without its VPC, which is more than AWS can. */
async function interfaces(client: EC2Client): Promise<(string | undefined)[]> {
  const [found, vpcs] = await Promise.all([
    all(paginateDescribeNetworkInterfaces({ client }, {}), (page) => page.NetworkInterfaces),
    all(paginateDescribeVpcs({ client }, {}), (page) => page.Vpcs?.map((each) => each.VpcId)),
  ]);
  return found.filter((each) => vpcs.includes(each.VpcId)).map((each) => each.NetworkInterfaceId);
}

async function records(): Promise<string[]> {
  const client = new Route53Client({});
  const zones = await all(paginateListHostedZones({ client }, {}), (page) => page.HostedZones);
  const found: string[] = [];
  for (const { Id, Name } of zones) {
    const { ResourceRecordSets = [] } = await client.send(
      new ListResourceRecordSetsCommand({ HostedZoneId: Id }),
    );
    found.push(...ResourceRecordSets.map((each) => `${each.Name} ${each.Type} of ${Name}`));
  }
  return found;
}
