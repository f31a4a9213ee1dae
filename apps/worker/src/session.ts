/** One registration of this worker at the engine: the one file here that knows the SDK. */
import { createAction } from "@hatchet-dev/typescript-sdk/clients/dispatcher/action-listener.js";
import { HatchetClient, type Context } from "@hatchet-dev/typescript-sdk/v1/index.js";
import type { EngineConnection } from "@hatchery/config";
import { ChunkInput, chunkLeaseSeconds, chunkTask } from "@hatchery/experiment";
import type { Logger } from "pino";
import type { z } from "zod";
import type { ChunkHandler } from "./once-at-a-time.ts";

export type Connection = z.infer<typeof EngineConnection>;

/**
 * Chunks that the engine gives for each slot: one is computed, one waits here. A slot whose chunk ends would stand idle
 * for 20 ms until the next comes, and for up to 1.5 s where two end so close together that the engine looks only once.
 * The engine gives to its workers in turn, so what waits is never more than one chunk per slot anywhere.
 */
const chunksPerSlot = 2;

/** One registration at the engine. */
export interface Session {
  /** Resolves when the stream ends, or with why there is none. */
  listen(): Promise<string | undefined>;
  /** Forgets an engine that is gone. What is under way is computed and reported all the same. */
  leave(): void;
  /** Ends the stream from here. */
  hangUp(): void;
  /** Whether chunks wait in the fleet's queue, or the engine has given some to this registration that never came. */
  isWorkWaiting(): Promise<boolean>;
  stop(): Promise<void>;
}

/** How many there have been in this process. */
let sessions = 0;

/** Throws when the engine is not there, or does not take this worker. */
export async function openSession(
  connection: Connection,
  options: { name: string; fleet: string; slots: number; logger: Logger; compute: ChunkHandler },
): Promise<Session> {
  const hatchet = HatchetClient.init({
    token: connection.HATCHET_CLIENT_TOKEN,
    host_port: connection.HATCHET_CLIENT_HOST_PORT,
    api_url: connection.HATCHET_CLIENT_API_URL,
    tls_config: { tls_strategy: connection.HATCHET_CLIENT_TLS_STRATEGY },
    // Clients with the same options share one connection, and how long it waits before it tries again: up to two
    // minutes after a long absence. A byte more than the default of 4 MiB makes it another connection.
    grpc_max_recv_message_length: 4 * 1024 * 1024 + ++sessions,
    log_level: "WARN",
  });
  // Fails at once where to register the task, which comes next, would be tried eight times over 13 s.
  await hatchet.dispatcher.getVersion();
  const stream = listenOnce(hatchet, options.logger);
  const declaration = chunkTask(options.fleet);
  const task = hatchet.task({
    ...declaration,
    fn: (input: ChunkInput, context: Context<ChunkInput>) =>
      withLease(context, () =>
        options.compute(
          ChunkInput.parse(input),
          context.retryCount(),
          context.abortController.signal,
        ),
      ),
  });
  const before = signalHandlers();
  const creating = hatchet.worker(options.name, {
    workflows: [task],
    slots: options.slots * chunksPerSlot,
    // main.ts decides when this process ends: the SDK would exit before the partial parts are written.
    handleKill: false,
  });
  // On a signal it has the engine send no more. A process has many sessions in its life and must keep one's only.
  const added = signalHandlers().filter(
    ({ handler }) => !before.some((it) => it.handler === handler),
  );
  const forget = () => added.forEach(({ signal, handler }) => process.off(signal, handler));
  const worker = await creating.catch((error: unknown) => {
    forget();
    throw error;
  });
  return {
    listen: () =>
      worker.start().then(
        () => undefined,
        ({ message }: Error) => message,
      ),
    leave() {
      stream.stopHeartbeat();
      forget();
    },
    hangUp: () => stream.hangUp(),
    async isWorkWaiting() {
      const queued = (await hatchet.metrics.getTaskStats())[declaration.name]?.queued?.total ?? 0;
      if (queued > 0) return true;
      const { slotConfig } = await hatchet.workers.get(stream.workerId());
      return Object.values(slotConfig ?? {}).some(
        ({ available, limit }) => available !== undefined && available < limit,
      );
    },
    stop: () => worker.stop(),
  };
}

/** On which the SDK, and this worker, stop. */
export const signals = ["SIGTERM", "SIGINT"] as const;

function signalHandlers() {
  return signals.flatMap((signal) =>
    process.listeners(signal).map((handler) => ({ signal, handler })),
  );
}

interface Stream {
  workerId(): string;
  stopHeartbeat(): void;
  hangUp(): void;
}

/** Has the client's worker end with its first stream, where the SDK would listen again. */
function listenOnce(hatchet: HatchetClient, logger: Logger): Stream {
  const { dispatcher } = hatchet;
  const register = dispatcher.getActionListener.bind(dispatcher);
  let listener: Awaited<ReturnType<typeof register>> | undefined;
  dispatcher.getActionListener = async (options) => {
    const registered = await register(options);
    listener = registered;
    registered.actions = async function* () {
      try {
        for await (const assigned of await registered.getListenClient())
          yield createAction(assigned);
      } catch (error) {
        logger.debug({ error: error instanceof Error ? error.message : String(error) }, "stream");
      }
    };
    return registered;
  };
  return {
    workerId: () => listener?.workerId ?? "",
    stopHeartbeat: () => void listener?.heartbeat.stop(),
    // Its stream ends at once; the engine's answer may never come where the connection is half open.
    hangUp: () => void listener?.unregister().catch(() => undefined),
  };
}

/** Renews the engine's execution timeout while the work goes on. */
async function withLease<T>(context: Context<ChunkInput>, work: () => Promise<T>): Promise<T> {
  const third = chunkLeaseSeconds / 3;
  const renewal = setInterval(() => {
    // A renewal that does not get through is tried again long before the lease ends.
    context.refreshTimeout(`${third}s`).catch(() => undefined);
  }, third * 1_000);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
  }
}
