/**
 * The store's bucket, made at the first deploy of an account and region and brought up to date at every later one.
 * It is in no stack: `sst remove` cannot touch it, and all stages of the account share it.
 */
import {
  CreateBucketCommand,
  type BucketLocationConstraint,
  GetBucketLifecycleConfigurationCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  type Tag,
} from "@aws-sdk/client-s3";
import {
  type AwsPlace,
  type StageSettings,
  UserError,
  exitCodes,
  storeBucket,
} from "@hatchery/config";
import { asking, isAbsent } from "./aws-errors.ts";

export interface EnsuredStore {
  readonly bucket: string;
  readonly isNew: boolean;
  /** Days after which experiments are deleted, before and now; undefined is never. */
  readonly retentionDays: { readonly before: number | undefined; readonly now: number | undefined };
}

const expiryRule = "experiments-expire";

export async function ensureStore(
  place: AwsPlace,
  settings: Pick<StageSettings, "STORE_RETENTION_DAYS">,
): Promise<EnsuredStore> {
  const bucket = storeBucket(place);
  // Path style: an endpoint that is not AWS's has no host name per bucket.
  const s3 = new S3Client({ forcePathStyle: process.env["AWS_ENDPOINT_URL"] !== undefined });
  return asking(`The store's bucket "${bucket}"`, async () => {
    const isNew = !(await exists(s3, bucket, place));
    if (isNew) await create(s3, bucket, place.region);
    const before = isNew ? undefined : await retentionDays(s3, bucket);
    await secure(s3, bucket);
    const now = settings.STORE_RETENTION_DAYS;
    await setLifecycle(s3, bucket, now);
    await tag(s3, bucket);
    return { bucket, isNew, retentionDays: { before, now } };
  });
}

async function exists(s3: S3Client, bucket: string, { accountId }: AwsPlace): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: accountId }));
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    // HEAD has no body to say why: a bucket of somebody else's, or one that we may not look at.
    if (statusOf(error) !== 403) throw error;
    throw new UserError(
      `The bucket "${bucket}" is there, and AWS does not let you use it: it is another account's, or your rights do not reach it.`,
      {
        hint: "The rights that a deploy needs are in docs/aws.md#rights.",
        exitCode: exitCodes.notAllowed,
        cause: error,
      },
    );
  }
}

async function create(s3: S3Client, bucket: string, region: string): Promise<void> {
  // The oldest region is the one that must not be named.
  const location = region === "us-east-1" ? undefined : (region as BucketLocationConstraint);
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      ...(location && { CreateBucketConfiguration: { LocationConstraint: location } }),
    }),
  );
}

async function secure(s3: S3Client, bucket: string): Promise<void> {
  await s3.send(
    new PutPublicAccessBlockCommand({
      Bucket: bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
  await s3.send(
    new PutBucketOwnershipControlsCommand({
      Bucket: bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    }),
  );
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket: bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
  await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: tlsOnly(bucket) }));
}

function tlsOnly(bucket: string): string {
  const arn = `arn:aws:s3:::${bucket}`;
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [arn, `${arn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}

async function setLifecycle(s3: S3Client, bucket: string, days: number | undefined): Promise<void> {
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket: bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "abort-multipart",
            Status: "Enabled",
            Filter: { Prefix: "" },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          },
          // Inputs are shared by experiments of any age, and stay.
          ...(days === undefined
            ? []
            : [
                {
                  ID: expiryRule,
                  Status: "Enabled" as const,
                  Filter: { Prefix: "experiments/" },
                  Expiration: { Days: days },
                },
              ]),
        ],
      },
    }),
  );
}

async function retentionDays(s3: S3Client, bucket: string): Promise<number | undefined> {
  try {
    const { Rules = [] } = await s3.send(
      new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }),
    );
    return Rules.find((rule) => rule.ID === expiryRule)?.Expiration?.Days;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** A bucket's tags are written all at once: those that others have put on it stay. */
async function tag(s3: S3Client, bucket: string): Promise<void> {
  const others = (await tags(s3, bucket)).filter(({ Key }) => Key !== "app");
  const TagSet = [...others, { Key: "app", Value: "hatchery" }];
  await s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
}

async function tags(s3: S3Client, bucket: string): Promise<Tag[]> {
  try {
    return (await s3.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet ?? [];
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
