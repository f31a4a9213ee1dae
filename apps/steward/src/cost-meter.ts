/** Cost meter: what workers have cost, from how many there were for how long. */

export interface CostMeter {
  /** Adds a while in which so many workers ran, at a price each; `share` of it is ours. */
  accumulate(workersRunning: number, seconds: number, usdPerHour: number, share?: number): void;
  usd(): number;
}

/** `spentUsd`: what an earlier steward has counted. */
export function createCostMeter(spentUsd = 0): CostMeter {
  let usd = spentUsd;
  return {
    accumulate(workersRunning, seconds, usdPerHour, share = 1) {
      usd += ((workersRunning * seconds) / 3_600) * usdPerHour * share;
    },
    usd: () => usd,
  };
}
