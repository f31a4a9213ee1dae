/** Rounds: what an experiment's next pass covers, decided from what the store holds alone. */
import {
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
export function firstRound(manifest: Manifest, now: Date): Round {
  const { plan, total } = manifest;
  const isCanary = plan.canary > 0 && plan.canary < total && plan.chunkSimulations === undefined;
  if (!isCanary)
    return mainRound(
      manifest,
      0,
      [[0, total]],
      plan.chunkSeconds / (plan.chunkSimulations ?? 1),
      now,
    );
  const simulations = spread(total, plan.canary);
  const perSlot = Math.ceil(countOf(simulations) / plan.slots);
  return {
    round: 0,
    kind: "canary",
    createdAt: now.toISOString(),
    simulations,
    chunkSizes: chunkSizes(countOf(simulations), 0, { ...plan, chunkSimulations: perSlot }),
  };
}

/** Everything that the canary did not run, in chunks by what it measured. */
export function afterCanary(
  manifest: Manifest,
  canary: Round,
  secondsPerSimulation: number,
  now: Date,
): Round {
  const ran = new Set(canary.simulations.map(([first]) => first));
  const rest = rangesWhere(manifest.total, (i) => !ran.has(i));
  return mainRound(manifest, canary.round + 1, rest, secondsPerSimulation, now);
}

/** Another pass over some simulations, in chunks by what the canary had measured, or else by what all rows took. */
export function againRound(
  rounds: readonly Round[],
  simulations: Ranges,
  ledger: Pick<Ledger, "done" | "failed" | "simulationSeconds">,
  manifest: Manifest,
  now: Date,
): Round {
  const measured = rounds.findLast((one) => one.secondsPerSimulation !== undefined);
  const counted = ledger.done + ledger.failed;
  const mean = counted === 0 ? manifest.plan.chunkSeconds : ledger.simulationSeconds / counted;
  const round = (rounds.at(-1)?.round ?? -1) + 1;
  const seconds = measured?.secondsPerSimulation ?? mean;
  return { ...mainRound(manifest, round, simulations, seconds, now), kind: "again" };
}

function mainRound(
  manifest: Manifest,
  round: number,
  simulations: Ranges,
  secondsPerSimulation: number,
  now: Date,
): Round {
  return {
    round,
    kind: "main",
    createdAt: now.toISOString(),
    secondsPerSimulation,
    simulations: simulations.map(([first, count]) => [first, count]),
    chunkSizes: chunkSizes(countOf(simulations), secondsPerSimulation, manifest.plan),
  };
}
