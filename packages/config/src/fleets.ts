/** The fleets of a stage: the one of the WORKER_* settings, and the further ones of FLEETS. */
import { z } from "zod";
import {
  type Cpu,
  type Memory,
  cpuChoices,
  isFargatePair,
  memoryChoices,
  memoryChoicesText,
  slotsPerWorker,
} from "./fargate.ts";
import type { StageSettings } from "./stage-settings.ts";

/** Tasks that one ECS service can hold (ECS service quotas, not adjustable). */
export const mostWorkers = 5_000;

export interface Fleet {
  readonly name: string;
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly min: number;
  readonly max: number;
  readonly spot: boolean;
  /** Of a Spot fleet: so many of a hundred workers are on demand all the same. */
  readonly onDemandPercent: number;
  readonly slotsPerWorker: number;
  /** What a model may ask for. */
  readonly labels: Readonly<Record<string, string>>;
}

const workers = z.int().min(0).max(mostWorkers);

/** One further fleet, as FLEETS names it. */
export const FleetSetting = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,19}$/, { error: "must be small letters, digits and hyphens" })
      .refine((name) => name !== "default", { error: "is taken by the fleet of WORKER_*" }),
    cpu: z.enum(cpuChoices),
    memory: z.templateLiteral([z.number(), " GB"]).optional(),
    min: workers.default(0),
    max: workers,
    spot: z.boolean().default(true),
    onDemandPercent: z.int().min(0).max(100).default(0),
    labels: z.record(z.string(), z.string()).default({}),
  })
  .refine((fleet) => fleet.memory === undefined || isFargatePair(fleet.cpu, fleet.memory), {
    path: ["memory"],
    error: ({ input }) =>
      `goes not with this cpu: choose ${memoryChoicesText((input as { cpu: Cpu }).cpu)}`,
  })
  .refine((fleet) => fleet.min <= fleet.max, { path: ["min"], error: "must not be above max" });
export type FleetSetting = z.output<typeof FleetSetting>;

/** All fleets, the one of WORKER_* first, called "default". WORKER_COUNT pins it: least and most are the same. */
export function fleets(settings: StageSettings): Fleet[] {
  const count = settings.WORKER_COUNT;
  return [
    {
      name: "default",
      cpu: settings.WORKER_CPU,
      memory: settings.WORKER_MEMORY,
      min: count ?? settings.WORKER_MIN,
      max: count ?? settings.WORKER_MAX,
      spot: settings.WORKER_SPOT,
      onDemandPercent: settings.WORKER_SPOT ? settings.WORKER_ON_DEMAND_PERCENT : 100,
      slotsPerWorker: slotsPerWorker(settings.WORKER_CPU),
      labels: {},
    },
    ...settings.FLEETS.map((fleet) => ({
      ...fleet,
      memory: fleet.memory ?? memoryChoices(fleet.cpu)[0] ?? "2 GB",
      onDemandPercent: fleet.spot ? fleet.onDemandPercent : 100,
      slotsPerWorker: slotsPerWorker(fleet.cpu),
    })),
  ];
}

/** The most workers of all fleets together. */
export function mostWorkersOf(settings: StageSettings): number {
  return fleets(settings).reduce((sum, fleet) => sum + fleet.max, 0);
}
