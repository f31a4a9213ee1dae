/**
 * Mailbox: how a request reaches the steward. The CLI posts, the steward takes; neither needs the other to be up.
 * A folder here; an SQS queue on AWS. At least once: whoever takes a message must be able to take it twice.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { join } from "node:path";
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
  /** What has arrived, oldest first; empty when nothing did. */
  take(): Promise<Delivery[]>;
}

export function createFolderMailbox(folder: string): Mailbox {
  return {
    address: folder,
    async post(message) {
      await fs.mkdir(folder, { recursive: true });
      const name = `${String(Date.now()).padStart(15, "0")}-${randomBytes(4).toString("hex")}.json`;
      const beside = join(folder, `.${name}`);
      await fs.writeFile(beside, JSON.stringify(Message.parse(message)));
      await fs.rename(beside, join(folder, name));
    },
    async take() {
      const names = await fs.readdir(folder).catch(() => []);
      const deliveries: Delivery[] = [];
      for (const name of names.filter((each) => /^\d.*\.json$/.test(each)).toSorted()) {
        const path = join(folder, name);
        const message = readMessage(await fs.readFile(path, "utf8"));
        // A message of a newer or broken sender must not stop those behind it.
        if (message === undefined) await fs.rename(path, `${path}.refused`);
        else deliveries.push({ message, done: () => fs.rm(path, { force: true }) });
      }
      return deliveries;
    },
  };
}

function readMessage(text: string): Message | undefined {
  try {
    return Message.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
