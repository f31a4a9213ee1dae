/** VPC, interfaces, addresses, NAT, endpoints, machines, disks, load balancers, names. */
import {
  DescribeAddressesCommand,
  EC2Client,
  paginateDescribeInstances,
  paginateDescribeNatGateways,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSecurityGroups,
  paginateDescribeVolumes,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcs,
} from "@aws-sdk/client-ec2";
import {
  DescribeTagsCommand,
  ElasticLoadBalancingV2Client,
  paginateDescribeLoadBalancers,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  ListTagsForResourceCommand,
  ServiceDiscoveryClient,
  paginateListNamespaces,
} from "@aws-sdk/client-servicediscovery";
import { hoursPerMonth, prices } from "@hatchery/config";
import { type Leftover, type Scope, all } from "./scope.ts";

/** Also what stands in an existing VPC, which is not the stage's itself. */
export async function leftInNetwork(scope: Scope): Promise<Leftover[]> {
  const client = new EC2Client({});
  const vpcs = (await all(paginateDescribeVpcs({ client }, {}), (page) => page.Vpcs)).filter(
    (vpc) => scope.isTagged(vpc.Tags),
  );
  const own = new Set(vpcs.map((vpc) => vpc.VpcId));
  const groups = (
    await all(paginateDescribeSecurityGroups({ client }, {}), (page) => page.SecurityGroups)
  ).filter((group) => scope.isTagged(group.Tags) || own.has(group.VpcId));
  const ownGroups = new Set(groups.map((group) => group.GroupId));
  const [interfaces, nats, endpoints, addresses, instances, volumes] = await Promise.all([
    all(paginateDescribeNetworkInterfaces({ client }, {}), (page) => page.NetworkInterfaces),
    all(paginateDescribeNatGateways({ client }, {}), (page) => page.NatGateways),
    all(paginateDescribeVpcEndpoints({ client }, {}), (page) => page.VpcEndpoints),
    client.send(new DescribeAddressesCommand({})),
    all(paginateDescribeInstances({ client }, {}), (page) =>
      page.Reservations?.flatMap((reservation) => reservation.Instances ?? []),
    ),
    all(paginateDescribeVolumes({ client }, {}), (page) => page.Volumes),
  ]);
  return [
    ...vpcs.map((vpc) => ({
      kind: "VPC",
      remove: `ec2 delete-vpc --vpc-id ${vpc.VpcId}`,
      name: vpc.VpcId ?? "",
      why: "a VPC goes last: what stands in it holds it",
      usdPerMonth: 0,
    })),
    ...groups
      // The default one goes with its VPC.
      .filter((group) => !own.has(group.VpcId))
      .map((group) => ({
        kind: "security group",
        remove: `ec2 delete-security-group --group-id ${group.GroupId}`,
        name: `${group.GroupId} ${group.GroupName}`,
        why: "something still uses it",
        usdPerMonth: 0,
      })),
    ...interfaces
      .filter(
        (each) =>
          own.has(each.VpcId) ||
          scope.isTagged(each.TagSet) ||
          each.Groups?.some((group) => ownGroups.has(group.GroupId)),
      )
      .map((each) => ({
        kind: "network interface",
        remove: `ec2 delete-network-interface --network-interface-id ${each.NetworkInterfaceId}`,
        name: each.NetworkInterfaceId ?? "",
        why: each.Description || "of something that stands, or stood minutes ago",
        usdPerMonth: each.Association === undefined ? 0 : prices.publicAddressHour * hoursPerMonth,
      })),
    ...nats
      .filter((each) => each.State !== "deleted" && each.State !== "deleting")
      .filter((each) => own.has(each.VpcId) || scope.isTagged(each.Tags))
      .map((each) => ({
        kind: "NAT gateway",
        remove: `ec2 delete-nat-gateway --nat-gateway-id ${each.NatGatewayId}`,
        name: each.NatGatewayId ?? "",
        why: "part of the stage",
        usdPerMonth: prices.natGatewayHour * hoursPerMonth,
      })),
    ...endpoints
      .filter((each) => !/^delet(ed|ing)$/i.test(each.State ?? ""))
      .filter((each) => own.has(each.VpcId) || scope.isTagged(each.Tags))
      .map((each) => ({
        kind: "VPC endpoint",
        remove: `ec2 delete-vpc-endpoints --vpc-endpoint-ids ${each.VpcEndpointId}`,
        name: `${each.VpcEndpointId} ${each.ServiceName}`,
        why: "part of the stage",
        usdPerMonth:
          each.VpcEndpointType === "Interface"
            ? Math.max(1, each.SubnetIds?.length ?? 1) * prices.endpointHour * hoursPerMonth
            : 0,
      })),
    ...(addresses.Addresses ?? [])
      .filter((each) => scope.isTagged(each.Tags))
      .map((each) => ({
        kind: "elastic address",
        remove: `ec2 release-address --allocation-id ${each.AllocationId}`,
        name: `${each.AllocationId} ${each.PublicIp}`,
        why: each.AssociationId === undefined ? "held by nothing" : "its NAT stands",
        usdPerMonth: prices.publicAddressHour * hoursPerMonth,
      })),
    ...instances
      .filter((each) => !["terminated", "shutting-down"].includes(each.State?.Name ?? ""))
      .filter((each) => own.has(each.VpcId) || scope.isTagged(each.Tags))
      .map((each) => ({
        kind: "EC2 instance",
        remove: `ec2 terminate-instances --instance-ids ${each.InstanceId}`,
        name: each.InstanceId ?? "",
        why: `${each.InstanceType}, ${each.State?.Name}: NAT instance or bastion`,
        usdPerMonth:
          each.InstanceType === "t4g.nano" ? prices.smallInstanceHour * hoursPerMonth : undefined,
      })),
    ...volumes
      .filter((each) => scope.isTagged(each.Tags))
      .map((each) => ({
        kind: "EBS volume",
        remove: `ec2 delete-volume --volume-id ${each.VolumeId}`,
        name: each.VolumeId ?? "",
        why: `${each.Size} GB, ${each.State}`,
        usdPerMonth: (each.Size ?? 0) * prices.diskGbMonth,
      })),
  ];
}

export async function leftLoadBalancers(scope: Scope): Promise<Leftover[]> {
  const client = new ElasticLoadBalancingV2Client({});
  const balancers = await all(
    paginateDescribeLoadBalancers({ client }, {}),
    (page) => page.LoadBalancers,
  );
  const left: Leftover[] = [];
  for (const { LoadBalancerArn = "", LoadBalancerName = "" } of balancers) {
    const { TagDescriptions } = await client.send(
      new DescribeTagsCommand({ ResourceArns: [LoadBalancerArn] }),
    );
    if (!scope.isOurs(LoadBalancerName, TagDescriptions?.[0]?.Tags)) continue;
    left.push({
      kind: "load balancer",
      remove: `elbv2 delete-load-balancer --load-balancer-arn ${LoadBalancerArn}`,
      name: LoadBalancerName,
      why: "part of the stage",
      usdPerMonth: (prices.loadBalancerHour + prices.loadBalancerUnitHour) * hoursPerMonth,
    });
  }
  return left;
}

/** The namespace is SST's "sst", one for each VPC, or the stage's own. */
export async function leftNames(scope: Scope): Promise<Leftover[]> {
  const client = new ServiceDiscoveryClient({});
  const namespaces = await all(paginateListNamespaces({ client }, {}), (page) => page.Namespaces);
  const left: Leftover[] = [];
  for (const { Arn = "", Id, Name = "" } of namespaces) {
    const { Tags } = await client.send(new ListTagsForResourceCommand({ ResourceARN: Arn }));
    if (Name !== `${scope.stage}.hatchet.sst` && !scope.isTagged(Tags)) continue;
    left.push({
      kind: "Cloud Map namespace",
      remove: `servicediscovery delete-namespace --id ${Id}`,
      name: Name,
      why: "with its private DNS zone; services registered in it hold it",
      usdPerMonth: prices.privateZoneMonth,
    });
  }
  return left;
}
