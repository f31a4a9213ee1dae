/** The queue, as moto's server plays it. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { UserError } from "@hatchery/config";
import { startMoto, type Moto } from "@hatchery/moto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mailboxContract } from "./mailbox-contract.ts";
import { openSqsMailbox } from "./mailbox-sqs.ts";
import { openMailbox } from "./open-mailbox.ts";

let moto: Moto;
let client: SQSClient;
beforeAll(async () => {
  moto = await startMoto();
  Object.assign(process.env, moto.environment);
  client = new SQSClient();
}, 300_000);
afterAll(() => moto.stop());

async function createQueue(attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({
      QueueName: randomUUID(),
      Attributes: { VisibilityTimeout: "1", ...attributes },
    }),
  );
  return QueueUrl!;
}

const putRaw = async (QueueUrl: string, MessageBody: string) =>
  void (await client.send(new SendMessageCommand({ QueueUrl, MessageBody })));

mailboxContract(async () => {
  const refused: string[] = [];
  const url = await createQueue();
  return {
    mailbox: openSqsMailbox(url, { onRefused: (text) => refused.push(text), waitSeconds: 1 }),
    refused,
    putRaw: (text) => putRaw(url, text),
  };
});

test("a look at an empty queue ends as soon as a message arrives", async () => {
  const mailbox = await openMailbox(await createQueue());
  const taking = mailbox.take();
  await sleep(500);
  const posted = performance.now();
  await mailbox.post({ kind: "submit", experiment: "a/1" });
  expect((await taking).map(({ message }) => message.kind)).toEqual(["submit"]);
  expect(performance.now() - posted).toBeLessThan(10_000);
});

test("what is no message ends in the dead-letter queue", async () => {
  const deadLetters = await createQueue();
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ["QueueArn"] }),
  );
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: Attributes!["QueueArn"],
    maxReceiveCount: 2,
  });
  const url = await createQueue({ RedrivePolicy });
  const mailbox = openSqsMailbox(url, { waitSeconds: 1 });
  await putRaw(url, "{ not json");
  for (let look = 0; look < 3; look++) {
    expect(await mailbox.take()).toEqual([]);
    await sleep(1_100);
  }
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: deadLetters }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(["{ not json"]);
}, 30_000);

test("a queue that is gone is said in words", async () => {
  const url = (await createQueue()).replace(/[^/]+$/, "gone");
  for (const work of [
    () => openSqsMailbox(url).post({ kind: "cancel", experiment: "a/1" }),
    () => openSqsMailbox(url).take(),
  ]) {
    const error = await work().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain("does not exist");
    expect((error as UserError).exitCode).toBe(5);
  }
});
