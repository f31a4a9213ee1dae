import { expect, test } from "vitest";
import { localChecks } from "./checks.ts";

test("every check says what it found, what is needed, and what to do when it is not so", async () => {
  const checks = await localChecks();
  expect(checks.map((check) => check.name)).toEqual([
    "Node",
    "Go",
    "Engine",
    "Postgres",
    "setpriv",
    "RabbitMQ",
    "Disk",
    "Cores",
    "Memory",
  ]);
  for (const check of checks) {
    expect(check.found).not.toBe("");
    expect(check.needed).not.toBe("");
    expect(check.ok || check.fix !== "").toBe(true);
  }
  expect(checks.find((check) => check.name === "Node")).toMatchObject({
    ok: true,
    found: process.versions.node,
  });
});
