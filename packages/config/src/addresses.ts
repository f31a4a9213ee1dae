/** Where a stage's engine is reached: pure functions of the stage's name, its settings and its ports. */
import { z } from "zod";
import type { StageSettings } from "./stage-settings.ts";

/** The names are the seed's, and a contract: stack outputs, docs and other people's workers use them. */
export const EngineAddresses = z.object({
  /** From inside the stage. */
  internalServerUrl: z.url(),
  /** host:port. */
  internalGrpcBroadcastAddress: z.string(),
  /** From outside; absent without a domain. */
  externalServerUrl: z.url().optional(),
  externalGrpcBroadcastAddress: z.string().optional(),
});
export type EngineAddresses = z.infer<typeof EngineAddresses>;

/** The ports of the engine's tasks on AWS, as in the seed. The dashboard's web server stands before the API, on 80. */
export const enginePorts = { grpc: 7070, api: 8080, health: 8733 } as const;
/** On the load balancer. */
export const externalGrpcPort = 8443;

export interface EnginePorts {
  readonly grpc: number;
  readonly api: number;
  readonly health: number;
}

/** The addresses of a stage on AWS. */
export function addresses(
  stage: string,
  settings: Pick<StageSettings, "ROOT_DOMAIN">,
): EngineAddresses {
  const internal = `Engine.${stage}.hatchet.sst`;
  const inside = {
    internalServerUrl: `http://${internal}`,
    internalGrpcBroadcastAddress: `${internal}:${enginePorts.grpc}`,
  };
  if (settings.ROOT_DOMAIN === undefined) return inside;
  const external = `hatchet-${stage}.${settings.ROOT_DOMAIN}`;
  return {
    ...inside,
    externalServerUrl: `https://${external}`,
    externalGrpcBroadcastAddress: `${external}:${externalGrpcPort}`,
  };
}

/** The addresses of a stage on this machine. */
export function localAddresses(ports: Pick<EnginePorts, "api" | "grpc">): EngineAddresses {
  return {
    internalServerUrl: `http://127.0.0.1:${ports.api}`,
    internalGrpcBroadcastAddress: `127.0.0.1:${ports.grpc}`,
  };
}

/** Whom one logs in as at the dashboard. */
export function adminEmail(settings: Pick<StageSettings, "ROOT_DOMAIN">): string {
  return `hatchet@${settings.ROOT_DOMAIN ?? "example.com"}`;
}
