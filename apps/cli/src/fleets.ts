/** A stage's fleets as the CLI knows them: from what its steward wrote down, or, where none has yet, from its settings. */
import {
  defaultFleet,
  givenSettings,
  isLocalStage,
  loadStageSettings,
  readLocalStage,
  workspaceRoot,
} from "@hatchery/config";
import {
  chooseFleet,
  pinOf,
  readStageFleets,
  type FleetView,
  type Model,
  type PlanSettings,
  type StageFleets,
} from "@hatchery/experiment";
import type { Io } from "./io.ts";
import { localFleets } from "./local-fleets.ts";
import type { Stage } from "./stage.ts";

/** What the steward wrote; undefined where no steward of this stage's present life has. */
export async function stewardFleets({ name, store }: Stage): Promise<StageFleets | undefined> {
  const written = await readStageFleets(store, name);
  if (!isLocalStage(name)) return written;
  const startedAt = readLocalStage(name)?.startedAt;
  return startedAt !== undefined && written !== undefined && written.updatedAt > startedAt
    ? written
    : undefined;
}

export type PlannedFleet = Pick<
  FleetView,
  "name" | "labels" | "min" | "max" | "pin" | "chosen" | "slotsPerWorker"
>;

/** The fleets that the stage has, or will have once it is up. */
export async function fleetsOf(
  stage: Stage,
  workers: number | undefined,
  io: Io,
): Promise<PlannedFleet[]> {
  const written = await stewardFleets(stage);
  if (written !== undefined) return written.fleets;
  const source = { root: workspaceRoot(), environment: io.environment };
  const settings = loadStageSettings(stage.name, source);
  return localFleets(settings, givenSettings(stage.name, source), workers).map((fleet) => ({
    ...fleet,
    labels: { ...fleet.labels },
  }));
}

export interface PlanWishes {
  readonly chunkSimulations?: number | undefined;
  readonly maxFailures: number;
  readonly workers?: number | undefined;
}

/**
 * Long beside the engine's 14 ms for a task, short enough for a progress line that moves. On AWS each chunk also costs
 * a few requests to the store, and hundreds of workers take chunks at once.
 */
const chunkSeconds = { local: 2, aws: 40 };

/** The plan for a model on a stage. Throws a UserError when the stage has no fleet for it. */
export async function planFor(
  model: Model,
  stage: Stage,
  { chunkSimulations, maxFailures, workers }: PlanWishes,
  io: Io,
): Promise<PlanSettings> {
  const fleet = chooseFleet(model.name, model, await fleetsOf(stage, workers, io));
  const asked = fleet.name === defaultFleet ? workers : undefined;
  const most = asked ?? pinOf(fleet) ?? fleet.max;
  return {
    chunkSeconds: isLocalStage(stage.name) ? chunkSeconds.local : chunkSeconds.aws,
    ...(chunkSimulations !== undefined && { chunkSimulations }),
    canary: 16,
    maxFailures,
    slots: fleet.slotsPerWorker * Math.max(1, most),
  };
}
