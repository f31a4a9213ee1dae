/** What a person gets for a mistake: what is wrong, its value, what is allowed, what to do next; and nothing half done. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFolderStore } from "@hatchery/experiment";
import { createMachine, type Answer } from "./command.ts";

/** Runs one command on a machine of its own, and checks what holds for every mistake. */
async function mistake(
  words: string[],
  environment: Record<string, string> = {},
  folder?: string,
): Promise<Answer> {
  // Nothing of AWS that whoever runs the tests may have.
  const none = { AWS_REGION: "", AWS_PROFILE: "", AWS_CONFIG_FILE: "/dev/null" };
  await using machine = createMachine({ ...none, ...environment }, folder);
  const answer = await machine.hatchery(...words);
  expect(answer.code).not.toBe(0);
  expect(answer.out).toBe("");
  expect(answer.talk).not.toMatch(/\n\s+at |node:internal/);
  const left = readdirSync(machine.home, { recursive: true }).map(String);
  expect(left.filter((path) => /manifest\.json|mailbox.*\.json|stage\.json/.test(path))).toEqual(
    [],
  );
  return answer;
}

describe("a wrong request", () => {
  test.each([
    [
      "an unknown model",
      ["run", "bulding-energy"],
      2,
      ['no model "bulding-energy"', "building-energy, ", "pnpm hatchery models"],
    ],
    ["no simulations", ["run", "pi", "-n", "0"], 2, ["0 simulations", "1 to 100,000,000"]],
    [
      "a billion simulations",
      ["run", "pi", "-n", "1000000000"],
      2,
      ["1,000,000,000", "at most 100,000,000"],
    ],
    ["no number of simulations", ["run", "pi", "-n", "NaN"], 2, ['-n "NaN" is not a number']],
    [
      "a parameter out of range",
      ["run", "building-energy", "--set", "windowRatio=2"],
      2,
      ['"windowRatio"', "2", "0.05 to 0.9"],
    ],
    [
      "a parameter that is no number",
      ["run", "building-energy", "--set", "windowRatio=NaN"],
      2,
      ['"windowRatio"', "NaN", "0.05 to 0.9"],
    ],
    ["an unknown option", ["run", "pi", "--sedd", "3"], 2, ["unknown option '--sedd'", "--seed"]],
    ["an unknown command", ["rnu"], 2, ["unknown command 'rnu'", "run"]],
    [
      "a stage that is not there",
      ["run", "pi", "--stage", "production"],
      3,
      ['"production"', "AWS_REGION", '"local"'],
    ],
    ["a stage that is not up", ["fleet", "scale", "2"], 5, ["not up", "pnpm hatchery up"]],
    [
      "an experiment that is not there",
      ["results", "nope"],
      2,
      ["no experiment", "pnpm hatchery run"],
    ],
  ])("%s", async (_what, words, code, parts) => {
    const { code: found, talk } = await mistake(words);
    for (const part of parts) expect(talk).toContain(part);
    expect(found).toBe(code);
  });

  test("says all of its problems at once", async () => {
    const { talk } = await mistake([
      "run",
      "building-energy",
      "-n",
      "0",
      "--set",
      "windowRatio=2",
      "--range",
      "wallUValue=2..1",
      "--set",
      "colour=red",
    ]);
    for (const part of ["0 simulations", "windowRatio", "wallUValue", '"colour"', "4 problems"])
      expect(talk).toContain(part);
  });
});

test("a settings file with five mistakes is answered with all five, in its order", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-settings-"));
  writeFileSync(join(folder, "pnpm-workspace.yaml"), "");
  writeFileSync(
    join(folder, ".env.local"),
    ["WORKER_CPU=3 vCPU", "AZ_COUNT=9", "WORKR_COUNT=3", "BROKER=kafka", "LEASE_HOURS=-1"].join(
      "\n",
    ),
  );
  try {
    const { code, talk } = await mistake(["up"], {}, folder);
    expect(code).toBe(3);
    expect(talk).toContain("5 problems");
    const places = ["WORKER_CPU", "AZ_COUNT", "WORKR_COUNT", "BROKER", "LEASE_HOURS"].map((name) =>
      talk.indexOf(`  ${name}=`),
    );
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a port that is in use is named with its setting", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { code, talk } = await mistake(["up"], { LOCAL_GRPC_PORT: String(port) });
    expect(talk).toContain(`LOCAL_GRPC_PORT=${port}`);
    expect(code).toBe(3);
  } finally {
    server.close();
  }
});

test("a machine without Go is told what to install", async () => {
  const empty = mkdtempSync(join(tmpdir(), "hatchery-empty-"));
  const { code, talk } = await mistake(["up"], { HATCHERY_CACHE: empty, PATH: empty });
  rmSync(empty, { recursive: true });
  expect(talk).toMatch(/cannot be built[^]*Install Go 1\.\d+/);
  expect(code).toBe(3);
});

/** A disk of a megabyte, where this user may mount one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

describe("a store on a full disk", () => {
  const disk = smallDisk();

  test.skipIf(disk === undefined)(
    "refuses what does not fit, in words, and keeps no half of it",
    async () => {
      const store = createFolderStore(join(disk!, "store"));
      await store.create("small", "x");
      await expect(store.create("large", Buffer.alloc(2_000_000))).rejects.toThrow(
        /store .* is full/,
      );
      expect(readdirSync(store.address)).toEqual(["small"]);
      execFileSync("umount", [disk!]);
      rmSync(disk!, { recursive: true });
    },
  );

  test("is refused before anything is written when it would not fit", async () => {
    const { checkSpace } = await import("../src/stage.ts");
    const folder = mkdtempSync(join(tmpdir(), "hatchery-space-"));
    mkdirSync(join(folder, "store"));
    await expect(checkSpace(createFolderStore(join(folder, "store")), 1e18)).rejects.toThrow(
      /has .* GB free; this experiment needs about/,
    );
    rmSync(folder, { recursive: true });
  });
});

test("an experiment is followed on the stage that has it, and a stage that is not up is said", async () => {
  await using machine = createMachine();
  const submitted = await machine.hatchery("submit", "pi", "-n", "10", "--stage", "local-b");
  expect(submitted.code).toBe(0);
  expect(submitted.talk).toContain('"local-b" is not up');
  expect(submitted.talk).toContain("pnpm hatchery up --stage local-b");
  for (const words of [["watch"], ["watch", "latest", "--stage", "local-c"]]) {
    const watched = await machine.hatchery(...words);
    expect(watched.code).toBe(5);
    expect(watched.talk).toContain("pnpm hatchery up --stage local-b");
  }
  expect((await machine.hatchery("cancel", "latest")).talk).toContain("--stage local-b");
  expect(readdirSync(join(machine.home, "stages"))).toEqual(["local-b"]);
}, 60_000);
