/** The engine's keys: made once for a stage, here kept in files, on AWS in Secrets Manager. */
import { randomBytes } from "node:crypto";
import { z } from "zod";

/** One secret on AWS: they are written together or not at all. The names are those of `EngineSecret`, but for `generation`. */
export const EngineKeys = z.object({
  masterKeyset: z.string().min(1),
  privateJwtKeyset: z.string().min(1),
  publicJwtKeyset: z.string().min(1),
  cookieSecrets: z.string().min(1),
  /** Of which they are: see KEYS_GENERATION. */
  generation: z.string().min(1),
});
export type EngineKeys = z.infer<typeof EngineKeys>;

/** The files that `hatchet-admin keyset create-local-keys` writes, but for the public key in clear. */
export const keysetFiles = {
  masterKeyset: "master.key",
  privateJwtKeyset: "private_ec256.key",
  publicJwtKeyset: "public_ec256.key",
} as const;

/** One key to sign with, one to encrypt with. */
export function newCookieSecrets(): string {
  return `${randomBytes(16).toString("hex")} ${randomBytes(16).toString("hex")}`;
}
