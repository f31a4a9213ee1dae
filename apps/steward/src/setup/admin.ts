/** The dashboard's administrator, as the settings have him. */
import { type SetupSettings, tenant } from "@hatchery/config";
import { compare, hash } from "bcryptjs";
import type { Client } from "pg";

/** The engine's own. */
const hashingCost = 10;

/**
 * `hatchet-admin seed` makes a user once and the tenant with its first member once. Later the e-mail may follow another
 * domain and the password be another one.
 */
export async function correctAdmin(client: Client, settings: SetupSettings): Promise<void> {
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
  await client.query('update "UserPassword" set hash = $1 where "userId" = $2', [
    await hash(settings.ADMIN_PASSWORD, hashingCost),
    admin.id,
  ]);
}
