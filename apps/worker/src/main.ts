/** A worker: takes chunks from the engine, computes them in a process per slot, writes their parts to the store. */
import { hostname } from "node:os";
import { UserError, WorkerSettings, exitCodes, readEnv } from "@hatchery/config";
import { bytesOf, openStore, recordTrouble } from "@hatchery/experiment";
import { pino } from "pino";
import { ChunkInterrupted, computeChunk, coolDown } from "./chunk.ts";
import { connectWorker } from "./engine.ts";
import { createProtection, namedByTask, workerMemory } from "./ecs-task.ts";
import { createSlot } from "./slot.ts";
import { workerEnvironment } from "./environment.ts";

try {
  const environment = await namedByTask(workerEnvironment(process.env));
  await serve(readEnv(WorkerSettings, environment, "worker"));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n${error.hint === undefined ? "" : `\n${error.hint}\n`}`);
  // Not by itself: connections of the SDK may still be open.
  process.exit(error.exitCode);
}

async function serve(settings: WorkerSettings): Promise<void> {
  const logger = pino({ name: settings.WORKER_NAME, level: settings.LOG_LEVEL });
  const store = await openStore(settings.STORE);
  const stopping = new AbortController();
  const slots = Array.from({ length: settings.WORKER_SLOTS }, createSlot);
  const shareBytes = Math.floor((await workerMemory(process.env)) / settings.WORKER_SLOTS);
  const idle = [...slots];
  const underWay = new Set<Promise<unknown>>();
  const protection = createProtection(process.env["ECS_AGENT_URI"], logger);

  // The engine takes letters, digits, ".", "-" and "_" only.
  const name = `${settings.WORKER_NAME}.${hostname()}`.replaceAll(/[^\w.-]/g, "-");

  const worker = await connectWorker(settings, {
    name,
    fleet: settings.FLEET,
    slots: settings.WORKER_SLOTS,
    logger,
    async onChunk(input, attempt, cancelled) {
      const slot = idle.pop() ?? createSlot();
      const stop = AbortSignal.any([stopping.signal, cancelled]);
      const chunk = `${input.experiment} round ${input.round} chunk ${input.chunk}`;
      const started = performance.now();
      const computing = computeChunk(
        input,
        slot,
        {
          name: settings.WORKER_NAME,
          store,
          shareBytes,
          inputCacheBytes: bytesOf(settings.INPUT_CACHE),
          log: (line) => logger.info({ chunk }, line.slice(0, 2_000)),
        },
        stop,
      );
      underWay.add(computing);
      protection.begin();
      try {
        const facts = await computing;
        if (facts === undefined) {
          logger.info({ chunk }, "not computed: its experiment was stopped");
          return { done: 0, failed: 0 };
        }
        const { done, failed } = facts;
        logger.info(
          { chunk, done, failed, seconds: (performance.now() - started) / 1_000 },
          "done",
        );
        return { done, failed };
      } catch (error) {
        if (error instanceof ChunkInterrupted) logger.info({ chunk }, error.message);
        else {
          logger.error(
            { chunk, error: error instanceof Error ? error.message : String(error) },
            "not done",
          );
          // The person who watches sees no worker's log. A store that is in trouble itself cannot be told.
          const message = error instanceof Error ? error.message : String(error);
          await recordTrouble(store, input.experiment, name, message).catch(() => undefined);
          await coolDown(attempt, stop);
        }
        throw error;
      } finally {
        underWay.delete(computing);
        protection.end();
        idle.push(slot);
      }
    },
  });

  async function putDown(signal: string): Promise<void> {
    logger.info(`${signal}: putting down ${underWay.size} chunks.`);
    stopping.abort();
    await Promise.allSettled(underWay);
    await worker.stop();
    slots.forEach((slot) => slot.close());
    process.exit(exitCodes.ok);
  }
  process.once("SIGTERM", (signal) => void putDown(signal));
  process.once("SIGINT", (signal) => void putDown(signal));

  logger.info({ stage: settings.STAGE, slots: settings.WORKER_SLOTS }, "ready for chunks");
  try {
    await worker.start();
  } catch (error) {
    slots.forEach((slot) => slot.close());
    throw error;
  }
}
