/** Stops: what ends an experiment before its time. Kept in the store until a person has it go on. */
import { experimentKeys, recordEvent, type Store } from "@hatchery/experiment";

/** Whoever cancels gives no reason; the steward halts what is beyond its limits and caps what costs too much. */
const kinds = ["cancelled", "halted", "capped"] as const;
export type Stop = (typeof kinds)[number];

/** Undefined while it may go on. */
export async function readStop(
  store: Store,
  experiment: string,
): Promise<{ kind: Stop; reason: string } | undefined> {
  const keys = experimentKeys(experiment);
  const reasons = await Promise.all(kinds.map((kind) => store.read(keys[kind])));
  const found = reasons.findIndex((reason) => reason !== undefined);
  return found === -1
    ? undefined
    : { kind: kinds[found]!, reason: reasons[found]!.toString("utf8") };
}

export async function stop(
  store: Store,
  experiment: string,
  kind: Stop,
  reason: string,
): Promise<void> {
  if (await store.create(experimentKeys(experiment)[kind], reason))
    await recordEvent(store, experiment, kind, { ...(reason !== "" && { reason }) });
}

export async function forgetStops(store: Store, experiment: string): Promise<void> {
  const keys = experimentKeys(experiment);
  for (const kind of kinds) await store.remove(keys[kind]);
}
