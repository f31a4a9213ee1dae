/** The way to the dashboard, with AWS's answers as it gives them and a program in the plugin's place. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { json } from "node:stream/consumers";
import { addresses, engineVersion, hatcheryVersion, sdkVersion } from "@hatchery/config";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hatchery } from "./hatchery.ts";

/** Another one each time: a command asks once for a stage. */
let stage = "";
let tests = 0;
const cluster = "hatchery-mystage";
const task = "8ab0ee9a1b2c4d5e8f90a1b2c3d4e5f6";
const runtimeId = `${task}-3811061257`;

const outputs = () => ({
  stage,
  region: "eu-central-1",
  store: "s3://hatchery-123456789012-eu-central-1",
  mailbox: "https://sqs.eu-central-1.amazonaws.com/123456789012/hatchery-mystage-mailbox",
  EngineAddresses: addresses(stage, { ROOT_DOMAIN: undefined }),
  fleets: [
    { name: "default", cluster, service: "fleet-default", min: 0, max: 50, slotsPerWorker: 4 },
  ],
  leaseSchedule: "default/hatchery-mystage-default",
  versions: { hatchery: hatcheryVersion, engine: engineVersion, sdk: sdkVersion },
});

let answers: Record<string, unknown>;
let asked: { operation: string; input: unknown }[];
let server: Server;
let folder: string;
const before = { ...process.env };

beforeEach(async () => {
  stage = `mystage-${++tests}`;
  asked = [];
  answers = {
    GetParameter: { Parameter: { Name: "outputs", Value: JSON.stringify(outputs()) } },
    ListTasks: { taskArns: [`arn:aws:ecs:eu-central-1:123456789012:task/${cluster}/${task}`] },
    DescribeTasks: {
      tasks: [
        {
          taskArn: `arn:aws:ecs:eu-central-1:123456789012:task/${cluster}/${task}`,
          containers: [
            {
              name: "steward",
              runtimeId,
              managedAgents: [{ name: "ExecuteCommandAgent", lastStatus: "RUNNING" }],
            },
          ],
        },
      ],
    },
    StartSession: { SessionId: "session-1", TokenValue: "the token", StreamUrl: "wss://stream" },
  };
  server = createServer((request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".").at(-1)!;
    void json(request).then((input) => {
      asked.push({ operation, input });
      response.setHeader("content-type", "application/x-amz-json-1.1");
      response.end(JSON.stringify(answers[operation]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  folder = mkdtempSync(join(tmpdir(), "hatchery-dashboard-"));
  const address = server.address() as { port: number };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "id",
    AWS_SECRET_ACCESS_KEY: "key",
    AWS_PROFILE: "",
    PATH: `${folder}${delimiter}${before["PATH"]}`,
  });
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
  process.env = { ...before };
});

/** A program in the plugin's place that writes down how it was called and ends with a code. */
function installPlugin(code: number): void {
  const file = join(folder, "session-manager-plugin");
  const told = join(folder, "told");
  writeFileSync(
    file,
    `#!/bin/sh\n[ "$1" = --version ] && exit 0\nprintf '%s\\n' "$@" "$AWS_SSM_START_SESSION_RESPONSE" > "${told}"\nexit ${code}\n`,
  );
  chmodSync(file, 0o755);
}

async function run(...words: string[]) {
  const said: string[] = [];
  const told: string[] = [];
  const interrupted = new AbortController();
  const code = await hatchery(words, {
    out: (text) => told.push(text),
    say: (text) => said.push(text),
    redraw: () => undefined,
    isTerminal: false,
    columns: 80,
    color: false,
    environment: {},
    interrupted: interrupted.signal,
  });
  return { code, said: said.join("\n"), out: told.join("\n") };
}

test("a session to the steward's container forwards a port to the engine's dashboard", async () => {
  installPlugin(0);
  const { said } = await run("dashboard", "--stage", stage, "--port", "8090");
  expect(said).toContain("http://localhost:8090");
  expect(said).toContain("Log in as hatchet@example.com");
  expect(said).toContain(`--secret-id hatchery/${stage}/admin-password`);

  const request = {
    Target: `ecs:${cluster}_${task}_${runtimeId}`,
    DocumentName: "AWS-StartPortForwardingSessionToRemoteHost",
    Parameters: {
      host: [`engine.${stage}.hatchet.sst`],
      portNumber: ["80"],
      localPortNumber: ["8090"],
    },
  };
  expect(asked.at(-1)).toEqual({ operation: "StartSession", input: request });
  const told = readFileSync(join(folder, "told"), "utf8").trim().split("\n");
  expect(told.slice(0, 4)).toEqual([
    "AWS_SSM_START_SESSION_RESPONSE",
    "eu-central-1",
    "StartSession",
    "",
  ]);
  expect(JSON.parse(told[4]!)).toEqual(request);
  expect(JSON.parse(told[5]!)).toEqual(answers["StartSession"]);
  expect(said).not.toContain("the token");
});

test("a session that ends by itself is an error that says how to open another", async () => {
  installPlugin(1);
  const { code, said } = await run("dashboard", "--stage", stage);
  expect(code).toBe(1);
  expect(said).toContain("The session ended with code 1.");
  expect(said).toContain("--port");
});

test("without AWS's plugin it says where to get it, before a session is made", async () => {
  process.env["PATH"] = folder;
  const { code, said } = await run("dashboard", "--stage", stage);
  expect(code).toBe(1);
  expect(said).toContain("Session Manager plugin");
  expect(asked.map(({ operation }) => operation)).toEqual(["GetParameter"]);
});

test("a steward that takes no session yet is told apart", async () => {
  installPlugin(0);
  answers["ListTasks"] = { taskArns: [] };
  const { code, said } = await run("dashboard", "--stage", stage);
  expect(code).toBe(6);
  expect(said).toContain("takes a session now, and the way to the dashboard is through it");
});

test("with a domain it is the address alone, and no session is made", async () => {
  const EngineAddresses = addresses(stage, { ROOT_DOMAIN: "acmelab.com" });
  answers["GetParameter"] = {
    Parameter: { Value: JSON.stringify({ ...outputs(), EngineAddresses }) },
  };
  const { code, out, said } = await run("dashboard", "--stage", stage);
  expect(code).toBe(0);
  expect(out).toBe(`https://hatchet-${stage}.acmelab.com`);
  expect(said).toContain("hatchet@acmelab.com");
  expect(asked.map(({ operation }) => operation)).toEqual(["GetParameter"]);
});

test("a stage on this machine has none", async () => {
  const { code, said } = await run("dashboard", "--stage", "local");
  expect(code).toBe(2);
  expect(said).toContain("only those on AWS have a dashboard");
});
