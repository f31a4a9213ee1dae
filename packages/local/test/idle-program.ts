/** Stands in for a worker or the steward: says what it was given, and lives until it is asked to go. */
const given = Object.entries(process.env).filter(([name]) => name !== "HATCHET_CLIENT_TOKEN");
process.stdout.write(`${JSON.stringify(Object.fromEntries(given))}\n`);
setInterval(() => undefined, 1_000);
process.once("SIGTERM", () => process.exit(0));
