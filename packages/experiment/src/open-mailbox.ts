/** Open mailbox: the mailbox at an address, as every program is given one. */
import { createFolderMailbox } from "./mailbox-folder.ts";
import type { Mailbox, MailboxOptions } from "./mailbox.ts";

/** A folder's path, or an SQS queue's URL: what AWS needs is loaded only for that. */
export async function openMailbox(address: string, options: MailboxOptions = {}): Promise<Mailbox> {
  if (!/^https?:\/\//.test(address)) return createFolderMailbox(address, options);
  const { openSqsMailbox } = await import("./mailbox-sqs.ts");
  return openSqsMailbox(address, options);
}
