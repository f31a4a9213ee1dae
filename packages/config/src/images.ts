/**
 * The engine's images on AWS, by digest: a tag can be moved, and a stage that comes back next year must be the same.
 * From ENGINE_IMAGES, else the official ones with the digests of the lock `engine-images.json`, which a deploy fills.
 */
import { z } from "zod";
import lockFile from "./engine-images.json" with { type: "json" };
import { UserError, exitCodes } from "./errors.ts";
import type { StageSettings } from "./stage-settings.ts";
import { type EngineImageName, engineImageNames, engineVersion } from "./versions.ts";

/** Complete references, with digest and without tag. */
export type EngineImages = Readonly<Record<EngineImageName, string>>;

const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

// Written by apps/infra/src/resolve-images.ts, and committed.
export const EngineImageLock = z.strictObject({
  version: z.string(),
  digests: z.partialRecord(z.enum(engineImageNames), Digest),
});
export type EngineImageLock = z.infer<typeof EngineImageLock>;

export const engineImageLock: EngineImageLock = EngineImageLock.parse(lockFile);

/** Where the official image is, without tag and digest. */
export const engineImageRepository = (name: EngineImageName) =>
  `ghcr.io/hatchet-dev/hatchet/hatchet-${name}`;

/** The images that are known without asking a registry. A lock of another version of the engine says nothing. */
export function knownEngineImages(
  settings: Pick<StageSettings, "ENGINE_IMAGES">,
  lock: EngineImageLock = engineImageLock,
): Partial<EngineImages> {
  const digests = lock.version === engineVersion ? lock.digests : {};
  return Object.fromEntries(
    engineImageNames.flatMap((name) => {
      const digest = digests[name];
      const locked = digest === undefined ? undefined : `${engineImageRepository(name)}@${digest}`;
      const image = settings.ENGINE_IMAGES[name] ?? locked;
      return image === undefined ? [] : [[name, image]];
    }),
  );
}

/** All of them; throws when one is not known by digest, which a deploy sees to beforehand. */
export function engineImages(
  settings: Pick<StageSettings, "ENGINE_IMAGES">,
  lock: EngineImageLock = engineImageLock,
): EngineImages {
  const known = knownEngineImages(settings, lock);
  const missing = engineImageNames.filter((name) => known[name] === undefined);
  if (missing.length === 0) return known as EngineImages;
  throw new UserError(
    `The digest of the engine's image "${missing.join('", "')}" of ${engineVersion} is neither in ENGINE_IMAGES nor in packages/config/src/engine-images.json.`,
    {
      hint: "Deploy with:  pnpm deploy --filter infra\nIt asks the registry for the digests and writes them there.",
      exitCode: exitCodes.wrongSettings,
    },
  );
}
