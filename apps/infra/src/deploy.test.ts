import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { StageSettings, UserError } from "@hatchery/config";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { checkDocker, dockerWork } from "./docker.ts";
import { chosenStage, refuseOwnEnvFiles } from "./program.ts";

let moto: Moto;
beforeAll(async () => {
  moto = await startMoto();
}, 300_000);
afterAll(() => moto.stop());

/** The program as pnpm runs it, with nothing of this process's environment but the way to Node. */
async function deploy(words: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "deploy.ts"), ...words], {
    env: { PATH: process.env["PATH"], ...moto.environment, ...environment },
  });
  const [said, out, code] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { said, out, code };
}

describe("deploy", () => {
  test("says what would stand, what it costs and what limits it, and with --plan stops there", async () => {
    const { said, code } = await deploy(["--stage", "planned", "--plan"], { WORKER_MAX: "100" });
    expect(code).toBe(0);
    expect(said).toContain("Account 123456789012 in eu-central-1");
    expect(said).toMatch(/There is no \.env\.planned: \.env or the shell set .*WORKER_MAX/);
    expect(said).toMatch(/ {2}database +0\.0650 +db\.t4g\.medium, one zone/);
    expect(said).toMatch(
      /It costs 0\.\d+ USD an hour without work .* up to \d+\.\d+ USD an hour with every worker\./,
    );
    expect(said).toContain("Nothing was made. To deploy it:  SST_STAGE=planned pnpm deploy");
    expect(said).toMatch(/List prices of us-east-1 of 20\d\d-\d\d; other regions/);
    expect(said).toContain("- taxes, the free tier, discounts");
    expect(said).toContain("100 workers with 400 simulations at a time");
    expect(said).toContain("L-36FBB829");
  });

  test("names all wrong settings at once, before it asks AWS anything", async () => {
    const { said, code } = await deploy(["--stage", "mystage"], {
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      WORKER_MAX: "-5",
      ENGINE_MEMORY: "64 GB",
    });
    expect(code).toBe(3);
    expect(said).toContain("WORKER_MAX");
    expect(said).toContain("ENGINE_MEMORY");
  });

  test("without credentials, or without a region, says how to get them", async () => {
    const anonymous = await deploy(["--stage", "x"], { AWS_ACCESS_KEY_ID: "" });
    expect(anonymous.code).toBe(4);
    expect(anonymous.said).toContain("there are no AWS credentials");
    expect(anonymous.said).toContain("aws sso login");
    const nowhere = await deploy(["--stage", "x"], { AWS_REGION: "" });
    expect(nowhere.code).toBe(4);
    expect(nowhere.said).toContain("AWS_REGION=");
  });

  test.for([
    [["--stage", "mystage", "--fast"]],
    [["--stage", "mystage", "more"]],
    [["--stag", "mystage"]],
    [[]],
    [["--stage", "local"]],
    [["--stage", "My_Stage"]],
  ])("refuses %j as wrong usage", async ([words = []]) => {
    const { code, said } = await deploy(words);
    expect(code).toBe(2);
    expect(said).not.toContain("Account");
  });
});

describe("the stage", () => {
  test("is --stage or SST_STAGE, and refused when both differ", () => {
    expect(chosenStage("a", {})).toBe("a");
    expect(chosenStage(undefined, { SST_STAGE: "a" })).toBe("a");
    expect(chosenStage("a", { SST_STAGE: "a" })).toBe("a");
    expect(() => chosenStage("a", { SST_STAGE: "b" })).toThrow(UserError);
  });
});

describe("settings files beside the app", () => {
  test("are refused by name, because SST would take them past every check", () => {
    const folder = mkdtempSync(join(tmpdir(), "infra-"));
    try {
      expect(() => refuseOwnEnvFiles(folder)).not.toThrow();
      writeFileSync(join(folder, ".env.mystage"), "WORKER_MAX=1");
      expect(() => refuseOwnEnvFiles(folder)).toThrow('"apps/infra/.env.mystage"');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("Docker", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const ecr = `123456789012.dkr.ecr.us-east-1.amazonaws.com/models@${digest}`;
  const engineImages = Object.fromEntries(
    ["engine", "dashboard", "migrate", "admin"].map((name) => [name, ecr]),
  );
  const work = (settings: object) => dockerWork(StageSettings.parse(settings));

  test("is needed for what is built, and for copies where there is no way to the internet", () => {
    expect(work({})).toEqual(["builds the image of worker and steward"]);
    expect(work({ WORKER_IMAGE: `example.com/models@${digest}` })).toEqual([]);
    const closed = { ENGINE_PRIVATE_SUBNET: "true" };
    expect(work({ ...closed, WORKER_IMAGE: `example.com/models@${digest}` })).toEqual([
      "copies WORKER_IMAGE",
      "copies the engine's images",
    ]);
    const ENGINE_IMAGES = JSON.stringify(engineImages);
    expect(work({ ...closed, WORKER_IMAGE: ecr, ENGINE_IMAGES })).toEqual([]);
  });

  test("that does not answer is told before anything is made", async () => {
    const nowhere = mkdtempSync(join(tmpdir(), "infra-"));
    vi.stubEnv("PATH", nowhere);
    vi.stubEnv("AWS_ENDPOINT_URL", undefined);
    try {
      await expect(checkDocker("mystage", StageSettings.parse({}))).rejects.toThrow(
        "Docker does not answer on this machine, and it builds the image of worker and steward.",
      );
      const named = StageSettings.parse({ WORKER_IMAGE: ecr });
      await expect(checkDocker("mystage", named)).resolves.toBeUndefined();
    } finally {
      vi.unstubAllEnvs();
      rmSync(nowhere, { recursive: true });
    }
  });
});
