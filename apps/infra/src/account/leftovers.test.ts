import {
  CloudWatchClient,
  PutDashboardCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  AllocateAddressCommand,
  CreateNatGatewayCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVolumeCommand,
  CreateVpcCommand,
  CreateVpcEndpointCommand,
  EC2Client,
  type ResourceType,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import {
  CreateLoadBalancerCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBrokerCommand, MqClient } from "@aws-sdk/client-mq";
import {
  CreateDBInstanceCommand,
  CreateDBClusterCommand,
  CreateDBSnapshotCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  CreatePrivateDnsNamespaceCommand,
  ServiceDiscoveryClient,
} from "@aws-sdk/client-servicediscovery";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { rolePath, stackOutputsParameter, storeBucket } from "@hatchery/config";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Leftovers, findLeftovers } from "./leftovers.ts";
import { ensureStore } from "./ensure-store.ts";

const place = { accountId: "123456789012", region: "eu-central-1" };
let moto: Moto;

beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
}, 300_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});

const tags = (stage: string) => [
  { Key: "app", Value: "hatchery" },
  { Key: "stage", Value: stage },
];

/** One thing of each kind, as a deploy makes them. */
async function plant(stage: string): Promise<void> {
  const name = `hatchery-${stage}`;
  const Tags = tags(stage);
  const tagged = (ResourceType: ResourceType) => ({ TagSpecifications: [{ ResourceType, Tags }] });
  const ec2 = new EC2Client({});
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: "10.0.0.0/16", ...tagged("vpc") }),
  );
  const VpcId = Vpc?.VpcId ?? "";
  const subnet = async (CidrBlock: string, AvailabilityZone: string) => {
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId, CidrBlock, AvailabilityZone, ...tagged("subnet") }),
    );
    return Subnet?.SubnetId ?? "";
  };
  const SubnetId = await subnet("10.0.0.0/24", "eu-central-1a");
  const second = await subnet("10.0.1.0/24", "eu-central-1b");
  await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId, Description: "of a task" }));
  const { AllocationId } = await ec2.send(new AllocateAddressCommand(tagged("elastic-ip")));
  await ec2.send(new CreateNatGatewayCommand({ SubnetId, AllocationId, ...tagged("natgateway") }));
  for (const service of ["logs", "sqs"])
    await ec2.send(
      new CreateVpcEndpointCommand({
        VpcId,
        ServiceName: `com.amazonaws.eu-central-1.${service}`,
        VpcEndpointType: "Interface",
        SubnetIds: [SubnetId, second],
        ...tagged("vpc-endpoint"),
      }),
    );
  await ec2.send(
    new CreateVolumeCommand({
      AvailabilityZone: "eu-central-1a",
      Size: 100,
      VolumeType: "gp3",
      ...tagged("volume"),
    }),
  );
  await ec2.send(
    new RunInstancesCommand({
      MinCount: 1,
      MaxCount: 1,
      InstanceType: "t4g.nano",
      SubnetId,
      ...tagged("instance"),
    }),
  );
  await new ElasticLoadBalancingV2Client({}).send(
    new CreateLoadBalancerCommand({ Name: `${name}-lb`, Subnets: [SubnetId, second], Tags }),
  );
  await new ServiceDiscoveryClient({}).send(
    new CreatePrivateDnsNamespaceCommand({ Name: `${stage}.hatchet.sst`, Vpc: VpcId, Tags }),
  );
  const ecs = new ECSClient({});
  await ecs.send(new CreateClusterCommand({ clusterName: name }));
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: `${name}-engine`,
      cpu: "1024",
      memory: "2048",
      containerDefinitions: [{ name: "engine", image: "engine", memory: 512 }],
    }),
  );
  await ecs.send(
    new CreateServiceCommand({
      cluster: name,
      serviceName: "engine",
      taskDefinition: `${name}-engine`,
      desiredCount: 2,
    }),
  );
  await new ECRClient({}).send(new CreateRepositoryCommand({ repositoryName: name }));
  const rds = new RDSClient({});
  await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: name,
      DBInstanceClass: "db.t4g.medium",
      Engine: "postgres",
      AllocatedStorage: 100,
      MasterUsername: "hatchery",
      MasterUserPassword: "not-a-real-one",
      Tags,
    }),
  );
  await rds.send(
    new CreateDBSnapshotCommand({
      DBInstanceIdentifier: name,
      DBSnapshotIdentifier: `${name}-final`,
    }),
  );
  await new MqClient({}).send(
    new CreateBrokerCommand({
      BrokerName: name,
      EngineType: "RABBITMQ",
      EngineVersion: "4.2",
      HostInstanceType: "mq.m7g.medium",
      DeploymentMode: "SINGLE_INSTANCE",
      PubliclyAccessible: false,
      AutoMinorVersionUpgrade: true,
      Users: [{ Username: "hatchery", Password: "not-a-real-one" }],
      Tags: Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
    }),
  );
  await new SQSClient({}).send(new CreateQueueCommand({ QueueName: `${name}-mailbox` }));
  await new SecretsManagerClient({}).send(
    new CreateSecretCommand({ Name: `hatchery/${stage}/worker-token`, SecretString: "x" }),
  );
  await new SSMClient({}).send(
    new PutParameterCommand({ Name: stackOutputsParameter(stage), Value: "{}", Type: "String" }),
  );
  const logs = new CloudWatchLogsClient({});
  for (const logGroupName of [`/hatchery/${stage}/engine`, `/aws/rds/instance/${name}/postgresql`])
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
  const watch = new CloudWatchClient({});
  await watch.send(
    new PutMetricAlarmCommand({
      AlarmName: `${name}-engine-down`,
      ComparisonOperator: "LessThanThreshold",
      EvaluationPeriods: 1,
      Threshold: 0,
      MetricName: "CPUUtilization",
      Namespace: "AWS/ECS",
      Period: 300,
      Statistic: "Minimum",
    }),
  );
  await watch.send(
    new PutDashboardCommand({ DashboardName: name, DashboardBody: '{"widgets":[]}' }),
  );
  await new SchedulerClient({}).send(
    new CreateScheduleCommand({
      Name: `${name}-default`,
      ScheduleExpression: "at(2030-01-01T00:00:00)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: "arn:aws:scheduler:::aws-sdk:ecs:updateService",
        RoleArn: `arn:aws:iam::123456789012:role/${name}-lease`,
        Input: "{}",
      },
    }),
  );
  await new IAMClient({}).send(
    new CreateRoleCommand({
      RoleName: `LeaseRole-${stage}`,
      Path: rolePath(stage),
      AssumeRolePolicyDocument: "{}",
    }),
  );
}

const ofKind = ({ found }: Leftovers, kind: string) => found.filter((each) => each.kind === kind);

describe("what is left of a stage", () => {
  test("is nothing in an account that has none", async () => {
    expect(await findLeftovers("mystage", place)).toEqual({ found: [], unseen: [] });
  });

  test("is found kind by kind, each with why it is there and its price per month", async () => {
    await plant("mystage");
    const left = await findLeftovers("mystage", place);
    expect(left.unseen).toEqual([]);
    const prices = Object.fromEntries(
      left.found.map((each) => [each.kind, each.usdPerMonth ?? Number.NaN]),
    );
    expect(prices).toEqual({
      VPC: 0,
      "network interface": expect.any(Number),
      "NAT gateway": expect.closeTo(32.85, 2),
      "VPC endpoint": expect.closeTo(14.6, 2),
      "elastic address": expect.closeTo(3.65, 2),
      "EC2 instance": expect.closeTo(3.07, 2),
      "EBS volume": expect.closeTo(8, 2),
      "load balancer": expect.closeTo(22.27, 2),
      "Cloud Map namespace": 0.5,
      "ECS cluster": 0,
      "ECS service": expect.closeTo(2 * 36.04, 1),
      "task definition": 0,
      "image repository": 0,
      "RDS instance": expect.closeTo(58.95, 2),
      "RDS snapshot": expect.closeTo(9.5, 2),
      "MQ broker": expect.closeTo(65.7, 2),
      "SQS queue": 0,
      secret: 0.4,
      "SSM parameter": 0,
      "log group": 0,
      alarm: 0.1,
      "CloudWatch dashboard": 3,
      schedule: 0,
      "IAM role": 0,
    });
    expect(left.found.every((each) => each.why !== "" && each.name !== "")).toBe(true);
    expect(left.found.filter((each) => each.isExpected)).toEqual([]);
    expect(
      ofKind(left, "log group")
        .map((each) => each.name)
        .toSorted(),
    ).toEqual(["/aws/rds/instance/hatchery-mystage/postgresql", "/hatchery/mystage/engine"]);
  });

  test("is not what belongs to a stage whose name begins the same", async () => {
    await plant("mystage-two");
    const one = await findLeftovers("mystage", place);
    expect(one.found.filter((each) => each.name.includes("mystage-two"))).toEqual([]);
    const two = await findLeftovers("mystage-two", place);
    const kinds = (left: Leftovers) => new Set(left.found.map((each) => each.kind));
    expect(kinds(two)).toEqual(kinds(one));
    expect((await findLeftovers("my", place)).found).toEqual([]);
  });

  test("a thing of a kind that nobody thought of is found by its tags", async () => {
    await new RDSClient({}).send(
      new CreateDBClusterCommand({
        DBClusterIdentifier: "a-cluster",
        Engine: "aurora-postgresql",
        MasterUsername: "hatchery",
        MasterUserPassword: "not-a-real-one",
        Tags: tags("mystage"),
      }),
    );
    const left = await findLeftovers("mystage", place);
    expect(ofKind(left, "rds")).toEqual([
      expect.objectContaining({
        name: "arn:aws:rds:eu-central-1:123456789012:cluster:a-cluster",
        usdPerMonth: undefined,
      }),
    ]);
  });

  test("the store, with its size, and SST's own are meant to stay", async () => {
    await ensureStore(place, { STORE_RETENTION_DAYS: undefined });
    const s3 = new S3Client({ forcePathStyle: true });
    const location = { CreateBucketConfiguration: { LocationConstraint: "eu-central-1" as const } };
    for (const Bucket of ["sst-state-abc", "sst-asset-abc", "somebody-elses"])
      await s3.send(new CreateBucketCommand({ Bucket, ...location }));
    await s3.send(
      new PutObjectCommand({
        Bucket: storeBucket(place),
        Key: "experiments/a/b/results.parquet",
        Body: Buffer.alloc(2_000_000),
      }),
    );
    const ssm = new SSMClient({});
    for (const Name of ["/sst/bootstrap", "/sst/passphrase/hatchery/mystage"])
      await ssm.send(new PutParameterCommand({ Name, Value: "x", Type: "String" }));
    const { found } = await findLeftovers("mystage", place);
    expect(
      found
        .filter((each) => each.isExpected)
        .map((each) => each.name)
        .toSorted(),
    ).toEqual([
      "/sst/bootstrap",
      "/sst/passphrase/hatchery/mystage",
      storeBucket(place),
      "sst-asset-abc",
      "sst-state-abc",
    ]);
    const store = found.find((each) => each.kind === "store");
    expect(store?.why).toContain("0.002 GB in 1 objects");
    expect(store?.usdPerMonth).toBeCloseTo(0.002 * 0.023, 9);
    expect(found.map((each) => each.name)).not.toContain("somebody-elses");
  });

  test("the last snapshot of a permanent stage is meant to stay", async () => {
    const snapshot = async (isPermanent: boolean) => {
      const left = await findLeftovers("mystage", place, { isPermanent });
      return ofKind(left, "RDS snapshot")[0]?.isExpected;
    };
    expect(await snapshot(true)).toBe(true);
    expect(await snapshot(false)).toBe(false);
  });

  test("what AWS does not let one list is told, not taken for nothing", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", "http://127.0.0.1:1");
    try {
      const { unseen } = await findLeftovers("mystage", place);
      expect(unseen).toEqual([expect.stringContaining("load balancers: ")]);
    } finally {
      vi.stubEnv("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", moto.endpoint);
    }
  });

  test("what stands in somebody else's VPC is found by its security groups", async () => {
    const ec2 = new EC2Client({});
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.7.0.0/16" }));
    const VpcId = Vpc?.VpcId;
    const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: "10.7.0.0/24" }));
    const { GroupId = "" } = await ec2.send(
      new CreateSecurityGroupCommand({
        VpcId,
        GroupName: "engine",
        Description: "engine",
        TagSpecifications: [{ ResourceType: "security-group", Tags: tags("guest") }],
      }),
    );
    await ec2.send(
      new CreateNetworkInterfaceCommand({ SubnetId: Subnet?.SubnetId, Groups: [GroupId] }),
    );
    const left = await findLeftovers("guest", place);
    expect(ofKind(left, "security group")).toHaveLength(1);
    expect(ofKind(left, "network interface")).toHaveLength(1);
    expect(ofKind(left, "VPC")).toEqual([]);
  });
});
