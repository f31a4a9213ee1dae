/** The way in from outside, where ROOT_DOMAIN asks for one: dashboard on 443, gRPC on 8443, 80 sends to 443. */
import { addresses, enginePorts, externalGrpcPort } from "@hatchery/config";
import { groups, network } from "./network.ts";
import { settings, stage, stageName } from "./settings.ts";

const { externalServerUrl } = addresses(stage, settings);
const domain = externalServerUrl && new URL(externalServerUrl).hostname;

function createLoadBalancer(domainName: string, group: aws.ec2.SecurityGroup) {
  const target = (name: string, args: Partial<aws.lb.TargetGroupArgs>) =>
    new aws.lb.TargetGroup(name, {
      vpcId: network.vpcId,
      targetType: "ip",
      protocol: "HTTP",
      // Streams of workers outside are long; a deploy does not wait for their end.
      deregistrationDelay: 10,
      ...args,
    });
  const dashboard = target("DashboardTarget", {
    port: 80,
    healthCheck: { path: "/", matcher: "200-399", interval: 15, unhealthyThreshold: 10 },
  });
  const grpc = target("GrpcTarget", {
    port: enginePorts.grpc,
    protocolVersion: "GRPC",
    // The engine has no gRPC health service: "unimplemented" is its sign of life.
    healthCheck: {
      path: "/AWS.ALB/healthcheck",
      matcher: "12",
      interval: 15,
      unhealthyThreshold: 10,
    },
  });

  for (const [index, range] of settings.ALLOWED_CIDRS.entries())
    for (const port of [80, 443, externalGrpcPort])
      new aws.vpc.SecurityGroupIngressRule(`Outside${index}To${port}`, {
        securityGroupId: group.id,
        ipProtocol: "tcp",
        fromPort: port,
        toPort: port,
        cidrIpv4: range,
      });

  const balancer = new sst.aws.Alb("Access", {
    vpc: {
      id: network.vpcId,
      publicSubnets: network.publicSubnets,
      privateSubnets: network.privateSubnets,
    },
    domain:
      settings.CERTIFICATE_ARN === undefined
        ? domainName
        : { name: domainName, dns: false, cert: settings.CERTIFICATE_ARN },
    listeners: [
      { port: 80, protocol: "http" },
      { port: 443, protocol: "https" },
      { port: externalGrpcPort, protocol: "https" },
    ],
    transform: {
      // The group of the table of who reaches whom is used instead; this one lets nothing through.
      securityGroup: (args) => {
        args.ingress = [];
        args.egress = [];
      },
      loadBalancer: (args) => {
        args.name = stageName;
        args.securityGroups = [group.id];
        // A worker's stream is silent for minutes; 60 s would cut it.
        args.idleTimeout = 4_000;
        args.dropInvalidHeaderFields = true;
      },
      listener: (args) => {
        if (args.protocol === "HTTPS") {
          args.sslPolicy = "ELBSecurityPolicy-TLS13-1-2-2021-06";
          const chosen = args.port === 443 ? dashboard : grpc;
          args.defaultActions = [{ type: "forward", targetGroupArn: chosen.arn }];
        } else
          args.defaultActions = [
            {
              type: "redirect",
              redirect: { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" },
            },
          ];
      },
    },
  });
  return { balancer, dashboard, grpc };
}

export const access =
  domain && groups.loadBalancer ? createLoadBalancer(domain, groups.loadBalancer) : undefined;

/** Where the engine's service registers its containers. */
export const targets = access
  ? [
      { targetGroupArn: access.dashboard.arn, containerName: "dashboard", containerPort: 80 },
      { targetGroupArn: access.grpc.arn, containerName: "engine", containerPort: enginePorts.grpc },
    ]
  : [];
