/**
 * Progress and history of an experiment while it runs: what `progress.json` and `events.jsonl` hold.
 * Written by the steward, derived from the parts; read by `hatchery watch`, `status` and `list`.
 */
import { z } from "zod";
import { createFailure } from "./simulation.ts";
import { experimentKeys } from "./layout.ts";
import { readJson, type Store } from "./store.ts";

export const Progress = z.object({
  experiment: z.string(),
  /** Whose steward keeps it. */
  stage: z.string(),
  state: z.enum(["queued", "running", "closing", "closed"]),
  /** Why it closed; only when it is. `completed` means that no simulation is left to run. */
  ended: z.enum(["completed", "cancelled", "halted", "capped", "lost"]).optional(),
  /** Why it was halted or capped, for a person. */
  reason: z.string().optional(),
  /** What workers say that keeps them from computing chunks. */
  trouble: z.array(z.string()).optional(),
  total: z.int(),
  done: z.int(),
  failed: z.int(),
  /** Parts written, and chunks planned so far. */
  parts: z.int(),
  chunks: z.int(),
  round: z.int(),
  workers: z.int(),
  retries: z.int(),
  interruptions: z.int(),
  /** Over the last half minute of this round, or longer where its chunks are; 0 before its first part. */
  simulationsPerSecond: z.number(),
  /** Until the last simulation; absent while it cannot be told, as during a canary. The merge comes after. */
  secondsLeft: z.number().optional(),
  /** The range in which the end is most likely; without an upper end while nothing comes. */
  secondsLeftLeast: z.number().optional(),
  secondsLeftMost: z.number().optional(),
  /** Of the fleet, so far; absent where it costs nothing, on one's own machine. */
  costUsd: z.number().optional(),
  /** Where that must not go beyond. */
  maxUsd: z.number().optional(),
  /** When the first simulation was planned. */
  startedAt: z.string(),
  updatedAt: z.string(),
});
export type Progress = z.infer<typeof Progress>;

export function readProgress(store: Store, experiment: string): Promise<Progress | undefined> {
  return readJson(store, experimentKeys(experiment).progress, (value) => Progress.parse(value));
}

export interface ExperimentEvent {
  readonly at: string;
  readonly event: string;
  readonly [detail: string]: string | number | boolean;
}

export async function readEvents(store: Store, experiment: string): Promise<ExperimentEvent[]> {
  const lines = (await store.read(experimentKeys(experiment).events))?.toString("utf8") ?? "";
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ExperimentEvent);
}

/** One line after the other: a store cannot append, so each is a read and a write. */
let recording: Promise<void> = Promise.resolve();

/** Adds a line to the experiment's events. Only the steward does. */
export function recordEvent(
  store: Store,
  experiment: string,
  event: string,
  details: Record<string, string | number | boolean> = {},
): Promise<void> {
  recording = recording
    .catch(() => undefined)
    .then(() => appendEvent(store, experiment, event, details));
  return recording;
}

async function appendEvent(
  store: Store,
  experiment: string,
  event: string,
  details: Record<string, string | number | boolean>,
): Promise<void> {
  const key = experimentKeys(experiment).events;
  const before = (await store.read(key))?.toString("utf8") ?? "";
  const line: ExperimentEvent = { at: new Date().toISOString(), event, ...details };
  await store.replace(key, `${before}${JSON.stringify(line)}\n`);
}

/** Tells why a worker's chunks do not get done, once per kind. Written by workers, read by the steward. */
export async function recordTrouble(
  store: Store,
  experiment: string,
  worker: string,
  message: string,
): Promise<void> {
  const { fingerprint } = createFailure("crashed", message);
  await store.create(`${experimentKeys(experiment).trouble}${fingerprint}.${worker}`, message);
}

/** `messages`: one of each kind. `workers`: who has told of any. */
export async function readTrouble(
  store: Store,
  experiment: string,
): Promise<{ messages: string[]; workers: ReadonlySet<string> }> {
  const folder = experimentKeys(experiment).trouble;
  const told = (await store.names(folder)).map((name) => {
    const afterKind = name.indexOf(".");
    return { name, kind: name.slice(0, afterKind), worker: name.slice(afterKind + 1) };
  });
  // A thousand workers may tell the same.
  const oneOfEach = [...new Map(told.map(({ kind, name }) => [kind, name])).values()];
  const messages = await Promise.all(oneOfEach.map((name) => store.read(`${folder}${name}`)));
  return {
    messages: messages.flatMap((message) => message?.toString("utf8") ?? []),
    workers: new Set(told.map(({ worker }) => worker)),
  };
}

export async function forgetTrouble(store: Store, experiment: string): Promise<void> {
  const folder = experimentKeys(experiment).trouble;
  for (const name of await store.names(folder)) await store.remove(`${folder}${name}`);
}
