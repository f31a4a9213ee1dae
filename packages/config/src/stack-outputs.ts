/** What infra tells the CLI about a stage on AWS: one SSM parameter, as JSON. */
import { z } from "zod";
import { EngineAddresses } from "./addresses.ts";

/** The parameter that holds them. */
export function stackOutputsParameter(stage: string): string {
  return `/hatchery/${stage}/outputs`;
}

/** The path of the stage's roles: their names are short, and alike in every stage. */
export function rolePath(stage: string): string {
  return `/hatchery/${stage}/`;
}

// Written by apps/infra; read by apps/cli.
export const StackOutputs = z.object({
  stage: z.string().min(1),
  region: z.string().min(1),
  /** s3://bucket, as STORE. */
  store: z.string().regex(/^s3:\/\/[a-z0-9][a-z0-9.-]+(\/.*)?$/),
  /** The SQS queue's URL, as MAILBOX. */
  mailbox: z.url(),
  EngineAddresses,
  fleets: z.array(
    z.object({
      name: z.string().min(1),
      /** Names of the ECS cluster and service. */
      cluster: z.string().min(1),
      service: z.string().min(1),
      min: z.int().min(0),
      max: z.int().min(0),
      slotsPerWorker: z.int().min(1),
    }),
  ),
  /** The EventBridge schedules that end the lease, as StewardSettings.LEASE. */
  leaseSchedule: z.string().min(1),
  versions: z.object({ hatchery: z.string(), engine: z.string(), sdk: z.string() }),
});
export type StackOutputs = z.infer<typeof StackOutputs>;
