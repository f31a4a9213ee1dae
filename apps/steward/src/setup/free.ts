/** Before the engine: lets it trust the database, and frees what a dead engine holds there. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  FreeSettings,
  UserError,
  endDeadSessions,
  engineSessions,
  freeWhatItHolds,
} from "@hatchery/config";
import type { Client } from "pg";
import { writeCertificates } from "./certificates.ts";
import { withDatabase } from "./engine-database.ts";
import { runProgram } from "./program.ts";

/** A living engine asks its database several times a second; sessions of one whose host is lost stay, but silent. */
const silentSeconds = 10;
/** An engine that is being stopped has 60 s to end. */
const waitMs = 90_000;

await runProgram("free", FreeSettings, async (settings, logger) => {
  writeCertificates(settings);
  await withDatabase(settings.DATABASE_URL, async (client) => {
    const deadline = Date.now() + waitMs;
    for (let hasSaid = false; await isEngineAlive(client); hasSaid = true) {
      if (!hasSaid) logger.info("waits for the end of an engine that is alive");
      if (Date.now() > deadline)
        throw new UserError(
          "Another engine is at work on this database. A stage has one engine, and this one does not start beside it.",
          { hint: "Stop the other one; the service then starts this one by itself." },
        );
      await sleep(500);
    }
    await client.query(endDeadSessions);
    await client.query(freeWhatItHolds);
  });
  logger.info("freed what a dead engine held");
});

async function isEngineAlive(client: Client): Promise<boolean> {
  const { rows } = await client.query(
    `select 1 from pg_stat_activity where application_name like $1 and state_change > now() - $2 * interval '1 second'`,
    [`${engineSessions}%`, silentSeconds],
  );
  return rows.length > 0;
}
