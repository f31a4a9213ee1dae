/** Last container of the setup job: the worker token into Secrets Manager, the admin as the settings say. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PublishSettings, handedOn, tenant, tokenId, tokenIn } from "@hatchery/config";
import { compare, hash } from "bcryptjs";
import type { Client } from "pg";
import { withDatabase } from "./engine-database.ts";
import { runProgram } from "./program.ts";
import { keptSecrets, readWritten } from "./kept-secrets.ts";

await runProgram("publish", PublishSettings, async (settings, logger) => {
  const handed = (what: string) => join(settings.SHARED_FOLDER, what);
  await withDatabase(settings.DATABASE_URL, async (client) => {
    await keepAdmin(client, settings);
    if (!existsSync(handed(handedOn.mint))) return;

    const token = tokenIn(readFileSync(handed(handedOn.token), "utf8"));
    if (token === undefined) throw new Error('"hatchet-admin token create" printed no token.');
    const version = readFileSync(handed(handedOn.version), "utf8");
    const secrets = keptSecrets(settings.STAGE);
    const isOurs = await secrets.write("worker-token", { version, value: token });
    // Nobody has it, and nobody shall.
    if (!isOurs)
      await client.query('update "APIToken" set revoked = true where id = $1', [tokenId(token)]);
    await readWritten(secrets, "worker-token", version);
    logger.info({ version }, isOurs ? "worker token" : "worker token of a job that was first");
  });
  logger.info("the stage is set up");
});

/** hatchet-admin makes the admin once, and a member once. Later the e-mail may follow another domain, or the password change. */
async function keepAdmin(client: Client, settings: PublishSettings): Promise<void> {
  const { rows } = await client.query<{ id: string; hash: string }>(
    'select id, hash from "User" join "UserPassword" on "userId" = id where email = $1',
    [settings.ADMIN_EMAIL],
  );
  const admin = rows[0];
  if (admin === undefined) throw new Error(`There is no user "${settings.ADMIN_EMAIL}".`);
  await client.query(
    `insert into "TenantMember" (id, "tenantId", "userId", role) values (gen_random_uuid(), $1, $2, 'OWNER')
     on conflict ("tenantId", "userId") do nothing`,
    [tenant, admin.id],
  );
  if (await compare(settings.ADMIN_PASSWORD, admin.hash)) return;
  // The engine's own cost.
  const changed = await hash(settings.ADMIN_PASSWORD, 10);
  await client.query('update "UserPassword" set hash = $1 where "userId" = $2', [
    changed,
    admin.id,
  ]);
}
