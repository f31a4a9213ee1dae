/** What the setup job keeps in Secrets Manager, and reads from there. */
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { secretName, type StageSecret } from "@hatchery/config";

export interface KeptSecrets {
  read(secret: StageSecret): Promise<string | undefined>;
  write(secret: StageSecret, value: string): Promise<void>;
}

export function keptSecrets(stage: string): KeptSecrets {
  const client = new SecretsManagerClient();
  return {
    async read(secret) {
      try {
        const command = new GetSecretValueCommand({ SecretId: secretName(stage, secret) });
        return (await client.send(command)).SecretString;
      } catch (error) {
        // How a secret answers that has no value yet.
        if (error instanceof ResourceNotFoundException) return undefined;
        throw error;
      }
    },
    async write(secret, value) {
      await client.send(
        new PutSecretValueCommand({ SecretId: secretName(stage, secret), SecretString: value }),
      );
    },
  };
}
