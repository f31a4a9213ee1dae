/** The mailbox as a folder of this machine: one file per message. */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { join } from "node:path";
import { folderChanges } from "./folder-changes.ts";
import {
  Message,
  readMessage,
  type Delivery,
  type Mailbox,
  type MailboxOptions,
} from "./mailbox.ts";

/** How long an empty mailbox is waited at, should the folder say nothing of what is posted. */
const waitMs = 2_000;

export function createFolderMailbox(folder: string, { onRefused }: MailboxOptions = {}): Mailbox {
  const messageNames = async () =>
    (await fs.readdir(folder).catch(() => []))
      .filter((each) => /^\d.*\.json$/.test(each))
      .toSorted();

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
      using changes = folderChanges(folder);
      let names = await messageNames();
      if (names.length === 0) {
        await changes.next(waitMs);
        names = await messageNames();
      }
      const deliveries: Delivery[] = [];
      for (const name of names) {
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
