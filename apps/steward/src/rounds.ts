/** Rounds: what an experiment's next pass covers, decided from what the store holds alone. */
import {
  chunkCount,
  chunkExtent,
  chunkSizes,
  countOf,
  rangesWhere,
  spread,
  type Ledger,
  type Manifest,
  type Ranges,
  type Round,
} from "@hatchery/experiment";

/** The first round: a canary that learns what a simulation costs, or everything when there is nothing to learn. */
export function firstRound(manifest: Manifest, slotsFor: SlotsFor, now: Date): Round {
  const { plan, total } = manifest;
  const isCanary = plan.canary > 0 && plan.canary < total && plan.chunkSimulations === undefined;
  if (!isCanary)
    return mainRound(
      manifest,
      0,
      [[0, total]],
      plan.chunkSeconds / (plan.chunkSimulations ?? 1),
      slotsFor,
      now,
    );
  return canaryRound(manifest, 0, spread(total, plan.canary), slotsFor(undefined), now);
}

/**
 * A quick simulation's first runs load data and are not compiled yet: up to a hundred times what the later ones take.
 * A canary that was over sooner than this in each slot has measured the start, and a longer one follows.
 */
const tellingSeconds = 0.05;
const mostCanaries = 3;
/** Long enough for a slot to reach its speed in the first half, and for what disturbs it not to count in the other. */
const longerCanarySeconds = 0.5;
/** Below this much work per slot, how it is cut does not matter. */
const leastWorkSeconds = 5;

/** Slots that the stage's fleet will have for so many slot-seconds of work; undefined: for what nobody has measured. */
export type SlotsFor = (openSeconds: number | undefined) => number;

/** What follows a canary: a longer one where it can only have measured the start, else everything else. */
export function afterCanary(
  manifest: Manifest,
  rounds: readonly Round[],
  secondsPerSimulation: number,
  slotsFor: SlotsFor,
  now: Date,
): Round {
  const { total } = manifest;
  const round = rounds.length;
  const canary = rounds.at(-1)!;
  const ran = new Set(rounds.flatMap(({ simulations }) => simulations.map(([first]) => first)));
  const canarySlots = chunkCount(canary.chunkSizes);
  const slotSeconds = (secondsPerSimulation * countOf(canary.simulations)) / canarySlots;
  const work = secondsPerSimulation * total;
  const isMisleading =
    round < mostCanaries &&
    slotSeconds < tellingSeconds &&
    work / slotsFor(work) > leastWorkSeconds;
  if (isMisleading) {
    // On the slots that have begun: a fleet that grows for a wrong measure has cost its start.
    const perSlot = Math.ceil(longerCanarySeconds / secondsPerSimulation);
    const simulations = spread(total, canarySlots * perSlot).filter(([first]) => !ran.has(first));
    return canaryRound(manifest, round, simulations, canarySlots, now);
  }
  const rest = rangesWhere(total, (i) => !ran.has(i));
  return mainRound(manifest, round, rest, secondsPerSimulation, slotsFor, now);
}

/** Enough for a worker to try again. */
const tryAgainMs = 15_000;
const chunksWaitedFor = 2;

/**
 * How long a round may bring no part before it is held for what some worker has told. `mostSeconds` is what a simulation
 * may take: as long as others work on it, one worker's trouble is no reason, and a slow canary's end is all that is measured.
 */
export function patienceMs(
  round: Round,
  measuredSeconds: number | undefined,
  { mostSeconds, isEveryWorkers }: { mostSeconds: number; isEveryWorkers: boolean },
): number {
  const seconds =
    measuredSeconds ?? round.secondsPerSimulation ?? (isEveryWorkers ? 0 : mostSeconds);
  return tryAgainMs + chunksWaitedFor * chunkExtent(round.chunkSizes, 0).size * seconds * 1_000;
}

/** A chunk per slot. */
function canaryRound(
  { plan }: Manifest,
  round: number,
  simulations: [number, number][],
  slots: number,
  now: Date,
): Round {
  const count = countOf(simulations);
  const chunkSimulations = Math.ceil(count / slots);
  return {
    round,
    kind: "canary",
    createdAt: now.toISOString(),
    simulations,
    chunkSizes: chunkSizes(count, 0, { ...plan, chunkSimulations }),
  };
}

/** Another pass over some simulations, in chunks by what the canary had measured, or else by what all rows took. */
export function againRound(
  rounds: readonly Round[],
  simulations: Ranges,
  ledger: Pick<Ledger, "done" | "failed" | "simulationSeconds">,
  manifest: Manifest,
  slotsFor: SlotsFor,
  now: Date,
): Round {
  const measured = rounds.findLast((one) => one.secondsPerSimulation !== undefined);
  const counted = ledger.done + ledger.failed;
  const mean = counted === 0 ? manifest.plan.chunkSeconds : ledger.simulationSeconds / counted;
  const round = (rounds.at(-1)?.round ?? -1) + 1;
  const seconds = measured?.secondsPerSimulation ?? mean;
  // What a person chose to go on with stays chosen.
  const { source, maxFailures } = rounds.at(-1) ?? {};
  return {
    ...mainRound(manifest, round, simulations, seconds, slotsFor, now),
    kind: "again",
    ...(source !== undefined && { source }),
    ...(maxFailures !== undefined && { maxFailures }),
  };
}

function mainRound(
  manifest: Manifest,
  round: number,
  simulations: Ranges,
  secondsPerSimulation: number,
  slotsFor: SlotsFor,
  now: Date,
): Round {
  const covered = countOf(simulations);
  const plan = { ...manifest.plan, slots: slotsFor(secondsPerSimulation * covered) };
  return {
    round,
    kind: "main",
    createdAt: now.toISOString(),
    secondsPerSimulation,
    simulations: simulations.map(([first, count]) => [first, count]),
    chunkSizes: chunkSizes(covered, secondsPerSimulation, plan),
  };
}
