/** Recount: the ledger from the store alone, with no engine. */
import { z } from "zod";
import { experimentKeys } from "./layout.ts";
import type { Ledger } from "./ledger.ts";
import type { Manifest } from "./manifest.ts";
import { mergeParts } from "./merge-parts.ts";
import { readJson, type Store } from "./store.ts";

/** Recounts an experiment from its parts, or from those of `among`, reading every byte of them. */
export async function countLedger(
  store: Store,
  manifest: Manifest,
  among?: ReadonlySet<string>,
): Promise<Ledger> {
  const merged = mergeParts(store, manifest, among);
  for (;;) {
    const step = await merged.next();
    if (step.done === true) return step.value;
  }
}

/**
 * What the parts were when an experiment was stopped. The engine forgets a chunk that it takes
 * back at once, and a busy worker may write what it has of it later than the close. Undefined when all parts count.
 */
export async function ledgerAtClose(
  store: Store,
  manifest: Manifest,
  now: Ledger,
): Promise<Ledger | undefined> {
  const keys = await readJson(store, experimentKeys(manifest.experiment).counted, (value) =>
    z.array(z.string()).parse(value),
  );
  const counted = new Set(keys);
  const isLate = keys !== undefined && now.parts.some((key) => !counted.has(key));
  return isLate ? countLedger(store, manifest, counted) : undefined;
}
