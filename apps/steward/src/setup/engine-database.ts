/** The engine's database, as the setup's programs read and correct it. */
import { UserError, exitCodes } from "@hatchery/config";
import { Client } from "pg";

/** Amazon's Postgres takes connections some seconds after it is said to be there. */
const connectTimeoutMs = 30_000;

/** Rejects when the connection is lost: whoever holds a lock by it has it no longer. */
export async function withDatabase<Result>(
  url: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: "hatchery-setup",
    keepAlive: true,
  });
  const lost = new Promise<never>((_resolve, reject) => client.on("error", reject));
  await client.connect().catch((error: Error) => {
    throw new UserError(`The engine's database does not answer: ${error.message}.`, {
      exitCode: exitCodes.engineUnreachable,
    });
  });
  try {
    return await Promise.race([use(client), lost]);
  } finally {
    await client.end();
  }
}
