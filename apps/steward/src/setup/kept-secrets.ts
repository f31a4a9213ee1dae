/**
 * Secrets Manager as the setup job writes to it. A version is named by its writer, and a version that exists cannot be
 * changed: of several jobs that write the same version the first wins, and the others learn so.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { secretName, type StageSecret } from "@hatchery/config";

export interface KeptSecret {
  readonly version: string;
  readonly value: string;
}

export interface KeptSecrets {
  /** The current version, or the one that is named; undefined when there is none. */
  read(secret: StageSecret, version?: string): Promise<KeptSecret | undefined>;
  /** Writes that version unless it exists. Answers whether it did. */
  write(secret: StageSecret, kept: KeptSecret): Promise<boolean>;
}

/** The version that follows from what it is made of: all who make it of the same mean the same. */
export function versionOf(...madeOf: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(madeOf)).digest("hex");
}

export function keptSecrets(stage: string): KeptSecrets {
  const client = new SecretsManagerClient();
  const id = (secret: StageSecret) => secretName(stage, secret);

  async function read(secret: StageSecret, version?: string): Promise<KeptSecret | undefined> {
    try {
      const found = await client.send(
        new GetSecretValueCommand({ SecretId: id(secret), VersionId: version }),
      );
      return { version: found.VersionId!, value: found.SecretString! };
    } catch (error) {
      // Also how a secret answers that has no value yet.
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  return {
    read,
    async write(secret, { version, value }) {
      try {
        await client.send(
          new PutSecretValueCommand({
            SecretId: id(secret),
            ClientRequestToken: version,
            SecretString: value,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ResourceExistsException) return false;
        throw error;
      }
    },
  };
}

/** The version that we or another job have just written, which may take a moment to be seen everywhere. */
export async function readWritten(
  secrets: KeptSecrets,
  secret: StageSecret,
  version: string,
): Promise<KeptSecret> {
  for (let tries = 1; ; tries++) {
    const kept = await secrets.read(secret, version);
    if (kept !== undefined) return kept;
    if (tries === 10)
      throw new Error(`Version ${version} of "${secret}" was written but cannot be read.`);
    await sleep(500);
  }
}
