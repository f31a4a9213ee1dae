/** The token by which workers and the steward are known to the engine. */
import { z } from "zod";
import type { EngineEnvironment } from "./engine-environment.ts";

/** The tenant that `hatchet-admin seed` makes: a stage has one. */
export const tenant = "707d0855-80ab-4e1f-a156-f1c4546cbf52";

/** On AWS a token lives for a year and is minted again in its last quarter, so a stage that is deployed now and then never loses it. */
export const tokenLifetimeHours = 365 * 24;
const mintAgainBelowHours = 90 * 24;

const Claims = z.object({
  token_id: z.uuid(),
  server_url: z.string(),
  grpc_broadcast_address: z.string(),
  exp: z.number(),
});

/** The token in what `hatchet-admin token create` printed. */
export function tokenIn(printed: string): string | undefined {
  return /^ey[\w-]+\.[\w-]+\.[\w-]+$/m.exec(printed)?.[0];
}

/**
 * The id of a token that names the addresses of this environment and is good for a while; undefined for another one.
 * Whether the engine's database and keys are still those it was made with only the database can tell.
 */
export function servingTokenId(
  token: string,
  addresses: Pick<EngineEnvironment["plain"], "SERVER_URL" | "SERVER_GRPC_BROADCAST_ADDRESS">,
  now: Date,
): string | undefined {
  const payload = token.split(".")[1] ?? "";
  const claims = Claims.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  const hoursLeft = (claims.exp * 1_000 - now.getTime()) / 3_600_000;
  const serves =
    claims.server_url === addresses.SERVER_URL &&
    claims.grpc_broadcast_address === addresses.SERVER_GRPC_BROADCAST_ADDRESS &&
    hoursLeft >= mintAgainBelowHours;
  return serves ? claims.token_id : undefined;
}
