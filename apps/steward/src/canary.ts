/** Canary: what the first few simulations say a simulation costs, and whether the rest may follow. */
import {
  decodePart,
  manifestColumns,
  partKeys,
  type Manifest,
  type PartFacts,
  type Round,
  type Store,
} from "@hatchery/experiment";

/** The first ones in a fresh process run code that is not compiled yet, up to ten times slower. */
const warmUpShare = 0.5;

export interface CanaryMeasure {
  /** The mean over each chunk's rows without the first half. */
  readonly secondsPerSimulation: number;
  /** Of the slot that came closest to its share, or went furthest beyond it. */
  readonly memory: PartFacts["memory"];
}

export async function measureCanary(
  store: Store,
  manifest: Manifest,
  canary: Round,
): Promise<CanaryMeasure> {
  const { parameters, results } = manifestColumns(manifest);
  let seconds = 0;
  let count = 0;
  let memory: PartFacts["memory"];
  for (const { key } of (await partKeys(store, manifest.experiment, canary.round)).values()) {
    const bytes = await store.read(key);
    if (bytes === undefined) continue;
    // One that was damaged since is found again by the recount, and computed anew.
    const part = await decodePart(bytes, [...parameters, ...results]).catch(() => undefined);
    if (part === undefined) continue;
    const { rows, facts } = part;
    const warm = rows.seconds.subarray(Math.floor(rows.count * warmUpShare));
    seconds += warm.reduce((sum, one) => sum + one, 0);
    count += warm.length;
    if (facts.memory !== undefined && use(facts.memory) >= use(memory)) memory = facts.memory;
  }
  // Of none that can be read nothing is known, as where there is no canary.
  return {
    secondsPerSimulation: count === 0 ? manifest.plan.chunkSeconds : seconds / count,
    memory,
  };
}

const use = (memory: PartFacts["memory"]) =>
  memory === undefined ? 0 : memory.peakBytes / memory.shareBytes;

/** Why the rest is held back, for a person; undefined where it may follow. */
export function beyondLimits(
  { secondsPerSimulation, memory }: CanaryMeasure,
  { simulations, slots, maxHours }: { simulations: number; slots: number; maxHours?: number },
): string | undefined {
  const hours = (secondsPerSimulation * simulations) / slots / 3_600;
  const reasons: string[] = [];
  if (maxHours !== undefined && hours > maxHours)
    reasons.push(
      `The canary's simulations took ${number(secondsPerSimulation)} s each: the ${number(simulations)} that are left would take ${number(hours)} hours on ${number(slots)} slots, and at most ${number(maxHours)} were allowed.`,
    );
  if (memory !== undefined && memory.peakBytes > memory.shareBytes)
    reasons.push(
      `A slot of the canary held ${megabytes(memory.peakBytes)}, and its worker has ${megabytes(memory.shareBytes)} for each slot: with all of them at work the system would end it.`,
    );
  return reasons.length === 0 ? undefined : reasons.join(" ");
}

/** Why the rest is held back when all of it would cost more than a person allowed. */
export function beyondCap(
  { secondsPerSimulation }: Pick<CanaryMeasure, "secondsPerSimulation">,
  rest: { simulations: number; slotHourUsd: number; spentUsd: number; maxUsd: number | undefined },
): string | undefined {
  const { simulations, slotHourUsd, spentUsd, maxUsd } = rest;
  const usd = ((secondsPerSimulation * simulations) / 3_600) * slotHourUsd;
  if (maxUsd === undefined || spentUsd + usd <= maxUsd) return undefined;
  return `The canary's simulations took ${number(secondsPerSimulation)} s each: the ${number(simulations)} that are left would cost ${number(usd)} USD beside the ${number(spentUsd)} so far, and at most ${number(maxUsd)} USD were allowed.`;
}

const number = (value: number) => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
