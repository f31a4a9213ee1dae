/**
 * Keeps one experiment from its manifest to its close: plans rounds, enqueues their chunks, follows the parts.
 * Everything is decided from the store, so a steward that was killed goes on where the last one was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  chunkCount,
  countLedger,
  experimentKeys,
  notRunRanges,
  readManifest,
  recordEvent,
  roundKeys,
  roundTotal,
  type Manifest,
  type Round,
  type Store,
} from "@hatchery/experiment";
import type { Logger } from "pino";
import { openAccount, type Account, type Ended } from "./account.ts";
import { measureCanary } from "./canary.ts";
import { closeExperiment } from "./close.ts";
import type { Engine } from "./engine.ts";
import { afterCanary, againRound, firstRound } from "./rounds.ts";

export interface Keeper {
  readonly store: Store;
  readonly engine: Engine;
  readonly logger: Logger;
}

/** How often the parts are looked through: soon enough for a progress line; 50,000 names take about 50 ms. */
const lookEveryMs = 200;
/** Without a new part for so long, the engine is asked whether it still has the missing chunks. */
const quietMs = 10_000;
/** A cancelled chunk's worker writes what it has; it is waited for so long. */
const cancelMs = 20_000;
/** Rounds in a row that bring nothing before what is missing is called lost. */
const mostFruitlessRounds = 3;

export async function keepExperiment(experiment: string, keeper: Keeper): Promise<void> {
  const { store, engine, logger } = keeper;
  const manifest = await readManifest(store, experiment);
  if (manifest === undefined) {
    logger.error({ experiment }, "has no manifest; it is not kept.");
    return;
  }
  const account = await openAccount(manifest, store, engine);
  let ended: Ended | undefined;
  let fruitless = 0;
  while (ended === undefined) {
    const round = account.rounds.at(-1) ?? (await addRound(firstRound(manifest, new Date())));
    const before = account.counted();
    const outcome = await runRound(manifest, round, account, keeper);
    if (outcome === "cancelled") ended = "cancelled";
    else if (outcome === "complete" && round.kind === "canary")
      await addRound(
        afterCanary(manifest, round, await measureCanary(store, manifest, round), new Date()),
      );
    else {
      const ledger = await countLedger(store, manifest);
      account.settle(ledger);
      fruitless = account.counted() > before ? 0 : fruitless + 1;
      if (ledger.notRun === 0) ended = "completed";
      else if (fruitless === mostFruitlessRounds) ended = "lost";
      else await addRound(againRound(manifest, round, notRunRanges(ledger), new Date()));
    }
  }
  await account.publish("closing", ended);
  account.settle(await closeExperiment(manifest, ended, account.rounds, store));
  await recordEvent(store, experiment, "closed", { ended });
  await account.publish("closed", ended);

  async function addRound(round: Round): Promise<Round> {
    await store.create(roundKeys(experiment, round.round).plan, JSON.stringify(round));
    account.rounds.push(round);
    await recordEvent(store, experiment, "round", {
      round: round.round,
      kind: round.kind,
      simulations: roundTotal(round),
      chunks: chunkCount(round.chunkSizes),
    });
    return round;
  }
}

/** Has the engine compute what a round lacks, and follows it to its end. */
async function runRound(
  { experiment, createdAt }: Manifest,
  round: Round,
  account: Account,
  { store, engine, logger }: Keeper,
): Promise<"complete" | "cancelled" | "lost"> {
  const since = new Date(Date.parse(createdAt) - 60_000);
  const isCancelled = async () =>
    (await store.read(experimentKeys(experiment).cancelled)) !== undefined;
  if (await isCancelled()) return "cancelled";
  let missing = await account.look(round);
  const enqueued = await engine.enqueue(
    missing.map((chunk) => ({ experiment, round: round.round, chunk })),
  );
  logger.info({ experiment, round: round.round, missing: missing.length, enqueued }, "enqueued");

  let cancelledAt: number | undefined;
  let lastPartAt = performance.now();
  for (;;) {
    await account.publish("running");
    if (missing.length === 0) return "complete";
    await sleep(lookEveryMs);
    const now = performance.now();
    const before = missing.length;
    missing = await account.look(round);
    if (missing.length < before) lastPartAt = now;

    if (cancelledAt === undefined && (await isCancelled())) {
      cancelledAt = now;
      await engine.cancel(experiment, since);
    }
    const isQuiet = now - lastPartAt > quietMs;
    if (cancelledAt === undefined && !isQuiet) continue;
    const outstanding = await engine.outstanding(experiment, since);
    if (cancelledAt !== undefined && (outstanding === 0 || now - cancelledAt > cancelMs))
      return "cancelled";
    if (isQuiet && outstanding === 0) return "lost";
    if (isQuiet) lastPartAt = now;
  }
}
