/**
 * The mailbox as an SQS queue. Loaded only for a queue's URL, because the SDK is: see openMailbox.
 * What is no message is left in the queue: after a few deliveries SQS puts it into the dead-letter queue.
 */
import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { UserError, awsUserError, exitCodes } from "@hatchery/config";
import {
  Message,
  readMessage,
  type Delivery,
  type Mailbox,
  type MailboxOptions,
} from "./mailbox.ts";

/** The longest that SQS waits for a message; it answers at once when one arrives, and an empty answer costs the same. */
const waitSeconds = 20;
/** The most that SQS gives at a time. */
const batch = 10;

export function openSqsMailbox(
  url: string,
  {
    onRefused,
    waitSeconds: wait = waitSeconds,
  }: MailboxOptions & { readonly waitSeconds?: number } = {},
): Mailbox {
  const client = new SQSClient({ retryMode: "adaptive", maxAttempts: 8 });
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw mailboxError(error, url) ?? error;
    }
  };
  return {
    address: url,
    post: (message) =>
      guarded(async () => {
        const MessageBody = JSON.stringify(Message.parse(message));
        await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));
      }),
    take: () =>
      guarded(async () => {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: batch,
            WaitTimeSeconds: wait,
          }),
        );
        return Messages.flatMap(({ Body = "", ReceiptHandle }): Delivery[] => {
          const message = readMessage(Body);
          if (message === undefined) {
            onRefused?.(Body);
            return [];
          }
          const done = () =>
            guarded(
              async () =>
                void (await client.send(
                  new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }),
                )),
            );
          return [{ message, done }];
        });
      }),
  };
}

function mailboxError(error: unknown, url: string): UserError | undefined {
  const what = `The mailbox "${url}"`;
  const { name } = error as { name?: string };
  if (name === "QueueDoesNotExist" || name === "AWS.SimpleQueueService.NonExistentQueue")
    return new UserError(`${what} does not exist.`, {
      hint: "Its stage was taken down, or is in another region: look at AWS_REGION.",
      exitCode: exitCodes.stageNotUp,
      cause: error,
    });
  return awsUserError(error, what);
}
