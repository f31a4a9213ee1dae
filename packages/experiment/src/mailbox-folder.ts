/** The mailbox as a folder of this machine: one file per message. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import {
  Message,
  readMessage,
  type Delivery,
  type Mailbox,
  type MailboxOptions,
} from "./mailbox.ts";

export function createFolderMailbox(folder: string, { onRefused }: MailboxOptions = {}): Mailbox {
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
        const text = await fs.readFile(path, "utf8");
        const message = readMessage(text);
        if (message !== undefined)
          deliveries.push({ message, done: () => fs.rm(path, { force: true }) });
        else {
          await fs.rename(path, `${path}.refused`);
          onRefused?.(text);
        }
      }
      return deliveries;
    },
  };
}
