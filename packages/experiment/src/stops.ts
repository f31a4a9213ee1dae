/** Stops: what ends an experiment before its time. Kept in the store until a person has it go on. */
import { experimentKeys } from "./layout.ts";
import { recordEvent } from "./progress.ts";
import type { Store } from "./store.ts";

/** Whoever cancels gives no reason; the steward halts what is beyond its limits and caps what costs too much. */
const kinds = ["cancelled", "halted", "capped"] as const;
export type StopKind = (typeof kinds)[number];

/** Undefined while it may go on: then one listing has told. */
export async function readStop(
  store: Store,
  experiment: string,
): Promise<{ kind: StopKind; reason: string } | undefined> {
  const keys = experimentKeys(experiment);
  const names = await store.names(`${keys.folder}/`);
  const kind = kinds.find((each) => names.includes(keys[each].slice(keys.folder.length + 1)));
  const reason = kind && (await store.read(keys[kind]));
  return kind && reason && { kind, reason: reason.toString("utf8") };
}

export async function stopExperiment(
  store: Store,
  experiment: string,
  kind: StopKind,
  reason: string,
): Promise<void> {
  if (await store.create(experimentKeys(experiment)[kind], reason))
    await recordEvent(store, experiment, kind, { ...(reason !== "" && { reason }) });
}

export async function forgetStops(store: Store, experiment: string): Promise<void> {
  const keys = experimentKeys(experiment);
  for (const kind of kinds) await store.remove(keys[kind]);
}
