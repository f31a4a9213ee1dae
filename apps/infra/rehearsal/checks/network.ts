/** Who reaches whom: security groups, and the ways to AWS's services. */
import {
  type IpPermission,
  paginateDescribeSecurityGroups,
  paginateDescribeVpcEndpoints,
  EC2Client,
  type SecurityGroup,
} from "@aws-sdk/client-ec2";
import { networkMode } from "@hatchery/config";
import { all } from "../../src/account/left/scope.ts";
import { type Check, counted, exactly, must, none, some } from "../check.ts";
import type { Stage } from "../stage.ts";

/** Of the network that the engine's service stands in: the stage's own. */
async function groupsOf(stage: Stage): Promise<SecurityGroup[]> {
  const groups = await all(
    paginateDescribeSecurityGroups({ client: new EC2Client({}) }, {}),
    (page) => page.SecurityGroups,
  );
  const engine = stage.services.find(({ serviceName }) => serviceName === "engine");
  const [id] = engine?.networkConfiguration?.awsvpcConfiguration?.securityGroups ?? [];
  const vpc = groups.find(({ GroupId }) => GroupId === id)?.VpcId;
  must(vpc !== undefined, "AWS does not list the engine's security group.", id);
  return groups.filter(({ VpcId }) => VpcId === vpc);
}

const title = ({ Tags = [], GroupName = "" }: SecurityGroup) =>
  Tags.find(({ Key }) => Key === "Name")?.Value ?? GroupName;

const ranges = ({ IpRanges = [], Ipv6Ranges = [] }: IpPermission) => [
  ...IpRanges.map(({ CidrIp = "" }) => CidrIp),
  ...Ipv6Ranges.map(({ CidrIpv6 = "" }) => CidrIpv6),
];

export const network: readonly Check[] = [
  {
    says: "nothing is open to addresses but the load balancer and the bastion, and those to ALLOWED_CIDRS only",
    async look(stage) {
      const { ALLOWED_CIDRS, BASTION_ENABLED, ROOT_DOMAIN } = stage.settings;
      const open = (await groupsOf(stage)).flatMap((group) =>
        (group.IpPermissions ?? []).flatMap((permission) =>
          ranges(permission).map((range) => ({
            group: title(group),
            range,
            port: permission.FromPort ?? -1,
            until: permission.ToPort ?? -1,
          })),
        ),
      );
      const isAskedFor = ({ group, port, range, until }: (typeof open)[number]) =>
        ALLOWED_CIDRS.includes(range) &&
        port === until &&
        ((ROOT_DOMAIN !== undefined &&
          group.endsWith("-loadbalancer") &&
          [80, 443, 8443].includes(port)) ||
          (BASTION_ENABLED && group.includes("Bastion") && port === 22 && !range.endsWith("/0")));
      none(
        open.filter((each) => !isAskedFor(each)),
        "A group lets in what nobody asked for.",
      );
      must(
        open.length > 0 === (ROOT_DOMAIN !== undefined),
        "The load balancer lets nobody in.",
        open,
      );
      return counted(open.length, "open port");
    },
  },
  {
    says: "workers are reached by nobody, and reach the engine but neither database nor broker",
    async look(stage) {
      const groups = await groupsOf(stage);
      const group = (name: string) =>
        groups.find((each) => title(each) === `hatchery-${stage.name}-${name}`);
      const worker = group("worker");
      must(worker !== undefined, "There is no group of the workers.", groups.map(title));
      none(worker.IpPermissions ?? [], "Workers are reached by somebody.");
      const ports = (into: SecurityGroup | undefined) =>
        (into?.IpPermissions ?? [])
          .filter(({ UserIdGroupPairs = [] }) =>
            UserIdGroupPairs.some(({ GroupId }) => GroupId === worker.GroupId),
          )
          .map(({ FromPort }) => String(FromPort));
      exactly(ports(group("engine")), ["80", "7070"], "Ports of the engine that workers reach");
      for (const name of ["database", "broker"])
        none(ports(group(name)), `Workers reach the ${name}.`);
      const out = (worker.IpPermissionsEgress ?? []).map(({ FromPort }) => String(FromPort));
      exactly([...new Set(out)], ["80", "443", "7070"], "Ports that workers go to");
      return counted(groups.length, "security group");
    },
  },
  {
    says: "the store has its own way, and without another way each service that a task uses has an endpoint",
    async look(stage) {
      const [vpc] = (await groupsOf(stage)).map(({ VpcId }) => VpcId);
      const endpoints = await all(
        paginateDescribeVpcEndpoints({ client: new EC2Client({}) }, {}),
        (page) => page.VpcEndpoints?.filter(({ VpcId }) => VpcId === vpc),
      );
      const services = some(endpoints, "endpoint").map(({ ServiceName = "", State }) => {
        // The API's own spelling is not its model's.
        must(State?.toLowerCase() === "available", "An endpoint is not there.", {
          ServiceName,
          State,
        });
        return ServiceName.replace(`com.amazonaws.${stage.account.region}.`, "");
      });
      const isClosed = networkMode(stage.settings) === "endpoints";
      const wanted = ["s3"];
      if (isClosed)
        wanted.push(
          "ecr.api",
          "ecr.dkr",
          "ecs",
          "logs",
          "scheduler",
          "secretsmanager",
          "sqs",
          "ssmmessages",
        );
      exactly(services, wanted, "Endpoints");
      return services.toSorted().join(", ");
    },
  },
];
