/** Canary: what the first few simulations say a simulation costs. */
import {
  decodePart,
  manifestColumns,
  partKeys,
  type Manifest,
  type Round,
  type Store,
} from "@hatchery/experiment";

/** The first ones in a fresh process run code that is not compiled yet, up to ten times slower. */
const warmUpShare = 0.5;

/** Seconds per simulation: the mean over each chunk's rows without the first half. */
export async function measureCanary(
  store: Store,
  manifest: Manifest,
  canary: Round,
): Promise<number> {
  const { parameters, results } = manifestColumns(manifest);
  let seconds = 0;
  let count = 0;
  for (const { key } of (await partKeys(store, manifest.experiment, canary.round)).values()) {
    const bytes = await store.read(key);
    if (bytes === undefined) continue;
    const { rows } = await decodePart(bytes, [...parameters, ...results]);
    const warm = rows.seconds.subarray(Math.floor(rows.count * warmUpShare));
    seconds += warm.reduce((sum, one) => sum + one, 0);
    count += warm.length;
  }
  return seconds / Math.max(count, 1);
}
