/**
 * One chunk: from the engine's task to the part in the store.
 * The part is written before the engine hears of it; a chunk that is stopped half-way leaves what it has as a
 * partial part, and whoever gets the chunk next goes on from there.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  bytesOf,
  chunkRanges,
  countOf,
  createPartMemory,
  createRowBuffer,
  decodePart,
  encodePart,
  manifestColumns,
  partKey,
  readJson,
  readManifest,
  readPartFacts,
  readStop,
  footerBytes,
  localInputs,
  roundKeys,
  Round,
  sliceOf,
  sortedRows,
  type ChunkInput,
  type ExperimentColumns,
  type Manifest,
  type PartFacts,
  type Ranges,
  type RowBuffer,
  type Store,
} from "@hatchery/experiment";
import { openChunkFiles } from "./chunk-files.ts";
import type { Slot, SlotWork } from "./slot.ts";

/** Thrown when a chunk was stopped before its end; its partial part is in the store. */
export class ChunkInterrupted extends Error {
  override readonly name = "ChunkInterrupted";
}

export interface ChunkWorker {
  readonly name: string;
  readonly store: Store;
  /** The worker's memory by the number of its slots. */
  readonly shareBytes: number;
  /** What the input files that this machine keeps may take. */
  readonly inputCacheBytes: number;
  readonly log: (line: string) => void;
}

/**
 * Computes what the store lacks of one chunk. Safe to call any number of times, at the same time too.
 * Undefined, and nothing computed, where the experiment was stopped: the engine may still hand out its chunks.
 */
export async function computeChunk(
  input: ChunkInput,
  slot: Slot,
  worker: ChunkWorker,
  stop: AbortSignal,
): Promise<PartFacts | undefined> {
  const { store } = worker;
  const keys = roundKeys(input.experiment, input.round);
  const there = await store.readEnd(keys.part(input.chunk), footerBytes);
  if (there !== undefined) return readPartFacts(there);

  if ((await readStop(store, input.experiment)) !== undefined) return undefined;
  const { manifest, round, columns } = await readPlanned(store, input);
  const ranges = chunkRanges(round, input.chunk);
  const size = countOf(ranges);
  const { rows, part: partMemory } = memoryFor(slot, columns, size);
  const allColumns = [...columns.parameters, ...columns.results];

  await using inputs = await localInputs(
    store,
    manifest.inputs ?? {},
    worker.log,
    worker.inputCacheBytes,
  );
  const { files: limit } = manifest.limits;
  await using files = limit === undefined ? undefined : await openChunkFiles(store, input, limit);
  let earlier = await readEarlier(store, input, allColumns);
  if (earlier !== undefined && (await files?.takeOver(earlier.facts)) === false)
    earlier = undefined;
  if (earlier !== undefined) rows.append(earlier.rows);
  const before = rows.count;
  const left = sliceOf(ranges, before, size - before);
  let peakBytes = earlier?.facts.memory?.peakBytes ?? 0;
  const end = await slot.run(
    {
      ...slotWork(manifest, store, left),
      ...sourceOf(manifest, round),
      inputs: inputs.paths,
      ...(files && { files: files.forSlot }),
    },
    {
      rows: (more) => rows.append(more),
      log: worker.log,
      peak: (bytes) => (peakBytes = Math.max(peakBytes, bytes)),
    },
    stop,
  );

  const count = rows.count;
  const computed: [string, number] = [worker.name, count - before];
  const taken = rows.look();
  const sorted = sortedRows(taken, columns.parameters, columns.results);
  const isWorth = end === "finished" || count > before;
  if (files !== undefined && sorted !== taken)
    throw new Error(
      "The simulations were not handed over in their order: their files have no place.",
    );
  const pack = isWorth ? await files?.store(sorted, allColumns.length - 1) : undefined;
  const part = await encodePart(
    sorted,
    allColumns,
    {
      ...input,
      interruptions: (earlier?.facts.interruptions ?? 0) + (end === "stopped" ? 1 : 0),
      workers: [...(earlier?.facts.workers ?? []), ...(computed[1] > 0 ? [computed] : [])],
      writtenAt: new Date().toISOString(),
      memory: { peakBytes, shareBytes: worker.shareBytes },
      ...(pack && { files: pack }),
    },
    partMemory,
  );
  if (end === "stopped") {
    if (isWorth) await store.create(keys.partial(input.chunk, count), part.bytes);
    throw new ChunkInterrupted(`Stopped after ${count} of ${size} simulations.`);
  }
  await store.create(keys.part(input.chunk), part.bytes);
  return part.facts;
}

interface ChunkMemory {
  readonly columns: ExperimentColumns;
  readonly rows: RowBuffer;
  readonly part: ReturnType<typeof createPartMemory>;
}

/** A chunk's memory serves the slot's next one: new each time, its pages and the garbage took a hundredth of the worker's machine. */
const memories = new WeakMap<Slot, ChunkMemory>();

function memoryFor(slot: Slot, columns: ExperimentColumns, size: number): ChunkMemory {
  const before = memories.get(slot);
  if (before?.columns === columns) {
    before.rows.clear();
    return before;
  }
  const rows = createRowBuffer(columns.parameters, columns.results, size);
  const memory = { columns, rows, part: createPartMemory() };
  memories.set(slot, memory);
  return memory;
}

/** The code that a round is to be computed with; any for an experiment that does not say. */
function sourceOf({ code }: Manifest, round: Round): Pick<SlotWork, "source"> {
  const source = round.source ?? code.source;
  return source === undefined ? {} : { source };
}

/** What a slot needs to know to compute some simulations of an experiment. */
export function slotWork(manifest: Manifest, store: Store, ranges: Ranges): SlotWork {
  const { model, design, seed, limits } = manifest;
  return {
    model,
    design,
    seed,
    limits: {
      seconds: limits.seconds,
      attempts: limits.attempts,
      memoryBytes: bytesOf(limits.memory),
    },
    store: store.address,
    ranges,
  };
}

/** What an interrupted worker left of this chunk. One that cannot be read counts as not there. */
async function readEarlier(
  store: Store,
  input: ChunkInput,
  columns: Parameters<typeof decodePart>[1],
): Promise<Awaited<ReturnType<typeof decodePart>> | undefined> {
  const found = await partKey(store, input.experiment, input.round, input.chunk);
  const bytes = found?.isPartial === true ? await store.read(found.key) : undefined;
  return bytes === undefined ? undefined : decodePart(bytes, columns).catch(() => undefined);
}

interface Planned {
  readonly manifest: Manifest;
  readonly round: Round;
  readonly columns: ExperimentColumns;
}

/** Manifest and plan are written once, so what was read stays true. */
const planned = new Map<string, Planned>();
/** A worker meets its experiments one after the other; a few cover those that overlap. */
const mostPlanned = 8;

async function readPlanned(store: Store, input: ChunkInput): Promise<Planned> {
  const key = roundKeys(input.experiment, input.round).plan;
  const known = planned.get(key);
  if (known !== undefined) return known;
  const manifest = await readManifest(store, input.experiment);
  const round = await readJson(store, key, (value) => Round.parse(value));
  if (manifest === undefined || round === undefined)
    throw new Error(`The store has no plan for round ${input.round} of "${input.experiment}".`);
  const found = { manifest, round, columns: manifestColumns(manifest) };
  planned.set(key, found);
  if (planned.size > mostPlanned) planned.delete(planned.keys().next().value!);
  return found;
}

/** Waits before a chunk whose worker or store is in trouble goes back to the engine: its retries are immediate. */
export async function coolDown(attempt: number, stop: AbortSignal): Promise<void> {
  const seconds = Math.min(60, 2 ** attempt);
  await sleep(seconds * 1_000, undefined, { signal: stop }).catch(() => undefined);
}
