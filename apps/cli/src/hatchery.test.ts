import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hatchery } from "./hatchery.ts";
import { processIo } from "./io.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hatchery-"));
  vi.stubEnv("HATCHERY_HOME", home);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

/** What a command says to a person. */
async function said(...words: string[]): Promise<string> {
  const lines: string[] = [];
  await hatchery(words, { ...processIo(), say: (text) => lines.push(text), environment: {} });
  return lines.join("\n");
}

test("a hint means the stage that the command was for", async () => {
  const command = "pnpm hatchery run building-energy --simulations 1000";
  expect(await said("results", "--stage", "local-b")).toContain(`${command} --stage local-b`);
  expect(await said("results")).toMatch(new RegExp(`${command}$`));
});

test("an option after a command's command is that one's", async () => {
  expect(await said("fleet", "scale", "4", "--stage", "local-b")).toContain(
    'The stage "local-b" is not up.',
  );
  expect(await said("fleet", "--stage", "local-b")).toContain('The stage "local-b" is not up.');
});
