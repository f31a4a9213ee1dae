/** Autoscale: from what there is to do to how many workers a fleet should have. Pure; scaler.ts looks and acts. */

export interface FleetWork {
  /** Chunks that are queued or running. */
  readonly openChunks: number;
  /** What they take on one slot; undefined as long as no simulation has been measured. */
  readonly openSeconds: number | undefined;
}

export interface FleetBounds {
  readonly min: number;
  readonly max: number;
  /** A person's word: so many, whatever there is to do. */
  readonly pin: number | undefined;
  readonly slotsPerWorker: number;
  /** From the request for a worker to its first chunk. */
  readonly startSeconds: number;
}

export interface Situation extends FleetBounds {
  readonly desired: number;
  /** Undefined when no experiment of this fleet is open. */
  readonly work: FleetWork | undefined;
  /** How long there has been none, and in how many looks in a row, this one included. */
  readonly idle: { readonly looks: number; readonly seconds: number };
  /** The schedule that sets every fleet to zero has run. */
  readonly isLeaseOver: boolean;
}

/** Before anything is measured: the canary's simulations, one a slot. */
const slotsUnmeasured = 16;
/** A worker that computes for less than this many of its starts costs more than the time that it saves. */
const leastStarts = 2;
/** One look may fall between two experiments of a study. */
const idleLooks = 2;

export function desiredWorkers(situation: Situation): number {
  const { desired, min, max, pin, work, idle, startSeconds, isLeaseOver } = situation;
  // Even with work open: it has not moved for the whole lease. Whoever asks for workers begins a new one.
  if (isLeaseOver) return 0;
  if (pin !== undefined) return Math.min(pin, max);
  const bounded = (workers: number) => Math.min(Math.max(workers, min), max);
  // Fewer at once while there is work would stop one that is busy: which, nobody here can choose.
  if (work !== undefined) return bounded(Math.max(desired, usefulWorkers(work, situation)));
  const isIdle = idle.looks >= idleLooks && idle.seconds >= startSeconds;
  return isIdle ? min : bounded(desired);
}

/** How many workers the work can use: each with a chunk for every slot, and with enough of them to be worth its start. */
export function usefulWorkers(
  { openChunks, openSeconds }: FleetWork,
  { slotsPerWorker, startSeconds }: Pick<FleetBounds, "slotsPerWorker" | "startSeconds">,
): number {
  const byChunks = Math.ceil(openChunks / slotsPerWorker);
  const byTime =
    openSeconds === undefined
      ? Math.ceil(slotsUnmeasured / slotsPerWorker)
      : Math.ceil(openSeconds / (slotsPerWorker * leastStarts * startSeconds));
  return Math.min(byChunks, Math.max(byTime, 1));
}

/** Slots that a fleet will have for work of so many slot-seconds: what a plan is cut for. */
export function expectedSlots(
  openSeconds: number | undefined,
  fleet: FleetBounds & { readonly desired: number },
): number {
  const work = { openChunks: Infinity, openSeconds };
  const idle = { looks: 0, seconds: 0 };
  const workers = desiredWorkers({ ...fleet, work, idle, isLeaseOver: false });
  return Math.max(1, workers) * fleet.slotsPerWorker;
}
