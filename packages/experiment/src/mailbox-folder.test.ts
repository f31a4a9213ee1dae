import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mailboxContract } from "./mailbox-contract.ts";
import { createFolderMailbox } from "./mailbox-folder.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "hatchery-mailbox-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

mailboxContract(async () => {
  const refused: string[] = [];
  let sent = 0;
  await mkdir(folder, { recursive: true });
  return {
    mailbox: createFolderMailbox(folder, { onRefused: (text) => refused.push(text) }),
    refused,
    putRaw: (text) => writeFile(join(folder, `00000000000000${sent++}-x.json`), text),
  };
});

test("messages are taken in the order in which they were posted, a refused one is kept", async () => {
  const mailbox = createFolderMailbox(folder);
  await mailbox.post({ kind: "submit", experiment: "a/1" });
  await writeFile(join(folder, "000000000000001-x.json"), "{ not json");
  await sleep(5);
  await mailbox.post({ kind: "cancel", experiment: "a/1" });
  const taken = await mailbox.take();
  expect(taken.map(({ message }) => message.kind)).toEqual(["submit", "cancel"]);
  expect(await readdir(folder)).toContain("000000000000001-x.json.refused");
});
