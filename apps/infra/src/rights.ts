/**
 * What whoever deploys must be allowed, by what it is for: each type of resource of a stage, SST itself, and the calls
 * of our own programs. The tests hold it against the resource graph, our calls, and AWS's list of actions.
 */
import { storeBucket } from "@hatchery/config";

/** The names that a stage's things have in AWS; "*" for what may be any. */
interface Names {
  readonly stage: string;
  readonly account: string;
  readonly region: string;
}

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
interface Scope {
  readonly resources: (names: Names) => readonly string[];
  readonly condition?: (names: Names) => Condition;
}

const inRegion = (service: string, ...resources: ((names: Names) => string)[]): Scope => ({
  resources: (names) =>
    resources.map(
      (resource) => `arn:aws:${service}:${names.region}:${names.account}:${resource(names)}`,
    ),
});

const scopes = {
  /** What AWS limits by nothing, or what only reads. */
  everything: { resources: () => ["*"] },
  /** What makes things that have no name before they are there. */
  region: {
    resources: () => ["*"],
    condition: ({ region }): Condition =>
      region === "*" ? {} : { StringEquals: { "aws:RequestedRegion": region } },
  },
  /** What ends things without a name: those that bear the tags of a stage. */
  tagged: {
    resources: () => ["*"],
    condition: ({ stage }): Condition => ({
      StringEquals: {
        "aws:ResourceTag/app": "hatchery",
        ...(stage !== "*" && { "aws:ResourceTag/stage": stage }),
      },
    }),
  },
  roles: {
    resources: ({ account, stage }) => [
      `arn:aws:iam::${account}:role/hatchery/${stage}/*`,
      // SST's own, of NAT instances and the bastion, and Pulumi's name for their profiles.
      `arn:aws:iam::${account}:role/hatchery-${stage}-*`,
      `arn:aws:iam::${account}:instance-profile/Vpc*Profile-*`,
    ],
  },
  serviceRoles: {
    resources: ({ account }) => [`arn:aws:iam::${account}:role/aws-service-role/*`],
    condition: (): Condition => ({
      StringEquals: {
        "iam:AWSServiceName": ["ecs", "rds", "mq", "elasticloadbalancing"].map(
          (service) => `${service}.amazonaws.com`,
        ),
      },
    }),
  },
  hostedZones: {
    resources: () => ["arn:aws:route53:::hostedzone/*", "arn:aws:route53:::change/*"],
  },
  store: {
    resources: ({ account, region }) => {
      const bucket = `arn:aws:s3:::${storeBucket({ accountId: account, region })}`;
      return [bucket, `${bucket}/*`];
    },
  },
  sstBuckets: {
    resources: () => ["arn:aws:s3:::sst-state-*", "arn:aws:s3:::sst-asset-*"],
  },
  secrets: inRegion("secretsmanager", ({ stage }) => `secret:hatchery/${stage}/*`),
  parameters: inRegion(
    "ssm",
    ({ stage }) => `parameter/hatchery/${stage}/*`,
    () => "parameter/sst/*",
  ),
  queues: inRegion("sqs", ({ stage }) => `hatchery-${stage}-*`),
  topics: inRegion("sns", ({ stage }) => `hatchery-${stage}-*`),
  schedules: inRegion("scheduler", ({ stage }) => `schedule/default/hatchery-${stage}-*`),
  logGroups: inRegion("logs", ({ stage }) => `log-group:/hatchery/${stage}/*`),
  alarms: inRegion("cloudwatch", ({ stage }) => `alarm:hatchery-${stage}-*`),
  dashboards: {
    resources: ({ account, stage }) => [
      `arn:aws:cloudwatch::${account}:dashboard/hatchery-${stage}*`,
    ],
  },
  repositories: inRegion(
    "ecr",
    ({ stage }) => `repository/hatchery-${stage}`,
    () => "repository/sst-asset",
  ),
  ecs: inRegion(
    "ecs",
    ({ stage }) => `cluster/hatchery-${stage}`,
    ({ stage }) => `service/hatchery-${stage}/*`,
    ({ stage }) => `service-deployment/hatchery-${stage}/*`,
    ({ stage }) => `service-revision/hatchery-${stage}/*`,
    ({ stage }) => `task/hatchery-${stage}/*`,
    ({ stage }) => `task-definition/hatchery-${stage}-*:*`,
  ),
  databases: inRegion(
    "rds",
    ({ stage }) => `db:hatchery-${stage}`,
    ({ stage }) => `pg:hatchery-${stage}-*`,
    ({ stage }) => `subgrp:hatchery-${stage}`,
    ({ stage }) => `snapshot:hatchery-${stage}*`,
    () => "og:default*",
  ),
  brokers: inRegion("mq", ({ stage }) => `broker:hatchery-${stage}-*`),
  balancers: inRegion(
    "elasticloadbalancing",
    ({ stage }) => `loadbalancer/app/hatchery-${stage}*`,
    ({ stage }) => `listener/app/hatchery-${stage}*`,
    () => "targetgroup/*",
  ),
} satisfies Record<string, Scope>;
type ScopeName = keyof typeof scopes;

/** Actions of one service by scope, the names of actions with spaces between. */
type Rights = Readonly<Partial<Record<ScopeName, string>>>;
const of = (service: string, rights: Rights) =>
  Object.entries(rights).map(([scope, actions]) => ({
    scope: scope as ScopeName,
    actions: actions.split(/\s+/).map((action) => `${service}:${action}`),
  }));
type Right = ReturnType<typeof of>[number];

const ec2Tags = of("ec2", { region: "CreateTags DeleteTags", everything: "DescribeTags" });
const groupRules = of("ec2", {
  region:
    "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress ModifySecurityGroupRules RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
  everything: "DescribeNetworkInterfaces DescribeSecurityGroupRules DescribeSecurityGroups",
});
const passRole = of("iam", { roles: "PassRole" });
const serviceRole = of("iam", { serviceRoles: "CreateServiceLinkedRole" });

/** What Pulumi's AWS provider calls to make, read, change and remove each. */
export const rightsOfTypes: Readonly<Record<string, readonly Right[]>> = {
  "aws:acm/certificate:Certificate": of("acm", {
    region:
      "AddTagsToCertificate DeleteCertificate RemoveTagsFromCertificate RequestCertificate UpdateCertificateOptions",
    everything: "DescribeCertificate ListTagsForCertificate",
  }),
  "aws:acm/certificateValidation:CertificateValidation": of("acm", {
    everything: "DescribeCertificate",
  }),
  "aws:cloudwatch/dashboard:Dashboard": of("cloudwatch", {
    dashboards: "DeleteDashboards GetDashboard PutDashboard",
  }),
  "aws:cloudwatch/logGroup:LogGroup": of("logs", {
    logGroups:
      "CreateLogGroup DeleteLogGroup DeleteRetentionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource",
    everything: "DescribeLogGroups",
  }),
  "aws:cloudwatch/metricAlarm:MetricAlarm": of("cloudwatch", {
    alarms: "DeleteAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource",
    everything: "DescribeAlarms",
  }),
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": [...groupRules, ...ec2Tags],
  "aws:ec2/eip:Eip": [
    ...of("ec2", {
      region: "AllocateAddress AssociateAddress DisassociateAddress",
      tagged: "ReleaseAddress",
      everything: "DescribeAddresses DescribeAddressesAttribute",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/eipAssociation:EipAssociation": of("ec2", {
    region: "AssociateAddress DisassociateAddress",
    everything: "DescribeAddresses",
  }),
  "aws:ec2/instance:Instance": [
    ...of("ec2", {
      region: "ModifyInstanceAttribute ModifyInstanceMetadataOptions RunInstances",
      tagged: "StartInstances StopInstances TerminateInstances",
      everything:
        "DescribeIamInstanceProfileAssociations DescribeImages DescribeInstanceAttribute DescribeInstanceCreditSpecifications DescribeInstanceStatus DescribeInstanceTypes DescribeInstances DescribeVolumes",
    }),
    ...ec2Tags,
    ...passRole,
  ],
  "aws:ec2/internetGateway:InternetGateway": [
    ...of("ec2", {
      region: "AttachInternetGateway CreateInternetGateway",
      tagged: "DeleteInternetGateway DetachInternetGateway",
      everything: "DescribeInternetGateways",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/keyPair:KeyPair": [
    ...of("ec2", {
      region: "ImportKeyPair",
      tagged: "DeleteKeyPair",
      everything: "DescribeKeyPairs",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/natGateway:NatGateway": [
    ...of("ec2", {
      region: "CreateNatGateway",
      tagged: "DeleteNatGateway",
      everything: "DescribeAddresses DescribeNatGateways",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/routeTable:RouteTable": [
    ...of("ec2", {
      region: "CreateRoute CreateRouteTable DeleteRoute DisassociateRouteTable ReplaceRoute",
      tagged: "DeleteRouteTable",
      everything: "DescribeRouteTables",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": of("ec2", {
    region: "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation",
    everything: "DescribeRouteTables",
  }),
  "aws:ec2/securityGroup:SecurityGroup": [
    ...of("ec2", { region: "CreateSecurityGroup", tagged: "DeleteSecurityGroup" }),
    ...groupRules,
    ...ec2Tags,
  ],
  "aws:ec2/subnet:Subnet": [
    ...of("ec2", {
      region: "CreateSubnet ModifySubnetAttribute",
      tagged: "DeleteSubnet",
      everything: "DescribeNetworkInterfaces DescribeSubnets",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/vpc:Vpc": [
    ...of("ec2", {
      region: "CreateVpc ModifyVpcAttribute",
      tagged: "DeleteVpc",
      everything:
        "DescribeAvailabilityZones DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroups DescribeVpcAttribute DescribeVpcs",
    }),
    ...ec2Tags,
  ],
  "aws:ec2/vpcEndpoint:VpcEndpoint": [
    ...of("ec2", {
      region: "CreateVpcEndpoint ModifyVpcEndpoint",
      tagged: "DeleteVpcEndpoints",
      everything: "DescribePrefixLists DescribeVpcEndpointServices DescribeVpcEndpoints",
    }),
    // Private names of an interface endpoint.
    ...of("route53", { hostedZones: "AssociateVPCWithHostedZone" }),
    ...ec2Tags,
  ],
  "aws:ecr/repository:Repository": of("ecr", {
    repositories:
      "CreateRepository DeleteRepository DescribeRepositories ListTagsForResource PutImageScanningConfiguration PutImageTagMutability TagResource UntagResource",
  }),
  "docker-build:index:Image": of("ecr", {
    repositories:
      "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload GetDownloadUrlForLayer InitiateLayerUpload PutImage UploadLayerPart",
    everything: "GetAuthorizationToken",
  }),
  "aws:ecs/cluster:Cluster": [
    ...of("ecs", {
      ecs: "CreateCluster DeleteCluster DescribeClusters ListTagsForResource TagResource UntagResource UpdateCluster UpdateClusterSettings",
    }),
    ...serviceRole,
  ],
  "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": of("ecs", {
    ecs: "DescribeClusters PutClusterCapacityProviders",
  }),
  "aws:ecs/service:Service": [
    ...of("ecs", {
      ecs: "CreateService DeleteService DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTasks ListServiceDeployments TagResource UntagResource UpdateService",
      everything: "ListTasks",
    }),
    ...passRole,
  ],
  "aws:ecs/taskDefinition:TaskDefinition": [
    ...of("ecs", {
      ecs: "ListTagsForResource RegisterTaskDefinition TagResource UntagResource",
      everything: "DeregisterTaskDefinition DescribeTaskDefinition",
    }),
    ...passRole,
  ],
  "aws:iam/instanceProfile:InstanceProfile": [
    ...of("iam", {
      roles:
        "AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile",
    }),
    ...passRole,
  ],
  "aws:iam/role:Role": of("iam", {
    roles:
      "AttachRolePolicy CreateRole DeleteRole DeleteRolePolicy DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoleTags PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
  }),
  "aws:lb/listener:Listener": of("elasticloadbalancing", {
    balancers:
      "AddTags CreateListener DeleteListener ModifyListener ModifyListenerAttributes RemoveTags",
    everything: "DescribeListenerAttributes DescribeListeners DescribeTags",
  }),
  "aws:lb/loadBalancer:LoadBalancer": [
    ...of("elasticloadbalancing", {
      balancers:
        "AddTags CreateLoadBalancer DeleteLoadBalancer ModifyCapacityReservation ModifyLoadBalancerAttributes RemoveTags SetIpAddressType SetSecurityGroups SetSubnets",
      everything:
        "DescribeCapacityReservation DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeTags",
    }),
    ...of("ec2", {
      everything:
        "DescribeAccountAttributes DescribeInternetGateways DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs",
    }),
    ...serviceRole,
  ],
  "aws:lb/targetGroup:TargetGroup": of("elasticloadbalancing", {
    balancers:
      "AddTags CreateTargetGroup DeleteTargetGroup ModifyTargetGroup ModifyTargetGroupAttributes RemoveTags",
    everything:
      "DescribeTags DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth",
  }),
  "aws:mq/broker:Broker": [
    ...of("mq", {
      brokers:
        "CreateTags DeleteBroker DeleteTags DescribeBroker ListTags ListUsers RebootBroker UpdateBroker",
      everything:
        "CreateBroker DescribeBrokerEngineTypes DescribeBrokerInstanceOptions ListBrokers",
    }),
    // Amazon MQ makes these in the name of whoever makes the broker.
    ...of("ec2", {
      region:
        "CreateNetworkInterface CreateNetworkInterfacePermission CreateVpcEndpoint DeleteNetworkInterface DeleteNetworkInterfacePermission DetachNetworkInterface ModifyNetworkInterfaceAttribute",
      tagged: "DeleteVpcEndpoints",
      everything:
        "DescribeInternetGateways DescribeNetworkInterfacePermissions DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints DescribeVpcs",
    }),
    ...of("route53", { hostedZones: "AssociateVPCWithHostedZone" }),
    ...serviceRole,
  ],
  "aws:rds/instance:Instance": [
    ...of("rds", {
      databases:
        "AddTagsToResource CreateDBInstance CreateDBSnapshot DeleteDBInstance ListTagsForResource ModifyDBInstance RebootDBInstance RemoveTagsFromResource",
      everything: "DescribeDBInstances",
    }),
    ...of("ec2", {
      everything:
        "DescribeAccountAttributes DescribeAvailabilityZones DescribeInternetGateways DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute DescribeVpcs",
    }),
    ...serviceRole,
  ],
  "aws:rds/parameterGroup:ParameterGroup": of("rds", {
    databases:
      "AddTagsToResource CreateDBParameterGroup DeleteDBParameterGroup DescribeDBParameterGroups DescribeDBParameters ListTagsForResource ModifyDBParameterGroup RemoveTagsFromResource ResetDBParameterGroup",
  }),
  "aws:rds/subnetGroup:SubnetGroup": of("rds", {
    databases:
      "AddTagsToResource CreateDBSubnetGroup DeleteDBSubnetGroup DescribeDBSubnetGroups ListTagsForResource ModifyDBSubnetGroup RemoveTagsFromResource",
  }),
  "aws:route53/record:Record": of("route53", {
    hostedZones:
      "ChangeResourceRecordSets GetChange GetHostedZone ListResourceRecordSets ListTagsForResource",
    everything: "ListHostedZones ListHostedZonesByName",
  }),
  "aws:scheduler/schedule:Schedule": [
    ...of("scheduler", { schedules: "CreateSchedule DeleteSchedule GetSchedule UpdateSchedule" }),
    ...passRole,
  ],
  "aws:secretsmanager/secret:Secret": of("secretsmanager", {
    secrets:
      "CreateSecret DeleteSecret DescribeSecret GetResourcePolicy TagResource UntagResource UpdateSecret",
  }),
  "aws:secretsmanager/secretVersion:SecretVersion": of("secretsmanager", {
    secrets: "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage",
  }),
  "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace": [
    ...of("servicediscovery", {
      region:
        "CreatePrivateDnsNamespace DeleteNamespace TagResource UntagResource UpdatePrivateDnsNamespace",
      everything: "GetNamespace GetOperation ListNamespaces ListServices ListTagsForResource",
    }),
    // Cloud Map keeps the names in a private zone, made in the name of whoever makes the namespace.
    ...of("route53", {
      hostedZones:
        "AssociateVPCWithHostedZone ChangeResourceRecordSets DeleteHostedZone GetHostedZone",
      everything: "CreateHostedZone ListHostedZonesByName",
    }),
    ...of("ec2", { everything: "DescribeRegions DescribeVpcs" }),
  ],
  "aws:servicediscovery/service:Service": [
    ...of("servicediscovery", {
      region:
        "CreateService DeleteService DeregisterInstance TagResource UntagResource UpdateService",
      everything: "GetOperation GetService ListInstances ListTagsForResource",
    }),
    ...of("route53", {
      hostedZones: "ChangeResourceRecordSets GetHostedZone",
    }),
  ],
  "aws:sns/topic:Topic": of("sns", {
    topics:
      "CreateTopic DeleteTopic GetTopicAttributes ListTagsForResource SetTopicAttributes TagResource UntagResource",
  }),
  "aws:sns/topicSubscription:TopicSubscription": of("sns", {
    topics:
      "GetSubscriptionAttributes ListSubscriptionsByTopic SetSubscriptionAttributes Subscribe Unsubscribe",
  }),
  "aws:sqs/queue:Queue": of("sqs", {
    queues:
      "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue UntagQueue",
  }),
  "aws:sqs/queuePolicy:QueuePolicy": of("sqs", { queues: "GetQueueAttributes SetQueueAttributes" }),
  "aws:ssm/parameter:Parameter": of("ssm", {
    parameters:
      "AddTagsToResource DeleteParameter GetParameter GetParameters ListTagsForResource PutParameter RemoveTagsFromResource",
    everything: "DescribeParameters",
  }),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": [...groupRules, ...ec2Tags],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": [...groupRules, ...ec2Tags],
};

/** SST's own: where it keeps its state and the stage's secrets, made on the first deploy of an account. */
const rightsOfSst: readonly Right[] = [
  ...of("s3", {
    sstBuckets:
      "CreateBucket DeleteObject DeleteObjectVersion GetObject ListBucket ListBucketVersions PutBucketNotification PutBucketPolicy PutBucketVersioning PutObject",
  }),
  ...of("ssm", {
    parameters: "DeleteParameter GetParameter GetParameters GetParametersByPath PutParameter",
  }),
  ...of("ecr", { repositories: "CreateRepository DescribeRepositories" }),
];

/** Of deploy, setup run and teardown: what src/ asks for by the SDK, and by the store and the mailbox. */
export const rightsOfPrograms: readonly Right[] = [
  ...of("sts", { everything: "GetCallerIdentity" }),
  ...of("servicequotas", { everything: "GetServiceQuota" }),
  ...of("tag", { everything: "GetResources" }),
  ...of("s3", {
    store:
      "CreateBucket GetBucketTagging GetLifecycleConfiguration GetObject ListBucket PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging PutEncryptionConfiguration PutLifecycleConfiguration PutObject",
    everything: "ListAllMyBuckets",
  }),
  ...of("sqs", { queues: "GetQueueAttributes GetQueueUrl SendMessage", everything: "ListQueues" }),
  ...of("ecs", {
    ecs: "DescribeClusters DescribeServices DescribeTasks RunTask StopTask",
    everything: "DescribeTaskDefinition ListClusters ListServices ListTaskDefinitions",
  }),
  ...passRole,
  ...of("logs", { logGroups: "GetLogEvents", everything: "DescribeLogGroups" }),
  ...of("ssm", { parameters: "GetParameter", everything: "DescribeParameters" }),
  ...of("cloudwatch", { everything: "DescribeAlarms ListDashboards" }),
  ...of("ec2", {
    everything:
      "DescribeAddresses DescribeInstances DescribeNatGateways DescribeNetworkInterfaces DescribeSecurityGroups DescribeVolumes DescribeVpcEndpoints DescribeVpcs",
  }),
  ...of("ecr", { repositories: "DescribeImages", everything: "DescribeRepositories" }),
  ...of("elasticloadbalancing", { everything: "DescribeLoadBalancers DescribeTags" }),
  ...of("iam", { everything: "ListInstanceProfiles ListRoles" }),
  ...of("mq", { everything: "DescribeBroker ListBrokers" }),
  ...of("rds", {
    databases: "ListTagsForResource ModifyDBInstance",
    everything: "DescribeDBInstanceAutomatedBackups DescribeDBInstances DescribeDBSnapshots",
  }),
  ...of("scheduler", { everything: "ListSchedules" }),
  ...of("secretsmanager", { everything: "ListSecrets" }),
  ...of("servicediscovery", { everything: "ListNamespaces ListTagsForResource" }),
];

export interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
}
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

const all = [...Object.values(rightsOfTypes).flat(), ...rightsOfSst, ...rightsOfPrograms];

/** One statement for each scope: what is allowed on everything is not said again. */
function statements(names: Names): Statement[] {
  const byScope = Map.groupBy(all, ({ scope }) => scope);
  const anywhere = new Set(byScope.get("everything")?.flatMap(({ actions }) => actions));
  return [...byScope].map(([scope, rights]) => {
    const { resources, condition }: Scope = scopes[scope];
    const named = condition?.(names) ?? {};
    const actions = new Set(rights.flatMap((right) => right.actions));
    return {
      Effect: "Allow",
      Action: [...actions]
        .filter((action) => scope === "everything" || !anywhere.has(action))
        .toSorted(),
      Resource: resources(names),
      ...(Object.keys(named).length > 0 && { Condition: named }),
    };
  });
}

/** Characters of a managed policy, of which one person or role has ten at most. */
export const mostCharacters = 6_144;

/** All of it, in as few policies as AWS's limit allows. */
export function rightsToDeploy(names: Names): PolicyDocument[] {
  const documents: PolicyDocument[] = [];
  const fits = (Statement: readonly Statement[]) =>
    JSON.stringify({ Version: "2012-10-17", Statement }).length <= mostCharacters;
  for (const statement of statements(names)) {
    const at = documents.findIndex((document) => fits([...document.Statement, statement]));
    const before = documents[at]?.Statement ?? [];
    const document = { Version: "2012-10-17", Statement: [...before, statement] } as const;
    documents.splice(at === -1 ? documents.length : at, at === -1 ? 0 : 1, document);
  }
  return documents;
}
