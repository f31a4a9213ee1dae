/**
 * The wiring for real: what the task definitions say is run on this machine, from the setup job to an experiment's last
 * result. Database, broker, engine, worker and steward are the real ones; AWS is moto; we are ECS.
 */
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import {
  StageSettings,
  engineVersion,
  hatcheryVersion,
  sdkVersion,
  storeAddress,
  storeBucket,
} from "@hatchery/config";
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
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type StageOnThisMachine, standUp, until as untilTrue } from "./stage-on-this-machine.ts";
import { place, rehearsedDefinitions, taskDefinitions } from "./task-definitions.ts";
import { type RunningTask, runTask } from "./task-on-this-machine.ts";

const brokers = [
  ["Postgres", "none", {}],
  ["RabbitMQ", "rabbitmq", { BROKER_INSTANCE_TYPE: "mq.m7g.medium" }],
] as const;

describe.each(brokers)("with %s as the queue", (_name, broker, given) => {
  const name = `wiring-${broker}`;
  const tasks = rehearsedDefinitions() ?? taskDefinitions(name, StageSettings.parse(given));
  const ecs = () => new ECSClient();
  const service = { cluster: `hatchery-${name}`, service: "fleet-default" };
  const started: RunningTask[] = [];
  let stage: StageOnThisMachine;
  let store: Store;
  let mailbox: Mailbox;

  const run = (which: keyof typeof tasks) => {
    const task = runTask(tasks[which], stage.machine);
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
    stage = await standUp(name, broker);
    const LocationConstraint = place.region;
    await new S3Client({ forcePathStyle: true }).send(
      new CreateBucketCommand({
        Bucket: storeBucket(place),
        CreateBucketConfiguration: { LocationConstraint },
      }),
    );
    const { QueueUrl } = await new SQSClient().send(
      new CreateQueueCommand({ QueueName: `hatchery-${name}-mailbox` }),
    );
    await ecs().send(new CreateClusterCommand({ clusterName: service.cluster }));
    // Only its count is of interest: we start its tasks.
    const { taskDefinition } = await ecs().send(
      new RegisterTaskDefinitionCommand({
        family: service.service,
        containerDefinitions: [{ name: "worker", image: "worker", memory: 512 }],
      }),
    );
    await ecs().send(
      new CreateServiceCommand({
        cluster: service.cluster,
        serviceName: service.service,
        taskDefinition: taskDefinition!.taskDefinitionArn!,
        desiredCount: 0,
      }),
    );
    store = await openStore(storeAddress(place));
    mailbox = await openMailbox(QueueUrl!);
  });
  afterAll(async () => {
    await Promise.all(started.map((task) => task.stop()));
    await stage?.tearDown();
  });

  async function submit(id: string, simulations: number): Promise<Manifest> {
    const model = models["pi"]!;
    const design = { kind: "random", simulations } as const;
    const manifest = Manifest.parse({
      format: 1,
      experiment: `pi/${id}`,
      model: model.name,
      stage: name,
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

  const desiredWorkers = async () =>
    (
      await ecs().send(
        new DescribeServicesCommand({ cluster: service.cluster, services: [service.service] }),
      )
    ).services?.[0]?.desiredCount;

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
      body: JSON.stringify({ email: "hatchet@example.com", password }),
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
    const manifest = await submit("first", 200);
    await until(async () => (await desiredWorkers()) === 1);
    worker = run("worker");
    await closed(manifest);
    expect(await countLedger(store, manifest)).toMatchObject({ done: 200, failed: 0, notRun: 0 });
    expect(await store.names(`experiments/${manifest.experiment}/`)).toContain("results.parquet");
  });

  test("an engine waits until the one before is dead, and then has its work within seconds", async () => {
    const next = run("engine");
    let isFree = false;
    void next.ends["free"]!.then(() => (isFree = true));
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(isFree).toBe(false);

    await Promise.all([
      (await engine.running("engine")).stop("SIGKILL", 0),
      (await engine.running("dashboard")).stop("SIGKILL", 0),
    ]);
    expect(await next.ends["free"]).toBe("exit code 0");
    await until(engineAnswers);
    await worker.stop();
    worker = run("worker");
    const manifest = await submit("second", 20);
    const submitted = performance.now();
    await closed(manifest);
    // 61 s while what a dead engine holds is not freed (docs of freeWhatItHolds).
    expect((performance.now() - submitted) / 1_000).toBeLessThan(45);
    expect(await countLedger(store, manifest)).toMatchObject({ done: 20, failed: 0, notRun: 0 });
  });
});
