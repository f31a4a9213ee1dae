/**
 * What the engine's programs read from their environment, on this machine and on AWS alike.
 * Names and defaults: pkg/config/{server,database}/ of Hatchet v0.104.7. A name that the engine does not know it ignores
 * in silence, so a test compares these with the list of names that it binds.
 */
import type { EngineAddresses, EnginePorts } from "./addresses.ts";
import type { StageSettings } from "./stage-settings.ts";

/** What the engine is told in secret. Local stages keep each in a file, AWS in Secrets Manager. */
export const engineSecrets = [
  "databaseUrl",
  "brokerUrl",
  "masterKeyset",
  "privateJwtKeyset",
  "publicJwtKeyset",
  "cookieSecrets",
] as const;
export type EngineSecret = (typeof engineSecrets)[number];

export interface EngineEnvironmentInput {
  readonly addresses: EngineAddresses;
  readonly ports: EnginePorts;
  readonly broker: "none" | "rabbitmq";
  readonly place: "local" | "aws";
  readonly settings: Pick<
    StageSettings,
    | "ENGINE_LOG_LEVEL"
    | "ENGINE_RETENTION_HOURS"
    | "ENGINE_MAX_TASKS_PER_DAY"
    | "ENGINE_MAX_WORKERS"
    | "ENGINE_MAX_SLOTS"
  >;
}

export interface EngineEnvironment {
  readonly plain: Readonly<
    Record<string, string> & Record<"SERVER_URL" | "SERVER_GRPC_BROADCAST_ADDRESS", string>
  >;
  /** Name of the variable → the secret that it holds. */
  readonly secret: Readonly<Record<string, EngineSecret>>;
}

export function engineEnvironment(input: EngineEnvironmentInput): EngineEnvironment {
  const { addresses, ports, broker, place, settings } = input;
  const serverUrl = addresses.externalServerUrl ?? addresses.internalServerUrl;
  const isLocal = place === "local";
  return {
    plain: {
      // Written into every token: a change of either address voids the tokens that exist.
      SERVER_URL: serverUrl,
      SERVER_GRPC_BROADCAST_ADDRESS:
        addresses.externalGrpcBroadcastAddress ?? addresses.internalGrpcBroadcastAddress,
      // The API's own way to the engine: not out of the stage and in again by the load balancer.
      SERVER_INTERNAL_CLIENT_INTERNAL_GRPC_BROADCAST_ADDRESS:
        addresses.internalGrpcBroadcastAddress,

      // The engine has no such setting for its API and health ports: they listen on every address, but in the one
      // that packages/local builds for this machine.
      SERVER_GRPC_BIND_ADDRESS: isLocal ? "127.0.0.1" : "0.0.0.0",
      SERVER_GRPC_PORT: String(ports.grpc),
      SERVER_PORT: String(ports.api),
      SERVER_HEALTHCHECK_PORT: String(ports.health),
      // TLS ends at the load balancer; inside the stage security groups say who may connect.
      SERVER_GRPC_INSECURE: "true",

      SERVER_AUTH_COOKIE_DOMAIN: cookieDomain(addresses),
      SERVER_AUTH_COOKIE_INSECURE: String(serverUrl.startsWith("http:")),
      SERVER_AUTH_SET_EMAIL_VERIFIED: "true",
      SERVER_ALLOW_SIGNUP: "false",
      SERVER_ALLOW_INVITES: "false",
      SERVER_ALLOW_CREATE_TENANT: "false",
      SERVER_ALLOWED_ORIGINS: new URL(serverUrl).origin,
      // How often runs get their state in the lists of dashboard and API, in seconds. At 2, the default, that is a third of
      // what the database does in a quick experiment; whoever computes does not wait for it.
      SERVER_OPERATIONS_POLL_INTERVAL: "5",
      // Ten calls a second from one address by default: less than a few workers that stop at once need.
      SERVER_API_RATE_LIMIT: "100",

      // Nothing is reported to the engine's makers, and nothing is tried where there is no internet.
      SERVER_SECURITY_CHECK_ENABLED: "false",
      SERVER_ANALYTICS_POSTHOG_ENABLED: "false",
      SERVER_ALERTING_SENTRY_ENABLED: "false",
      // Would let the API run test tasks for whoever asks.
      SERVER_MONITORING_ENABLED: "false",

      SERVER_MSGQUEUE_KIND: broker === "none" ? "postgres" : "rabbitmq",
      ...limits(settings),
      SERVER_LIMITS_DEFAULT_TENANT_RETENTION_PERIOD: `${settings.ENGINE_RETENTION_HOURS}h`,
      // Thousands of short-lived workers would be listed for ever.
      SERVER_ENABLE_WORKER_RETENTION: "true",
      // Each lost worker counts once for its chunks; ten, the default, are soon had on a bad day of Spot.
      SERVER_MAX_INTERNAL_RETRY_COUNT: "100",

      SERVER_LOGGER_LEVEL: settings.ENGINE_LOG_LEVEL,
      DATABASE_LOGGER_LEVEL: settings.ENGINE_LOG_LEVEL,
      SERVER_LOGGER_FORMAT: isLocal ? "console" : "json",
      DATABASE_LOGGER_FORMAT: isLocal ? "console" : "json",
      SERVER_PROMETHEUS_ENABLED: String(!isLocal),

      // 50 is the engine's default; two cores and one user gain nothing from more than 20.
      DATABASE_MAX_CONNS: isLocal ? "20" : "50",
    },
    secret: {
      DATABASE_URL: "databaseUrl",
      ...(broker === "rabbitmq" && ({ SERVER_MSGQUEUE_RABBITMQ_URL: "brokerUrl" } as const)),
      SERVER_ENCRYPTION_MASTER_KEYSET: "masterKeyset",
      SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET: "privateJwtKeyset",
      SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET: "publicJwtKeyset",
      SERVER_AUTH_COOKIE_SECRETS: "cookieSecrets",
    },
  };
}

/** The whole environment, for whoever starts the engine itself: secrets filled in. */
export function filledEnvironment(
  environment: EngineEnvironment,
  secrets: Readonly<Partial<Record<EngineSecret, string>>>,
): Record<string, string> {
  const filled: Record<string, string> = { ...environment.plain };
  for (const [name, which] of Object.entries(environment.secret)) {
    const value = secrets[which];
    if (value === undefined) throw new Error(`The engine's secret "${which}" was not given.`);
    filled[name] = value;
  }
  return filled;
}

/**
 * The host that a browser has in its address bar, without which a login does not hold: the domain, or this machine,
 * to which `hatchery dashboard` forwards a stage that has none.
 */
function cookieDomain(addresses: EngineAddresses): string {
  if (addresses.externalServerUrl !== undefined)
    return new URL(addresses.externalServerUrl).hostname;
  const { hostname } = new URL(addresses.internalServerUrl);
  return hostname === "127.0.0.1" ? hostname : "localhost";
}

/** The engine has limits for tenants of many owners, or none. Its defaults, 2,000 tasks a day and 3 workers, are of no use. */
function limits(settings: EngineEnvironmentInput["settings"]): Record<string, string> {
  const asked = {
    TASK_RUN: settings.ENGINE_MAX_TASKS_PER_DAY,
    WORKER: settings.ENGINE_MAX_WORKERS,
    WORKER_SLOT: settings.ENGINE_MAX_SLOTS,
    EVENT: undefined,
  };
  const isEnforced = Object.values(asked).some((limit) => limit !== undefined);
  if (!isEnforced) return { SERVER_ENFORCE_LIMITS: "false" };
  // The largest 32-bit number, as which the engine keeps it.
  const unlimited = 2_147_483_647;
  return Object.fromEntries([
    ["SERVER_ENFORCE_LIMITS", "true"],
    ...Object.entries(asked).flatMap(([what, limit = unlimited]) => [
      [`SERVER_LIMITS_DEFAULT_${what}_LIMIT`, String(limit)],
      // Above the limit it would never be heard.
      [`SERVER_LIMITS_DEFAULT_${what}_ALARM_LIMIT`, String(Math.floor(limit * 0.8))],
    ]),
  ]) as Record<string, string>;
}
