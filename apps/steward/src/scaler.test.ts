/** The steward's scaler on ECS services as moto has them: what the calls do to the desired count, and what is written down. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import type { LocalStageState, StewardFleet } from "@hatchery/config";
import { createFolderStore, readStageFleets, type Store } from "@hatchery/experiment";
import { startMoto, type Moto } from "@hatchery/moto";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openFleet } from "./fleet.ts";
import type { Lease } from "./lease.ts";
import { openScaler, type Scaler } from "./scaler.ts";

const cluster = "hatchery-test";
let moto: Moto;
let ecs: ECSClient;
beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  ecs = new ECSClient({});
  await ecs.send(new CreateClusterCommand({ clusterName: cluster }));
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "worker",
      containerDefinitions: [{ name: "worker", image: "worker", memory: 1 }],
    }),
  );
}, 300_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});

let folder: string;
let store: Store;
let service: string;
let made = 0;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hatchery-scaler-"));
  store = createFolderStore(folder);
  service = `fleet-${++made}`;
  await makeService();
});
afterEach(() => rmSync(folder, { recursive: true }));

const makeService = () =>
  ecs.send(
    new CreateServiceCommand({
      cluster,
      serviceName: service,
      taskDefinition: "worker",
      desiredCount: 0,
    }),
  );
const desired = async () =>
  (await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }))).services?.[0]
    ?.desiredCount;

/** A lease whose end the test sets. */
const leaseUntil = (end: { at: Date | undefined }): Lease => ({
  endsAt: () => end.at,
  isOver: () => end.at !== undefined && end.at.getTime() <= Date.now(),
  renew: async () => void (end.at &&= new Date(Date.now() + 3_600_000)),
});

const told = (more: Partial<StewardFleet> = {}): StewardFleet => ({
  name: "default",
  at: `ecs:${cluster}/${service}`,
  min: 0,
  max: 50,
  slotsPerWorker: 4,
  workerHourUsd: 0.06,
  labels: {},
  ...more,
});

/** A steward's scaler whose fleets take so long to start; looks follow four times within that. */
const open = (
  more: Partial<StewardFleet> = {},
  lease = leaseUntil({ at: undefined }),
): Promise<Scaler> =>
  openScaler({
    stage: "test",
    store,
    fleets: [{ told: told(more), fleet: { ...openFleet(told(more)), startSeconds: 1 } }],
    lease,
    logger: pino({ level: "silent" }),
  });

const main = { openChunks: 400, openSeconds: 10_000 };

test("from nothing to what the work can use, and to nothing again, as ECS itself says", async () => {
  const scaler = await open();
  await scaler.tick();
  expect(await desired()).toBe(0);
  scaler.tell("pi/1", "default", { openChunks: 16, openSeconds: undefined });
  await scaler.tick();
  expect(await desired()).toBe(4);
  scaler.tell("pi/1", "default", main);
  await scaler.tick();
  expect(await desired()).toBe(50);
  scaler.tell("pi/1", "default", { openChunks: 1, openSeconds: 1 });
  await scaler.tick();
  expect(await desired()).toBe(50);
  scaler.forget("pi/1");
  await vi.waitFor(
    async () => {
      await scaler.tick();
      expect(await desired()).toBe(0);
    },
    { timeout: 10_000, interval: 100 },
  );
});

test("what is seen is written where the CLI reads it, at change only", async () => {
  const end = { at: new Date(Date.now() + 1_000_000) };
  const scaler = await open({}, leaseUntil(end));
  await scaler.tick();
  const first = await readStageFleets(store, "test");
  expect(first).toMatchObject({
    stage: "test",
    leaseEndsAt: end.at.toISOString(),
    fleets: [{ name: "default", desired: 0, running: 0, min: 0, max: 50, workerHourUsd: 0.06 }],
  });
  await scaler.tick();
  expect(await readStageFleets(store, "test")).toEqual(first);
  scaler.tell("pi/1", "default", main);
  await scaler.tick();
  const later = await readStageFleets(store, "test");
  expect(later?.fleets[0]?.desired).toBe(50);
  expect(later?.leaseEndsAt).toBe(end.at.toISOString());
});

test("a person's word outlives the steward, but not a change of the settings", async () => {
  const first = await open();
  first.choose("default", 7);
  await first.tick();
  expect(await desired()).toBe(7);

  const second = await open();
  second.tell("pi/1", "default", main);
  await second.tick();
  expect(await desired()).toBe(7);

  const resized = await open({ max: 60 });
  resized.tell("pi/1", "default", main);
  await resized.tick();
  expect(await desired()).toBe(60);
});

/** The files of a stage on this machine that started then, with three workers; moto does not say when a service began. */
function localStage(startedAt: string): Partial<StewardFleet> {
  const file = join(folder, "fleet.json");
  const worker = { name: "worker-1", pid: 1, startedAt, restarts: 0 };
  const state: LocalStageState = {
    stage: "test",
    supervisorPid: 1,
    startedAt,
    status: "ready",
    broker: "none",
    ports: { database: 1, grpc: 2, api: 3, health: 4 },
    engine: { serverUrl: "http://127.0.0.1:3", grpcAddress: "127.0.0.1:2" },
    processes: [],
    workers: ["default", "default", "big"].map((fleet) => ({ ...worker, fleet })),
  };
  writeFileSync(file, JSON.stringify({ desired: 2 }));
  writeFileSync(join(folder, "stage.json"), JSON.stringify(state));
  return { at: `local:${file}` };
}
const wanted = () =>
  (JSON.parse(readFileSync(join(folder, "fleet.json"), "utf8")) as { desired: number }).desired;

test("a person's word about a fleet does not hold for the fleet of a later stage", async () => {
  const first = await open(localStage(new Date(Date.now() - 60_000).toISOString()));
  first.choose("default", 9);
  await first.tick();
  expect(wanted()).toBe(9);
  const later = await open(localStage(new Date(Date.now() + 1_000).toISOString()));
  later.tell("pi/1", "default", { openChunks: 16, openSeconds: undefined });
  await later.tick();
  expect(wanted()).toBe(4);
});

test("a chunk that gets done moves the lease on, work that stands still does not", async () => {
  const begun = Date.now() + 1_000;
  const end = { at: new Date(begun) };
  const scaler = await open({}, leaseUntil(end));
  for (let again = 0; again < 2; again++) {
    scaler.tell("pi/1", "default", main);
    await scaler.tick();
    expect(end.at.getTime()).toBe(begun);
  }
  scaler.tell("pi/1", "default", { ...main, openChunks: main.openChunks - 1 });
  await scaler.tick();
  expect(end.at.getTime()).toBeGreaterThan(begun);
});

test("where the lease is over no worker stands, pinned or with work, until a person asks for something", async () => {
  const end = { at: new Date(Date.now() - 1) };
  const scaler = await open({ min: 3, max: 30 }, leaseUntil(end));
  scaler.tell("pi/1", "default", main);
  await scaler.tick();
  expect(await desired()).toBe(0);
  expect(scaler.notice("default").join()).toContain("The lease of the stage is over");
  scaler.asked();
  await scaler.tick();
  expect(await desired()).toBe(30);
  expect(scaler.notice("default")).toEqual([]);
  end.at = new Date(Date.now() - 1);
  scaler.choose("default", 2);
  await scaler.tick();
  expect(await desired()).toBe(2);
});

test("an experiment that has no chunk left to do keeps no worker, also when it cannot be closed", async () => {
  const scaler = await open();
  scaler.tell("pi/1", "default", main);
  await scaler.tick();
  expect(await desired()).toBe(50);
  scaler.tell("pi/1", "default", { openChunks: 0, openSeconds: 0 });
  await vi.waitFor(
    async () => {
      await scaler.tick();
      expect(await desired()).toBe(0);
    },
    { timeout: 10_000, interval: 100 },
  );
});

test("experiments pay for the workers that run for them, and share them while there are two", async () => {
  const stage = localStage(new Date().toISOString());
  // A dollar a second for each worker.
  const scaler = await open({ ...stage, pin: 2, workerHourUsd: 3_600 });
  await scaler.tick();
  const spend = async (...experiments: string[]) => {
    for (const experiment of experiments) {
      scaler.meterCost(experiment, 5);
      scaler.tell(experiment, "default", main);
    }
    await scaler.tick();
    const usd = () => experiments.map((experiment) => scaler.costUsd(experiment));
    const before = usd();
    const begun = performance.now();
    await sleep(300);
    await scaler.tick();
    const seconds = (performance.now() - begun) / 1_000;
    return usd().map((after, i) => (after - before[i]!) / seconds);
  };
  const [alone] = await spend("pi/1");
  expect(alone).toBeGreaterThan(1);
  expect(alone).toBeLessThanOrEqual(2.2);
  const [first, second] = await spend("pi/1", "pi/2");
  expect(first).toBeCloseTo(second!);
  expect(first! + second!).toBeLessThanOrEqual(2.2);
  expect(scaler.costUsd("pi/2")).toBeGreaterThan(5);
  scaler.forget("pi/2");
  const last = scaler.costUsd("pi/2");
  await sleep(50);
  await scaler.tick();
  expect(scaler.costUsd("pi/2")).toBe(last);
  // A whole experiment between two ticks: it was computed, so it has cost something.
  scaler.meterCost("pi/3", 0);
  scaler.tell("pi/3", "default", main);
  await sleep(20);
  scaler.tell("pi/3", "default", { ...main, openChunks: 0 });
  const spent = scaler.costUsd("pi/3");
  expect(spent).toBeGreaterThan(0.01);
  expect(spent).toBeLessThan(0.2);
  scaler.forget("pi/3");
  expect(scaler.costUsd("pi/3")).toBe(spent);
});
