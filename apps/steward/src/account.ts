/** Account: what the parts of one experiment say so far, and how it is told to those who watch. */
import {
  chunkCount,
  chunksOf,
  experimentKeys,
  footerBytes,
  partKeys,
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
import { createMeter } from "./meter.ts";

export type Ended = NonNullable<Progress["ended"]>;

export interface Account {
  readonly rounds: Round[];
  readonly startedAt: string;
  /** Simulations that have a row. */
  counted(): number;
  /** Looks for new parts of a round; answers the chunks that have none yet. */
  look(round: Round): Promise<number[]>;
  /** Takes a full recount over what the parts' footers said. */
  settle(ledger: Ledger): void;
  publish(state: Progress["state"], ended?: Ended): Promise<void>;
}

/** How often the engine is asked for its workers: its API allows 10 requests a second in all. */
const askWorkersEveryMs = 5_000;

export async function openAccount(
  manifest: Manifest,
  store: Store,
  engine: Engine,
): Promise<Account> {
  const { experiment, total } = manifest;
  const rounds = await readRounds(store, experiment);
  const facts = new Map<string, PartFacts>();
  const meter = createMeter();
  const startedAt = (await readProgress(store, experiment))?.startedAt ?? new Date().toISOString();
  let workers = 0;
  let workersAskedAt = -Infinity;
  let settled: { done: number; failed: number } | undefined;

  function sum(of: (one: PartFacts) => number): number {
    let whole = 0;
    for (const one of facts.values()) whole += of(one);
    return whole;
  }

  const account: Account = {
    rounds,
    startedAt,
    counted: () => sum(({ done, failed }) => done + failed),
    async look(round) {
      const keys = await partKeys(store, experiment, round.round);
      const missing: number[] = [];
      for (const { chunk } of chunksOf(round.chunkSizes)) {
        const part = keys.get(chunk);
        if (part === undefined || part.isPartial) missing.push(chunk);
        else if (!facts.has(part.key)) {
          const end = await store.readEnd(part.key, footerBytes);
          const read = end && readFacts(end);
          if (read !== undefined) facts.set(part.key, read);
        }
      }
      return missing;
    },
    settle(ledger) {
      settled = ledger;
      for (const { key } of ledger.corrupt) facts.delete(key);
    },
    async publish(state, ended) {
      const now = performance.now();
      if (now - workersAskedAt > askWorkersEveryMs) {
        workersAskedAt = now;
        // How many workers there are is a courtesy; progress goes on without it.
        workers = await engine.workers().catch(() => workers);
      }
      const { done, failed } =
        state === "closed" && settled !== undefined
          ? settled
          : { done: sum((one) => one.done), failed: sum((one) => one.failed) };
      meter.read(done + failed, now);
      const rate = meter.perSecond();
      const progress: Progress = {
        experiment,
        state,
        ...(ended !== undefined && { ended }),
        total,
        done,
        failed,
        parts: facts.size,
        chunks: rounds.reduce((chunks, round) => chunks + chunkCount(round.chunkSizes), 0),
        round: rounds.at(-1)?.round ?? 0,
        workers,
        retries: sum(({ retries }) => retries),
        interruptions: sum(({ interruptions }) => interruptions),
        simulationsPerSecond: rate,
        ...(rate > 0 && { secondsLeft: Math.max(0, total - done - failed) / rate }),
        startedAt,
        updatedAt: new Date().toISOString(),
      };
      await store.replace(experimentKeys(experiment).progress, JSON.stringify(progress));
    },
  };
  for (const round of rounds.slice(0, -1)) await account.look(round);
  await account.publish("queued");
  return account;
}

/** Undefined for a part that cannot be read: the recount before the close finds it and has it computed again. */
function readFacts(end: Buffer): PartFacts | undefined {
  try {
    return readPartFacts(end);
  } catch {
    return undefined;
  }
}
