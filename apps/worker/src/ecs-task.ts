/**
 * A worker as a task of ECS: what it is called, and that it is not to be stopped while it computes. Both come from the
 * agent beside the container, which is there on AWS only.
 */
import { hostname, totalmem } from "node:os";
import { defaultFleet } from "@hatchery/config";
import type { Logger } from "pino";
import { z } from "zod";

/** The agent is on the same host; one that has not answered by then will not. */
const answersWithinMs = 5_000;

const TaskMetadata = z.object({
  TaskARN: z.string().regex(/\/[0-9a-f]{8,}$/),
  /** In MiB; there on Fargate, where the task's memory is set. */
  Limits: z.object({ Memory: z.number().optional() }).optional(),
});

/** The environment with a WORKER_NAME from the task's id, where there is a task and no name: "worker-3f2a91c0d4e7". */
export async function namedByTask(environment: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const metadata = environment["ECS_CONTAINER_METADATA_URI_V4"];
  if (metadata === undefined || environment["WORKER_NAME"]) return environment;
  const fleet = environment["FLEET"] ?? defaultFleet;
  // The host's name is as unique, only longer and found nowhere else on AWS.
  const id = await taskId(metadata).catch(() => hostname());
  return { ...environment, WORKER_NAME: `${fleet === defaultFleet ? "worker" : fleet}-${id}` };
}

/** Bytes that this worker may hold: the task's, or the container's, or the machine's, which its workers share. */
export async function workerMemory(environment: NodeJS.ProcessEnv): Promise<number> {
  const metadata = environment["ECS_CONTAINER_METADATA_URI_V4"];
  const task = metadata && (await taskMetadata(metadata).catch(() => undefined));
  const mebibytes = task ? task.Limits?.Memory : undefined;
  if (mebibytes !== undefined) return mebibytes * 2 ** 20;
  // Where there is no limit it answers 0 or a number beyond all memory.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

async function taskMetadata(metadata: string): Promise<z.infer<typeof TaskMetadata>> {
  const answer = await fetch(`${metadata}/task`, { signal: AbortSignal.timeout(answersWithinMs) });
  return TaskMetadata.parse(await answer.json());
}

/** As much of it as tells tasks apart and still fits a line. */
async function taskId(metadata: string): Promise<string> {
  const { TaskARN } = await taskMetadata(metadata);
  return TaskARN.slice(TaskARN.lastIndexOf("/") + 1).slice(0, 12);
}

export interface Protection {
  /** A chunk begins. */
  begin(): void;
  /** A chunk has ended. */
  end(): void;
}

const noProtection: Protection = { begin: () => undefined, end: () => undefined };

/** A worker that hangs is open to be stopped again after so long; one that works renews it long before. */
const protectedMinutes = 30;
const renewEveryMs = 10 * 60_000;
/** Between two chunks protection stays: the agent passes each change on to ECS, which throttles. */
const lingerMs = 10_000;

/** Asks the agent at `agent` ($ECS_AGENT_URI) to protect this task while chunks are under way. */
export function createProtection(agent: string | undefined, logger: Logger): Protection {
  if (agent === undefined) return noProtection;
  let chunks = 0;
  let isProtected = false;
  let renewal: NodeJS.Timeout | undefined;
  let release: NodeJS.Timeout | undefined;
  /** One request after the other, so that the last one says how it is. */
  let asking: Promise<void> = Promise.resolve();

  function ask(wanted: boolean): void {
    isProtected = wanted;
    asking = asking
      .then(() => put(agent!, wanted))
      .catch((error: unknown) =>
        // Without protection the worker is as it was: a stop is an interruption, and costs no result.
        logger.warn(
          { error: error instanceof Error ? error.message : String(error) },
          "protection",
        ),
      );
  }

  return {
    begin() {
      chunks++;
      clearTimeout(release);
      if (isProtected) return;
      ask(true);
      renewal = setInterval(() => ask(true), renewEveryMs).unref();
    },
    end() {
      chunks--;
      if (chunks > 0) return;
      release = setTimeout(() => {
        clearInterval(renewal);
        ask(false);
      }, lingerMs).unref();
    },
  };
}

async function put(agent: string, isWanted: boolean): Promise<void> {
  const answer = await fetch(`${agent}/task-protection/v1/state`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ProtectionEnabled: isWanted,
      ...(isWanted && { ExpiresInMinutes: protectedMinutes }),
    }),
    signal: AbortSignal.timeout(answersWithinMs),
  });
  // ECS's own refusal comes with status 200 and a field "failure".
  const text = await answer.text();
  if (!answer.ok || "failure" in (JSON.parse(text) as object))
    throw new Error(`The agent answered ${answer.status}: ${text.slice(0, 300)}`);
}
