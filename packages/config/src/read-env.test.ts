import { describe, expect, test } from "vitest";
import { UserError, exitCodes } from "./errors.ts";
import { readEnv } from "./read-env.ts";
import { redacted } from "./settings-report.ts";
import { WorkerSettings } from "./worker.ts";

const complete = {
  HATCHET_CLIENT_TOKEN: "eyJsecret",
  HATCHET_CLIENT_API_URL: "http://127.0.0.1:8080",
  HATCHET_CLIENT_SERVER_URL: "http://127.0.0.1:8080",
  HATCHET_CLIENT_HOST_PORT: "127.0.0.1:7070",
  HATCHET_CLIENT_TLS_STRATEGY: "none",
  STAGE: "local",
  STORE: "store",
  WORKER_SLOTS: "2",
};

describe("what a program is given", () => {
  test("text becomes typed settings, an empty value is none", () => {
    expect(
      readEnv(WorkerSettings, { ...complete, WORKER_NAME: "", PATH: "/bin" }, "worker"),
    ).toEqual({
      ...complete,
      INPUT_CACHE: "10 GB",
      WORKER_SLOTS: 2,
      WORKER_NAME: "worker",
      FLEET: "default",
      LOG_LEVEL: "info",
    });
  });

  test("all that is missing or wrong is told at once, and no secret", () => {
    const given = {
      ...complete,
      STAGE: "",
      HATCHET_CLIENT_TOKEN: undefined,
      HATCHET_CLIENT_API_URL: "nowhere",
      HATCHET_CLIENT_TLS_STRATEGY: "some",
      WORKER_SLOTS: "many",
      LOG_LEVEL: "loud",
    };
    const error = (() => {
      try {
        return readEnv(WorkerSettings, given, "worker");
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).exitCode).toBe(exitCodes.wrongSettings);
    expect((error as UserError).message).toMatchInlineSnapshot(`
      "Settings of the worker have 6 problems.

        HATCHET_CLIENT_TOKEN                is missing. Secret. Says who the worker is.
        HATCHET_CLIENT_API_URL="nowhere"    must be a URL such as "http://127.0.0.1:8080".
        HATCHET_CLIENT_TLS_STRATEGY="some"  must be "none", "tls" or "mtls".
        STAGE                               is missing. The stage this worker belongs to.
        WORKER_SLOTS="many"                 must be a number.
        LOG_LEVEL="loud"                    must be "debug", "info", "warn" or "error"."
    `);
  });

  test("settings for a log line are without their secrets", () => {
    const settings = readEnv(WorkerSettings, complete, "worker");
    expect(JSON.stringify(redacted(settings))).not.toContain("eyJsecret");
    expect(redacted(settings)).toMatchObject({ HATCHET_CLIENT_TOKEN: "(secret)", STAGE: "local" });
  });
});
