/** Where all tasks run. */
import { groups, network } from "./network.ts";
import { ofThisVersion, stageName } from "./settings.ts";

/** A plain description of the network: with SST's own, services would stand on public subnets and in Cloud Map. */
export const cluster = new sst.aws.Cluster(ofThisVersion("Cluster"), {
  vpc: {
    id: network.vpcId,
    securityGroups: [groups.engine.id],
    containerSubnets: network.taskSubnets,
    loadBalancerSubnets: network.publicSubnets,
  },
  transform: {
    cluster: (args) => {
      args.name = stageName;
    },
  },
}).nodes.cluster;

/** Where a task of a role stands. */
export const placed = (group: aws.ec2.SecurityGroup) => ({
  subnets: network.taskSubnets,
  securityGroups: [group.id],
  assignPublicIp: network.hasPublicAddresses,
});
