/** Databases and their snapshots, brokers, queues, secrets, parameters, buckets. */
import { DescribeBrokerCommand, MqClient, paginateListBrokers } from "@aws-sdk/client-mq";
import {
  RDSClient,
  paginateDescribeDBInstanceAutomatedBackups,
  paginateDescribeDBInstances,
  paginateDescribeDBSnapshots,
} from "@aws-sdk/client-rds";
import { ListBucketsCommand, S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import { SecretsManagerClient, paginateListSecrets } from "@aws-sdk/client-secrets-manager";
import { SQSClient, paginateListQueues } from "@aws-sdk/client-sqs";
import { SSMClient, paginateDescribeParameters } from "@aws-sdk/client-ssm";
import { type AwsPlace, hoursPerMonth, prices, storeBucket } from "@hatchery/config";
import { type Leftover, type Scope, all } from "./scope.ts";

export async function leftDatabases(scope: Scope): Promise<Leftover[]> {
  const client = new RDSClient({});
  const [instances, snapshots, backups] = await Promise.all([
    all(paginateDescribeDBInstances({ client }, {}), (page) => page.DBInstances),
    all(
      paginateDescribeDBSnapshots({ client }, { SnapshotType: "manual" }),
      (page) => page.DBSnapshots,
    ),
    all(
      paginateDescribeDBInstanceAutomatedBackups({ client }, {}),
      (page) => page.DBInstanceAutomatedBackups,
    ),
  ]);
  const snapshotPrice = (gigabytes = 0) => gigabytes * prices.databaseSnapshotGbMonth;
  return [
    ...instances
      .filter((each) => scope.isOurs(each.DBInstanceIdentifier, each.TagList))
      .filter((each) => each.DBInstanceStatus !== "deleting")
      .map((each) => {
        const hour = prices.databaseHour[(each.DBInstanceClass ?? "").replace(/^db\./, "")];
        const storage = (each.AllocatedStorage ?? 0) * prices.databaseStorageGbMonth;
        return {
          kind: "RDS instance",
          remove: `rds delete-db-instance --skip-final-snapshot --db-instance-identifier ${each.DBInstanceIdentifier}`,
          name: each.DBInstanceIdentifier ?? "",
          why: each.DeletionProtection
            ? "deletion protection is on"
            : `${each.DBInstanceClass}, ${each.DBInstanceStatus}`,
          usdPerMonth: hour === undefined ? undefined : hour * hoursPerMonth + storage,
        };
      }),
    ...snapshots
      .filter((each) => scope.isOurs(each.DBSnapshotIdentifier, each.TagList))
      .map((each) => ({
        kind: "RDS snapshot",
        remove: `rds delete-db-snapshot --db-snapshot-identifier ${each.DBSnapshotIdentifier}`,
        name: each.DBSnapshotIdentifier ?? "",
        why: scope.isPermanent
          ? "a permanent stage leaves its last one"
          : `made by hand, of ${each.DBInstanceIdentifier}`,
        usdPerMonth: snapshotPrice(each.AllocatedStorage),
        isExpected: scope.isPermanent && each.DBSnapshotIdentifier === `${scope.name}-final`,
      })),
    ...backups
      .filter((each) => each.Status === "retained" && scope.isOurs(each.DBInstanceIdentifier))
      .map((each) => ({
        kind: "RDS backup",
        remove: `rds delete-db-instance-automated-backup --dbi-resource-id ${each.DbiResourceId}`,
        name: each.DBInstanceIdentifier ?? "",
        why: "automatic backups that were kept",
        usdPerMonth: snapshotPrice(each.AllocatedStorage),
      })),
  ];
}

export async function leftBrokers(scope: Scope): Promise<Leftover[]> {
  const client = new MqClient({});
  const brokers = await all(paginateListBrokers({ client }, {}), (page) => page.BrokerSummaries);
  const left: Leftover[] = [];
  for (const { BrokerId, BrokerName = "", BrokerState, HostInstanceType = "" } of brokers) {
    if (BrokerState === "DELETION_IN_PROGRESS") continue;
    const { Tags = {} } = await client.send(new DescribeBrokerCommand({ BrokerId }));
    const tags = Object.entries(Tags).map(([Key, Value]) => ({ Key, Value }));
    if (!scope.isOurs(BrokerName, tags)) continue;
    const hour = (prices.brokerHour as Readonly<Record<string, number>>)[HostInstanceType];
    left.push({
      kind: "MQ broker",
      remove: `mq delete-broker --broker-id ${BrokerId}`,
      name: BrokerName,
      why: `${HostInstanceType}, ${BrokerState}`,
      usdPerMonth: hour === undefined ? undefined : hour * hoursPerMonth,
    });
  }
  return left;
}

export async function leftQueues(scope: Scope): Promise<Leftover[]> {
  const client = new SQSClient({});
  const urls = await all(
    paginateListQueues({ client }, { QueueNamePrefix: scope.name, MaxResults: 1_000 }),
    (page) => page.QueueUrls,
  );
  return urls
    .map((url) => ({ url, name: url.split("/").at(-1) ?? "" }))
    .filter(({ name }) => scope.isOurs(name))
    .map(({ name, url }) => ({
      kind: "SQS queue",
      remove: `sqs delete-queue --queue-url ${url}`,
      name,
      why: "part of the stage",
      usdPerMonth: 0,
    }));
}

export async function leftSecrets(scope: Scope): Promise<Leftover[]> {
  const client = new SecretsManagerClient({});
  const prefix = `hatchery/${scope.stage}/`;
  const secrets = await all(
    paginateListSecrets(
      { client },
      { Filters: [{ Key: "name", Values: [prefix] }], IncludePlannedDeletion: true },
    ),
    (page) => page.SecretList,
  );
  return secrets
    .filter((secret) => secret.Name?.startsWith(prefix))
    .map(({ DeletedDate, Name = "" }) => ({
      kind: "secret",
      remove: `secretsmanager delete-secret --force-delete-without-recovery --secret-id ${Name}`,
      name: Name,
      why:
        DeletedDate === undefined
          ? "part of the stage"
          : `AWS deletes it for good after its recovery window; asked for on ${DeletedDate.toISOString().slice(0, 10)}`,
      usdPerMonth: DeletedDate === undefined ? prices.secretMonth : 0,
      isExpected: DeletedDate !== undefined,
    }));
}

export async function leftParameters(scope: Scope): Promise<Leftover[]> {
  const names = await parameterNames();
  const passphrase = `/sst/passphrase/hatchery/${scope.stage}`;
  const isExpected = (name: string) => name === passphrase || name === "/sst/bootstrap";
  return names
    .filter((name) => isExpected(name) || name.startsWith(`/hatchery/${scope.stage}/`))
    .map((name) => ({
      kind: "SSM parameter",
      ...(!isExpected(name) && { remove: `ssm delete-parameter --name ${name}` }),
      name,
      why: isExpected(name)
        ? "SST's own; with it the next deploy can read its state"
        : "part of the stage",
      usdPerMonth: 0,
      isExpected: isExpected(name),
    }));
}

/** The stages that this account has, or had: each has its outputs, or SST's passphrase. */
export async function knownStages(): Promise<string[]> {
  const names = await parameterNames();
  const stages = names.map(
    (name) => /^\/(?:sst\/passphrase\/hatchery|hatchery)\/([^/]+)/.exec(name)?.[1] ?? "",
  );
  return [...new Set(stages)].filter((stage) => stage !== "");
}

async function parameterNames(): Promise<string[]> {
  const client = new SSMClient({});
  const parameters = await all(
    paginateDescribeParameters(
      { client },
      {
        ParameterFilters: [{ Key: "Name", Option: "BeginsWith", Values: ["/sst/", "/hatchery/"] }],
      },
    ),
    (page) => page.Parameters,
  );
  return parameters.map((parameter) => parameter.Name ?? "");
}

/** A store of millions of objects is not counted to its end: this many lists of 1,000 take about a minute. */
const mostLists = 500;

export async function leftBuckets(scope: Scope, place: AwsPlace): Promise<Leftover[]> {
  const client = new S3Client({ forcePathStyle: process.env["AWS_ENDPOINT_URL"] !== undefined });
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  const left: Leftover[] = [];
  for (const { Name = "" } of Buckets) {
    if (/^sst-(state|asset)-/.test(Name))
      left.push({
        kind: "bucket",
        name: Name,
        why: "SST's own, for all its apps here: states and files of deploys",
        usdPerMonth: undefined,
        isExpected: true,
      });
    else if (Name === storeBucket(place)) left.push(await store(client, Name));
    else if (scope.isOurs(Name))
      left.push({
        kind: "bucket",
        name: Name,
        why: "part of the stage",
        usdPerMonth: undefined,
        remove: `s3 rb --force s3://${Name}`,
      });
  }
  return left;
}

async function store(client: S3Client, Bucket: string): Promise<Leftover> {
  let bytes = 0;
  let objects = 0;
  let lists = 0;
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
    objects += Contents.length;
    bytes += Contents.reduce((sum, object) => sum + (object.Size ?? 0), 0);
    lists += 1;
    if (lists === mostLists) break;
  }
  const atLeast = lists === mostLists ? "at least " : "";
  return {
    kind: "store",
    name: Bucket,
    why: `results of all stages here: ${atLeast}${(bytes / 1e9).toFixed(3)} GB in ${objects.toLocaleString("en")} objects`,
    usdPerMonth: (bytes / 1e9) * prices.storeGbMonth,
    isExpected: true,
  };
}
