/** A worker and a steward that outlive their engine: the real ones on a real stage, driven as a person would. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Transform } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type LocalStageState, exitCodes, localStagePaths, readLocalStage } from "@hatchery/config";
import { afterAll, beforeAll, expect, test } from "vitest";

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const home = mkdtempSync(join(tmpdir(), "hatchery-rejoin-"));
const environment = {
  ...process.env,
  HATCHERY_HOME: home,
  MODELS_MODULE: file("../../cli/bench/models.ts"),
};

async function hatchery(...words: string[]): Promise<string> {
  const command = [file("../../cli/src/main.js"), ...words];
  return (await promisify(execFile)(process.execPath, command, { env: environment })).stdout.trim();
}

const stage = (): LocalStageState => readLocalStage("local", home)!;
const engine = () => stage().processes.find(({ name }) => name === "engine");
const workerLog = () =>
  readFileSync(join(localStagePaths("local", home).logs, "worker-1.log"), "utf8");

async function until(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(20))
    if (Date.now() > deadline)
      throw new Error(`It did not come true within ${withinMs / 1_000} s.`);
}

const isReady = () =>
  fetch(`http://127.0.0.1:${stage().ports.health}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

/** Chunks of a fifth of a second or so (500 hashes, 4 ms a simulation): some are under way whenever the engine is killed. */
const submit = (simulations: number, chunkSize = 50) =>
  hatchery(
    "submit",
    "spinning",
    "--simulations",
    String(simulations),
    "--set",
    "iterations=500",
    "--chunk-size",
    String(chunkSize),
  );

function partCount(experiment: string): number {
  const parts = join(home, "store", "experiments", experiment, "parts");
  if (!existsSync(parts)) return 0;
  return readdirSync(parts, { recursive: true }).filter((name) => /\d\.parquet$/.test(String(name)))
    .length;
}

beforeAll(async () => void (await hatchery("up", "--workers", "1")));
afterAll(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  await hatchery("down", "--destroy");
  rmSync(home, { recursive: true });
});

/** A worker that a person starts, with the engine at another port than it has. */
function startWorker(grpcPort: number, token: string) {
  const worker = spawn(process.execPath, [file("../src/main.ts")], {
    env: {
      ...environment,
      WORKER_NAME: "by-hand",
      WORKER_SLOTS: "1",
      STAGE: "local",
      STORE: localStagePaths("local", home).store,
      HATCHET_CLIENT_TOKEN: token,
      HATCHET_CLIENT_API_URL: stage().engine.serverUrl,
      HATCHET_CLIENT_SERVER_URL: stage().engine.serverUrl,
      HATCHET_CLIENT_HOST_PORT: `127.0.0.1:${grpcPort}`,
      HATCHET_CLIENT_TLS_STRATEGY: "none",
    },
  });
  workers.push(worker);
  let log = "";
  for (const stream of [worker.stdout, worker.stderr])
    stream.on("data", (data: Buffer) => (log += data.toString()));
  return { process: worker, log: () => log };
}
const workers: ChildProcess[] = [];
const token = () => readFileSync(localStagePaths("local", home).workerToken, "utf8");

interface Way {
  readonly port: number;
  /** On the connections that are open now nothing is heard from the engine any more, though they look well. */
  deafen(): void;
  close(): Promise<void>;
}

/** Passes on to the engine; as gone as a dead engine once it is closed. */
async function openWay(port = 0): Promise<Way> {
  const sockets = new Set<Socket>();
  const open = new Set<{ isDeaf: boolean }>();
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port: stage().ports.grpc });
    for (const socket of [near, far]) sockets.add(socket.on("error", () => undefined));
    const connection = { isDeaf: false };
    open.add(connection);
    near.pipe(far).pipe(withoutData(connection)).pipe(near);
  });
  await once(server.listen({ host: "127.0.0.1", port }), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    deafen: () => open.forEach((connection) => (connection.isDeaf = true)),
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), "close");
    },
  };
}

/**
 * An HTTP/2 server's frames without those that carry data, once the connection is deaf: pings are answered, streams
 * stay open, heartbeats reach the engine, and what it sends is not there.
 */
function withoutData(connection: { readonly isDeaf: boolean }): Transform {
  const headBytes = 9;
  let rest = Buffer.alloc(0);
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, piece]);
      while (rest.length >= headBytes) {
        const end = headBytes + rest.readUIntBE(0, 3);
        if (rest.length < end) break;
        const isData = rest[3] === 0;
        if (!connection.isDeaf || !isData) this.push(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
      done();
    },
  });
}

test("a worker that is there before its engine waits for it and says so once", async () => {
  const first = await openWay();
  await first.close();
  const worker = startWorker(first.port, token());
  const missing = `The engine does not answer at 127.0.0.1:${first.port}`;
  await until(() => worker.log().includes(missing), 10_000);
  await sleep(2_500);
  expect(worker.log().split(missing)).toHaveLength(2);
  expect(worker.log()).not.toContain("ready for chunks");

  const second = await openWay(first.port);
  await until(() => worker.log().includes("ready for chunks"), 10_000);
  await second.close();
  await until(() => worker.log().includes("No more comes from the engine"), 10_000);
  const third = await openWay(first.port);
  await until(() => worker.log().includes("The engine is back."), 10_000);

  worker.process.kill("SIGTERM");
  const [code] = (await once(worker.process, "exit")) as [number];
  expect(code).toBe(0);
  // It left by itself, which is not an engine that has gone a second time.
  expect(worker.log().split("No more comes from the engine")).toHaveLength(2);
  await third.close();
}, 60_000);

test("a worker whose token the engine does not know ends with a sentence", async () => {
  const [header, claims] = token().split(".");
  const worker = startWorker(stage().ports.grpc, `${header}.${claims}.${"A".repeat(86)}`);
  const [code] = (await once(worker.process, "exit")) as [number];
  expect(code).toBe(exitCodes.notAllowed);
  expect(worker.log()).toContain("does not know this worker's token");
  expect(worker.log()).not.toContain("    at ");
});

test("after the engine's death the same worker goes on within 10 s, and nothing is lost", async () => {
  // Twenty chunks for each slot: more are left than were under way.
  const total = 1_000 * availableParallelism();
  const experiment = await submit(total);
  await until(() => partCount(experiment) >= 3, 20_000);
  const [worker] = stage().workers;
  const killed = engine()!.pid;
  process.kill(killed, "SIGKILL");
  await until(async () => (engine()?.pid ?? killed) !== killed && (await isReady()), 20_000);
  // What was under way at the kill may still come; that is not what is measured.
  await sleep(1_000);
  const before = partCount(experiment);
  await until(() => partCount(experiment) >= before + 3, 9_000);

  await hatchery("watch", experiment);
  expect(JSON.parse(await hatchery("verify", experiment, "--json"))).toMatchObject({
    total,
    done: total,
  });
  expect(stage().workers).toEqual([worker]);
  expect(workerLog()).toContain("The engine is back.");
}, 60_000);

test("what a killed worker was at is computed before the engine would have missed its heartbeats", async () => {
  const experiment = await submit(1_000, 500);
  await sleep(700);
  expect(partCount(experiment)).toBe(0);
  process.kill(stage().workers[0]!.pid, "SIGKILL");
  // 30 s after the last heartbeat, of which there is one every 4 s, the engine would find out.
  await until(() => partCount(experiment) > 0, 24_000);
}, 60_000);

test("a worker that looks well to its engine and gets nothing notices it, and computes what waited", async () => {
  await hatchery("fleet", "scale", "0");
  await until(() => stage().workers.length === 0, 30_000);
  const way = await openWay();
  const worker = startWorker(way.port, token());
  await hatchery("watch", await submit(50));
  way.deafen();
  const experiment = await submit(500);
  await until(() => worker.log().includes("Work waits and none comes here"), 60_000);
  // Half a minute has gone by, and nobody else would have noticed.
  expect(partCount(experiment)).toBe(0);

  await hatchery("watch", experiment);
  expect(JSON.parse(await hatchery("verify", experiment, "--json"))).toMatchObject({ done: 500 });
  worker.process.kill("SIGTERM");
  await once(worker.process, "exit");
  await way.close();
}, 180_000);
