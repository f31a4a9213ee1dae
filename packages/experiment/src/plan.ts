/**
 * Plan: how the simulations of a round are cut into chunks, one engine task each.
 * A chunk is long enough that the engine's cost per task (12–14 ms of core time, measured) does not count,
 * and short enough that slots end together.
 */
import { z } from "zod";
import { Ranges, countOf, sliceOf } from "./ranges.ts";

export const PlanSettings = z.object({
  /** How long one chunk should take. */
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
});
export type Round = z.infer<typeof Round>;

/** The engine's database and lists stay quick up to about this many tasks of one experiment. */
const mostChunks = 50_000;
/** A chunk's rows stay in the worker's memory until its part is written: 100,000 rows of 20 columns are 16 MB. */
const mostSimulationsPerChunk = 100_000;
/** Fewer would leave a slot idle while another still has a whole chunk to do. */
const chunksPerSlot = 4;
/** A chunk of less work than this costs more than it evens out: about ten times what the engine takes for a task. */
const leastSeconds = 0.15;

export function chunkSizes(
  simulations: number,
  secondsPerSimulation: number,
  settings: PlanSettings,
): [number, number][] {
  if (settings.chunkSimulations !== undefined)
    return runLengths(simulations, settings.chunkSimulations);
  const byTime = settings.chunkSeconds / Math.max(secondsPerSimulation, 1e-7);
  const bySlots = simulations / (chunksPerSlot * settings.slots);
  // The tail's smaller chunks make about a third more of them.
  const byCount = Math.ceil((simulations * 1.4) / mostChunks);
  // But never so few that a slot gets none.
  const byWork = Math.min(
    leastSeconds / Math.max(secondsPerSimulation, 1e-7),
    simulations / settings.slots,
  );
  const least = Math.max(1, byCount, Math.ceil(byWork));
  const size = Math.min(
    Math.max(Math.floor(Math.min(byTime, bySlots)), least),
    mostSimulationsPerChunk,
  );
  const tail = Math.floor(simulations / 10);
  const tailSize = Math.min(size, Math.max(least, Math.ceil(size / 4)));
  return [...runLengths(simulations - tail, size), ...runLengths(tail, tailSize)];
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
