/**
 * The store as a bucket, or as what is below a prefix of one. Loaded only for an address that begins with s3://,
 * because the SDK is: see openStore. Region and credentials are those of the SDK's default chain.
 */
import { randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { UserError, awsUserError, exitCodes } from "@hatchery/config";
import type { StoreOptions } from "./open-store.ts";
import { checkKey, type Store, type StoredObject } from "./store.ts";

/** A part of 16 MB lets a dataset have 160 GB in the 10,000 parts that S3 takes; four at a time are 64 MB of memory. */
const uploadPartBytes = 16 * 2 ** 20;
const uploadsAtATime = 4;
/** Attempts at a request, and at a body that breaks off, which the SDK does not read again. */
const attempts = 8;

/** One client a process: its connections and its pace where S3 says "slow down" are for all who use it. */
let sharedClient: S3Client | undefined;

export function openS3Store(address: string, { downloads }: StoreOptions = {}): Store {
  const { bucket, prefix } = readAddress(address);
  const client = (sharedClient ??= new S3Client({ retryMode: "adaptive", maxAttempts: attempts }));
  const object = (key: string) => ({ Bucket: bucket, Key: `${prefix}${checkKey(key)}` });
  const fileOf = createFileCache(downloads === undefined ? undefined : join(downloads, bucket));

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, address, bucket) ?? error;
    }
  };

  /** An object, or what a range of it holds; undefined when there is none. */
  const get = (key: string, range?: string): Promise<Buffer | undefined> =>
    guarded(() =>
      persistently(async () => {
        try {
          const { Body } = await client.send(
            new GetObjectCommand({ ...object(key), Range: range }),
          );
          return Buffer.from(await Body!.transformToByteArray());
        } catch (error) {
          if (nameOf(error) === "NoSuchKey") return undefined;
          // The object is there and has no byte in the range.
          if (nameOf(error) === "InvalidRange") return Buffer.alloc(0);
          throw error;
        }
      }),
    );

  /** Pages of what is below a prefix, those after a key only. */
  async function* pages(start: string, after: string | undefined, delimiter?: "/") {
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: `${prefix}${start}`,
          StartAfter: after === undefined ? undefined : `${prefix}${start}${after}`,
          Delimiter: delimiter,
          ContinuationToken: token,
        }),
      );
      yield page;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  const put = (key: string, content: Uint8Array | string, more: { IfNoneMatch?: "*" } = {}) =>
    client.send(
      // Without a length the SDK takes an empty text for a stream.
      new PutObjectCommand({
        ...object(key),
        Body: content,
        ContentLength: Buffer.byteLength(content),
        ...more,
      }),
    );

  return {
    address,
    // A look lists new parts and writes the progress, about 20 USD a million: 4 cents an hour.
    lookEveryMs: 2_000,
    // 50,000 parts one by one would be 17 minutes, so many at a time are one.
    readsAtATime: 16,
    changes: () => ({
      next: (withinMs, signal) => sleep(withinMs, undefined, signal && { signal }),
      [Symbol.dispose]: () => undefined,
    }),
    addressOf: (key) => `s3://${bucket}/${prefix}${checkKey(key)}`,
    read: (key) => get(key),
    readEnd: (key, bytes) => get(key, `bytes=-${bytes}`),
    // S3 takes no range without a byte, and gives the whole object then.
    readRange: async (key, from, bytes) =>
      (await get(key, `bytes=${from}-${from + Math.max(bytes, 1) - 1}`))?.subarray(0, bytes),
    create: (key, content) =>
      guarded(async () => {
        for (let attempt = 1; ; attempt++)
          try {
            await put(key, content, { IfNoneMatch: "*" });
            return true;
          } catch (error) {
            if (nameOf(error) === "PreconditionFailed") return false;
            // Somebody else's request for the same key is under way and may still fail: only asking again tells.
            if (nameOf(error) !== "ConditionalRequestConflict" || attempt === attempts) throw error;
            await pause(attempt);
          }
      }),
    replace: (key, content) => guarded(async () => void (await put(key, content))),
    replaceFromFile: (key, file) =>
      guarded(async () => {
        const upload = new Upload({
          client,
          params: { ...object(key), Body: createReadStream(file) },
          partSize: uploadPartBytes,
          queueSize: uploadsAtATime,
        });
        await upload.done();
        await fs.rm(file);
      }),
    remove: (key) =>
      guarded(async () => void (await client.send(new DeleteObjectCommand(object(key))))),
    list: (start) =>
      guarded(async () => {
        const found: StoredObject[] = [];
        for await (const { Contents = [] } of pages(start, undefined))
          for (const { Key, Size } of Contents)
            found.push({ key: Key!.slice(prefix.length), size: Size! });
        return found.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      }),
    names: (start, after) =>
      guarded(async () => {
        const names: string[] = [];
        const skip = prefix.length + start.length;
        for await (const { Contents = [], CommonPrefixes = [] } of pages(start, after, "/")) {
          for (const { Key } of Contents) names.push(Key!.slice(skip));
          for (const { Prefix } of CommonPrefixes) names.push(Prefix!.slice(skip, -1));
        }
        // A folder's objects come after its name, so it is listed again where `after` names it.
        return names.filter((name) => name > (after ?? "")).toSorted();
      }),
    localFile: (key) =>
      guarded(async () => {
        const ETag = await client.send(new HeadObjectCommand(object(key))).then(
          (head) => head.ETag!,
          (error: unknown) => {
            if (nameOf(error) === "NotFound") return undefined;
            throw error;
          },
        );
        if (ETag === undefined) return undefined;
        return fileOf(key, ETag, (path) =>
          persistently(async () => {
            const { Body } = await client.send(
              new GetObjectCommand({ ...object(key), IfMatch: ETag }),
            );
            await pipeline(Body as Readable, createWriteStream(path));
          }),
        );
      }),
  };
}

/** s3://bucket/some/prefix; the prefix then ends in "/". */
function readAddress(address: string): { bucket: string; prefix: string } {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(address);
  const prefix = match?.[2]?.replace(/\/+$/, "") ?? "";
  if (match === null)
    throw new UserError(`The store "${address}" is no address of a bucket.`, {
      hint: "It must be a folder, or s3://<bucket>, or s3://<bucket>/<prefix>.",
      exitCode: exitCodes.wrongSettings,
    });
  return { bucket: match[1]!, prefix: prefix === "" ? "" : `${checkKey(prefix)}/` };
}

/**
 * Objects as files, each under its key and its version: what has a path has all of its content, and never another.
 * Answers with the file of a version of an object, fetched first where it is not there.
 */
function createFileCache(permanent: string | undefined) {
  let folder = permanent;
  return async (
    key: string,
    version: string,
    fetch: (path: string) => Promise<void>,
  ): Promise<string> => {
    folder ??= temporaryFolder();
    const path = join(folder, dirname(key), version.replaceAll('"', ""), basename(key));
    if (await isThere(path)) return path;
    await fs.mkdir(dirname(path), { recursive: true });
    const beside = `${path}.${randomUUID()}`;
    try {
      await fetch(beside);
      await fs.rename(beside, path);
    } finally {
      await fs.rm(beside, { force: true });
    }
    return path;
  };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-store-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const isThere = (path: string) =>
  fs.access(path).then(
    () => true,
    () => false,
  );

/** Again where a body breaks off: the SDK has answered by then, and leaves it to us. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work();
    } catch (error) {
      const isBroken = /^(ECONNRESET|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_)/.test(
        (error as NodeJS.ErrnoException).code ?? "",
      );
      if (!isBroken || attempt === attempts) throw error;
      await pause(attempt);
    }
}

/** Full jitter: those who met once do not meet again. */
const pause = (attempt: number) => sleep(Math.random() * Math.min(5_000, 50 * 2 ** attempt));

const nameOf = (error: unknown) => (error as { name?: string }).name;

function storeError(error: unknown, address: string, bucket: string): UserError | undefined {
  const what = `The store "${address}"`;
  if (nameOf(error) === "NoSuchBucket")
    return new UserError(`${what} cannot be used: there is no bucket "${bucket}".`, {
      hint: "A deploy makes it:  SST_STAGE=<stage> pnpm deploy --filter infra",
      exitCode: exitCodes.stageNotUp,
      cause: error,
    });
  return awsUserError(error, what);
}
