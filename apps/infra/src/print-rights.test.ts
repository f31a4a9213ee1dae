import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { PolicyDocument } from "./rights.ts";

const rights = (...words: string[]) =>
  new Promise<{ code: number; said: string; out: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(import.meta.dirname, "print-rights.ts"), ...words],
      (_error, out, said) => resolve({ code: child.exitCode!, said, out }),
    );
  });

test("prints policies for one stage, asking AWS nothing", async () => {
  const { code, out } = await rights(
    "--stage=mystage",
    "--account=123456789012",
    "--region=eu-central-1",
  );
  expect(code).toBe(0);
  const resources = (JSON.parse(out) as PolicyDocument[])
    .flatMap(({ Statement }) => Statement)
    .flatMap(({ Resource }) => Resource);
  expect(resources).toContain("arn:aws:sqs:eu-central-1:123456789012:hatchery-mystage-*");
  expect(resources.filter((each) => each.includes("hatchery-*"))).toEqual([]);
});

test("writes a file for each, and says how to make them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-rights-"));
  try {
    const { said } = await rights("--out", folder);
    for (const file of readdirSync(folder)) {
      expect(said).toContain(`${file}\n`);
      const document = JSON.parse(readFileSync(join(folder, file), "utf8")) as PolicyDocument;
      expect(document.Version).toBe("2012-10-17");
    }
    expect(readdirSync(folder).length).toBeGreaterThan(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ["--stage", "local"],
  ["--stage", "-x"],
  ["--account", "12"],
  ["--region", "moon"],
])("refuses %s %s as wrong", async (...words) => {
  const { code, said } = await rights(...words);
  expect([2, 3]).toContain(code);
  expect(said).not.toContain("This is a bug");
});
