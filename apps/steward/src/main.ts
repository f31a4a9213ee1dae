/** The steward: takes requests from the mailbox, keeps experiments from submit to close, sets the fleet's size. */
import { setTimeout as sleep } from "node:timers/promises";
import { StewardSettings, UserError, exitCodes, readEnv } from "@hatchery/config";
import {
  activeKey,
  activePrefix,
  openMailbox,
  openStore,
  stopExperiment,
  type Message,
} from "@hatchery/experiment";
import { pino } from "pino";
import { connectEngine } from "./engine.ts";
import { openFleet } from "./fleet.ts";
import { keepExperiment, planAgain } from "./keep.ts";
import { openLease } from "./lease.ts";
import { openScaler } from "./scaler.ts";

/** Between two tries at what did not work because the engine, the store or the mailbox was away. */
const tryAgainMs = 2_000;

try {
  await serve(readEnv(StewardSettings, process.env, "steward"));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint === undefined ? "" : `\n${error.hint}\n`}`);
  process.exitCode = error.exitCode;
}

async function serve(settings: StewardSettings): Promise<void> {
  const logger = pino({ name: "steward", level: settings.LOG_LEVEL });
  const store = await openStore(settings.STORE);
  const mailbox = await openMailbox(settings.MAILBOX, {
    onRefused: (text) => logger.error({ text: text.slice(0, 500) }, "refused: no message"),
  });
  const engine = await connectEngine(
    settings,
    settings.FLEETS.map(({ name }) => name),
  );
  const scaler = await openScaler({
    stage: settings.STAGE,
    store,
    fleets: settings.FLEETS.map((told) => ({ told, fleet: openFleet(told) })),
    lease: await openLease(settings.LEASE, settings.LEASE_HOURS, logger),
    logger,
  });
  const kept = new Set<string>();
  const marker = (experiment: string) => activeKey(settings.STAGE, experiment);

  /** Never rejects: an experiment that cannot be kept now is tried again until it is closed. */
  async function keep(experiment: string): Promise<void> {
    if (kept.has(experiment)) return;
    kept.add(experiment);
    for (;;) {
      try {
        await keepExperiment(experiment, { stage: settings.STAGE, store, engine, scaler, logger });
        await store.remove(marker(experiment));
        kept.delete(experiment);
        return;
      } catch (error) {
        logger.error(
          { experiment, error: error instanceof Error ? error.message : String(error) },
          "tried again",
        );
        await sleep(tryAgainMs);
      }
    }
  }

  async function handle(message: Message): Promise<void> {
    switch (message.kind) {
      case "submit":
        scaler.asked();
        await store.create(marker(message.experiment), "");
        void keep(message.experiment);
        return;
      case "again":
        scaler.asked();
        // One that is at work already computes what it lacks.
        if (kept.has(message.experiment)) return;
        await planAgain(message, { store, scaler });
        await store.create(marker(message.experiment), "");
        void keep(message.experiment);
        return;
      case "cancel":
        return stopExperiment(store, message.experiment, "cancelled", "");
      case "scale":
        scaler.choose(message.fleet, message.workers);
    }
  }

  for (const signal of ["SIGTERM", "SIGINT"] as const)
    // Nothing to put down: whatever is half done is found in the store by the next steward.
    process.once(signal, () => process.exit(exitCodes.ok));

  for (const name of await store.names(activePrefix(settings.STAGE)))
    for (const id of await store.names(`${activePrefix(settings.STAGE)}${name}/`))
      void keep(`${name}/${id}`);
  void scaler.run();
  logger.info({ stage: settings.STAGE }, "ready");
  for (;;) {
    try {
      for (const delivery of await mailbox.take()) {
        await handle(delivery.message);
        await delivery.done();
      }
    } catch (error) {
      logger.error({ error: error instanceof Error ? error.message : String(error) }, "mailbox");
      await sleep(tryAgainMs);
    }
  }
}
