/** A whole stage: the real engine and the real Postgres, with programs that only live as worker and steward. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type LocalStageState,
  StewardSettings,
  UserError,
  WorkerSettings,
  localFleetFile,
  localStagePaths,
  readLocalStage,
  tenant,
} from "@hatchery/config";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { brokerPrograms } from "../src/broker.ts";
import {
  type LocalSettings,
  destroyLocalStage,
  engineBinaries,
  startLocalStage,
  stopLocalStage,
} from "../src/index.ts";
import { isFree } from "../src/ports.ts";
import { sleep, stageProcesses, startTime } from "../src/process.ts";

const idle = [process.execPath, join(import.meta.dirname, "idle-program.ts")];
const programs = { worker: idle, steward: idle };
const endsAtOnce = ["/bin/sh", "-c", "echo STORE is not a folder >&2; exit 3"];
const settings: LocalSettings = {
  broker: "none",
  fleets: [{ name: "default", min: 0, max: 8, pin: 1, slotsPerWorker: 2 }],
};

// A folder that only its owner may enter, as homes are: Postgres, which is another user for root, must reach it.
const home = mkdtempSync(join(tmpdir(), "hatchery-stage-"));
const paths = (stage = "local") => localStagePaths(stage, home);
const start = (more: Partial<Parameters<typeof startLocalStage>[0]> = {}) =>
  startLocalStage({ stage: "local", home, settings, programs, ...more });
const stop = (stage = "local") => stopLocalStage({ stage, home });

// Minutes when this machine has never built the engine.
beforeAll(async () => void (await engineBinaries()), 600_000);
afterEach(async () => {
  for (const stage of ["local", "local-b"]) await stop(stage);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(20))
    if (Date.now() > deadline)
      throw new Error(`It did not come true within ${withinMs / 1_000} s.`);
}

/** What the API answers to the worker's token. */
async function statusOfApi(state: LocalStageState, token: string): Promise<number> {
  const url = `${state.engine.serverUrl}/api/v1/tenants/${tenant}/workflows`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return response.status;
}

const workerToken = () => readFileSync(paths().workerToken, "utf8");

/** What a stand-in program was given. */
async function environmentOf(name: string): Promise<Record<string, string>> {
  const read = () => readFileSync(join(paths().logs, `${name}.log`), "utf8");
  await until(() => read().includes("\n"));
  return JSON.parse(read().split("\n")[0]!) as Record<string, string>;
}

const portsAreFree = async (state: LocalStageState) =>
  (await Promise.all(Object.values(state.ports).map(isFree))).every(Boolean);

const pidOf = (state: LocalStageState, name: string) =>
  state.processes.find((each) => each.name === name)!.pid;

test("a stage starts in named steps, its token opens the API, and a stop leaves nothing", async () => {
  const steps: string[] = [];
  const state = await start({ onStep: (step) => steps.push(`${step.name} ${step.status}`) });
  expect(state).toMatchObject({ stage: "local", status: "ready", broker: "none" });
  expect(state.processes.map((each) => each.name)).toEqual([
    "database",
    "engine",
    "api",
    "steward",
  ]);
  expect(state.workers.map((each) => each.name)).toEqual(["worker-1"]);
  expect(steps.filter((step) => step.endsWith("done")).toSorted()).toEqual(
    ["getting engine", "database", "migrating", "engine", "steward", "workers"]
      .map((name) => `${name} done`)
      .toSorted(),
  );
  expect(await statusOfApi(state, workerToken())).toBe(200);
  expect(await statusOfApi(state, `${workerToken()}x`)).toBe(403);

  expect(await stop()).toEqual({ stopped: true });
  expect(stageProcesses(paths().folder)).toEqual([]);
  expect(startTime(state.supervisorPid)).toBeUndefined();
  expect(await portsAreFree(state)).toBe(true);
  expect(readLocalStage("local", home)).toBeUndefined();
  expect(await stop()).toEqual({ stopped: false });
});

/** The addresses on which processes of the stage listen for TCP, as the kernel writes them: hexadecimal. */
function listeningAddresses(folder: string): string[] {
  const sockets = new Set(
    stageProcesses(folder).flatMap((pid) =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
          return readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
          // Closed meanwhile.
          return "";
        }
      }),
    ),
  );
  const listening = "0A";
  return ["tcp", "tcp6"].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening && sockets.has(`socket:[${fields[9]}]`))
      .map((fields) => fields[1]!),
  );
}
const loopbackAddress =
  /^(0100007F|00000000000000000000000001000000|0000000000000000FFFF00000100007F):/;

describe.skipIf(process.platform !== "linux")("where /proc tells who listens", () => {
  test("no process of a stage listens on anything but loopback", async () => {
    const state = await start();
    const addresses = listeningAddresses(paths().folder);
    expect(addresses.filter((address) => !loopbackAddress.test(address))).toEqual([]);
    const ports = addresses.map((address) => Number.parseInt(address.split(":")[1]!, 16));
    expect(new Set(ports)).toEqual(new Set(Object.values(state.ports)));
  });
});

test("a worker that does not stay up is told of, with the log to read", async () => {
  const worker = ["/bin/sh", "-c", "sleep 1; exit 3"];
  await start({ programs: { ...programs, worker } });
  const trouble = () => readLocalStage("local", home)!.trouble;
  expect(trouble()).toBeUndefined();
  await until(() => trouble() !== undefined, 20_000);
  const log = join(paths().logs, "worker-1.log");
  expect(trouble()).toEqual([
    expect.stringMatching(new RegExp(`^worker-1 has ended 5 times within \\d+ s; see ${log}\\.$`)),
  ]);
});

test("worker and steward get what their settings say, and no secret but the token", async () => {
  const state = await start({ settings: { ...settings, modelsModule: "./mine.ts" } });
  const given = { HATCHET_CLIENT_TOKEN: "left out by the stand-in" };
  expect(WorkerSettings.parse({ ...(await environmentOf("worker-1")), ...given })).toMatchObject({
    STAGE: "local",
    STORE: paths().store,
    WORKER_NAME: "worker-1",
    WORKER_SLOTS: 2,
    FLEET: "default",
    MODELS_MODULE: "./mine.ts",
    HATCHET_CLIENT_API_URL: state.engine.serverUrl,
    HATCHET_CLIENT_HOST_PORT: state.engine.grpcAddress,
    HATCHET_CLIENT_TLS_STRATEGY: "none",
  });
  expect(StewardSettings.parse({ ...(await environmentOf("steward")), ...given })).toMatchObject({
    MAILBOX: paths().mailbox,
    FLEETS: [
      { name: "default", at: `local:${paths().fleet}`, min: 0, max: 8, pin: 1, workerHourUsd: 0 },
    ],
    STORE: paths().store,
  });
  const foreign = Object.keys(await environmentOf("worker-1")).filter((name) =>
    /^(SERVER_|DATABASE_|ADMIN_)/.test(name),
  );
  expect(foreign).toEqual([]);
});

test("secrets and logs are files that only their owner may read", async () => {
  await start();
  const secrets = readdirSync(paths().secrets, { recursive: true, withFileTypes: true });
  expect(secrets.map((entry) => entry.name).toSorted()).toEqual([
    "admin-password",
    "cookie-secrets",
    "database-password",
    "keysets",
    "master.key",
    "private_ec256.key",
    "public_ec256.key",
    "worker-token",
  ]);
  const modes = [...secrets, ...readdirSync(paths().logs, { withFileTypes: true })]
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
  expect(statSync(paths().secrets).mode & 0o777).toBe(0o700);
});

test("the next start finds its ports, its token and its database again", async () => {
  const first = await start();
  const token = workerToken();
  await stop();
  const second = await start();
  expect(second.ports).toEqual(first.ports);
  expect(workerToken()).toBe(token);
  expect(await statusOfApi(second, token)).toBe(200);
});

test("a stage that is up is found, not started again", async () => {
  const [one, other] = await Promise.all([start(), start()]);
  expect(other.supervisorPid).toBe(one.supervisorPid);
  expect((await start()).supervisorPid).toBe(one.supervisorPid);
});

test("the fleet follows fleet.json, newest first, and a worker that ends is replaced", async () => {
  await start();
  const names = () => readLocalStage("local", home)!.workers.map((each) => each.name);
  writeFileSync(paths().fleet, JSON.stringify({ desired: 3 }));
  await until(() => names().length === 3);
  expect(names()).toEqual(["worker-1", "worker-2", "worker-3"]);
  writeFileSync(paths().fleet, JSON.stringify({ desired: 2 }));
  await until(() => names().length === 2);
  expect(names()).toEqual(["worker-1", "worker-2"]);
  const [first] = readLocalStage("local", home)!.workers;
  process.kill(first!.pid, "SIGKILL");
  await until(() => readLocalStage("local", home)!.workers[0]?.restarts === 1);
  expect(names()).toEqual(["worker-1", "worker-2"]);
  writeFileSync(paths().fleet, JSON.stringify({ desired: 0 }));
  await until(() => names().length === 0);
});

test("each fleet follows its own file, and its workers are called after it", async () => {
  const [fleet] = settings.fleets;
  const fleets = [fleet!, { name: "big", min: 0, max: 2, slotsPerWorker: 1 }];
  await start({ settings: { ...settings, fleets } });
  const workers = () =>
    readLocalStage("local", home)!.workers.map(({ name, fleet: of }) => `${of}: ${name}`);
  expect(workers()).toEqual(["default: worker-1"]);
  writeFileSync(localFleetFile(paths(), "big"), JSON.stringify({ desired: 2 }));
  await until(() => workers().length === 3);
  expect(workers()).toEqual(["default: worker-1", "big: big-1", "big: big-2"]);
  expect(await environmentOf("big-2")).toMatchObject({ FLEET: "big", WORKER_SLOTS: "1" });
});

test.each(["engine", "api", "database"])("%s comes back after kill -9", async (name) => {
  const state = await start();
  process.kill(pidOf(state, name), "SIGKILL");
  const killed = performance.now();
  await until(() => {
    const now = readLocalStage("local", home)!;
    return (
      now.status === "ready" &&
      now.processes.some((each) => each.name === name && each.restarts > 0)
    );
  });
  expect(performance.now() - killed).toBeLessThan(5_000);
  // Its first answers may be 500: sessions of a dead database are found out one by one.
  await until(async () => (await statusOfApi(state, workerToken())) === 200);
});

test("a supervisor's death takes everything with it, and the next start recovers", async () => {
  const state = await start();
  process.kill(state.supervisorPid, "SIGKILL");
  if (process.platform === "linux") await until(() => stageProcesses(paths().folder).length === 0);
  expect(existsSync(paths().lock)).toBe(true);
  expect(readLocalStage("local", home)).toBeUndefined();
  const next = await start();
  expect(next.supervisorPid).not.toBe(state.supervisorPid);
  expect(await statusOfApi(next, workerToken())).toBe(200);
});

test("a stop after a supervisor's death clears what is left", async () => {
  const state = await start();
  process.kill(state.supervisorPid, "SIGKILL");
  await stop();
  expect(stageProcesses(paths().folder)).toEqual([]);
  expect(await portsAreFree(state)).toBe(true);
  expect([paths().lock, paths().state].filter((path) => existsSync(path))).toEqual([]);
});

test("a stop during the start ends both, and nothing is left running", async () => {
  const starting = start({
    onStep: (step) => {
      if (step.name === "engine" && step.status === "started") void stop();
    },
  }).catch((error: unknown) => error);
  expect(await starting).toBeInstanceOf(UserError);
  await until(() => !existsSync(paths().lock));
  expect(stageProcesses(paths().folder)).toEqual([]);
});

test("a port of the settings that is in use is named, and nothing is left running", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  const failure = await start({ settings: { ...settings, ports: { grpc: port } } }).catch(
    (error: unknown) => error,
  );
  server.close();
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toContain(`LOCAL_GRPC_PORT=${port}`);
  expect((failure as UserError).hint).toContain("leave the setting away");
  expect(stageProcesses(paths().folder)).toEqual([]);
  expect(existsSync(paths().lock)).toBe(false);
});

test.each(["steward", "worker"] as const)(
  "a %s that ends at once fails the start, and nothing is left running",
  async (name) => {
    const failure = await start({ programs: { ...programs, [name]: endsAtOnce } }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toContain("STORE is not a folder");
    expect((failure as UserError).hint).toMatch(/\.log$/);
    expect(stageProcesses(paths().folder)).toEqual([]);
    expect(existsSync(paths().state)).toBe(false);
  },
);

test("two stages run side by side, and one stops without the other", async () => {
  const [one, other] = await Promise.all([start(), start({ stage: "local-b" })]);
  const ports = [...Object.values(one.ports), ...Object.values(other.ports)];
  expect(new Set(ports).size).toBe(ports.length);
  await stop();
  expect(readLocalStage("local-b", home)?.status).toBe("ready");
  const token = readFileSync(paths("local-b").workerToken, "utf8");
  expect(await statusOfApi(other, token)).toBe(200);
});

test("a stage without work stops by itself, one with an active experiment does not", async () => {
  const active = join(paths().store, "stages", "local", "active", "model");
  mkdirSync(active, { recursive: true });
  writeFileSync(join(active, "id"), "");
  const state = await start({ settings: { ...settings, idleMinutes: 1 / 60 } });
  await sleep(1_500);
  expect(readLocalStage("local", home)?.status).toBe("ready");
  rmSync(join(active, "id"));
  await until(() => startTime(state.supervisorPid) === undefined);
  expect(stageProcesses(paths().folder)).toEqual([]);
});

test("a stage that is told 0 idle minutes never stops by itself", async () => {
  await start({ settings: { ...settings, idleMinutes: 0 } });
  await sleep(500);
  expect(readLocalStage("local", home)?.status).toBe("ready");
});

test("destroying a stage deletes its folder and keeps the store", async () => {
  await start({ stage: "local-b" });
  writeFileSync(join(paths("local-b").store, "kept"), "");
  await destroyLocalStage({ stage: "local-b", home });
  expect(existsSync(paths("local-b").folder)).toBe(false);
  expect(existsSync(join(paths("local-b").store, "kept"))).toBe(true);
});

test("a name that is not a local stage's is refused", async () => {
  await expect(start({ stage: "production" })).rejects.toThrow('"production" is not a stage');
  await expect(stop("local-../x")).rejects.toThrow("is not a stage on this machine");
});

function hasBroker(): boolean {
  try {
    return brokerPrograms() !== undefined;
  } catch {
    return false;
  }
}

describe.skipIf(!hasBroker())("with RabbitMQ, which is not installed everywhere", () => {
  test("the stage starts, survives the broker's death, and stops with all of Erlang gone", async () => {
    const state = await start({ settings: { ...settings, broker: "rabbitmq" } });
    expect(state.broker).toBe("rabbitmq");
    expect(state.processes.map((each) => each.name)).toContain("broker");
    expect(await statusOfApi(state, workerToken())).toBe(200);
    process.kill(pidOf(state, "broker"), "SIGKILL");
    await until(() => readLocalStage("local", home)!.status === "starting");
    await until(() => readLocalStage("local", home)!.status === "ready");
    await stop();
    expect(stageProcesses(paths().folder)).toEqual([]);
  }, 60_000);

  test("a supervisor's death takes the broker with it", async () => {
    const state = await start({ settings: { ...settings, broker: "rabbitmq" } });
    process.kill(state.supervisorPid, "SIGKILL");
    if (process.platform === "linux")
      await until(() => stageProcesses(paths().folder).length === 0);
    await stop();
    expect(await isFree(state.ports.grpc)).toBe(true);
  }, 60_000);
});

test("without RabbitMQ the error says how to install it or to do without", () => {
  expect(() => brokerPrograms("/nowhere")).toThrow('epmd" was not found in PATH');
});
