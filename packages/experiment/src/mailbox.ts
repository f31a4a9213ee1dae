/**
 * Mailbox: how a request reaches the steward. The CLI posts, the steward takes; neither needs the other to be up.
 * A folder here (mailbox-folder.ts); an SQS queue on AWS (mailbox-sqs.ts). At least once, and nearly in order: whoever
 * takes a message must be able to take it twice, and after a later one.
 */
import { defaultFleet } from "@hatchery/config";
import { z } from "zod";

// Written by apps/cli; read by apps/steward/src/main.ts.
export const Message = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("submit"), experiment: z.string() }),
  z.object({ kind: z.literal("cancel"), experiment: z.string() }),
  z.object({
    kind: z.literal("again"),
    experiment: z.string(),
    simulations: z.enum(["failed", "missing", "both"]),
    maxFailures: z.number().min(0).max(1).optional(),
    maxUsd: z.number().positive().optional(),
    /** Of code that was changed since, which a person chose to go on with. */
    source: z.string().optional(),
  }),
  z.object({
    kind: z.literal("scale"),
    fleet: z.string().default(defaultFleet),
    workers: z.union([z.int().min(0), z.literal("auto")]),
  }),
]);
export type Message = z.infer<typeof Message>;

export interface Delivery {
  readonly message: Message;
  /** Takes the message out for good; without it the message comes again. */
  done(): Promise<void>;
}

export interface Mailbox {
  readonly address: string;
  post(message: z.input<typeof Message>): Promise<void>;
  /** What has arrived, oldest first; empty when nothing did for a while. */
  take(): Promise<Delivery[]>;
}

export interface MailboxOptions {
  /** Hears of what arrived and is no message: of a newer or broken sender, it must not stop those behind it. */
  readonly onRefused?: (text: string) => void;
}

export function readMessage(text: string): Message | undefined {
  try {
    return Message.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
