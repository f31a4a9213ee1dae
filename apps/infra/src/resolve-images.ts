/**
 * Digests of the engine's official images, asked of the registry by its HTTP API (OCI distribution specification:
 * a bearer token for whoever comes, then HEAD of the manifest) and written to the lock, which is committed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  type EngineImageLock,
  type EngineImageName,
  UserError,
  engineImageNames,
  engineImageRepository,
  engineVersion,
  exitCodes,
  knownEngineImages,
  workspaceRoot,
  type StageSettings,
} from "@hatchery/config";

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const longestAnswerMs = 20_000;

/** Where the lock is in the checkout. */
export const lockFile = () => join(workspaceRoot(), "packages/config/src/engine-images.json");

export interface ResolveOptions {
  readonly settings: Pick<StageSettings, "ENGINE_IMAGES">;
  readonly lock: EngineImageLock;
  /** Address of an image without tag; another registry's in tests. */
  readonly repository?: (name: EngineImageName) => string;
  readonly protocol?: "https" | "http";
}

/** The lock with a digest for each image that neither it nor ENGINE_IMAGES has, and which those are. */
export async function resolveEngineImages(
  options: ResolveOptions,
): Promise<{ lock: EngineImageLock; resolved: EngineImageName[] }> {
  const { settings, lock, repository = engineImageRepository, protocol = "https" } = options;
  const known = knownEngineImages(settings, lock);
  const resolved = engineImageNames.filter((name) => known[name] === undefined);
  const digests = { ...(lock.version === engineVersion ? lock.digests : {}) };
  for (const name of resolved)
    digests[name] = await digestOf(`${protocol}://`, repository(name), engineVersion);
  return { lock: { version: engineVersion, digests }, resolved };
}

export function writeLock(lock: EngineImageLock, file = lockFile()): void {
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}

async function digestOf(scheme: string, image: string, tag: string): Promise<string> {
  const slash = image.indexOf("/");
  const manifest = `${scheme}${image.slice(0, slash)}/v2/${image.slice(slash + 1)}/manifests/${tag}`;
  try {
    let answer = await head(manifest);
    if (answer.status === 401) answer = await head(manifest, await anonymousToken(answer));
    const digest = answer.headers.get("docker-content-digest") ?? "";
    if (!answer.ok) throw new Error(`the registry answers ${answer.status}`);
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error("the registry tells no digest");
    return digest;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    throw new UserError(
      `The digest of ${image}:${tag} cannot be found out: ${message}${cause?.code === undefined ? "" : `, ${cause.code}`}.`,
      {
        hint: "Look whether this machine reaches the registry, or name images of your own by ENGINE_IMAGES in .env.<stage>.",
        exitCode: exitCodes.workFailed,
        cause: error,
      },
    );
  }
}

function head(url: string, token?: string): Promise<Response> {
  return fetch(url, {
    method: "HEAD",
    headers: { Accept: manifestTypes, ...(token && { Authorization: `Bearer ${token}` }) },
    signal: AbortSignal.timeout(longestAnswerMs),
  });
}

/** A token that says nothing about us, from where the registry sends whoever has none. */
async function anonymousToken(refusal: Response): Promise<string> {
  const challenge = refusal.headers.get("www-authenticate") ?? "";
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = field("realm");
  if (realm === undefined) throw new Error("the registry wants a login and does not say where");
  const url = new URL(realm);
  for (const name of ["service", "scope"]) {
    const value = field(name);
    if (value !== undefined) url.searchParams.set(name, value);
  }
  const answer = await fetch(url, { signal: AbortSignal.timeout(longestAnswerMs) });
  if (!answer.ok) throw new Error(`the registry refuses a token: ${answer.status}`);
  const given = z
    .object({ token: z.string().optional(), access_token: z.string().optional() })
    .parse(await answer.json());
  return given.token ?? given.access_token ?? "";
}
