/**
 * The wiring for real: what the task definitions say is run on this machine, from the setup job to an experiment's last
 * result. Database, broker, engine, worker and steward are the real ones; AWS is moto; we are ECS.
 */
import { engineVersion, hatcheryVersion, sdkVersion } from "@hatchery/config";
import {
  type Mailbox,
  Manifest,
  type Store,
  countLedger,
  experimentKeys,
  openMailbox,
  openStore,
  outlineDesign,
  readProgress,
} from "@hatchery/experiment";
import { newPassword } from "@hatchery/local";
import { models } from "@hatchery/models";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeInMoto } from "./stage-in-moto.ts";
import { type StageOnThisMachine, standUp, until as untilTrue } from "./stage-on-this-machine.ts";
import {
  type StageTasks,
  rehearsedDefinitions,
  taskDefinitions,
  variable,
} from "./task-definitions.ts";
import { type RunningTask, runTask } from "./task-on-this-machine.ts";

/** As small as this machine. */
const size = { WORKER_CPU: "2 vCPU", WORKER_MEMORY: "4 GB", WORKER_MAX: "1" };
const rehearsed = rehearsedDefinitions();
const stages: [string, () => Promise<StageTasks>][] = rehearsed
  ? [["as rehearsed", async () => rehearsed]]
  : [
      ["with Postgres as the queue", () => taskDefinitions("wiring", size)],
      [
        "with RabbitMQ as the queue",
        () => taskDefinitions("wiring-broker", { ...size, BROKER_INSTANCE_TYPE: "mq.m7g.medium" }),
      ],
    ];

let moto: Moto;
beforeAll(async () => {
  moto = await startMoto();
});
afterAll(() => moto?.stop());

describe.each(stages)("a stage %s", (_name, definitions) => {
  const started: RunningTask[] = [];
  let tasks: StageTasks;
  let stage: StageOnThisMachine;
  let store: Store;
  let mailbox: Mailbox;
  let desiredWorkers: () => Promise<number>;

  const run = (which: keyof StageTasks) => {
    const sqs = new URL(variable(tasks.steward, "MAILBOX")).origin;
    const addresses = [...stage.machine.addresses, [sqs, moto.endpoint] as const];
    const task = runTask(tasks[which], { ...stage.machine, addresses });
    started.push(task);
    return task;
  };

  /** With what the programs have said last, where it does not come true. */
  const until = (condition: () => boolean | Promise<boolean>) =>
    untilTrue(condition).catch((error: Error) => {
      const last = started.map((task) => task.printed().trim().split("\n").slice(-8).join("\n"));
      throw new Error(`${error.message}\n\n${last.join("\n\n")}`);
    });

  async function setUp(): Promise<void> {
    const task = run("setup");
    const ended = await task.ends["set-up"];
    if (ended !== "exit code 0")
      throw new Error(`The setup job ended with ${ended}:\n${task.printed()}`);
  }

  const engineAnswers = () =>
    fetch(`http://127.0.0.1:${stage.ports.health}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  const apiAnswers = () =>
    fetch(`${stage.url}/api/ready`).then(
      ({ ok }) => ok,
      () => false,
    );

  beforeAll(async () => {
    tasks = await definitions();
    const hasBroker = JSON.stringify(tasks.engine).includes("/broker-url");
    const name = variable(tasks.worker, "STAGE");
    stage = await standUp(moto, name, hasBroker ? "rabbitmq" : "none");

    const made = await makeInMoto(tasks, moto.environment["AWS_REGION"]!);
    desiredWorkers = made.desiredWorkers;
    store = await openStore(variable(tasks.worker, "STORE"));
    mailbox = await openMailbox(made.queueUrl);
  });
  afterAll(async () => {
    await Promise.all(started.map((task) => task.stop("SIGKILL")));
    await stage?.tearDown();
  });

  async function submit(id: string, simulations: number): Promise<Manifest> {
    const model = models["pi"]!;
    const design = { kind: "random", simulations } as const;
    const manifest = Manifest.parse({
      format: 1,
      // The account's stages share its store: each goes on with what it finds there.
      experiment: `pi/${stage.stage}-${id}`,
      model: model.name,
      stage: stage.stage,
      createdAt: new Date().toISOString(),
      seed: 1,
      design,
      total: outlineDesign(model.parameterColumns, design, 1).total,
      plan: { chunkSeconds: 1, canary: 0, maxFailures: 1, slots: 2 },
      limits: model.limits,
      parameterSchema: model.parameterSchema,
      resultSchema: model.resultSchema,
      code: {},
      versions: {
        hatchery: hatcheryVersion,
        engine: engineVersion,
        sdk: sdkVersion,
        node: process.version,
      },
    });
    await store.create(experimentKeys(manifest.experiment).manifest, JSON.stringify(manifest));
    await mailbox.post({ kind: "submit", experiment: manifest.experiment });
    return manifest;
  }

  const closed = (manifest: Manifest) =>
    until(async () => (await readProgress(store, manifest.experiment))?.state === "closed");

  let engine: RunningTask;
  let worker: RunningTask;

  test("the engine starts from what the setup job has made", async () => {
    await setUp();
    engine = run("engine");
    await until(engineAnswers);
    await until(apiAnswers);
    expect(await engine.ends["free"]).toBe("exit code 0");
    expect(await engine.ends["trust"]).toBe("exit code 0");
  });

  const signIn = async (password: string) => {
    const response = await fetch(`${stage.url}/api/v1/users/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: variable(tasks.setup, "ADMIN_EMAIL"), password }),
    });
    return response.status;
  };

  test("the admin signs in with the password of Secrets Manager, also after it was changed; nobody signs up", async () => {
    const { value: first } = await stage.secret("admin-password");
    expect(await signIn(first)).toBe(200);
    await stage.setSecret("admin-password", newPassword());
    await setUp();
    expect(await signIn(first)).not.toBe(200);
    expect(await signIn((await stage.secret("admin-password")).value)).toBe(200);
    const register = await fetch(`${stage.url}/api/v1/users/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "x", email: "x@example.org", password: newPassword() }),
    });
    expect(register.status).toBeGreaterThanOrEqual(400);
  });

  test("steward and worker, as the fleet's tasks have them, compute an experiment from mailbox to store", async () => {
    run("steward");
    const manifest = await submit("first", 40);
    await until(async () => (await desiredWorkers()) > 0);
    worker = run("worker");
    await closed(manifest);
    expect(await countLedger(store, manifest)).toMatchObject({ done: 40, failed: 0, notRun: 0 });
    expect(await store.names(`experiments/${manifest.experiment}/`)).toContain("results.parquet");
  });

  test("an engine waits until the one before is dead, frees what it held, and goes on with its work", async () => {
    const next = run("engine");
    await until(() => next.printed().includes("waits for the end of an engine that is alive"));
    await Promise.all([
      (await engine.running("engine")).stop("SIGKILL", 0),
      (await engine.running("dashboard")).stop("SIGKILL", 0),
    ]);
    expect(await next.ends["free"]).toBe("exit code 0");
    expect(next.printed()).toContain("freed what a dead engine held");
    await until(engineAnswers);
    await worker.stop();
    worker = run("worker");
    const manifest = await submit("second", 20);
    await closed(manifest);
    expect(await countLedger(store, manifest)).toMatchObject({ done: 20, failed: 0, notRun: 0 });
  });
});
