/** Meter: simulations per second over the last while, from counts that come a chunk at a time. */

/** Long enough to even out chunks of a few seconds, short enough to follow a fleet that grows. */
const windowMs = 30_000;

export interface Meter {
  /** Tells the count at a time, in ms since some start. */
  read(count: number, atMs: number): void;
  /** 0 until the count has moved. */
  perSecond(): number;
}

export function createMeter(): Meter {
  const readings: { count: number; atMs: number }[] = [];
  return {
    read(count, atMs) {
      // Only steps are kept: between two parts nothing is known.
      if (readings.at(-1)?.count === count) return;
      readings.push({ count, atMs });
      while (readings.length > 2 && atMs - readings[0]!.atMs > windowMs) readings.shift();
    },
    perSecond() {
      const first = readings[0];
      const last = readings.at(-1);
      if (first === undefined || last === undefined || last.atMs === first.atMs) return 0;
      return ((last.count - first.count) / (last.atMs - first.atMs)) * 1_000;
    },
  };
}
