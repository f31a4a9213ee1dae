import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProtection, namedByTask } from "./ecs-task.ts";

/** The agent beside a container, as AWS documents its two endpoints. */
let agent: Server;
let address: string;
let asked: { method: string; path: string; body: unknown }[];
let protection: object;
const id = "3f2a91c0d4e74b7f8d1e6a5b4c3d2e1f";

beforeEach(async () => {
  asked = [];
  protection = { protection: { ProtectionEnabled: true, TaskArn: id } };
  agent = createServer((request, response) => {
    let text = "";
    request.on("data", (more) => (text += String(more)));
    request.on("end", () => {
      asked.push({
        method: request.method!,
        path: request.url!,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
      });
      const task = { TaskARN: `arn:aws:ecs:eu-central-1:123456789012:task/cluster/${id}` };
      response.end(JSON.stringify(request.url === "/v4/task" ? task : protection));
    });
  });
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
  agent.closeAllConnections();
  agent.close();
});

const lines: string[] = [];
const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
const isAsked = (times: number) =>
  vi.waitFor(() => expect(asked).toHaveLength(times), { timeout: 5_000 });
const isProtected = (is: boolean) => ({
  method: "PUT",
  path: "/api/task-protection/v1/state",
  body: is ? { ProtectionEnabled: true, ExpiresInMinutes: 30 } : { ProtectionEnabled: false },
});

test("a worker is protected from its first chunk to a while after its last", async () => {
  const task = createProtection(`${address}/api`, logger);
  task.begin();
  task.begin();
  await isAsked(1);
  task.end();
  vi.advanceTimersByTime(60_000);
  task.end();
  task.begin();
  vi.advanceTimersByTime(60_000);
  await isAsked(1);
  expect(asked).toEqual([isProtected(true)]);
  task.end();
  vi.advanceTimersByTime(11_000);
  await isAsked(2);
  expect(asked.at(-1)).toEqual(isProtected(false));
  task.begin();
  await isAsked(3);
  expect(asked.at(-1)).toEqual(isProtected(true));
});

test("a chunk that takes long keeps its worker protected, and an idle one asks for nothing", async () => {
  const task = createProtection(`${address}/api`, logger);
  task.begin();
  vi.advanceTimersByTime(25 * 60_000);
  await isAsked(3);
  expect(
    asked.every(({ body }) => (body as { ProtectionEnabled: boolean }).ProtectionEnabled),
  ).toBe(true);
  task.end();
  vi.advanceTimersByTime(3_600_000);
  await isAsked(4);
});

test("a refusal of ECS is in the log, and the work goes on", async () => {
  protection = { failure: { Arn: id, Reason: "DEPLOYMENT_BLOCKED" } };
  const task = createProtection(`${address}/api`, logger);
  task.begin();
  await vi.waitFor(() => expect(lines.join("")).toContain("DEPLOYMENT_BLOCKED"), {
    timeout: 5_000,
  });
});

test("elsewhere than on ECS nobody is asked", async () => {
  const task = createProtection(undefined, logger);
  task.begin();
  task.end();
  expect(await namedByTask({ WORKER_SLOTS: "2" })).toEqual({ WORKER_SLOTS: "2" });
  expect(asked).toEqual([]);
});

test("a task's worker is called after its fleet and the task's id, unless it has a name", async () => {
  const given = { ECS_CONTAINER_METADATA_URI_V4: `${address}/v4` };
  expect(await namedByTask(given)).toMatchObject({ WORKER_NAME: "worker-3f2a91c0d4e7" });
  expect(await namedByTask({ ...given, FLEET: "big" })).toMatchObject({
    WORKER_NAME: "big-3f2a91c0d4e7",
  });
  expect(await namedByTask({ ...given, WORKER_NAME: "mine" })).toMatchObject({
    WORKER_NAME: "mine",
  });
});
