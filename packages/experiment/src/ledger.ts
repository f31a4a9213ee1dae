/**
 * Ledger: the account of all N simulations.
 * done + failed + not run = N, and every simulation that did not run has a cause.
 */
import { countOf, rangesWhere, type Ranges } from "./ranges.ts";

/** A part that the store lacks or cannot give back whole. */
export interface PartProblem {
  readonly key: string;
  readonly problem: string;
  readonly simulations: Ranges;
}

export interface Ledger {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  readonly notRun: number;
  /** Per simulation: 0 not run, 1 done, 2 failed. */
  readonly outcomes: Uint8Array;
  /** Parts that are there and cannot be read, with the simulations that no later round has computed again. */
  readonly corrupt: readonly PartProblem[];
  /** Keys of the parts that it rests on. */
  readonly parts: readonly string[];
  readonly chunks: number;
  readonly simulationSeconds: number;
  readonly retries: number;
  readonly interruptions: number;
}

export const outcome = { notRun: 0, done: 1, failed: 2 } as const;

/** The simulations that have no row. */
export function notRunRanges(ledger: Ledger): [number, number][] {
  return rangesWhere(ledger.total, (i) => ledger.outcomes[i] === outcome.notRun);
}

export function failedRanges(ledger: Ledger): [number, number][] {
  return rangesWhere(ledger.total, (i) => ledger.outcomes[i] === outcome.failed);
}

/** A few ranges for a person: "12, 40–59 and 3 more ranges". */
export function describeRanges(ranges: Ranges, most = 5): string {
  const shown = ranges
    .slice(0, most)
    .map(([first, count]) => (count === 1 ? `${first}` : `${first}–${first + count - 1}`));
  const more = ranges.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more ranges` : ""} (${countOf(ranges)} in all)`;
}
