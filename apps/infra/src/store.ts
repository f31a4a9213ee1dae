/** Where results are kept, and where requests arrive. The bucket is no part of the stage: a teardown leaves it. */
import { storeAddress, storeBucket } from "@hatchery/config";
import { accountId, partition, region, stageName } from "./settings.ts";
import type { Statement } from "./task.ts";

const place = $util
  .all([accountId, region])
  .apply(([id, name]) => ({ accountId: id, region: name }));
const bucket = place.apply(storeBucket);
const bucketArn = $interpolate`arn:${partition}:s3:::${bucket}`;

export const store = {
  address: place.apply(storeAddress),
  bucket,
  /** Objects below some prefixes. */
  objects: (...prefixes: string[]) =>
    prefixes.map((prefix) => $interpolate`${bucketArn}/${prefix}*`),
  /** Listing them, and nothing else of the bucket. */
  listing: (...prefixes: string[]): Statement => ({
    actions: ["s3:ListBucket"],
    resources: [bucketArn],
    conditions: { StringLike: { "s3:prefix": prefixes.map((prefix) => `${prefix}*`) } },
  }),
};

/** What could not be handled after so many tries is kept here, and an alarm says so. */
const undelivered = new aws.sqs.Queue("UndeliveredQueue", {
  name: `${stageName}-undelivered`,
  sqsManagedSseEnabled: true,
  messageRetentionSeconds: 14 * 24 * 3600,
});

const queue = new aws.sqs.Queue("MailboxQueue", {
  name: `${stageName}-mailbox`,
  sqsManagedSseEnabled: true,
  messageRetentionSeconds: 14 * 24 * 3600,
  visibilityTimeoutSeconds: 60,
  // Long enough that an idle steward asks three times a minute.
  receiveWaitTimeSeconds: 20,
  redrivePolicy: $jsonStringify({ deadLetterTargetArn: undelivered.arn, maxReceiveCount: 20 }),
});

for (const [name, { url, arn: queueArn }] of Object.entries({
  Mailbox: queue,
  Undelivered: undelivered,
}))
  new aws.sqs.QueuePolicy(`${name}TlsOnly`, {
    queueUrl: url,
    policy: $jsonStringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Deny",
          Principal: "*",
          Action: "sqs:*",
          Resource: queueArn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    }),
  });

export const mailbox = { queue, undelivered };
