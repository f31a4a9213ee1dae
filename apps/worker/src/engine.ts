/** The engine's side of the worker: the one file here that knows the SDK. */
import { HatchetClient, type Context } from "@hatchet-dev/typescript-sdk/v1/index.js";
import type { EngineConnection } from "@hatchery/config";
import { ChunkInput, chunkTask } from "@hatchery/experiment";
import type { Logger } from "pino";
import type { z } from "zod";

export interface ChunkHandler {
  /** `attempt` counts from 0; `cancelled` aborts when the engine takes the chunk back. */
  (input: ChunkInput, attempt: number, cancelled: AbortSignal): Promise<Record<string, number>>;
}

export async function connectWorker(
  connection: z.infer<typeof EngineConnection>,
  options: { name: string; slots: number; logger: Logger; onChunk: ChunkHandler },
) {
  const hatchet = HatchetClient.init({
    token: connection.HATCHET_CLIENT_TOKEN,
    host_port: connection.HATCHET_CLIENT_HOST_PORT,
    api_url: connection.HATCHET_CLIENT_API_URL,
    tls_config: { tls_strategy: connection.HATCHET_CLIENT_TLS_STRATEGY },
    log_level: "WARN",
  });
  const task = hatchet.task({
    name: chunkTask.name,
    scheduleTimeout: chunkTask.scheduleTimeout,
    executionTimeout: chunkTask.executionTimeout,
    retries: chunkTask.retries,
    idempotency: chunkTask.idempotency,
    fn: (input: ChunkInput, context: Context<ChunkInput>) =>
      withLease(context, () =>
        options.onChunk(
          ChunkInput.parse(input),
          context.retryCount(),
          context.abortController.signal,
        ),
      ),
  });
  const worker = await hatchet.worker(options.name, {
    workflows: [task],
    slots: options.slots,
    // main.ts decides when this process ends: the SDK would exit before the partial parts are written.
    handleKill: false,
  });
  return worker;
}

/** Renews the engine's execution timeout while the work goes on. */
async function withLease<T>(context: Context<ChunkInput>, work: () => Promise<T>): Promise<T> {
  const third = chunkTask.leaseSeconds / 3;
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
