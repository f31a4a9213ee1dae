/**
 * Keeps one experiment from its manifest to its close: plans rounds, enqueues their chunks, follows the parts.
 * Everything is decided from the store, so a steward that was killed goes on where the last one was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@hatchery/config";
import {
  chunkCount,
  costCap,
  countLedger,
  failedRanges,
  notRunRanges,
  rangesWhere,
  outcome as outcomes,
  readManifest,
  readProgress,
  readRounds,
  readStop,
  readTrouble,
  forgetStops,
  forgetTrouble,
  recordEvent,
  roundKeys,
  roundTotal,
  stopExperiment,
  type Manifest,
  type Message,
  type Round,
  type StopKind,
  type Store,
} from "@hatchery/experiment";
import type { Logger } from "pino";
import { mergeDataset, type MergedDataset } from "@hatchery/experiment/results";
import { openAccount, type Account, type Ended } from "./account.ts";
import { beyondCap, beyondLimits, measureCanary, type CanaryMeasure } from "./canary.ts";
import { closeExperiment } from "./close.ts";
import type { Engine } from "./engine.ts";
import { afterCanary, againRound, firstRound, patienceMs, type SlotsFor } from "./rounds.ts";
import type { Scaler } from "./scaler.ts";

export interface Keeper {
  readonly stage: string;
  readonly store: Store;
  readonly engine: Engine;
  readonly scaler: Scaler;
  readonly logger: Logger;
}

/** Without a new part for so long, the engine is asked whether it still has the missing chunks. */
const quietMs = 10_000;
/** A chunk that is taken back ends at its next simulation and its worker writes what it has: waited for so long. */
const takeBackMs = 20_000;
/** The engine cancels what is in its lists, and of 10,000 chunks a third is there ten seconds after they were enqueued. */
const cancelEveryMs = 3_000;
/** A look costs a few milliseconds, and so many parts must not cost as many looks. */
const fewParts = 50;
/** Rounds in a row that bring nothing before what is missing is called lost. */
const mostFruitlessRounds = 3;

export async function keepExperiment(experiment: string, keeper: Keeper): Promise<void> {
  const { store, engine, scaler, logger, stage } = keeper;
  const manifest = await readManifest(store, experiment);
  if (manifest === undefined) {
    logger.error({ experiment }, "has no manifest; it is not kept.");
    return;
  }
  const fleet = await findFleet(manifest, keeper);
  const account = await openAccount(manifest, stage, store, engine, scaler, fleet);
  const slotsFor = slotsOf(fleet, keeper);
  const { rounds } = account;
  const last = rounds.at(-1);
  if (last?.kind === "again") {
    // What it computes again is in the parts of earlier rounds too, and must not be counted twice.
    await account.look(last);
    account.settle(await countLedger(store, manifest), last);
  } else for (const round of rounds.slice(0, -1)) await account.look(round);

  await using files = new AsyncDisposableStack();
  let merged: MergedDataset | undefined;
  let ended: Ended | undefined;
  let fruitless = 0;
  while (ended === undefined) {
    const round = rounds.at(-1) ?? (await addRound(firstRound(manifest, slotsFor, new Date())));
    const result = await runRound(manifest, round, fleet, account, keeper);
    if (result !== "complete" && result !== "lost") ended = result;
    else if (result === "complete" && round.kind === "canary") {
      const measure = await measureCanary(store, manifest, round);
      const next = afterCanary(
        manifest,
        rounds,
        measure.secondsPerSimulation,
        slotsFor,
        new Date(),
      );
      if (next.kind !== "canary") await holdBack(next, measure);
      ended = (await readStop(store, experiment))?.kind;
      if (ended === undefined) await addRound(next);
    } else {
      await account.publish("closing");
      // The recount and the dataset in one pass: mostly nothing is missing.
      const recount = await mergeDataset(store, manifest, account.totals().done);
      const { ledger } = recount;
      const missing = notRunRanges(ledger);
      const before = missing.length === 0 ? 0 : roundTotal(round);
      fruitless = ledger.notRun < before ? 0 : fruitless + 1;
      if (missing.length === 0 || round.endsAgain !== undefined) {
        ended = missing.length === 0 ? "completed" : round.endsAgain!.ended;
        merged = files.use(recount);
        continue;
      }
      await recount[Symbol.asyncDispose]();
      if (fruitless === mostFruitlessRounds) ended = "lost";
      else {
        await addRound(againRound(rounds, missing, ledger, manifest, slotsFor, new Date()));
        account.settle(ledger);
      }
    }
  }
  // Merging the results is the steward's own work.
  scaler.forget(experiment);
  const reason = (await readStop(store, experiment))?.reason || rounds.at(-1)?.endsAgain?.reason;
  await account.publish("closing", ended, reason);
  merged ??= files.use(await mergeDataset(store, manifest, account.totals().done));
  await closeExperiment(manifest, ended, rounds, store, merged);
  account.settle(merged.ledger);
  await recordEvent(store, experiment, "closed", { ended });
  await account.publish("closed", ended, reason);

  /** Where the canary says that the rest is beyond what is allowed. */
  async function holdBack(next: Round, measure: CanaryMeasure): Promise<void> {
    const { plan } = manifest!;
    const simulations = roundTotal(next);
    const slots = slotsFor(measure.secondsPerSimulation * simulations);
    const { maxHours } = plan;
    const limit = beyondLimits(measure, { simulations, slots, ...(maxHours && { maxHours }) });
    if (limit !== undefined) return stopExperiment(store, experiment, "halted", limit);
    const cost = beyondCap(measure, {
      simulations,
      slotHourUsd: fleet === undefined ? 0 : scaler.slotHourUsd(fleet),
      spentUsd: scaler.costUsd(experiment),
      maxUsd: costCap(plan, rounds),
    });
    if (cost !== undefined) await stopExperiment(store, experiment, "capped", cost);
  }

  async function addRound(round: Round): Promise<Round> {
    await writeRound(store, experiment, round);
    rounds.push(round);
    return round;
  }
}

/** The fleet that computes an experiment; undefined, and the experiment halted, when this stage has none for it. */
async function findFleet(
  manifest: Manifest,
  { store, scaler }: Pick<Keeper, "store" | "scaler">,
): Promise<string | undefined> {
  try {
    return scaler.fleetFor(manifest.model, manifest);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await stopExperiment(store, manifest.experiment, "halted", error.message);
    return undefined;
  }
}

function slotsOf(fleet: string | undefined, { scaler }: Pick<Keeper, "scaler">): SlotsFor {
  return (seconds) => (fleet === undefined ? 1 : scaler.slotsFor(fleet, seconds));
}

/** Plans another pass over what failed or has no row, and takes back what had stopped the experiment. */
export async function planAgain(
  { experiment, simulations, maxFailures, maxUsd, source }: Extract<Message, { kind: "again" }>,
  { store, scaler }: Pick<Keeper, "store" | "scaler">,
): Promise<void> {
  const manifest = await readManifest(store, experiment);
  if (manifest === undefined) return;
  const rounds = await readRounds(store, experiment);
  const ledger = await countLedger(store, manifest);
  const { ended, reason } = (await readProgress(store, experiment)) ?? {};
  const wanted = {
    failed: () => failedRanges(ledger),
    missing: () => notRunRanges(ledger),
    both: () => rangesWhere(ledger.total, (i) => ledger.outcomes[i] !== outcomes.done),
  }[simulations]();
  await forgetStops(store, experiment);
  await forgetTrouble(store, experiment);
  if (wanted.length === 0 || rounds.length === 0) return;
  const slotsFor = slotsOf(await findFleet(manifest, { store, scaler }), { scaler });
  const round = againRound(rounds, wanted, ledger, manifest, slotsFor, new Date());
  await writeRound(store, experiment, {
    ...round,
    ...(maxFailures !== undefined && { maxFailures }),
    ...(maxUsd !== undefined && { maxUsd }),
    ...(source !== undefined && { source }),
    ...(simulations === "failed" &&
      ledger.notRun > 0 &&
      ended !== undefined &&
      ended !== "completed" && { endsAgain: { ended, reason } }),
  });
}

async function writeRound(store: Store, experiment: string, round: Round): Promise<void> {
  await store.create(roundKeys(experiment, round.round).plan, JSON.stringify(round));
  await recordEvent(store, experiment, "round", {
    round: round.round,
    kind: round.kind,
    simulations: roundTotal(round),
    chunks: chunkCount(round.chunkSizes),
  });
}

/** Has the engine compute what a round lacks, and follows it to its end. */
async function runRound(
  manifest: Manifest,
  round: Round,
  fleet: string | undefined,
  account: Account,
  { store, engine, scaler, logger }: Keeper,
): Promise<"complete" | "lost" | StopKind> {
  const { experiment, createdAt } = manifest;
  const since = new Date(Date.parse(createdAt) - 60_000);
  const maxFailures = round.maxFailures ?? manifest.plan.maxFailures;
  const stopped = async () => (await readStop(store, experiment))?.kind;

  using changes = store.changes(roundKeys(experiment, round.round).folder);
  let missing = await account.look(round);
  await capAtCost();
  const before = await stopped();
  if (before !== undefined) return before;
  if (fleet === undefined) throw new Error(`${experiment} has no fleet and is not halted.`);
  tellScaler(fleet);
  const enqueued = await engine.enqueue(
    missing.map((chunk) => ({ experiment, round: round.round, chunk })),
    fleet,
  );
  logger.info({ experiment, round: round.round, missing: missing.length, enqueued }, "enqueued");

  let takenBackAt: number | undefined;
  let cancelledAt = -Infinity;
  let lastPartAt = performance.now();
  let lastAskedAt = lastPartAt;
  for (;;) {
    const trouble = await readTrouble(store, experiment);
    const notices = [...trouble.messages, ...scaler.notice(fleet)];
    await account.publish("running", undefined, undefined, notices);
    await haltAtFailures();
    await capAtCost();
    const patience = patienceMs(round, account.secondsPerSimulation(), {
      mostSeconds: manifest.limits.seconds,
      isEveryWorkers: hasNoOther(fleet, trouble.workers),
    });
    if (trouble.workers.size > 0 && performance.now() - lastPartAt > patience)
      await stopExperiment(store, experiment, "halted", trouble.messages.join(" "));
    const ending = await stopped();
    if (ending === undefined && missing.length === 0) return "complete";
    if (ending !== undefined && performance.now() - cancelledAt > cancelEveryMs) {
      cancelledAt = performance.now();
      takenBackAt ??= cancelledAt;
      await engine.cancel(experiment, since);
    }
    await news();
    const now = performance.now();
    const lacking = missing.length;
    missing = await account.look(round);
    if (missing.length < lacking) lastPartAt = now;
    tellScaler(fleet);

    const isQuiet = now - Math.max(lastPartAt, lastAskedAt) > quietMs;
    if (ending === undefined && !isQuiet) continue;
    const outstanding = await engine.outstanding(experiment, since);
    const isTakenBack =
      takenBackAt !== undefined && (outstanding === 0 || now - takenBackAt > takeBackMs);
    if (ending !== undefined && isTakenBack) return ending;
    if (isQuiet && outstanding === 0) return "lost";
    lastAskedAt = now;
  }

  /** Whether no worker is there, or on its way, but those in trouble. */
  function hasNoOther(on: string, troubled: ReadonlySet<string>): boolean {
    const workers = account.workers();
    return workers.length >= scaler.workers(on) && workers.every((name) => troubled.has(name));
  }

  /** The last parts of a round are waited for one by one: slots stand idle until the next round begins. */
  async function news(): Promise<void> {
    if (missing.length > fewParts) await sleep(store.lookEveryMs);
    else await changes.next(store.lookEveryMs);
  }

  /** The canary as a whole and the latest simulations of any other round must stay under the share. */
  async function haltAtFailures(): Promise<void> {
    const { done, failed } = account.totals();
    const isCanary = round.kind === "canary";
    if (isCanary && missing.length > 0) return;
    const share = isCanary ? failed / Math.max(1, done + failed) : account.recentFailureShare();
    if (share === undefined || share <= maxFailures) return;
    const percent = (value: number) => `${Math.round(value * 100)} %`;
    const reason = `${percent(share)} of the ${isCanary ? "canary's" : "latest"} simulations failed; at most ${percent(maxFailures)} may.`;
    await stopExperiment(store, experiment, "halted", reason);
  }

  /** What is left costs more than a person allowed for all. */
  async function capAtCost(): Promise<void> {
    const maxUsd = costCap(manifest.plan, account.rounds);
    const usd = scaler.costUsd(experiment);
    if (maxUsd === undefined || usd < maxUsd || missing.length === 0) return;
    const reason = `Its workers have cost ${usd.toFixed(2)} USD, and at most ${maxUsd} USD were allowed.`;
    await stopExperiment(store, experiment, "capped", reason);
  }

  function tellScaler(on: string): void {
    // A first round that is no canary rests on a guess; the canary's own time is mostly its start.
    const measured = round.round === 0 ? undefined : round.secondsPerSimulation;
    const seconds = measured ?? account.secondsPerSimulation();
    const share = missing.length / chunkCount(round.chunkSizes);
    scaler.tell(experiment, on, {
      openChunks: missing.length,
      openSeconds:
        seconds === undefined || round.kind === "canary"
          ? undefined
          : seconds * roundTotal(round) * share,
    });
  }
}
