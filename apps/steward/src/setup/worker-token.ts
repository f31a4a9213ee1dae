/** The token of workers and steward: kept for as long as it serves. */
import { createHash } from "node:crypto";
import {
  type EngineKeys,
  type SetupSettings,
  servingTokenId,
  tenant,
  tokenIn,
  tokenLifetimeHours,
} from "@hatchery/config";
import type { Client } from "pg";
import type { EnginePrograms } from "./engine-programs.ts";
import { keysEnvironment } from "./keys.ts";
import type { KeptSecrets } from "./kept-secrets.ts";

/** Answers whether the token is new. */
export async function settleToken(
  keys: EngineKeys,
  settings: SetupSettings,
  { client, secrets, programs }: { client: Client; secrets: KeptSecrets; programs: EnginePrograms },
): Promise<boolean> {
  // A token is signed with the keys: its name in the engine's database says with which.
  const name = `hatchery, keys ${createHash("sha256").update(keys.privateJwtKeyset).digest("hex").slice(0, 8)}`;
  const kept = await secrets.read("worker-token");
  const id = kept === undefined ? undefined : servingTokenId(kept, settings, new Date());
  if (id !== undefined) {
    const known = await client.query(
      'select 1 from "APIToken" where id = $1 and name = $2 and not revoked',
      [id, name],
    );
    if (known.rowCount === 1) return false;
  }
  const options = ["--name", name, "--tenant-id", tenant, "--expiresIn", `${tokenLifetimeHours}h`];
  const printed = await programs.answer(
    "hatchet-admin",
    ["token", "create", ...options],
    keysEnvironment(keys),
  );
  const token = tokenIn(printed);
  if (token === undefined) throw new Error('"hatchet-admin token create" printed no token.');
  await secrets.write("worker-token", token);
  return true;
}
