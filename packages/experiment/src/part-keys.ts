/** Part keys: which rounds an experiment has in the store, and which parts. */
import { experimentKeys, readPartKey, roundKeys } from "./layout.ts";
import { Round } from "./plan.ts";
import { readJson, type Store } from "./store.ts";

/** The rounds planned so far, in order. */
export async function readRounds(store: Store, experiment: string): Promise<Round[]> {
  const names = await store.names(experimentKeys(experiment).rounds);
  const numbers = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const rounds: Round[] = [];
  for (const round of numbers.toSorted((a, b) => a - b)) {
    const plan = await readJson(store, roundKeys(experiment, round).plan, (value) =>
      Round.parse(value),
    );
    if (plan !== undefined) rounds.push(plan);
  }
  return rounds;
}

interface PartKey {
  readonly key: string;
  readonly isPartial: boolean;
}

/** The part of one chunk, or its longest partial part. A worker asks for each of its chunks: no other one is listed. */
export async function partKey(
  store: Store,
  experiment: string,
  round: number,
  chunk: number,
): Promise<PartKey | undefined> {
  // Key order puts the longest partial part of a chunk last and "000007.parquet" after "000007.000123.partial…".
  const objects = await store.list(roundKeys(experiment, round).partialPrefix(chunk));
  const found = objects.findLast(({ key }) => readPartKey(key) !== undefined);
  return found && { key: found.key, isPartial: readPartKey(found.key)!.rows !== undefined };
}

/** For each chunk of a round, from one on, that has one of `among`: the key of its part, or of its longest partial part. */
export async function partKeys(
  store: Store,
  experiment: string,
  round: number,
  fromChunk = 0,
  among?: ReadonlySet<string>,
): Promise<Map<number, PartKey>> {
  const found = new Map<number, PartKey>();
  const keys = roundKeys(experiment, round);
  // In key order, as above.
  for (const name of await store.names(keys.folder, keys.chunkName(fromChunk))) {
    const key = `${keys.folder}${name}`;
    const part = readPartKey(key);
    if (part === undefined || among?.has(key) === false) continue;
    const isPartial = part.rows !== undefined;
    if (isPartial && found.get(part.chunk)?.isPartial === false) continue;
    found.set(part.chunk, { key, isPartial });
  }
  return found;
}
