import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { addresses, enginePorts, localAddresses } from "./addresses.ts";
import {
  type EngineEnvironmentInput,
  engineEnvironment,
  engineSecrets,
  filledEnvironment,
} from "./engine-environment.ts";
import { isSecretName } from "./settings-report.ts";
import { StageSettings } from "./stage-settings.ts";
import { engineVersion } from "./versions.ts";

const local: EngineEnvironmentInput = {
  addresses: localAddresses({ api: 20_002, grpc: 20_001 }),
  ports: { api: 20_002, grpc: 20_001, health: 20_003 },
  broker: "none",
  place: "local",
  settings: StageSettings.parse({}),
};

function onAws(settings: Record<string, string>): EngineEnvironmentInput {
  const parsed = StageSettings.parse(settings);
  return {
    addresses: addresses("prod", parsed),
    ports: enginePorts,
    broker: parsed.BROKER_INSTANCE_TYPE === "none" ? "none" : "rabbitmq",
    place: "aws",
    settings: parsed,
  };
}

const everyKind = [
  local,
  { ...local, broker: "rabbitmq" as const },
  onAws({}),
  onAws({ PROFILE: "large", ROOT_DOMAIN: "acmelab.com" }),
  onAws({ ENGINE_MAX_WORKERS: "1000", ENGINE_MAX_SLOTS: "9", ENGINE_MAX_TASKS_PER_DAY: "5" }),
];

describe("the engine's environment", () => {
  // The list is what pkg/config/{server,database} of this version bind, and what its loader asks for itself.
  test("the engine knows every name", () => {
    const list = join(import.meta.dirname, `engine-names.${engineVersion}.txt`);
    const known = new Set(readFileSync(list, "utf8").trim().split("\n"));
    for (const input of everyKind) {
      const { plain, secret } = engineEnvironment(input);
      for (const name of [...Object.keys(plain), ...Object.keys(secret)])
        expect(known, name).toContain(name);
    }
  });

  test("no secret is plain, and every name of a secret is redacted in messages", () => {
    for (const input of everyKind) {
      const { plain, secret } = engineEnvironment(input);
      expect(Object.keys(plain).filter(isSecretName)).toEqual([]);
      expect(Object.keys(secret).filter((name) => !isSecretName(name))).toEqual([]);
    }
  });

  test("a stage on this machine without a broker", () => {
    expect(engineEnvironment(local)).toMatchInlineSnapshot(`
      {
        "plain": {
          "DATABASE_LOGGER_FORMAT": "console",
          "DATABASE_LOGGER_LEVEL": "warn",
          "DATABASE_MAX_CONNS": "20",
          "SERVER_ALERTING_SENTRY_ENABLED": "false",
          "SERVER_ALLOWED_ORIGINS": "http://127.0.0.1:20002",
          "SERVER_ALLOW_CREATE_TENANT": "false",
          "SERVER_ALLOW_INVITES": "false",
          "SERVER_ALLOW_SIGNUP": "false",
          "SERVER_ANALYTICS_POSTHOG_ENABLED": "false",
          "SERVER_API_RATE_LIMIT": "100",
          "SERVER_AUTH_COOKIE_DOMAIN": "127.0.0.1",
          "SERVER_AUTH_COOKIE_INSECURE": "true",
          "SERVER_AUTH_SET_EMAIL_VERIFIED": "true",
          "SERVER_ENABLE_WORKER_RETENTION": "true",
          "SERVER_ENFORCE_LIMITS": "false",
          "SERVER_GRPC_BIND_ADDRESS": "127.0.0.1",
          "SERVER_GRPC_BROADCAST_ADDRESS": "127.0.0.1:20001",
          "SERVER_GRPC_INSECURE": "true",
          "SERVER_GRPC_PORT": "20001",
          "SERVER_HEALTHCHECK_PORT": "20003",
          "SERVER_INTERNAL_CLIENT_INTERNAL_GRPC_BROADCAST_ADDRESS": "127.0.0.1:20001",
          "SERVER_LIMITS_DEFAULT_TENANT_RETENTION_PERIOD": "168h",
          "SERVER_LOGGER_FORMAT": "console",
          "SERVER_LOGGER_LEVEL": "warn",
          "SERVER_MAX_INTERNAL_RETRY_COUNT": "100",
          "SERVER_MONITORING_ENABLED": "false",
          "SERVER_MSGQUEUE_KIND": "postgres",
          "SERVER_OPERATIONS_POLL_INTERVAL": "5",
          "SERVER_PORT": "20002",
          "SERVER_PROMETHEUS_ENABLED": "false",
          "SERVER_SECURITY_CHECK_ENABLED": "false",
          "SERVER_URL": "http://127.0.0.1:20002",
        },
        "secret": {
          "DATABASE_URL": "databaseUrl",
          "SERVER_AUTH_COOKIE_SECRETS": "cookieSecrets",
          "SERVER_ENCRYPTION_JWT_PRIVATE_KEYSET": "privateJwtKeyset",
          "SERVER_ENCRYPTION_JWT_PUBLIC_KEYSET": "publicJwtKeyset",
          "SERVER_ENCRYPTION_MASTER_KEYSET": "masterKeyset",
        },
      }
    `);
  });

  test("on AWS with a domain and RabbitMQ", () => {
    const input = onAws({ ROOT_DOMAIN: "acmelab.com", BROKER_INSTANCE_TYPE: "mq.m7g.medium" });
    const { plain, secret } = engineEnvironment(input);
    expect(plain).toMatchObject({
      SERVER_URL: "https://hatchet-prod.acmelab.com",
      SERVER_GRPC_BROADCAST_ADDRESS: "hatchet-prod.acmelab.com:8443",
      SERVER_INTERNAL_CLIENT_INTERNAL_GRPC_BROADCAST_ADDRESS: "Engine.prod.hatchet.sst:7070",
      SERVER_GRPC_BIND_ADDRESS: "0.0.0.0",
      SERVER_AUTH_COOKIE_DOMAIN: "hatchet-prod.acmelab.com",
      SERVER_AUTH_COOKIE_INSECURE: "false",
      SERVER_ALLOWED_ORIGINS: "https://hatchet-prod.acmelab.com",
      SERVER_MSGQUEUE_KIND: "rabbitmq",
    });
    expect(secret["SERVER_MSGQUEUE_RABBITMQ_URL"]).toBe("brokerUrl");
  });

  test("without a domain a login holds on the forwarded dashboard", () => {
    expect(engineEnvironment(onAws({})).plain).toMatchObject({
      SERVER_AUTH_COOKIE_DOMAIN: "localhost",
      SERVER_AUTH_COOKIE_INSECURE: "true",
    });
  });

  test("limits are enforced only when one is asked for, and alarms come before limits", () => {
    expect(engineEnvironment(local).plain["SERVER_ENFORCE_LIMITS"]).toBe("false");
    expect(engineEnvironment(onAws({ ENGINE_MAX_WORKERS: "1000" })).plain).toMatchObject({
      SERVER_ENFORCE_LIMITS: "true",
      SERVER_LIMITS_DEFAULT_WORKER_LIMIT: "1000",
      SERVER_LIMITS_DEFAULT_WORKER_ALARM_LIMIT: "800",
      SERVER_LIMITS_DEFAULT_TASK_RUN_LIMIT: "2147483647",
    });
  });

  test("secrets are filled in for whoever starts the engine itself", () => {
    const environment = engineEnvironment({ ...local, broker: "rabbitmq" });
    const secrets = Object.fromEntries(engineSecrets.map((secret) => [secret, `the ${secret}`]));
    expect(filledEnvironment(environment, secrets)).toMatchObject({
      ...environment.plain,
      DATABASE_URL: "the databaseUrl",
      SERVER_MSGQUEUE_RABBITMQ_URL: "the brokerUrl",
      SERVER_ENCRYPTION_MASTER_KEYSET: "the masterKeyset",
    });
    expect(() => filledEnvironment(environment, {})).toThrow("databaseUrl");
  });
});
