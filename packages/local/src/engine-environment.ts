/** What the engine's programs read from their environment on a local stage. */

export interface EngineEnvironmentInput {
  readonly databaseUrl: string;
  readonly brokerUrl: string | undefined;
  readonly serverUrl: string;
  readonly grpcAddress: string;
  readonly ports: { readonly grpc: number; readonly api: number; readonly health: number };
  readonly keysets: {
    readonly master: string;
    readonly publicJwt: string;
    readonly privateJwt: string;
  };
  readonly cookieSecrets: string;
}

export function engineEnvironment(input: EngineEnvironmentInput): Record<string, string> {
  return {
    DATABASE_URL: input.databaseUrl,
    // Two cores and one user: a laptop's Postgres is not quicker with the default of 50.
    DATABASE_MAX_CONNS: "20",
    SERVER_URL: input.serverUrl,
    SERVER_PORT: String(input.ports.api),
    SERVER_HEALTHCHECK_PORT: String(input.ports.health),
    SERVER_GRPC_PORT: String(input.ports.grpc),
    SERVER_GRPC_BIND_ADDRESS: "127.0.0.1",
    SERVER_GRPC_BROADCAST_ADDRESS: input.grpcAddress,
    SERVER_GRPC_INSECURE: "true",
    SERVER_AUTH_COOKIE_DOMAIN: "127.0.0.1",
    SERVER_AUTH_COOKIE_INSECURE: "true",
    SERVER_AUTH_COOKIE_SECRETS: input.cookieSecrets,
    SERVER_AUTH_SET_EMAIL_VERIFIED: "true",
    SERVER_ENCRYPTION_MASTER_KEYSET: input.keysets.master,
    SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET: input.keysets.publicJwt,
    SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET: input.keysets.privateJwt,
    SERVER_DEFAULT_ENGINE_VERSION: "V1",
    SERVER_ALLOW_SIGNUP: "false",
    // It would report the version to its makers once a day.
    SERVER_SECURITY_CHECK_ENABLED: "false",
    SERVER_LOGGER_LEVEL: "warn",
    DATABASE_LOGGER_LEVEL: "warn",
    ...(input.brokerUrl === undefined
      ? { SERVER_MSGQUEUE_KIND: "postgres" }
      : { SERVER_MSGQUEUE_KIND: "rabbitmq", SERVER_MSGQUEUE_RABBITMQ_URL: input.brokerUrl }),
  };
}
