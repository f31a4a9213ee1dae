/** Second container of the setup job: settles which keys the stage has, and whether it needs a new worker token. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  EngineKeys,
  SetupSettings,
  handedOn,
  keptGeneration,
  keysetFiles,
  newCookieSecrets,
  servingTokenId,
} from "@hatchery/config";
import { writeCertificates } from "./certificates.ts";
import { rowsIfMigrated, withDatabase } from "./engine-database.ts";
import { runProgram } from "./program.ts";
import {
  type KeptSecret,
  type KeptSecrets,
  keptSecrets,
  readWritten,
  versionOf,
} from "./kept-secrets.ts";

await runProgram("prepare", SetupSettings, async (settings, logger) => {
  const secrets = keptSecrets(settings.STAGE);
  writeCertificates(settings);

  const keys = await settleKeys(secrets, settings);
  writeKeys(settings.SHARED_FOLDER, EngineKeys.parse(JSON.parse(keys.value)));
  logger.info({ version: keys.version }, "keys");

  // A token is signed with the keys: its name says with which.
  const name = `hatchery, keys ${keys.version.slice(0, 8)}`;
  const token = await secrets.read("worker-token");
  if (token !== undefined && (await serves(token.value, name, settings))) {
    logger.info({ version: token.version }, "the worker token still serves");
    return;
  }
  const handOn = (what: string, content: string) =>
    writeFileSync(join(settings.SHARED_FOLDER, what), content, { mode: 0o600 });
  // All jobs that replace the same token write the same version, so one of them does.
  handOn(handedOn.version, versionOf("worker-token", name, token?.version ?? "none"));
  handOn(handedOn.mint, name);
  logger.info("a new worker token is needed");
});

/** The stage's keys: those it has, or else the fresh ones of whichever job is first. */
async function settleKeys(secrets: KeptSecrets, settings: SetupSettings): Promise<KeptSecret> {
  const generation = settings.KEYS_GENERATION;
  const version = versionOf("engine-keys", generation);
  const kept = await secrets.read("engine-keys");
  const isSettled =
    kept !== undefined &&
    (generation === keptGeneration || (await secrets.read("engine-keys", version)) !== undefined);
  if (isSettled) return kept;
  const value = JSON.stringify(candidate(join(settings.SHARED_FOLDER, handedOn.candidate)));
  await secrets.write("engine-keys", { version, value });
  return readWritten(secrets, "engine-keys", version);
}

function candidate(folder: string): EngineKeys {
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  return {
    masterKeyset: read(keysetFiles.masterKeyset),
    privateJwtKeyset: read(keysetFiles.privateJwtKeyset),
    publicJwtKeyset: read(keysetFiles.publicJwtKeyset),
    cookieSecrets: newCookieSecrets(),
  };
}

function writeKeys(sharedFolder: string, keys: EngineKeys): void {
  const folder = join(sharedFolder, handedOn.keys);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, value] of Object.entries(keys))
    writeFileSync(join(folder, name), value, { mode: 0o600 });
}

/** Whether the token names the engine's addresses, is good for a while, and was made with these keys and database. */
async function serves(token: string, name: string, settings: SetupSettings): Promise<boolean> {
  const id = servingTokenId(token, settings, new Date());
  if (id === undefined) return false;
  const known = await withDatabase(settings.DATABASE_URL, (client) =>
    rowsIfMigrated(client, 'select 1 from "APIToken" where id = $1 and name = $2 and not revoked', [
      id,
      name,
    ]),
  );
  return known.length > 0;
}
