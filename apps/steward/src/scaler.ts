/**
 * Scaler: keeps every fleet of the stage as large as its work asks for, and writes down what it sees. The one place
 * that sets a fleet's size. What it decides is in autoscale.ts; what it must not forget is in the store.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { defaultFleet, type StewardFleet } from "@hatchery/config";
import {
  StageFleets,
  chooseFleet,
  pinOf,
  readStageFleets,
  stageFleetsKey,
  type FleetView,
  type FleetWish,
  type Store,
} from "@hatchery/experiment";
import type { Logger } from "pino";
import { desiredWorkers, expectedSlots, type FleetBounds, type FleetWork } from "./autoscale.ts";
import { createCostMeter, type CostMeter } from "./cost-meter.ts";
import type { Fleet, FleetSize } from "./fleet.ts";
import type { Lease } from "./lease.ts";

export interface Scaler {
  /** The fleet for what a model asks; throws a UserError when the stage has none. */
  fleetFor(model: string, wish: FleetWish): string;
  /** Slots that the fleet will have for so much work. */
  slotsFor(fleet: string, openSeconds: number | undefined): number;
  /** Workers that the fleet has, or will have as soon as they have started. */
  workers(fleet: string): number;
  /** What a slot of the fleet costs in an hour. */
  slotHourUsd(fleet: string): number;
  /** What an open experiment has yet to do. Fleets follow within a tick. */
  tell(experiment: string, fleet: string, work: FleetWork): void;
  /** An experiment that needs no worker any more. */
  forget(experiment: string): void;
  /** A person has asked for work to be done: that begins a lease. */
  asked(): void;
  /** A person's word: so many workers, or as many as the work asks for. */
  choose(fleet: string, workers: number | "auto"): void;
  /** Why a fleet with work has no worker, and what to do; empty where it has or will have some. */
  notice(fleet: string): string[];
  /** Begins to count what an experiment's workers cost, from what was counted before. */
  meterCost(experiment: string, spentUsd: number): void;
  /** What workers have cost for an experiment whose cost is counted; with others on its fleet it pays its share. */
  costUsd(experiment: string): number;
  /** Looks at the fleets where that is due, and sets those that should be larger or smaller. */
  tick(): Promise<void>;
  /** Ticks, and never resolves. */
  run(): Promise<void>;
}

interface Options {
  readonly stage: string;
  readonly store: Store;
  readonly fleets: readonly { readonly told: StewardFleet; readonly fleet: Fleet }[];
  readonly lease: Lease;
  readonly logger: Logger;
}

/** A decision is arithmetic; the fleet itself is asked only when one is due. */
const tickMs = 200;
/** So often within a worker's start a fleet is looked at: 0.5 s here, 15 s on AWS, whose API is asked once each time. */
const looksPerStart = 4;
const leastLookMs = 500;

interface Kept {
  readonly told: StewardFleet;
  readonly fleet: Fleet;
  size: FleetSize | undefined;
  lookedAtMs: number;
  idleLooks: number;
  idleSinceMs: number | undefined;
  chosen: FleetView["chosen"];
}

export async function openScaler(options: Options): Promise<Scaler> {
  const { stage, store, lease, logger } = options;
  const before = await readStageFleets(store, stage).catch(() => undefined);
  const fleets = new Map(
    options.fleets.map(({ told, fleet }): [string, Kept] => [
      told.name,
      {
        told,
        fleet,
        size: undefined,
        lookedAtMs: -Infinity,
        idleLooks: 0,
        idleSinceMs: undefined,
        chosen: chosenBefore(told, before),
      },
    ]),
  );
  const open = new Map<string, { experiment: string; fleet: string; work: FleetWork }>();
  const costs = new Map<string, CostMeter>();
  /** A person's word begins a lease, and each chunk that gets done moves it on: work that stands still does not. */
  let isLeaseEarned = false;
  let written = "";
  let accumulatedAtMs = performance.now();

  const kept = (name: string) => fleets.get(name)!;
  /** One without an open chunk is between two rounds, or cannot be closed: no reason to keep workers. */
  const openOn = (name: string) =>
    [...open.values()].filter(({ fleet, work }) => fleet === name && work.openChunks > 0);

  function workOf(name: string): FleetWork | undefined {
    const works = openOn(name).map(({ work }) => work);
    if (works.length === 0) return undefined;
    const measured = works.flatMap(({ openSeconds }) => openSeconds ?? []);
    return {
      openChunks: works.reduce((sum, { openChunks }) => sum + openChunks, 0),
      openSeconds:
        measured.length === 0 ? undefined : measured.reduce((sum, seconds) => sum + seconds, 0),
    };
  }

  function bounds({ told, fleet, chosen }: Kept): FleetBounds {
    const { min, max, slotsPerWorker } = told;
    return {
      min,
      max,
      pin: pinOf({ pin: told.pin, chosen }),
      slotsPerWorker,
      startSeconds: fleet.startSeconds,
    };
  }

  function decide(one: Kept, size: FleetSize, nowMs: number): number {
    const since = one.idleSinceMs;
    return desiredWorkers({
      ...bounds(one),
      desired: size.desired,
      work: workOf(one.told.name),
      idle: { looks: one.idleLooks, seconds: since === undefined ? 0 : (nowMs - since) / 1_000 },
      isLeaseOver: lease.isOver(),
    });
  }

  async function look(one: Kept, nowMs: number): Promise<void> {
    const { told, fleet } = one;
    one.lookedAtMs = nowMs;
    const size = await fleet.read();
    // What a person said of a fleet that was torn down does not hold for its successor.
    if (one.chosen !== undefined && one.chosen.at < size.since) one.chosen = undefined;
    if (workOf(told.name) === undefined) {
      one.idleLooks++;
      one.idleSinceMs ??= nowMs;
    } else {
      one.idleLooks = 0;
      one.idleSinceMs = undefined;
    }
    const desired = decide(one, size, nowMs);
    one.size = { ...size, desired };
    if (desired === size.desired) return;
    await fleet.scale(desired);
    logger.info({ fleet: told.name, from: size.desired, to: desired }, "fleet scaled");
  }

  function isDue(one: Kept, nowMs: number): boolean {
    const everyMs = Math.max(leastLookMs, (one.fleet.startSeconds * 1_000) / looksPerStart);
    if (nowMs - one.lookedAtMs >= everyMs) return true;
    // At once where work has come.
    return one.size !== undefined && decide(one, one.size, nowMs) !== one.size.desired;
  }

  async function tick(): Promise<void> {
    accumulateCosts();
    const nowMs = performance.now();
    if (isLeaseEarned) {
      isLeaseEarned = false;
      await lease.renew();
    }
    for (const one of fleets.values()) if (isDue(one, nowMs)) await look(one, nowMs);
    await write();
  }

  /** Before anything changes of who shares what: an experiment may begin and end between two ticks. */
  function accumulateCosts(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - accumulatedAtMs) / 1_000;
    accumulatedAtMs = nowMs;
    for (const { told, size } of fleets.values()) {
      const sharers = openOn(told.name);
      for (const { experiment } of sharers)
        costs
          .get(experiment)
          ?.accumulate(size?.running ?? 0, seconds, told.workerHourUsd, 1 / sharers.length);
    }
  }

  /** Only what has changed, so that a store that counts its requests is not written to for nothing. */
  async function write(): Promise<void> {
    const views = [...fleets.values()].flatMap((one) => (one.size ? view(one, one.size) : []));
    const endsAt = lease.endsAt()?.toISOString();
    const seen = { stage, ...(endsAt !== undefined && { leaseEndsAt: endsAt }), fleets: views };
    const text = JSON.stringify(seen);
    if (text === written) return;
    const report: StageFleets = { ...seen, updatedAt: new Date().toISOString() };
    await store.replace(stageFleetsKey(stage), JSON.stringify(StageFleets.parse(report)));
    written = text;
  }

  return {
    fleetFor: (model, wish) =>
      chooseFleet(
        model,
        wish,
        [...fleets.values()].map(({ told }) => told),
      ).name,
    slotsFor: (name, openSeconds) =>
      expectedSlots(openSeconds, {
        ...bounds(kept(name)),
        desired: kept(name).size?.desired ?? 0,
      }),
    workers(name) {
      const { desired = 0, running = 0 } = kept(name).size ?? {};
      return Math.max(desired, running);
    },
    slotHourUsd(name) {
      const { workerHourUsd, slotsPerWorker } = kept(name).told;
      return workerHourUsd / slotsPerWorker;
    },
    tell(experiment, fleet, work) {
      accumulateCosts();
      const known = open.get(experiment);
      if (known !== undefined && known.work.openChunks !== work.openChunks) isLeaseEarned = true;
      open.set(experiment, { experiment, fleet, work });
    },
    forget(experiment) {
      accumulateCosts();
      open.delete(experiment);
    },
    asked: () => void (isLeaseEarned = true),
    notice(name) {
      const which = stage === "local" ? "" : ` --stage ${stage}`;
      const command = `pnpm hatchery fleet scale auto${name === defaultFleet ? "" : ` --fleet ${name}`}${which}`;
      if (lease.isOver())
        return [`The lease of the stage is over: no worker stands. Begin another:  ${command}`];
      return bounds(kept(name)).pin === 0
        ? [`Fleet "${name}" is held at 0 workers. Let it follow the work:  ${command}`]
        : [];
    },
    choose(name, workers) {
      const one = fleets.get(name);
      if (one === undefined) return logger.error({ fleet: name }, "there is no such fleet");
      const bounded = workers === "auto" ? workers : Math.min(workers, one.told.max);
      one.chosen = { workers: bounded, at: new Date().toISOString() };
      one.lookedAtMs = -Infinity;
      isLeaseEarned = true;
    },
    tick,
    meterCost: (experiment, spentUsd) => void costs.set(experiment, createCostMeter(spentUsd)),
    costUsd: (experiment) => costs.get(experiment)?.usd() ?? 0,
    async run() {
      for (;;) {
        // Whatever is away, engine or store or ECS: the next tick asks again.
        await tick().catch((error: unknown) =>
          logger.error({ error: error instanceof Error ? error.message : String(error) }, "fleets"),
        );
        await sleep(tickMs);
      }
    },
  };
}

/** What a person had said to an earlier steward; the settings go before it where they have changed since. */
function chosenBefore(
  { name, min, max, pin }: StewardFleet,
  before: StageFleets | undefined,
): FleetView["chosen"] {
  const last = before?.fleets.find((each) => each.name === name);
  const isUnchanged = last?.min === min && last.max === max && last.pin === pin;
  return isUnchanged ? last.chosen : undefined;
}

function view({ told, chosen }: Kept, { desired, running }: FleetSize): FleetView {
  const { at: _, ...rest } = told;
  return { ...rest, desired, running, ...(chosen !== undefined && { chosen }) };
}
