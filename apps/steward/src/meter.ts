/**
 * Meter: how fast a round goes and when its last simulation will be computed, from its parts alone.
 * Nothing here is remembered, so a steward that was started a moment ago says what the last one would have said.
 */

/** A part: when it was written, how many simulations it has, and for how long a slot was at them. */
export interface Arrival {
  readonly atMs: number;
  readonly simulations: number;
  readonly seconds: number;
}

export interface Estimate {
  /** Over the last while; 0 until there is a part. */
  readonly simulationsPerSecond: number;
  /** The likely time, once two chunks one after the other have been seen. */
  readonly secondsLeft?: number;
  readonly secondsLeftLeast?: number;
  /** Absent while nothing comes: then nobody can tell. */
  readonly secondsLeftMost?: number;
}

/** Long enough to even out chunks of a few seconds, short enough to follow a fleet that grows. */
const shortestWindowMs = 30_000;
/** Shares of the time so far, each with a rate of its own: their spread is how steady it has been. */
const windowShares = [1 / 8, 1 / 4, 1 / 2];
/** 1.96 would be 95 % of a normal distribution; the spread of the windows adds to it. */
const deviations = 1.96;
/** A rate that is known to the last digit still is not that of the next hour: another process, a warmer processor. */
const leastNoise = 0.04;
/** How much longer a trend may go on than it has been watched; further out it would claim anything. */
const mostTrend = 8;

/**
 * @param arrivals of one round, in the order of their times
 * @param startMs when the round was planned
 * @param left simulations without a row
 * @param lastChunk simulations of the round's last chunk: for so long one slot may work after all others
 */
export function estimate(
  arrivals: readonly Arrival[],
  startMs: number,
  nowMs: number,
  left: number,
  lastChunk: number,
): Estimate {
  const last = arrivals.at(-1);
  if (last === undefined) return { simulationsPerSecond: 0 };
  const recent = arrivals.slice(-recentArrivals);
  const longestMs = 1_000 * Math.max(...recent.map(({ seconds }) => seconds));
  // Later than this some chunk may be under way of which nothing is known yet.
  const knownMs = Math.max(nowMs - longestMs, startMs);
  const elapsedMs = knownMs - startMs;
  const counted = arrivals.reduce((sum, { simulations }) => sum + simulations, 0);
  if (elapsedMs < longestMs || elapsedMs === 0)
    return { simulationsPerSecond: (1_000 * counted) / Math.max(last.atMs - startMs, 1) };

  const progress = (fromMs: number, toMs: number) => workDone(arrivals, fromMs, toMs);
  const known = progress(startMs, knownMs);
  const leftThen = left + counted - known.simulations;
  const sinceMs = nowMs - knownMs;
  const shortMs = Math.min(elapsedMs, Math.max(shortestWindowMs, 3 * longestMs));
  const lengths = [shortMs, ...windowShares.map((share) => Math.max(share * elapsedMs, longestMs))];
  const spread = relativeSpread(recent);
  const chunksLeft = Math.max(1, leftThen / Math.max(1, counted / arrivals.length));
  const rates = lengths.map((lengthMs) => {
    const { simulations, chunks } = progress(knownMs - lengthMs, knownMs);
    const rate = (1_000 * simulations) / lengthMs;
    const noise =
      leastNoise + deviations * spread * Math.sqrt(1 / Math.max(1, chunks) + 1 / chunksLeft);
    return { rate, low: rate / (1 + noise), high: rate * (1 + noise) };
  });
  const simulationsPerSecond = rates[0]!.rate;
  if (simulationsPerSecond === 0)
    return { simulationsPerSecond, secondsLeftLeast: leftThen / fastest() };

  const likely = leftThen / rates[shortMs > elapsedMs * windowShares[0]! ? 0 : 1]!.rate;
  const seconds = (rate: number) => Math.max(0, leftThen / rate - sinceMs / 1_000);
  const trended = trendedRates();
  const slowest = Math.min(...trended, ...rates.map(({ low }) => low));
  const lastSeconds =
    lastChunk * Math.max(...recent.map((one) => one.seconds / Math.max(1, one.simulations)));
  return {
    simulationsPerSecond,
    secondsLeft: Math.max(0, likely - sinceMs / 1_000),
    secondsLeftLeast: Math.max(0, seconds(Math.max(...trended, fastest())) - lastSeconds / 2),
    ...(slowest > 0 && { secondsLeftMost: seconds(slowest) + lastSeconds }),
  };

  function fastest(): number {
    return Math.max(...rates.map(({ high }) => high));
  }

  /** The rates on the way to the end if what has changed since half-time goes on: a fleet that grows, a design whose later points take longer. */
  function trendedRates(): number[] {
    const middleMs = startMs + elapsedMs / 2;
    const before = progress(startMs, middleMs);
    const after = progress(middleMs, knownMs);
    if (before.chunks < 1 || after.chunks < 1) return [];
    const trend = Math.log(after.simulations / before.simulations);
    const noise = spread * Math.sqrt(1 / before.chunks + 1 / after.chunks);
    // From the middle of what the second half did to the middle of what is left, in distances of the two halves.
    const further = (after.simulations + leftThen) / (before.simulations + after.simulations);
    const rate = (2_000 * after.simulations) / elapsedMs;
    return [trend - noise, trend + noise].map(
      (each) => rate * Math.exp(each * Math.min(mostTrend, further)),
    );
  }
}

/** So many of the latest parts tell how long a chunk takes. */
const recentArrivals = 200;

/** What was computed in a stretch of time: a chunk's simulations are spread over the time that its slot was at them. */
function workDone(
  arrivals: readonly Arrival[],
  fromMs: number,
  toMs: number,
): { simulations: number; chunks: number } {
  let done = 0;
  let chunks = 0;
  for (const { atMs, simulations, seconds } of arrivals) {
    const lengthMs = Math.max(seconds * 1_000, 1);
    const within = Math.min(toMs, atMs) - Math.max(fromMs, atMs - lengthMs);
    if (within <= 0) continue;
    done += simulations * (within / lengthMs);
    chunks += within / lengthMs;
  }
  return { simulations: done, chunks };
}

/** Standard deviation ÷ mean of what a simulation takes, from chunk to chunk. */
function relativeSpread(arrivals: readonly Arrival[]): number {
  const costs = arrivals.map(({ seconds, simulations }) => seconds / Math.max(1, simulations));
  const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
  const variance = costs.reduce((sum, cost) => sum + (cost - mean) ** 2, 0) / costs.length;
  return mean === 0 ? 0 : Math.sqrt(variance) / mean;
}
