/** Account: what the parts of one experiment say so far, and how it is told to those who watch. */
import {
  chunkCount,
  chunksOf,
  costCap,
  experimentKeys,
  footerBytes,
  outcome,
  partKeys,
  readAhead,
  readPartFacts,
  readProgress,
  readRounds,
  type Ledger,
  type Manifest,
  type PartFacts,
  type Progress,
  type Round,
  type Store,
} from "@hatchery/experiment";
import type { Engine } from "./engine.ts";
import { estimate, type Arrival, type Estimate } from "./meter.ts";
import { clockWithout, readPauses } from "./pauses.ts";
import type { Scaler } from "./scaler.ts";

export type Ended = NonNullable<Progress["ended"]>;

interface Totals {
  readonly done: number;
  readonly failed: number;
  readonly retries: number;
  readonly interruptions: number;
}

export interface Account {
  readonly rounds: Round[];
  totals(): Totals;
  /** Looks for new parts of a round; answers the chunks that have none yet. */
  look(round: Round): Promise<number[]>;
  /** Share of failures among the latest simulations of this round, once there are enough to tell. */
  recentFailureShare(): number | undefined;
  /** What the parts found so far say that a simulation takes; undefined before the first. */
  secondsPerSimulation(): number | undefined;
  /** Names of the connected workers, as of a few seconds ago. */
  workers(): readonly string[];
  /** Counts on from a recount; the simulations and parts of `round`, which was looked at before, are left to count. */
  settle(ledger: Ledger, round?: Round): void;
  publish(
    state: Progress["state"],
    ended?: Ended,
    reason?: string,
    trouble?: string[],
  ): Promise<void>;
}

/** How often the engine is asked for its workers: its API allows 10 requests a second in all. */
const askWorkersEveryMs = 5_000;
/** Fewer simulations than this say nothing about a failure rate; more than the window are history. */
const leastRecent = 50;
const recentWindow = 1_000;

export async function openAccount(
  manifest: Manifest,
  stage: string,
  store: Store,
  engine: Engine,
  scaler: Pick<Scaler, "meterCost" | "costUsd">,
  fleet: string | undefined,
): Promise<Account> {
  const { experiment, total } = manifest;
  const rounds = await readRounds(store, experiment);
  const before = await readProgress(store, experiment);
  scaler.meterCost(experiment, before?.costUsd ?? 0);
  const pauses = await readPauses(store, experiment, before);
  const startedAt = before?.startedAt ?? rounds[0]?.createdAt ?? new Date().toISOString();
  let settled: Totals = { done: 0, failed: 0, retries: 0, interruptions: 0 };
  let settledParts = 0;
  /** By key, in the order in which they were found. */
  let facts = new Map<string, PartFacts>();
  /** By round: where the next look begins. */
  const firstMissing = new Map<number, number>();
  /** Parts of the round that was looked at last. */
  let arrivals: Arrival[] = [];
  let arriving: Round | undefined;
  let workers: readonly string[] = [];
  let workersAskedAt = -Infinity;

  /** A canary's rate says nothing about the rest: one chunk per slot, in code that is not compiled yet. */
  function estimateNow(left: number): Estimate {
    if (arriving === undefined || arriving.kind === "canary") return { simulationsPerSecond: 0 };
    arrivals.sort((a, b) => a.atMs - b.atMs);
    const clock = clockWithout(pauses, arrivals);
    return estimate(
      pauses.length === 0 ? arrivals : arrivals.map((one) => ({ ...one, atMs: clock(one.atMs) })),
      clock(Date.parse(arriving.createdAt)),
      clock(Date.now()),
      left,
      arriving.chunkSizes.at(-1)?.[0] ?? 1,
    );
  }

  const account: Account = {
    rounds,
    totals() {
      const sum = { ...settled };
      for (const one of facts.values()) {
        sum.done += one.done;
        sum.failed += one.failed;
        sum.retries += one.retries;
        sum.interruptions += one.interruptions;
      }
      return sum;
    },
    async look(round) {
      if (round !== arriving) arrivals = [];
      arriving = round;
      // All before the first that was missing are there: they need not be listed again.
      const from = firstMissing.get(round.round) ?? 0;
      const keys = await partKeys(store, experiment, round.round, from);
      const missing: number[] = [];
      const arrived: string[] = [];
      for (const { chunk } of chunksOf(round.chunkSizes)) {
        if (chunk < from) continue;
        const part = keys.get(chunk);
        if (part === undefined || part.isPartial) missing.push(chunk);
        else if (!facts.has(part.key)) arrived.push(part.key);
      }
      const readEnd = async (key: string) => ({ key, end: await store.readEnd(key, footerBytes) });
      const ends = readAhead(arrived, readEnd, store.readsAtATime);
      for await (const { key, end } of ends) {
        const read = end && readFacts(end);
        if (read === undefined) continue;
        facts.set(key, read);
        arrivals.push(arrivalOf(read));
      }
      firstMissing.set(round.round, missing[0] ?? chunkCount(round.chunkSizes));
      return missing;
    },
    recentFailureShare() {
      let count = 0;
      let failed = 0;
      for (const one of [...facts.values()].toReversed()) {
        if (count >= recentWindow) break;
        count += one.done + one.failed;
        failed += one.failed;
      }
      return count < leastRecent ? undefined : failed / count;
    },
    workers: () => workers,
    secondsPerSimulation() {
      let seconds = 0;
      let count = 0;
      for (const one of facts.values()) {
        seconds += one.seconds;
        count += one.done + one.failed;
      }
      return count === 0 ? undefined : seconds / count;
    },
    settle(ledger, round) {
      let { done, failed } = ledger;
      for (const [first, count] of round?.simulations ?? [])
        for (let i = first; i < first + count; i++) {
          if (ledger.outcomes[i] === outcome.done) done--;
          if (ledger.outcomes[i] === outcome.failed) failed--;
        }
      let { retries, interruptions } = ledger;
      // The parts that are looked at again, this time for what they add.
      for (const part of round === undefined ? [] : facts.values()) {
        retries -= part.retries;
        interruptions -= part.interruptions;
      }
      settled = { done, failed, retries, interruptions };
      if (round === undefined) settledParts += facts.size;
      facts = new Map();
      firstMissing.clear();
      arriving = undefined;
    },
    async publish(state, ended, reason, trouble = []) {
      const now = performance.now();
      if (fleet !== undefined && now - workersAskedAt > askWorkersEveryMs) {
        workersAskedAt = now;
        // Which workers there are is a courtesy; progress goes on without it.
        workers = await engine.workers(fleet).catch(() => workers);
      }
      const totals = account.totals();
      const costUsd = scaler.costUsd(experiment);
      const maxUsd = costCap(manifest.plan, rounds);
      const counted = totals.done + totals.failed;
      const progress: Progress = {
        experiment,
        stage,
        state,
        ...(ended !== undefined && { ended }),
        ...(reason !== undefined && { reason }),
        ...(trouble.length > 0 && { trouble }),
        total,
        ...totals,
        parts: settledParts + facts.size,
        chunks: rounds.reduce((chunks, round) => chunks + chunkCount(round.chunkSizes), 0),
        round: rounds.at(-1)?.round ?? 0,
        workers: workers.length,
        ...(state === "closed" ? { simulationsPerSecond: 0 } : estimateNow(total - counted)),
        ...(costUsd > 0 && { costUsd }),
        ...(maxUsd !== undefined && { maxUsd }),
        startedAt,
        updatedAt: new Date().toISOString(),
      };
      await store.replace(experimentKeys(experiment).progress, JSON.stringify(progress));
    },
  };
  await account.publish("queued");
  return account;
}

/** Parts of before 0.2 do not say when they were written: then it is when they are found. */
function arrivalOf({ writtenAt, done, failed, seconds }: PartFacts): Arrival {
  const atMs = writtenAt === undefined ? Date.now() : Date.parse(writtenAt);
  return { atMs, simulations: done + failed, seconds };
}

/** Undefined for a part that cannot be read: the recount before the close finds it and has it computed again. */
function readFacts(end: Buffer): PartFacts | undefined {
  try {
    return readPartFacts(end);
  } catch {
    return undefined;
  }
}
