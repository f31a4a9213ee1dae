/**
 * Plan: how the simulations of a round are cut into chunks, one engine task each.
 * A chunk is long enough that the cost of a task (about 58 ms of core time in database, engine, worker and steward,
 * measured) does not count, and the last ones are short enough that slots end together.
 */
import { z } from "zod";
import { Ranges, countOf, sliceOf } from "./ranges.ts";

export const PlanSettings = z.object({
  /** How long one chunk should take; in a long round up to twice as long. */
  chunkSeconds: z.number().positive(),
  /** Simulations per chunk, when a person fixes it. */
  chunkSimulations: z.int().min(1).optional(),
  /** Simulations that run first and alone, to learn what one costs. 0: none. */
  canary: z.int().min(0),
  /** Share of failures among the latest simulations above which the rest is held back. 1: never. */
  maxFailures: z.number().min(0).max(1),
  /** What the canary says all simulations will take must not be more. */
  maxHours: z.number().positive().optional(),
  /** When its workers have cost so much, the rest is held back. */
  maxUsd: z.number().positive().optional(),
  /** Slots that the fleet has at most; each round is cut for those that it will have for its work. */
  slots: z.int().min(1),
});
export type PlanSettings = z.infer<typeof PlanSettings>;

/** Sizes of consecutive chunks, run-length encoded: [simulations per chunk, how many such chunks]. */
export const ChunkSizes = z.array(z.tuple([z.int().min(1), z.int().min(1)]));
export type ChunkSizes = readonly (readonly [size: number, times: number])[];

/** One pass over some simulations of an experiment; written once to `parts/<round>/plan.json`. */
export const Round = z.object({
  round: z.int().min(0),
  kind: z.enum(["canary", "main", "again"]),
  createdAt: z.string(),
  /** Measured; what the chunk sizes rest on. */
  secondsPerSimulation: z.number().optional(),
  simulations: Ranges,
  chunkSizes: ChunkSizes,
  /** In place of the manifest's, where a person resumed with another. */
  maxFailures: z.number().min(0).max(1).optional(),
  /** For the experiment as a whole from this round on, where a person resumed with another. */
  maxUsd: z.number().positive().optional(),
  /** In place of the manifest's, where a person chose to go on with changed code: SHA-256 of its source. */
  source: z.string().optional(),
  /** How it had ended, and ends again after this round: a person asked for what failed, and not for what has not run. */
  endsAgain: z
    .object({
      ended: z.enum(["cancelled", "halted", "capped", "lost"]),
      reason: z.string().optional(),
    })
    .optional(),
});
export type Round = z.infer<typeof Round>;

/** The engine's database and lists stay quick up to about this many tasks of one experiment. */
const mostChunks = 50_000;
/** A chunk's rows stay in the worker's memory until its part is written: 100,000 rows of 20 columns are 16 MB. */
const mostSimulationsPerChunk = 100_000;
/** In a long round a chunk may be such a part of what a slot has to do: a person still soon knows how fast it goes. */
const chunksPerSlot = 10;
/** A chunk of less work than this costs more than it evens out: about three times what a task takes. */
const leastSeconds = 0.15;
/** What a small engine hands out in a second without falling behind; all slots ask at once when chunks are short. */
const chunksPerSecond = 200;

export function chunkSizes(
  simulations: number,
  secondsPerSimulation: number,
  settings: PlanSettings,
): [number, number][] {
  const { chunkSimulations, slots } = settings;
  if (chunkSimulations !== undefined) return runLengths(simulations, chunkSimulations);
  const shareSeconds = (secondsPerSimulation * simulations) / slots;
  const chunkSeconds = Math.min(
    2 * settings.chunkSeconds,
    Math.max(settings.chunkSeconds, shareSeconds / chunksPerSlot),
  );
  const within = (seconds: number) => seconds / Math.max(secondsPerSimulation, 1e-7);
  // But never so long that a slot gets none.
  const byWork = Math.min(
    within(Math.max(leastSeconds, slots / chunksPerSecond)),
    simulations / slots,
  );
  for (let least = clamped(Math.ceil(byWork)); ; least = Math.ceil(least * 1.5)) {
    const most = Math.max(least, clamped(Math.floor(within(chunkSeconds))));
    const sizes = guided(simulations, slots, least, most);
    if (chunkCount(sizes) <= mostChunks) return sizes;
  }
}

const clamped = (size: number) => Math.min(Math.max(1, size), mostSimulationsPerChunk);

/** Even where one slot takes twice as long as the others for this much of its share, they find enough to do meanwhile. */
const shareOfSlot = 2 / 3;

/**
 * Guided self-scheduling: each chunk is a fixed part of a slot's share of what is left, so that few chunks do most of the
 * work and slots end together, whatever each simulation takes (Polychronopoulos and Kuck, IEEE Trans. Computers 36, 1987).
 */
function guided(
  simulations: number,
  slots: number,
  least: number,
  most: number,
): [number, number][] {
  const sizes: [number, number][] = [];
  for (let left = simulations; left > 0;) {
    const share = Math.ceil((left * shareOfSlot) / slots);
    const size = Math.min(left, most, Math.max(least, share));
    const times =
      size <= least
        ? Math.floor(left / size)
        : size === most
          ? Math.max(1, Math.floor(left / most) - Math.ceil(slots / shareOfSlot) + 1)
          : Math.min(slots, Math.floor(left / size));
    sizes.push([size, times]);
    left -= size * times;
  }
  return sizes;
}

function runLengths(simulations: number, size: number): [number, number][] {
  const whole = Math.floor(simulations / size);
  const rest = simulations - whole * size;
  return [
    ...(whole > 0 ? [[size, whole] as [number, number]] : []),
    ...(rest > 0 ? [[rest, 1] as [number, number]] : []),
  ];
}

/** `count` simulations spread evenly over the design, first and last included: what the canary runs. */
export function spread(total: number, count: number): [number, number][] {
  const chosen = new Set<number>();
  for (let k = 0; k < count; k++)
    chosen.add(count === 1 ? 0 : Math.round((k * (total - 1)) / (count - 1)));
  return [...chosen].toSorted((a, b) => a - b).map((i) => [i, 1]);
}

export function chunkCount(sizes: ChunkSizes): number {
  return sizes.reduce((sum, [, times]) => sum + times, 0);
}

/** Where chunk number `chunk` starts among the round's simulations, and how many it has. */
export function chunkExtent(sizes: ChunkSizes, chunk: number): { position: number; size: number } {
  let position = 0;
  let before = 0;
  for (const [size, times] of sizes) {
    if (chunk < before + times) return { position: position + (chunk - before) * size, size };
    position += size * times;
    before += times;
  }
  throw new Error(`Chunk ${chunk} is beyond the round's ${before} chunks.`);
}

/** The simulations of one chunk. */
export function chunkRanges(round: Round, chunk: number): [number, number][] {
  const { position, size } = chunkExtent(round.chunkSizes, chunk);
  return sliceOf(round.simulations, position, size);
}

/** Every chunk of a round in order, with its extent; walks the sizes once. */
export function* chunksOf(
  sizes: ChunkSizes,
): Generator<{ chunk: number; position: number; size: number }> {
  let chunk = 0;
  let position = 0;
  for (const [size, times] of sizes)
    for (let k = 0; k < times; k++) {
      yield { chunk: chunk++, position, size };
      position += size;
    }
}

/** What an experiment may cost in all, as its person last said; undefined where nobody did. */
export function costCap(
  plan: Pick<PlanSettings, "maxUsd">,
  rounds: readonly Pick<Round, "maxUsd">[],
): number | undefined {
  return rounds.findLast(({ maxUsd }) => maxUsd !== undefined)?.maxUsd ?? plan.maxUsd;
}

/** Simulations that a round covers. */
export function roundTotal(round: Round): number {
  return countOf(round.simulations);
}
