/**
 * What is secret, in Secrets Manager under `hatchery/<stage>/`. Passwords are made here; the engine's keys and the
 * workers' token by the setup job, which alone may write those. None is an output, a log line or a plain variable.
 */
import { type StageSecret, secretName } from "@hatchery/config";
import { isPermanent, settings, stage } from "./settings.ts";

export interface SecretPlace {
  readonly arn: $util.Output<string>;
  /** What a task definition says to be given it, or one field of it. */
  readonly valueFrom: (field?: string) => $util.Output<string>;
}

const titled = (name: string) =>
  name.replace(/(^|-)[a-z]/g, (match) => match.slice(-1).toUpperCase());

function createSecret(name: StageSecret, description: string): aws.secretsmanager.Secret {
  return new aws.secretsmanager.Secret(`${titled(name)}Secret`, {
    name: secretName(stage, name),
    description,
    // A name in its recovery window cannot be used again, and a throw-away stage is back tomorrow.
    recoveryWindowInDays: isPermanent ? 7 : 0,
  });
}

/** A secret whose value the deploy knows. Its readers name the version, so that a new value restarts them. */
export function knownSecret(
  name: StageSecret,
  description: string,
  value: $util.Input<string>,
): SecretPlace {
  const { arn, id } = createSecret(name, description);
  const { versionId } = new aws.secretsmanager.SecretVersion(`${titled(name)}Value`, {
    secretId: id,
    secretString: $util.secret(value),
  });
  return { arn, valueFrom: (field = "") => $interpolate`${arn}:${field}::${versionId}` };
}

/** A secret that the setup job writes. */
function madeSecret(name: StageSecret, description: string): SecretPlace {
  const { arn } = createSecret(name, description);
  return {
    arn,
    valueFrom: (field) => (field === undefined ? arn : $interpolate`${arn}:${field}::`),
  };
}

/**
 * `sst secret set <name>` overrides what is made here. Letters and digits only: they go into addresses, and RabbitMQ on
 * AWS takes no commas.
 */
function password(name: string): $util.Output<string> {
  const made = new random.RandomPassword(`${name}Made`, {
    length: 32,
    special: false,
    minLower: 1,
    minUpper: 1,
    minNumeric: 1,
  });
  return new sst.Secret(name, made.result).value;
}

export const databasePassword = password("DatabasePassword");
export const brokerPassword =
  settings.BROKER_INSTANCE_TYPE === "none" ? undefined : password("BrokerPassword");

export const adminPassword = knownSecret(
  "admin-password",
  "Password of the dashboard's administrator",
  password("AdminPassword"),
);
export const engineKeys = madeSecret("engine-keys", "The engine's keys and cookie secrets");
export const workerToken = madeSecret("worker-token", "Token of workers and steward");
