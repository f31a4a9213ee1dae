/**
 * Starvation: a worker that is connected, sends its heartbeats and is given nothing while work waits (hatchet issue
 * 4824). Neither it nor the engine sees an error, so it looks at the queue itself.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** An idle worker asks this often: the engine's API allows 100 requests a second and address. */
const lookEveryMs = 10_000;
/** So many looks in a row must find work waiting: a restarted engine takes up to 20 s to hand out again. */
const looksBeforeRenewal = 3;
const mostRenewals = 3;

export type Advice = "wait" | "renew" | "give up";

export interface Starvation {
  /** A chunk has come, or is under way. */
  fed(): void;
  look(isWorkWaiting: boolean): Advice;
}

/** What follows from a series of looks. */
export function createStarvation(): Starvation {
  let hungryLooks = 0;
  let renewals = 0;
  return {
    fed() {
      hungryLooks = 0;
      renewals = 0;
    },
    look(isWorkWaiting) {
      hungryLooks = isWorkWaiting ? hungryLooks + 1 : 0;
      if (hungryLooks < looksBeforeRenewal) return "wait";
      hungryLooks = 0;
      if (renewals === mostRenewals) return "give up";
      renewals++;
      return "renew";
    },
  };
}

/** Looks again and again until `stop` aborts or it is time to give up; then answers that. */
export async function watchForWork(
  worker: {
    readonly isIdle: () => boolean;
    readonly isWorkWaiting: () => Promise<boolean>;
    readonly renew: () => void;
  },
  starvation: Starvation,
  stop: AbortSignal,
): Promise<Advice> {
  while (await sleep(lookEveryMs, true, { signal: stop, ref: false }).catch(() => false)) {
    if (!worker.isIdle()) {
      starvation.fed();
      continue;
    }
    // An engine that does not answer is another trouble, with a cure of its own.
    const isWaiting = await worker.isWorkWaiting().catch(() => false);
    // What came meanwhile is no sign of starvation.
    if (!worker.isIdle()) continue;
    const advice = starvation.look(isWaiting);
    if (advice === "give up") return advice;
    if (advice === "renew") worker.renew();
  }
  return "wait";
}
