import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { UserError, storeBucket } from "@hatchery/config";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ensureStore } from "./ensure-store.ts";

const place = { accountId: "123456789012", region: "eu-central-1" };
const Bucket = storeBucket(place);
let moto: Moto;
let s3: S3Client;

beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  s3 = new S3Client({ forcePathStyle: true });
}, 300_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});

describe("the store's bucket", () => {
  test("is made closed to the public, encrypted, for TLS alone, tagged, in its region", async () => {
    expect(await ensureStore(place, { STORE_RETENTION_DAYS: undefined })).toEqual({
      bucket: "hatchery-123456789012-eu-central-1",
      isNew: true,
      retentionDays: { before: undefined, now: undefined },
    });
    const access = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(Object.values(access.PublicAccessBlockConfiguration ?? {})).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    expect(
      encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
        ?.SSEAlgorithm,
    ).toBe("AES256");
    const { Policy = "" } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    expect(JSON.parse(Policy).Statement).toEqual([
      expect.objectContaining({
        Effect: "Deny",
        Principal: "*",
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
    ]);
    const { TagSet } = await s3.send(new GetBucketTaggingCommand({ Bucket }));
    expect(TagSet).toEqual([{ Key: "app", Value: "hatchery" }]);
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(Rules?.map((rule) => rule.ID)).toEqual(["abort-multipart"]);
  });

  test("is found by the next deploy, which leaves objects and other people's tags alone", async () => {
    await s3.send(
      new PutObjectCommand({ Bucket, Key: "experiments/a/b/manifest.json", Body: "{}" }),
    );
    await s3.send(
      new PutBucketTaggingCommand({
        Bucket,
        Tagging: { TagSet: [{ Key: "cost-centre", Value: "42" }] },
      }),
    );
    expect(await ensureStore(place, { STORE_RETENTION_DAYS: 30 })).toMatchObject({
      isNew: false,
      retentionDays: { before: undefined, now: 30 },
    });
    await s3.send(new HeadObjectCommand({ Bucket, Key: "experiments/a/b/manifest.json" }));
    const { TagSet } = await s3.send(new GetBucketTaggingCommand({ Bucket }));
    expect(TagSet).toEqual([
      { Key: "cost-centre", Value: "42" },
      { Key: "app", Value: "hatchery" },
    ]);
  });

  test("deletes experiments, and nothing else, after STORE_RETENTION_DAYS; a change is told", async () => {
    const { retentionDays } = await ensureStore(place, { STORE_RETENTION_DAYS: 60 });
    expect(retentionDays).toEqual({ before: 30, now: 60 });
    const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    expect(Rules.filter((rule) => rule.Expiration !== undefined)).toEqual([
      expect.objectContaining({
        Status: "Enabled",
        Filter: { Prefix: "experiments/" },
        Expiration: expect.objectContaining({ Days: 60 }),
      }),
    ]);
    expect((await ensureStore(place, { STORE_RETENTION_DAYS: undefined })).retentionDays).toEqual({
      before: 60,
      now: undefined,
    });
  });

  test("that is another account's is refused", async () => {
    // moto lets everybody in; AWS answers a HEAD of somebody else's bucket with 403 and no body.
    const stranger = createServer((_, response) => response.writeHead(403).end());
    await once(stranger.listen(0, "127.0.0.1"), "listening");
    vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`);
    try {
      const refusal = await ensureStore(place, { STORE_RETENTION_DAYS: 1 }).catch((error) => error);
      expect(refusal).toBeInstanceOf(UserError);
      expect(refusal.message).toContain("another account's");
      expect(refusal.exitCode).toBe(4);
    } finally {
      stranger.close();
    }
  });
});
