/**
 * The engine's side of the worker: the one file here that knows the SDK.
 *
 * A worker outlives its engine. Each time their stream breaks it waits for the engine, and registers anew: the SDK
 * would listen again under the old registration every 5 to 10 s, with a connection that backs off for up to two
 * minutes, and give up after 20 tries; and what the engine has sent meanwhile to the old registration would be lost
 * until it times out. Chunks under way are computed to their end all the while.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAction } from "@hatchet-dev/typescript-sdk/clients/dispatcher/action-listener.js";
import { HatchetClient, type Context } from "@hatchet-dev/typescript-sdk/v1/index.js";
import { UserError, exitCodes, type EngineConnection } from "@hatchery/config";
import { ChunkInput, chunkLeaseSeconds, chunkTask } from "@hatchery/experiment";
import type { Logger } from "pino";
import type { z } from "zod";
import { createStarvation, watchForWork } from "./starvation.ts";

type Connection = z.infer<typeof EngineConnection>;
type Outcome = Record<string, number>;

export interface ChunkHandler {
  /** `attempt` counts from 0; `cancelled` aborts when the engine takes the chunk back. */
  (input: ChunkInput, attempt: number, cancelled: AbortSignal): Promise<Outcome>;
}

export interface EngineWorker {
  /** Takes chunks, from one engine after the other, until `stop`. Throws a UserError when none come and work waits. */
  start(): Promise<void>;
  /** Takes no more, and waits for what is under way. */
  stop(): Promise<void>;
}

/**
 * Chunks that the engine gives for each slot: one is computed, one waits here. A slot whose chunk ends would stand idle
 * for 20 ms until the next comes, and for up to 1.5 s where two end so close together that the engine looks only once.
 * The engine gives to its workers in turn, so what waits is never more than one chunk per slot anywhere.
 */
const chunksPerSlot = 2;

/** A try costs one connection; a thousand workers' tries are spread over the second. */
const tryAgainMs = 1_000;

/** Resolves when the engine knows this worker, however long that takes. Throws a UserError when it refuses it. */
export async function connectWorker(
  connection: Connection,
  options: { name: string; fleet: string; slots: number; logger: Logger; onChunk: ChunkHandler },
): Promise<EngineWorker> {
  const { logger } = options;
  const address = connection.HATCHET_CLIENT_HOST_PORT;
  const once = onceAtATime(options.slots, options.onChunk);
  const starvation = createStarvation();
  let underWay = 0;
  const compute: ChunkHandler = async (...chunk) => {
    underWay++;
    starvation.fed();
    try {
      return await once(...chunk);
    } finally {
      underWay--;
    }
  };
  let isStopping = false;
  let session = await nextSession(true);

  async function nextSession(isFirst: boolean): Promise<Session> {
    for (let said = ""; ; await sleep(tryAgainMs)) {
      let problem = `The engine does not answer at ${address}; tried again each second.`;
      if (await isThere(address))
        try {
          return await openSession(connection, { ...options, compute });
        } catch (error) {
          const { message } = error as Error;
          if (isFirst && message.includes("UNAUTHENTICATED")) throw refused(address);
          problem = `The engine at ${address} does not take this worker yet: ${message}`;
        }
      if (problem !== said) logger.warn(problem);
      said = problem;
    }
  }

  /** Each time the stream ends, waits for the engine and registers anew. */
  async function takeChunks(): Promise<void> {
    for (;;) {
      const problem = await session.listen();
      if (isStopping) return;
      logger.warn({ problem }, "No more comes from the engine; what is under way goes on.");
      session.leave();
      await sleep(tryAgainMs * Math.random());
      session = await nextSession(false);
      if (isStopping) return;
      logger.info("The engine is back.");
    }
  }

  return {
    async start() {
      // main.ts then puts down what is under way, and the SDK ends the stream; a new session would bring more.
      for (const signal of signals) process.once(signal, () => (isStopping = true));
      const ended = new AbortController();
      const watching = watchForWork(
        {
          isIdle: () => underWay === 0 && !isStopping,
          isWorkWaiting: () => session.isWorkWaiting(),
          renew() {
            logger.warn("Work waits and none comes here: registered anew.");
            session.hangUp();
          },
        },
        starvation,
        ended.signal,
      );
      const taking = takeChunks().finally(() => ended.abort());
      if ((await Promise.race([taking, watching])) === "give up") throw starved(address);
      await taking;
    },
    async stop() {
      isStopping = true;
      await session.stop();
    },
  };
}

function refused(address: string): UserError {
  return new UserError(`The engine at ${address} does not know this worker's token.`, {
    hint: "HATCHET_CLIENT_TOKEN must be of this very stage: one that was destroyed and made again has another.",
    exitCode: exitCodes.notAllowed,
  });
}

function starved(address: string): UserError {
  return new UserError(
    `The engine at ${address} gives this worker nothing, while work waits and three new registrations have not helped.`,
    {
      hint: "A worker that is kept by its stage is started again by it.",
      exitCode: exitCodes.engineUnreachable,
    },
  );
}

/** One registration at the engine. */
interface Session {
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

async function openSession(
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

const signals = ["SIGTERM", "SIGINT"] as const;

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

/** Whether something listens there. */
function isThere(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(":");
  return new Promise((resolve) => {
    const socket = connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
    });
    const settle = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    // Within a region an answer takes a few ms; an address whose task is gone never answers.
    socket.setTimeout(2_000, () => settle(false));
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}

/**
 * What comes beyond the slots waits: the engine gives ahead, and has all slots of a new registration free while chunks of
 * the old one are still under way here. A chunk that comes again joins the one that is being computed.
 */
export function onceAtATime(slots: number, onChunk: ChunkHandler): ChunkHandler {
  const underWay = new Map<string, { outcome: Promise<Outcome>; cancel: AbortController }>();
  const waiting: (() => void)[] = [];
  let free = slots;

  async function inSlot(work: () => Promise<Outcome>): Promise<Outcome> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  }

  return (input, attempt, cancelled) => {
    const key = `${input.experiment}/${input.round}/${input.chunk}`;
    let chunk = underWay.get(key);
    if (chunk === undefined) {
      const cancel = new AbortController();
      const outcome = inSlot(() => onChunk(input, attempt, cancel.signal)).finally(() =>
        underWay.delete(key),
      );
      chunk = { outcome, cancel };
      underWay.set(key, chunk);
    }
    const { outcome, cancel } = chunk;
    cancelled.addEventListener("abort", () => cancel.abort(), { once: true });
    if (cancelled.aborted) cancel.abort();
    return outcome;
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
