/**
 * Fleets of a stage, as its steward last saw and set them: `stages/<stage>/fleets.json`. The CLI knows a stage's fleets
 * from here, with no right to ask ECS; the steward finds in it what a person has chosen.
 */
import { UserError, defaultFleet, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { stageFleetsKey } from "./layout.ts";
import { readJson, type Store } from "./store.ts";

const workers = z.int().min(0);

const FleetView = z.object({
  name: z.string(),
  desired: workers,
  running: workers,
  min: workers,
  max: workers,
  /** So many by the stage's settings. */
  pin: workers.optional(),
  /** What a person has said since: `hatchery fleet scale`. It goes before `pin`. */
  chosen: z.object({ workers: z.union([workers, z.literal("auto")]), at: z.string() }).optional(),
  slotsPerWorker: z.int().min(1),
  workerHourUsd: z.number(),
  labels: z.record(z.string(), z.string()),
});
export type FleetView = z.infer<typeof FleetView>;

export const StageFleets = z.object({
  stage: z.string(),
  updatedAt: z.string(),
  /** When every fleet is set to zero unless there is work before; absent where nothing does that. */
  leaseEndsAt: z.string().optional(),
  fleets: z.array(FleetView),
});
export type StageFleets = z.infer<typeof StageFleets>;

export function readStageFleets(store: Store, stage: string): Promise<StageFleets | undefined> {
  return readJson(store, stageFleetsKey(stage), (value) => StageFleets.parse(value));
}

/** How many workers a fleet is held at; undefined when it follows the work. */
export function pinOf({ pin, chosen }: Pick<FleetView, "pin" | "chosen">): number | undefined {
  if (chosen === undefined) return pin;
  return chosen.workers === "auto" ? undefined : chosen.workers;
}

/** What a model asks of its fleet: a name, or labels. Neither: the default fleet. */
export interface FleetWish {
  readonly fleet?: string | undefined;
  readonly needs?: Readonly<Record<string, string>> | undefined;
}

type Choice = Pick<FleetView, "name" | "labels">;

/** The fleet that a model's chunks go to: the first that has all it asks for. Throws a UserError when none has. */
export function chooseFleet<F extends Choice>(
  model: string,
  { fleet, needs }: FleetWish,
  fleets: readonly F[],
): F {
  const wanted = Object.entries(needs ?? {});
  const name = fleet ?? (wanted.length === 0 ? defaultFleet : undefined);
  const chosen = fleets.find(
    (each) =>
      (name === undefined || each.name === name) &&
      wanted.every(([label, value]) => each.labels[label] === value),
  );
  if (chosen !== undefined) return chosen;
  const wish = [
    ...(name === undefined ? [] : [`fleet "${name}"`]),
    ...wanted.map(([label, value]) => `${label}=${value}`),
  ].join(", ");
  throw new UserError(
    `The model "${model}" asks for ${wish}, and the stage has no such fleet. It has: ${fleets.map(described).join("; ")}.`,
    {
      hint: "Give the stage one by the setting FLEETS, with these labels.",
      exitCode: exitCodes.wrongUsage,
    },
  );
}

function described({ name, labels }: Choice): string {
  const list = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return list.length === 0 ? `${name} (no labels)` : `${name} (${list.join(", ")})`;
}
