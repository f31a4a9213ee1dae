/** The engine's keys and cookie secrets: made once for a stage, and once more for each generation asked for. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineKeys, keptGeneration, keysetFiles, newCookieSecrets } from "@hatchery/config";
import type { EnginePrograms } from "./engine-programs.ts";
import type { KeptSecrets } from "./kept-secrets.ts";

/** Answers the stage's keys, and whether they are new. */
export async function settleKeys(
  generation: string,
  secrets: KeptSecrets,
  programs: EnginePrograms,
): Promise<{ keys: EngineKeys; areNew: boolean }> {
  const kept = await secrets.read("engine-keys");
  const keys = kept === undefined ? undefined : EngineKeys.parse(JSON.parse(kept));
  if (keys !== undefined && [keptGeneration, keys.generation].includes(generation))
    return { keys, areNew: false };
  const made = await makeKeys(generation, programs);
  await secrets.write("engine-keys", JSON.stringify(made));
  return { keys: made, areNew: true };
}

async function makeKeys(generation: string, programs: EnginePrograms): Promise<EngineKeys> {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  try {
    await programs.run("hatchet-admin", ["keyset", "create-local-keys", "--key-dir", folder]);
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    return {
      masterKeyset: read(keysetFiles.masterKeyset),
      privateJwtKeyset: read(keysetFiles.privateJwtKeyset),
      publicJwtKeyset: read(keysetFiles.publicJwtKeyset),
      cookieSecrets: newCookieSecrets(),
      generation,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As which variables the engine's programs read them. */
export function keysEnvironment(keys: EngineKeys): Record<string, string> {
  return {
    SERVER_ENCRYPTION_MASTER_KEYSET: keys.masterKeyset,
    SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET: keys.privateJwtKeyset,
    SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET: keys.publicJwtKeyset,
    SERVER_AUTH_COOKIE_SECRETS: keys.cookieSecrets,
  };
}
