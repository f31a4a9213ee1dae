/** A stage's fleets as the CLI knows them: from what its steward wrote down, or, where none has yet, from its settings. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  UserError,
  defaultFleet,
  exitCodes,
  fleets as fleetsOfSettings,
  givenSettings,
  isLocalStage,
  loadStageSettings,
  readLocalStage,
  workerHourUsdOf,
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

/** A stage that says that it is up has a steward within a second. */
const toldWithinMs = 5_000;

/** What the steward last wrote of a stage's fleets. Throws a UserError when none does. */
export async function knownFleets(stage: Stage): Promise<StageFleets> {
  for (
    const end = Date.now() + toldWithinMs;
    Date.now() < end;
    await sleep(Math.max(100, stage.store.lookEveryMs / 2))
  ) {
    const known = await stewardFleets(stage);
    if (known !== undefined) return known;
  }
  throw new UserError(`The steward of stage "${stage.name}" has not told of its fleets.`, {
    hint: `See:  pnpm hatchery status --stage ${stage.name}`,
    exitCode: exitCodes.stageNotUp,
  });
}

/** Asks the steward for so many workers, or with "auto" for as many as the work needs; answers what was asked for. */
export async function scaleFleet(
  stage: Stage,
  name: string,
  wish: string,
): Promise<number | "auto"> {
  const { fleets } = await knownFleets(stage);
  const fleet = fleets.find((each) => each.name === name);
  if (fleet === undefined)
    throw new UserError(
      `Stage "${stage.name}" has no fleet "${name}". It has: ${fleets.map((each) => each.name).join(", ")}.`,
      { exitCode: exitCodes.wrongUsage },
    );
  const count = wish.trim() === "" ? Number.NaN : Number(wish);
  const isPossible = Number.isInteger(count) && count >= 0 && count <= fleet.max;
  if (wish !== "auto" && !isPossible)
    throw new UserError(
      `${JSON.stringify(wish)} workers: it must be a whole number from 0 to ${fleet.max}, the most of fleet "${name}", or "auto".`,
      { hint: moreWorkers(stage.name, name), exitCode: exitCodes.wrongUsage },
    );
  const workers = wish === "auto" ? wish : count;
  await stage.mailbox.post({ kind: "scale", fleet: name, workers });
  return workers;
}

function moreWorkers(stage: string, fleet: string): string {
  const setting = fleet === defaultFleet ? "WORKER_MAX" : 'its "max" in FLEETS';
  const start = isLocalStage(stage) ? `pnpm hatchery down, then up` : "deploy";
  return `For more, set ${setting} in .env.${stage}, and ${start}.`;
}

/** What the steward wrote; undefined where no steward of this stage's present life has. */
export async function stewardFleets({
  name,
  store,
}: Pick<Stage, "name" | "store">): Promise<StageFleets | undefined> {
  const written = await readStageFleets(store, name);
  if (!isLocalStage(name)) return written;
  const startedAt = readLocalStage(name)?.startedAt;
  return startedAt !== undefined && written !== undefined && written.updatedAt > startedAt
    ? written
    : undefined;
}

type PlannedFleet = Pick<
  FleetView,
  "name" | "labels" | "min" | "max" | "pin" | "chosen" | "slotsPerWorker" | "workerHourUsd"
>;

/** The fleets that the stage has, or will have once it is up. */
async function fleetsOf(
  stage: Stage,
  workers: number | undefined,
  io: Io,
): Promise<PlannedFleet[]> {
  const isReady = isLocalStage(stage.name) && readLocalStage(stage.name)?.status === "ready";
  const written = await (isReady
    ? knownFleets(stage).catch(() => undefined)
    : stewardFleets(stage));
  if (written !== undefined) return written.fleets;
  const source = { root: workspaceRoot(), environment: io.environment };
  const settings = loadStageSettings(stage.name, source);
  const planned = isLocalStage(stage.name)
    ? localFleets(settings, givenSettings(stage.name, source), workers)
    : fleetsOfSettings(settings).map((fleet) => ({
        ...fleet,
        workerHourUsd: workerHourUsdOf(fleet, settings),
      }));
  return planned.map((fleet) => ({
    workerHourUsd: 0,
    ...fleet,
    labels: { ...fleet.labels },
  }));
}

interface PlanWishes {
  readonly chunkSimulations?: number | undefined;
  readonly maxFailures: number;
  readonly maxHours?: number | undefined;
  readonly maxUsd?: number | undefined;
  readonly workers?: number | undefined;
}

/**
 * Long beside what a task costs (plan.ts), short enough for a progress line that moves. On AWS each chunk also costs
 * a few requests to the store, and hundreds of workers take chunks at once.
 */
const chunkSeconds = { local: 4, aws: 40 };

/** The plan for a model on a stage. Throws a UserError when the stage has no fleet for it. */
export async function planFor(
  model: Model,
  stage: Stage,
  { chunkSimulations, maxFailures, maxHours, maxUsd, workers }: PlanWishes,
  io: Io,
): Promise<PlanSettings> {
  const fleet = chooseFleet(model.name, model, await fleetsOf(stage, workers, io));
  const asked = fleet.name === defaultFleet ? workers : undefined;
  const most = Math.max(1, asked ?? pinOf(fleet) ?? fleet.max);
  const price = priceText(fleet, most, maxUsd);
  if (price !== undefined) io.say(price);
  return {
    chunkSeconds: isLocalStage(stage.name) ? chunkSeconds.local : chunkSeconds.aws,
    ...(chunkSimulations !== undefined && { chunkSimulations }),
    canary: 16,
    maxFailures,
    ...(maxHours !== undefined && { maxHours }),
    ...(maxUsd !== undefined && { maxUsd }),
    slots: fleet.slotsPerWorker * most,
  };
}

/** What the fleet will cost, where it costs something or where a cap is meant to hold it back. */
function priceText(
  { name, workerHourUsd }: PlannedFleet,
  workers: number,
  maxUsd: number | undefined,
): string | undefined {
  if (workerHourUsd === 0)
    return maxUsd === undefined
      ? undefined
      : `Workers of fleet "${name}" cost nothing, so that --max-usd ${maxUsd} will not be reached. LOCAL_WORKER_HOUR_USD gives those of this machine a price.`;
  const hour = (workers * workerHourUsd).toFixed(2);
  const cap = maxUsd === undefined ? "" : `; it stops at ${maxUsd} USD`;
  return `At most ${workers} workers: ${hour} USD an hour${cap}.`;
}
