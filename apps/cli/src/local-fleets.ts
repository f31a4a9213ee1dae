/** The fleets of a stage on this machine, from its settings. */
import { availableParallelism } from "node:os";
import { fleets, type SettingName, type StageSettings } from "@hatchery/config";
import type { LocalFleet } from "@hatchery/local";

/** What `fleet scale` may ask for without a WORKER_MAX: each worker has a slot per core already. */
const mostUnasked = 8;

/** One slot per core: a second simulation on the same core makes neither end sooner. */
function slotsPerWorker(): number {
  return availableParallelism();
}

/**
 * The first follows the work between WORKER_MIN and WORKER_MAX where a person has set one of them; else it has as many
 * workers as asked for. Further ones always follow the work.
 */
export function localFleets(
  settings: StageSettings,
  given: ReadonlySet<SettingName>,
  workers: number | undefined,
): LocalFleet[] {
  const [first, ...further] = fleets(settings);
  if (first === undefined) return [];
  const isBounded = given.has("WORKER_MIN") || given.has("WORKER_MAX");
  const asked = workers ?? settings.WORKER_COUNT;
  const pin = asked ?? (isBounded ? undefined : 1);
  const most = isBounded ? settings.WORKER_MAX : mostUnasked;
  const workerHourUsd = settings.LOCAL_WORKER_HOUR_USD;
  return [
    {
      name: first.name,
      min: settings.WORKER_MIN,
      max: Math.max(most, pin ?? 0),
      ...(pin !== undefined && { pin }),
      slotsPerWorker: slotsPerWorker(),
      workerHourUsd,
    },
    ...further.map(({ name, min, max, labels, ...fleet }) => ({
      name,
      min,
      max,
      labels,
      slotsPerWorker: Math.min(fleet.slotsPerWorker, slotsPerWorker()),
      workerHourUsd,
    })),
  ];
}
