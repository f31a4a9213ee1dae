/** What a stage is at work on, and how it is told to stop: by its store and its mailbox, as the CLI does. */
import { setTimeout as sleep } from "node:timers/promises";
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type AwsPlace, UserError, storeAddress } from "@hatchery/config";
import { activePrefix, openMailbox, openStore } from "@hatchery/experiment";
import { isAbsent } from "./aws-errors.ts";

export interface Work {
  /** Experiments that the steward has not closed. */
  readonly experiments: readonly string[];
  /** Requests that it has not taken, or not finished with. */
  readonly requests: number;
}

export const isAtWork = ({ experiments, requests }: Work) => experiments.length > 0 || requests > 0;

export async function findWork(stage: string, place: AwsPlace): Promise<Work> {
  const [experiments, requests] = await Promise.all([
    activeExperiments(stage, place),
    waitingRequests(stage),
  ]);
  return { experiments, requests };
}

async function activeExperiments(stage: string, place: AwsPlace): Promise<string[]> {
  try {
    const store = await openStore(storeAddress(place));
    const prefix = activePrefix(stage);
    return (await store.list(prefix)).map(({ key }) => key.slice(prefix.length));
  } catch (error) {
    if (isAbsent(error) || isAbsent((error as Error).cause)) return [];
    throw error;
  }
}

async function waitingRequests(stage: string): Promise<number> {
  const client = new SQSClient({});
  const QueueUrl = await mailboxUrl(client, stage);
  if (QueueUrl === undefined) return 0;
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
}

/** By its name: a half-made stage has no outputs yet, or no longer. */
async function mailboxUrl(client: SQSClient, stage: string): Promise<string | undefined> {
  try {
    const name = `hatchery-${stage}-mailbox`;
    return (await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export interface DrainOptions {
  readonly minutes: number;
  readonly lookEveryMs?: number;
  readonly onChange: (work: Work) => void;
}

/**
 * Cancels what runs and waits until the steward has closed it: finished simulations are kept, the others are "not run",
 * which `resume` goes on with, on any stage.
 */
export async function drain(stage: string, place: AwsPlace, options: DrainOptions): Promise<void> {
  const deadline = Date.now() + options.minutes * 60_000;
  const url = await mailboxUrl(new SQSClient({}), stage);
  const cancelled = new Set<string>();
  let shown = "";
  for (;;) {
    const work = await findWork(stage, place);
    if (!isAtWork(work)) return;
    if (url === undefined || Date.now() > deadline)
      throw new UserError(
        url === undefined
          ? `Stage "${stage}" has no mailbox, so nothing can be cancelled.`
          : `Not drained after ${options.minutes} minutes: ${workText(work)}. The steward may be dead.`,
        {
          hint: `Everything that is finished is in the store, and goes on by "resume" on any stage. To tear down all the same:  pnpm --filter infra run teardown --stage ${stage} --force`,
        },
      );
    // One that was submitted just before is cancelled when it shows.
    for (const experiment of work.experiments.filter((each) => !cancelled.has(each))) {
      await (await openMailbox(url)).post({ kind: "cancel", experiment });
      cancelled.add(experiment);
    }
    if (workText(work) !== shown) options.onChange(work);
    shown = workText(work);
    await sleep(options.lookEveryMs ?? 3_000);
  }
}

export function workText({ experiments, requests }: Work): string {
  return [
    ...experiments,
    ...(requests === 0
      ? []
      : [`${requests} ${requests === 1 ? "request" : "requests"} in the mailbox`]),
  ].join(", ");
}
