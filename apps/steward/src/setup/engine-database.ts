/** The engine's database, as the setup's programs read and correct it. */
import { Client, DatabaseError, type QueryResultRow } from "pg";

/** undefined_table: nothing has been migrated yet. */
const noSuchTable = "42P01";

export async function withDatabase<Result>(
  url: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "hatchery-setup",
  });
  // The server may go away at any time; the query then rejects, and this event says it a second time.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** The rows, none where the table is still to be made. */
export async function rowsIfMigrated<Row extends QueryResultRow>(
  client: Client,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === noSuchTable) return [];
    throw error;
  }
}
