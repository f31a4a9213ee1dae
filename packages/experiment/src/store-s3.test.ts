/** The bucket, as moto's server plays it. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { UserError } from "@hatchery/config";
import { startMoto, type Moto } from "@hatchery/moto";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "./open-store.ts";
import { answerOf, operations, storeContract } from "./store-contract.ts";
import { createFolderStore } from "./store-folder.ts";
import type { Store } from "./store.ts";

const bucket = "hatchery-123456789012-eu-central-1";
let moto: Moto;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-s3-test-"));
  moto = await startMoto();
  Object.assign(process.env, moto.environment);
  const LocationConstraint = "eu-central-1";
  await new S3Client().send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } }),
  );
}, 300_000);
afterAll(async () => {
  await moto.stop();
  await rm(folder, { recursive: true });
});

const emptyStore = () => openStore(`s3://${bucket}/${randomUUID()}`);

storeContract(emptyStore);

describe("a bucket beside a folder", () => {
  test("any run of operations has the same answers", async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (run) => {
        const s3 = await emptyStore();
        const local = createFolderStore(join(folder, randomUUID()));
        for (const one of run) expect(await answerOf(s3, one)).toEqual(await answerOf(local, one));
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test("prefixes keep stores apart, and the bucket may be one itself", async () => {
    const one = await openStore(`s3://${bucket}/same/`);
    const other = await openStore(`s3://${bucket}/same-not`);
    const whole = await openStore(`s3://${bucket}`);
    await one.create("x", "1");
    await other.create("x", "2");
    expect(await one.list("")).toEqual([{ key: "x", size: 1 }]);
    expect((await whole.read("same/x"))?.toString()).toBe("1");
    expect(whole.addressOf("same/x")).toBe(one.addressOf("x"));
  });
});

test("a large upload leaves no part behind", async () => {
  const uploads = await new S3Client().send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  expect(uploads.Uploads ?? []).toEqual([]);
});

test("what is brought lies in the folder that was named, under its key", async () => {
  const store = await openStore(`s3://${bucket}/${randomUUID()}`, { downloads: folder });
  await store.create("experiments/a/1/report.html", "<!doctype html>");
  const file = (await store.localFile("experiments/a/1/report.html"))!;
  expect(file.startsWith(join(folder, bucket, "experiments/a/1/"))).toBe(true);
  expect(file.endsWith("/report.html")).toBe(true);
  expect(existsSync(file)).toBe(true);
});

describe("what a person can put right is said in words:", () => {
  const refusal = async (store: Store | Promise<Store>) => {
    const error = await (await store).read("x").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  };

  test("no such bucket", async () => {
    const error = await refusal(openStore("s3://hatchery-000000000000-eu-central-1"));
    expect(error.message).toContain('there is no bucket "hatchery-000000000000-eu-central-1"');
    expect(error.exitCode).toBe(5);
    await expect((await openStore("s3://no-such-bucket")).names("x/")).rejects.toThrow(UserError);
    await expect((await openStore("s3://no-such-bucket")).create("x", "")).rejects.toThrow(
      UserError,
    );
  });

  test("no address of a bucket", async () => {
    await expect(openStore("s3://")).rejects.toThrow(UserError);
    await expect(openStore("s3://UPPER/x")).rejects.toThrow(/s3:\/\/UPPER\/x/);
  });
});
