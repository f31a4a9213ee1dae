/** Where things are kept: the store, the mailbox, secrets, database, broker, and what the CLI is told. */
import { DescribeBrokerCommand, MqClient, paginateListBrokers } from "@aws-sdk/client-mq";
import {
  DescribeDBInstancesCommand,
  RDSClient,
  paginateDescribeDBParameters,
} from "@aws-sdk/client-rds";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { gigabytes, isPermanentStage, storeAddress, storeBucket } from "@hatchery/config";
import { all } from "../../src/account/left/scope.ts";
import { type Check, counted, exactly, must, none } from "../check.ts";
import { leaks } from "../secret-texts.ts";

interface Policy {
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Principal: unknown;
    readonly Condition?: { readonly Bool?: Record<string, unknown> };
  }[];
}

/** Whether whoever comes without TLS is refused. */
const isTlsOnly = (policy = "{}") =>
  (JSON.parse(policy) as Partial<Policy>).Statement?.some(
    ({ Condition, Effect, Principal }) =>
      Effect === "Deny" &&
      Principal === "*" &&
      String(Condition?.Bool?.["aws:SecureTransport"]) === "false",
  ) === true;

export const data: readonly Check[] = [
  {
    says: "the store is shut to the public, takes TLS only, is encrypted, and keeps what it should",
    async look({ account, settings }) {
      const client = new S3Client({
        forcePathStyle: process.env["AWS_ENDPOINT_URL"] !== undefined,
      });
      const Bucket = storeBucket(account);
      const [block, policy, encryption, lifecycle, tags] = await Promise.all([
        client.send(new GetPublicAccessBlockCommand({ Bucket })),
        client.send(new GetBucketPolicyCommand({ Bucket })),
        client.send(new GetBucketEncryptionCommand({ Bucket })),
        client.send(new GetBucketLifecycleConfigurationCommand({ Bucket })),
        client.send(new GetBucketTaggingCommand({ Bucket })),
      ]);
      const shut = Object.values(block.PublicAccessBlockConfiguration ?? {});
      must(shut.length === 4 && shut.every(Boolean), "The store is not shut to the public.", block);
      must(isTlsOnly(policy.Policy), "The store takes requests without TLS.", policy.Policy);
      must(
        encryption.ServerSideEncryptionConfiguration?.Rules?.[0] !== undefined,
        "The store is not encrypted.",
        encryption,
      );
      const rules = lifecycle.Rules ?? [];
      must(
        rules.some((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation === 1),
        "Parts of broken uploads stay in the store.",
        rules,
      );
      const days = rules.find((rule) => rule.Expiration)?.Expiration?.Days;
      must(
        days === settings.STORE_RETENTION_DAYS,
        `The store should keep experiments for ${settings.STORE_RETENTION_DAYS ?? "ever, not for"} days.`,
        rules,
      );
      // Of all stages of the account: no stage's removal by tag may find it.
      must(
        tags.TagSet?.map(({ Key, Value }) => `${Key}=${Value}`).join() === "app=hatchery",
        "The store has other tags than its own.",
        tags.TagSet,
      );
      return Bucket;
    },
  },
  {
    says: "the mailbox is the one that the CLI is told of; what cannot be handled goes to a queue beside it",
    async look({ name, outputs }) {
      const client = new SQSClient({});
      const read = async (QueueUrl: string) => {
        const found = await client.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
        );
        return found.Attributes ?? {};
      };
      const mailbox = await read(outputs.mailbox);
      const undelivered = await read(outputs.mailbox.replace(/-mailbox$/, "-undelivered"));
      for (const queue of [mailbox, undelivered])
        must(
          isTlsOnly(queue["Policy"]) && queue["SqsManagedSseEnabled"] === "true",
          "A queue takes requests without TLS, or is not encrypted.",
          queue,
        );
      const redrive = JSON.parse(mailbox["RedrivePolicy"] ?? "{}") as Record<string, unknown>;
      must(
        mailbox["QueueArn"]?.endsWith(`:hatchery-${name}-mailbox`) === true &&
          redrive["deadLetterTargetArn"] === undelivered["QueueArn"],
        "What cannot be handled is lost.",
        mailbox,
      );
      return `after ${String(redrive["maxReceiveCount"])} tries`;
    },
  },
  {
    says: "what the CLI is told names what is there, and no secret",
    look({ account, name, outputs, outputsText, secretTexts, services, settings }) {
      none(leaks(outputsText, secretTexts), "A secret is in the outputs.");
      const told = outputs.fleets.map(({ cluster, service }) => `${cluster}/${service}`);
      const found = services
        .map(({ serviceName }) => `hatchery-${name}/${serviceName}`)
        .filter((service) => service.includes("/fleet-"));
      exactly(told, found, "The fleets that are told");
      must(
        outputs.stage === name &&
          outputs.region === account.region &&
          outputs.store === storeAddress(account),
        "The outputs are of another place.",
        outputs,
      );
      const outside = settings.ROOT_DOMAIN && `https://hatchet-${name}.${settings.ROOT_DOMAIN}`;
      must(
        outputs.EngineAddresses.externalServerUrl === outside,
        `The dashboard's address should be ${outside ?? "left out"}.`,
        outputs.EngineAddresses,
      );
      return counted(outputsText.length, "character");
    },
  },
  {
    says: "every secret but those that the setup job writes has its value",
    look({ secrets, settings }) {
      const known = ["admin-password", "database-url"];
      if (settings.BROKER_INSTANCE_TYPE !== "none") known.push("broker-url");
      const names = secrets.map(({ name }) => name.split("/").at(-1) ?? "");
      exactly(names, [...known, "engine-keys", "worker-token"], "The stage's secrets");
      none(
        secrets
          .filter(({ name, value }) => !value && known.some((each) => name.endsWith(`/${each}`)))
          .map(({ name }) => name),
        "A secret has no value.",
      );
      return counted(secrets.length, "secret");
    },
  },
  {
    says: "the database is encrypted, not public, and takes TLS only",
    async look({ name, settings }) {
      const client = new RDSClient({});
      const { DBInstances } = await client.send(
        new DescribeDBInstancesCommand({ DBInstanceIdentifier: `hatchery-${name}` }),
      );
      const database = DBInstances?.[0];
      must(
        database?.StorageEncrypted === true &&
          database.PubliclyAccessible === false &&
          database.AllocatedStorage === gigabytes(settings.DB_STORAGE) &&
          database.DBInstanceClass === `db.${settings.DB_INSTANCE_TYPE}` &&
          (database.DeletionProtection ?? false) === isPermanentStage(name, settings),
        "The database is not as asked for.",
        database,
      );
      const group = database.DBParameterGroups?.[0]?.DBParameterGroupName;
      const parameters = await all(
        paginateDescribeDBParameters({ client }, { DBParameterGroupName: group }),
        (page) => page.Parameters,
      );
      const forced = parameters.find(({ ParameterName }) => ParameterName === "rds.force_ssl");
      must(forced?.ParameterValue === "1", "The database takes connections without TLS.", forced);
      return `${database.DBInstanceClass}, ${database.AllocatedStorage} GB`;
    },
  },
  {
    says: "the broker is as asked for, and not public; none is there where none is asked for",
    async look({ name, settings }) {
      const client = new MqClient({});
      const brokers = await all(
        paginateListBrokers({ client }, {}),
        (page) => page.BrokerSummaries,
      );
      const ours = brokers.filter(({ BrokerName }) => BrokerName?.startsWith(`hatchery-${name}-`));
      const isWanted = settings.BROKER_INSTANCE_TYPE !== "none";
      must(
        ours.length === Number(isWanted),
        `There should be ${isWanted ? "one broker" : "no broker"}.`,
        brokers,
      );
      if (!isWanted) return "none";
      const broker = await client.send(new DescribeBrokerCommand({ BrokerId: ours[0]?.BrokerId }));
      must(
        broker.PubliclyAccessible === false &&
          /rabbitmq/i.test(broker.EngineType ?? "") &&
          broker.EngineVersion?.startsWith(settings.BROKER_VERSION) === true &&
          broker.HostInstanceType === settings.BROKER_INSTANCE_TYPE,
        "The broker is not as asked for.",
        broker,
      );
      return `${broker.HostInstanceType}, ${broker.EngineVersion}`;
    },
  },
];
