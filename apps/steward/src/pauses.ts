/**
 * Pauses: nobody kept the experiment and nothing was computed, as in the night between a `down` and an `up`.
 * They are events, so that any later steward takes them out of the time that the experiment took.
 */
import { readEvents, recordEvent, type Progress, type Store } from "@hatchery/experiment";

export interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A steward that was killed is there again within a second or two; that is no pause. */
const leastPauseMs = 10_000;

/** The pauses so far, and the one that ends now. `before` is what the last steward published. */
export async function readPauses(
  store: Store,
  experiment: string,
  before: Progress | undefined,
): Promise<Pause[]> {
  const isOpen = before !== undefined && before.state !== "closed";
  if (isOpen && Date.now() - Date.parse(before.updatedAt) > leastPauseMs)
    await recordEvent(store, experiment, "taken up", { since: before.updatedAt });
  const events = await readEvents(store, experiment);
  return events
    .filter(({ event }) => event === "taken up")
    .map(({ since, at }) => ({ fromMs: Date.parse(String(since)), toMs: Date.parse(at) }));
}

/**
 * A clock that stands still in pauses. Workers may go on without a steward, so a pause starts with the last part
 * that was written in it.
 */
export function clockWithout(
  pauses: readonly Pause[],
  parts: readonly { readonly atMs: number }[],
): (ms: number) => number {
  const still = pauses.map(({ fromMs, toMs }) => {
    const within = parts.filter(({ atMs }) => atMs > fromMs && atMs < toMs);
    return { fromMs: within.reduce((latest, { atMs }) => Math.max(latest, atMs), fromMs), toMs };
  });
  return (ms) =>
    still.reduce((time, { fromMs, toMs }) => time - Math.max(0, Math.min(ms, toMs) - fromMs), ms);
}
