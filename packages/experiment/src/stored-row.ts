/** Stored row: what the store holds of one simulation, found by its number without reading any other part. */
import { UserError } from "@hatchery/config";
import type { Column, Value } from "./columns.ts";
import { roundKeys } from "./layout.ts";
import { manifestColumns, type Manifest } from "./manifest.ts";
import { partKey, readRounds } from "./part-keys.ts";
import { decodePart, type PartFacts } from "./part.ts";
import type { ChunkSizes, Round } from "./plan.ts";
import type { Ranges } from "./ranges.ts";
import { createRowBuffer, type Rows } from "./rows.ts";
import type { Store } from "./store.ts";
import { textAt } from "./texts.ts";

/**
 * The row that counts for a simulation, alone in `Rows`: a done one stands before a failed one, a later round's
 * before an earlier's. Undefined when no round has computed it. Throws a UserError when the only part that should
 * have it cannot be read.
 */
export async function findRow(
  store: Store,
  manifest: Manifest,
  simulation: number,
): Promise<Rows | undefined> {
  const found = await findInPart(store, manifest, simulation);
  if (found === undefined) return undefined;
  const { parameters, results } = manifestColumns(manifest);
  const one = createRowBuffer(parameters, results, 1);
  one.append(found.rows, found.at, found.at + 1);
  return one.look();
}

/** A row among the others of its part. */
export interface FoundRow {
  readonly rows: Rows;
  readonly at: number;
  readonly facts: PartFacts;
}

/** Like `findRow`, with the part that the row is in. */
export async function findInPart(
  store: Store,
  manifest: Manifest,
  simulation: number,
): Promise<FoundRow | undefined> {
  let failed: FoundRow | undefined;
  let unreadable: UserError | undefined;
  for (const round of (await readRounds(store, manifest.experiment)).toReversed()) {
    try {
      const row = await rowOfRound(store, manifest, round, simulation);
      if (row?.rows.failed[row.at] === 0) return row;
      failed ??= row;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      unreadable ??= error;
    }
  }
  if (failed === undefined && unreadable !== undefined) throw unreadable;
  return failed;
}

async function rowOfRound(
  store: Store,
  manifest: Manifest,
  round: Round,
  simulation: number,
): Promise<FoundRow | undefined> {
  const chunk = chunkOf(round, simulation);
  if (chunk === undefined) return undefined;
  const { experiment } = manifest;
  let key = roundKeys(experiment, round.round).part(chunk);
  let bytes = await store.read(key);
  if (bytes === undefined) {
    // No finished part: an interrupted worker may have left what it had.
    const partial = await partKey(store, experiment, round.round, chunk);
    if (partial === undefined) return undefined;
    key = partial.key;
    bytes = await store.read(key);
    if (bytes === undefined) return undefined;
  }
  const { parameters, results } = manifestColumns(manifest);
  try {
    const { rows, facts } = await decodePart(bytes, [...parameters, ...results]);
    const at = rows.simulation.indexOf(simulation);
    return at === -1 ? undefined : { rows, at, facts };
  } catch (error) {
    throw new UserError(
      `${key} cannot be read (${error instanceof Error ? error.message : String(error)}).`,
      { hint: `See what it held:  pnpm hatchery verify ${experiment}`, cause: error },
    );
  }
}

/** Which chunk of a round computes a simulation; undefined when none does. */
function chunkOf({ simulations, chunkSizes }: Round, simulation: number): number | undefined {
  const position = positionIn(simulations, simulation);
  return position === undefined ? undefined : chunkAt(chunkSizes, position);
}

function positionIn(ranges: Ranges, simulation: number): number | undefined {
  let before = 0;
  for (const [first, count] of ranges) {
    if (simulation >= first && simulation < first + count) return before + simulation - first;
    before += count;
  }
  return undefined;
}

function chunkAt(sizes: ChunkSizes, position: number): number | undefined {
  let left = position;
  let chunk = 0;
  for (const [size, times] of sizes) {
    if (left < size * times) return chunk + Math.floor(left / size);
    left -= size * times;
    chunk += times;
  }
  return undefined;
}

/** One row's values by column; null where there is none. */
export function rowValues(
  rows: Rows,
  columns: readonly Column[],
  offset: number,
): Record<string, Value | null> {
  return Object.fromEntries(
    columns.map(({ name, kind }, c) => {
      const cells = rows.values[offset + c]!;
      if (!(cells instanceof Float64Array)) return [name, textAt(cells, 0)];
      const value = cells[0]!;
      if (Number.isNaN(value)) return [name, null];
      if (kind === "boolean") return [name, value === 1];
      // A column of whole numbers has no −0.
      return [name, kind === "integer" ? value + 0 : value];
    }),
  );
}
