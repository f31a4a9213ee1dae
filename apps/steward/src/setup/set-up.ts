/** The setup job's own program: readies database, keys, tenant, admin and worker token; what is there stays. */
import { setTimeout as sleep } from "node:timers/promises";
import { SetupSettings } from "@hatchery/config";
import type { Client } from "pg";
import type { Logger } from "pino";
import { correctAdmin } from "./admin.ts";
import { writeCertificates } from "./certificates.ts";
import { withDatabase } from "./engine-database.ts";
import { enginePrograms } from "./engine-programs.ts";
import { keptSecrets } from "./kept-secrets.ts";
import { keysEnvironment, settleKeys } from "./keys.ts";
import { runProgram } from "./program.ts";
import { settleToken } from "./worker-token.ts";

await runProgram("set-up", SetupSettings, async (settings, logger) => {
  writeCertificates(settings);
  const secrets = keptSecrets(settings.STAGE);
  const programs = enginePrograms(settings.SHARED_FOLDER);

  await withDatabase(settings.DATABASE_URL, async (client) => {
    await takeTurn(client, logger);
    await programs.run("hatchet-migrate", []);
    const { keys, areNew } = await settleKeys(settings.KEYS_GENERATION, secrets, programs);
    logger.info(areNew ? "new keys" : "keys as they were");
    await programs.run("hatchet-admin", ["seed"], keysEnvironment(keys));
    await correctAdmin(client, settings);
    const isNew = await settleToken(keys, settings, { client, secrets, programs });
    logger.info(isNew ? "new worker token" : "worker token as it was");
  });
  logger.info("the stage is set up");
});

/**
 * One setup at a time: the lock lasts as long as the connection, so the next one has it even when this one is killed.
 * Asked for again and again, because a statement that waits would itself be waited for by migrations that make an index
 * concurrently.
 */
async function takeTurn(client: Client, logger: Logger): Promise<void> {
  for (let isWaiting = false; ; isWaiting = true) {
    const { rows } = await client.query<{ taken: boolean }>(
      "select pg_try_advisory_lock(hashtextextended('hatchery setup', 0)) as taken",
    );
    if (rows[0]!.taken) return;
    if (!isWaiting) logger.info("another setup is at work: waiting for its end");
    await sleep(500);
  }
}
