import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadStageSettings } from "./env-file.ts";
import { UserError, exitCodes } from "./errors.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hatchery-settings-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(name: string, ...lines: string[]): void {
  writeFileSync(join(root, name), lines.join("\n"));
}

function load(environment: Record<string, string> = {}, stage = "prod") {
  return loadStageSettings(stage, { root, environment });
}

function problem(run: () => unknown): UserError {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("No error was thrown.");
}

describe("precedence", () => {
  test("a stage without any file has the defaults", () => {
    expect(load()).toMatchObject({ PROFILE: "small", WORKER_MAX: 50, BROKER: "postgres" });
  });

  test(".env.<stage> wins over .env, and the shell over both", () => {
    write(".env", "WORKER_MAX=1", "WORKER_MIN=1", "LEASE_HOURS=1");
    write(".env.prod", "WORKER_MAX=2", "LEASE_HOURS=2");
    expect(load({ LEASE_HOURS: "3" })).toMatchObject({
      WORKER_MIN: 1,
      WORKER_MAX: 2,
      LEASE_HOURS: 3,
    });
  });

  test("the file of another stage does not count", () => {
    write(".env.other", "WORKER_MAX=7");
    expect(load().WORKER_MAX).toBe(50);
  });

  test("an empty value in the shell takes a file's value back", () => {
    write(".env.prod", "ROOT_DOMAIN=acmelab.com");
    expect(load().ROOT_DOMAIN).toBe("acmelab.com");
    expect(load({ ROOT_DOMAIN: "" }).ROOT_DOMAIN).toBeUndefined();
  });

  test("nothing is put into the process's own environment", () => {
    write(".env.prod", "WORKER_MAX=7");
    load();
    expect(process.env["WORKER_MAX"]).toBeUndefined();
  });

  test("a file with a byte order mark, Windows line ends, quotes, remarks and export is read", () => {
    writeFileSync(
      join(root, ".env.prod"),
      "\uFEFFWORKER_CPU='8 vCPU' # big\r\n\r\n# remark\r\nexport WORKER_MAX=9\r\n",
    );
    expect(load()).toMatchObject({ WORKER_CPU: "8 vCPU", WORKER_MEMORY: "16 GB", WORKER_MAX: 9 });
  });

  test("the seed's file is a valid one", () => {
    write(
      ".env.prod",
      "ROOT_DOMAIN=acmelab.com",
      "DB_INSTANCE_TYPE=t4g.large",
      "DB_STORAGE=100 GB",
      "BROKER_INSTANCE_TYPE=mq.m7g.medium",
      "ENGINE_CPU=4 vCPU",
      "ENGINE_MEMORY=20 GB",
      "ENGINE_PRIVATE_SUBNET=true",
      "NAT_GATEWAY=false",
      "BASTION_ENABLED=false",
      "OVERWRITE_CONFIG=false",
    );
    expect(load()).toMatchObject({
      ROOT_DOMAIN: "acmelab.com",
      ENGINE_MEMORY: "20 GB",
      ENGINE_PRIVATE_SUBNET: true,
      OVERWRITE_CONFIG: false,
    });
  });
});

describe("what is wrong", () => {
  test("five mistakes in a file are told at once, in its order, and what to do next", () => {
    write(
      ".env.prod",
      "ENGINE_CPU=16 vCPU",
      'ENGINE_MEMORY="8 GB"',
      "NAT_GATEWAY=perhaps",
      "WORKER_MAX=-5",
      "WORKR_CPU=4 vCPU",
      "ROOT_DOMAIN=https://acmelab.com",
    );
    const error = problem(() => load());
    expect(error.exitCode).toBe(exitCodes.wrongSettings);
    expect(`${error.message}\n\n${error.hint}`).toMatchInlineSnapshot(`
      "Settings in .env.prod have 5 problems.

        ENGINE_MEMORY="8 GB"               is not possible with ENGINE_CPU="16 vCPU". Choose 32 GB to 120 GB in steps of 8 GB.
        NAT_GATEWAY="perhaps"              must be "true" or "false".
        WORKER_MAX="-5"                    must be a whole number from 0 to 5,000.
        WORKR_CPU="4 vCPU"                 is not a setting. Did you mean WORKER_CPU?
        ROOT_DOMAIN="https://acmelab.com"  must be a domain such as "acmelab.com", without "https://", or "false".

      Fix this, then run:  SST_STAGE=prod pnpm deploy --filter infra"
    `);
  });

  test("each problem names its file when there are several", () => {
    write(".env", "WORKER_MAX=many");
    write(".env.prod", "LEASE_HOURS=0");
    expect(problem(() => load({ AZ_COUNT: "9" })).message).toMatchInlineSnapshot(`
      "Settings of the stage "prod" have 3 problems.

        LEASE_HOURS="0"    must be a whole number from 1 to 720. (.env.prod)
        WORKER_MAX="many"  must be a whole number from 0 to 5,000. (.env)
        AZ_COUNT="9"       must be a whole number from 1 to 6. (the shell)"
    `);
  });

  test("a default that does not go with what was set is named", () => {
    expect(problem(() => load({ WORKER_COUNT: "5000" })).message).toMatchInlineSnapshot(`
      "Settings of the stage "prod" have a problem.

        AZ_COUNT  has 1,998 addresses for workers on its public subnets, and the fleets may have 5,000 workers. Choose NAT_INSTANCE or ENGINE_PRIVATE_SUBNET, for larger subnets, or fewer workers."
    `);
  });

  test("a local stage is told its own next command", () => {
    write(".env", "BROKER=kafka");
    expect(problem(() => load({}, "local")).hint).toContain("pnpm hatchery up --stage local");
  });

  test("a line that is no setting is named by its number", () => {
    write(".env.prod", "# fine", "WORKER_MAX 50", "WORKER_MIN=0");
    expect(problem(() => load()).message).toContain("line 2  cannot be read.");
  });

  test("a name that begins like ours is a mistake, a foreign one is not", () => {
    write(".env.prod", "ENGINE_REPLICAS=2", "SERVER_URL=http://x", "HTTP_PROXY=http://y", "FOO=1");
    const { message } = problem(() => load());
    expect(message).toContain('ENGINE_REPLICAS="2"');
    expect(message).toContain("SERVER_URL");
    expect(message).not.toContain("FOO");
    expect(message).not.toContain("HTTP_PROXY");
  });

  test("a secret in the wrong place is not repeated", () => {
    write(".env.prod", "DB_PASSWORD=hunter22hunter22");
    const { message } = problem(() => load());
    expect(message).toContain("DB_PASSWORD=(secret)");
    expect(message).not.toContain("hunter22");
  });

  test("a settings file that is a folder is a plain error", () => {
    mkdirSync(join(root, ".env.prod"));
    expect(problem(() => load()).message).toContain("cannot be read");
  });

  test.for(["", "Prod", "../x", "a b", "-a", "a-", "x".repeat(31)])(
    'a stage cannot be called "%s"',
    (stage) => {
      expect(problem(() => load({}, stage)).exitCode).toBe(exitCodes.wrongUsage);
    },
  );
});
