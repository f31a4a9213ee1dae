/** What every mailbox does, as tests: the same for a folder and a queue. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Delivery, Mailbox, Message } from "./mailbox.ts";

export interface EmptyMailbox {
  readonly mailbox: Mailbox;
  /** What the mailbox refused. */
  readonly refused: string[];
  /** Puts something there as another sender would. */
  readonly putRaw: (text: string) => Promise<void>;
}

export function mailboxContract(openEmptyMailbox: () => Promise<EmptyMailbox>): void {
  /** Takes until so many messages are there: at least once, in any order, and not all in one go. */
  async function takeAll(mailbox: Mailbox, count: number): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    while (taken.length < count) taken.push(...(await mailbox.take()));
    return taken;
  }

  test("messages arrive, each as it was sent", async () => {
    const { mailbox } = await openEmptyMailbox();
    expect(await mailbox.take()).toEqual([]);
    const messages: Message[] = [
      { kind: "submit", experiment: "a/1" },
      { kind: "cancel", experiment: "a/1" },
      { kind: "again", experiment: "b/2", simulations: "failed", maxFailures: 0.5 },
    ];
    for (const message of messages) await mailbox.post(message);
    const taken = await takeAll(mailbox, messages.length);
    expect(taken.map(({ message }) => message)).toEqual(expect.arrayContaining(messages));
    expect(taken).toHaveLength(messages.length);
  });

  test("a message stays until it is done, and comes again until then", async () => {
    const { mailbox } = await openEmptyMailbox();
    await mailbox.post({ kind: "submit", experiment: "a/1" });
    await takeAll(mailbox, 1);
    const [again] = await takeAll(mailbox, 1);
    expect(again!.message).toEqual({ kind: "submit", experiment: "a/1" });
    await again!.done();
    await again!.done();
    await sleep(1_500);
    expect(await mailbox.take()).toEqual([]);
  });

  test("what is no message is refused aloud and stops nobody", async () => {
    const { mailbox, refused, putRaw } = await openEmptyMailbox();
    await putRaw("{ not json");
    await putRaw('{"kind":"of tomorrow"}');
    await mailbox.post({ kind: "cancel", experiment: "a/1" });
    const taken = await takeAll(mailbox, 1);
    expect(taken.map(({ message }) => message.kind)).toEqual(["cancel"]);
    expect(new Set(refused)).toEqual(new Set(["{ not json", '{"kind":"of tomorrow"}']));
  });

  test("a message that no mailbox would take cannot be posted", async () => {
    const { mailbox } = await openEmptyMailbox();
    await expect(mailbox.post({ kind: "scale" } as unknown as Message)).rejects.toThrow("workers");
    expect(await mailbox.take()).toEqual([]);
  });
}
