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

const io = processIo();

async function typed(...words: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const code = await hatchery(words, {
    ...io,
    say: (text) => lines.push(text),
    environment: {},
  });
  return { code, said: lines.join("\n") };
}

/** What a command says to a person. */
const said = async (...words: string[]) => (await typed(...words)).said;

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

test.each([
  ["-n", "run pi -n abc"],
  ["--seed", "submit pi --seed abc"],
  ["--replicates", "run pi --replicates abc"],
  ["--chunk-size", "run pi --chunk-size abc"],
  ["--max-failures", "run pi --max-failures abc"],
  ["--max-hours", "run pi --max-hours abc"],
  ["--max-usd", "run pi --max-usd abc"],
  ["--workers", "run pi --workers abc"],
  ["--max-failures", "resume latest --max-failures abc"],
  ["--max-usd", "retry latest --max-usd abc"],
  ["--workers", "study wall-insulation --workers abc"],
  ["--max-usd", "study wall-insulation --max-usd abc"],
  ["<simulation>", "replay latest abc"],
  ["[simulation]", "files latest abc"],
])("%s that is no number, as in `%s`, is said as it was typed", async (option, line) => {
  expect(await typed(...line.split(" "))).toEqual({
    code: 2,
    said: `${option} "abc" is not a number.`,
  });
});

test.each(["10,000", "10_000", "10 000", "10'000"])(
  "a number with separators, %s, is answered with how to write it",
  async (text) => {
    expect(await said("run", "pi", "-n", text)).toBe(
      `-n "${text}" is not a number.\n\nWrite it without separators:  10000`,
    );
  },
);

test.each(["", "NaN", "0,5", "1,00"])("the text %j is not a number", async (text) => {
  expect(await said("run", "pi", "-n", text)).toBe(`-n "${text}" is not a number.`);
});
