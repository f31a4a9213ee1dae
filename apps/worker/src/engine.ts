/**
 * A worker outlives its engine. Each time their stream breaks it waits for the engine, and registers anew: the SDK
 * would listen again under the old registration every 5 to 10 s, with a connection that backs off for up to two
 * minutes, and give up after 20 tries; and what the engine has sent meanwhile to the old registration would be lost
 * until it times out. Chunks under way are computed to their end all the while.
 */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError, exitCodes } from "@hatchery/config";
import type { Logger } from "pino";
import { onceAtATime, type ChunkHandler } from "./once-at-a-time.ts";
import { openSession, signals, type Connection, type Session } from "./session.ts";
import { createStarvation, watchForWork } from "./starvation.ts";

export interface EngineWorker {
  /** Takes chunks, from one engine after the other, until `stop`. Throws a UserError when none come and work waits. */
  start(): Promise<void>;
  /** Takes no more, and waits for what is under way. */
  stop(): Promise<void>;
}

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
