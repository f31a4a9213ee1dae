import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@hatchery/config";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { chooseToolchain, isLoopback } from "./toolchain.ts";

const folder = mkdtempSync(join(tmpdir(), "toolchain-"));
afterAll(() => rmSync(folder, { recursive: true }));

function refusal(
  environment: NodeJS.ProcessEnv,
  options?: Parameters<typeof chooseToolchain>[1],
): UserError {
  try {
    chooseToolchain(environment, options);
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error("It was not refused.");
}

test("without a word about which AWS nothing is rehearsed, whatever credentials there are", () => {
  const account = { AWS_PROFILE: "research", AWS_ACCESS_KEY_ID: "AKIA", AWS_REGION: "us-east-1" };
  const { exitCode, hint } = refusal(account);
  expect(exitCode).toBe(4);
  expect(hint).toContain("AWS_TOOLCHAIN=");
  expect(hint).toContain("--real-account");
});

test("an endpoint that is not on this machine is refused", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}\.(com|amazonaws\.com|test)$/);
  fc.assert(
    fc.property(fc.oneof(name, fc.ipV4()), (host) => {
      fc.pre(!host.startsWith("127."));
      expect(refusal({ AWS_ENDPOINT_URL: `https://${host}` }).exitCode).toBe(4);
    }),
  );
  for (const endpoint of [
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "127.0.0.1:5000",
  ])
    expect(isLoopback(endpoint)).toBe(false);
});

test.for(["http://127.0.0.1:5000", "http://localhost:4566/", "http://[::1]:5000"])(
  "the emulator at %s is used with made-up keys and no file of a person",
  (endpoint) => {
    const { before, environment, isEmulated } = chooseToolchain({
      AWS_ENDPOINT_URL: endpoint,
      AWS_PROFILE: "research",
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SESSION_TOKEN: "token",
    });
    expect(isEmulated).toBe(true);
    expect(before("any")).toEqual([]);
    expect(environment).toMatchObject({
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: "rehearsal",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    });
    expect(environment["AWS_PROFILE"]).toBeUndefined();
    expect(environment["AWS_SESSION_TOKEN"]).toBeUndefined();
  },
);

test("a toolchain's folder must have its program, which is put before every command", () => {
  const missing = refusal({ AWS_TOOLCHAIN: folder });
  expect(missing.exitCode).toBe(4);
  expect(missing.message).toContain('no program "run.sh"');
  const program = join(folder, "run.sh");
  writeFileSync(program, "#!/bin/sh\n");
  expect(refusal({ AWS_TOOLCHAIN: folder }).message).toContain("EACCES");
  chmodSync(program, 0o755);
  const { before, canFail, environment } = chooseToolchain({
    AWS_TOOLCHAIN: folder,
    MOTO_PORT: "1",
  });
  expect(before("rehearsal-small").slice(0, 1)).toEqual([program]);
  expect(before("rehearsal-small").at(-1)).toBe("rehearsal-small");
  expect(canFail).toBe(true);
  expect(environment["MOTO_PORT"]).toBeUndefined();
});

test("the real account is used when it is asked for, and not together with another", () => {
  expect(chooseToolchain({}, { realAccount: true })).toMatchObject({ isEmulated: false });
  const both = { AWS_ENDPOINT_URL: "http://127.0.0.1:5000" };
  expect(refusal(both, { realAccount: true }).exitCode).toBe(2);
});
