/**
 * A deployed stage without an account: the real engine, steward and worker with a bucket and a queue, as their task
 * definitions give them, on moto's AWS; and the CLI, which is told of them by the stage's parameter alone.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CreateScheduleCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import {
  StackOutputs,
  addresses,
  engineVersion,
  hatcheryVersion,
  sdkVersion,
  stackOutputsParameter,
  storeBucket,
} from "@hatchery/config";
import { startLocalStage, stopLocalStage } from "@hatchery/local";
import { startMoto, type Moto } from "@hatchery/moto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pointFile } from "../../worker/test/faulty-models.ts";
import { createMachine, faultyModels, points, submit, type Machine } from "./command.ts";

const stage = "cloud";
const region = "eu-central-1";
// The account that moto plays.
const bucket = storeBucket({ accountId: "123456789012", region });
const store = `s3://${bucket}`;

let home: string;
let moto: Moto;
let machine: Machine;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "hatchery-deployed-"));
  moto = await startMoto();
  Object.assign(process.env, moto.environment);
  const LocationConstraint = region;
  await new S3Client().send(
    new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint } }),
  );
  const queue = await new SQSClient().send(new CreateQueueCommand({ QueueName: "mailbox" }));
  const mailbox = queue.QueueUrl!;
  await putOutputs(mailbox);

  // As infra puts it into the tasks; the rest, how to reach the engine, is the stage's own.
  const lease = { LEASE: await createLease(), LEASE_HOURS: "3" };
  const given = { ...moto.environment, STAGE: stage, STORE: store, MAILBOX: mailbox, ...lease };
  const task = (app: "steward" | "worker") => [
    "/usr/bin/env",
    ...Object.entries(given).map(([name, value]) => `${name}=${value}`),
    process.execPath,
    fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url)),
  ];
  await startLocalStage({
    stage: "local",
    home,
    settings: {
      broker: "none",
      fleets: [{ name: "default", min: 0, max: 2, pin: 1, slotsPerWorker: 2 }],
      modelsModule: faultyModels,
    },
    programs: { worker: task("worker"), steward: task("steward") },
  });
  machine = createMachine({ ...moto.environment, MODELS_MODULE: faultyModels, SST_STAGE: stage });
}, 900_000);
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await stopLocalStage({ stage: "local", home });
  await moto?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** As infra makes it, in an hour: whatever is asked for moves it on. */
async function createLease(): Promise<string> {
  const end = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19);
  await new SchedulerClient().send(
    new CreateScheduleCommand({
      Name: "lease",
      ScheduleExpression: `at(${end})`,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: "arn:aws:scheduler:::aws-sdk:ecs:updateService",
        RoleArn: "arn:aws:iam::123456789012:role/lease",
      },
    }),
  );
  return "default/lease";
}

async function putOutputs(mailbox: string): Promise<void> {
  const fleet = { name: "default", cluster: "hatchery-cloud", service: "workers" };
  const outputs = StackOutputs.parse({
    stage,
    region,
    store,
    mailbox,
    EngineAddresses: addresses(stage, { ROOT_DOMAIN: undefined }),
    fleets: [{ ...fleet, min: 0, max: 2, slotsPerWorker: 2 }],
    leaseSchedule: "hatchery-cloud/default",
    versions: { hatchery: hatcheryVersion, engine: engineVersion, sdk: sdkVersion },
  });
  await new SSMClient().send(
    new PutParameterCommand({
      Name: stackOutputsParameter(stage),
      Type: "String",
      Value: JSON.stringify(outputs),
    }),
  );
}

const hatchery = (...words: string[]) => machine.hatchery(...words);
async function json<T>(...words: string[]): Promise<T> {
  const { out, talk } = await hatchery(...words, "--json");
  if (out === "") throw new Error(talk);
  return JSON.parse(out) as T;
}

let experiment: string;
test("an experiment is submitted, followed and queried by its bucket and its queue", async () => {
  experiment = await submit(machine, ...points(200), "--set", "faults=3:throw");
  const watched = await hatchery("watch", experiment);
  expect(watched.code, watched.talk).toBe(1);
  expect(watched.out).toContain(`${store}/experiments/${experiment}/results.parquet`);

  const sql = "select count(*), sum(value - 2 * point) from results";
  expect(await json("results", experiment, "--sql", sql)).toMatchObject({ rows: [[199, 0]] });
  const { out: path } = await hatchery("results", experiment, "--path");
  expect(path.startsWith(join(machine.home, "downloads", bucket))).toBe(true);
  expect(readFileSync(path.trim()).subarray(0, 4).toString()).toBe("PAR1");
  expect(await json("verify", experiment)).toMatchObject({ done: 199, failed: 1, ok: true });
  expect(await json<unknown[]>("list")).toMatchObject([{ experiment, stage, state: "completed" }]);
  const status = await json<{ leaseEndsAt: string }>("status");
  expect(status).toMatchObject({ up: true, state: { region, store }, active: [] });
  expect(status).toMatchObject({ fleets: [{ name: "default", running: 1, desired: 1, max: 2 }] });
  // The submit moved it on.
  expect(Date.parse(status.leaseEndsAt) - Date.now()).toBeGreaterThan(2.5 * 3_600_000);
  expect((await hatchery("status")).out).toMatch(/fleet +default: 1 of 1.*\n +lease +until .* UTC/);
}, 240_000);

test("what failed is run again, and one simulation is replayed here, with input files and returned files in the bucket", async () => {
  const file = join(home, "there");
  const faults = ["--set", "faults=5:file", "--set", `file=${file}`];
  const words = join(home, "words.txt");
  // Another text each time: no copy of it can be on this machine already.
  const said = randomUUID();
  writeFileSync(words, said);
  const filing = [...points(40).with(0, "filing"), "--input", `words=${words}`];
  const ran = await hatchery("run", ...filing, ...faults, "--json");
  expect(ran.code, ran.talk).toBe(1);
  rmSync(words);
  const answer = JSON.parse(ran.out) as { experiment: string };
  expect(answer).toMatchObject({ stage, done: 39, failed: 1 });
  expect((await hatchery("replay", answer.experiment, "5")).code).toBe(0);
  writeFileSync(file, "");
  const retried = await hatchery("retry", answer.experiment, "--failed", "--json");
  expect(retried.code, retried.talk).toBe(0);
  expect(JSON.parse(retried.out)).toMatchObject({ done: 40, failed: 0 });
  const sql = `select count(*) from results where said = '${said}'`;
  expect(await json("results", answer.experiment, "--sql", sql)).toMatchObject({ rows: [[40]] });
  await expectFiles(answer.experiment);
  expect(await json("diff", answer.experiment, answer.experiment)).toMatchObject({ equal: true });
}, 240_000);

/** Fetched from the packs in the bucket; then one of them is damaged there, and `verify` says whose files that were. */
async function expectFiles(filed: string): Promise<void> {
  const folder = join(home, "fetched");
  const fetched = await hatchery("files", filed, "--out", folder);
  expect(fetched.code, fetched.talk).toBe(0);
  for (let point = 0; point < 40; point++)
    expect(readFileSync(join(folder, String(point), "point.bin"))).toEqual(pointFile(point, 1_000));
  expect(await json<{ files: unknown[] }>("files", filed)).toMatchObject({
    files: { length: 40 + 20 },
  });
  expect(await json("verify", filed)).toMatchObject({ done: 40, ok: true });

  const s3 = new S3Client();
  const Prefix = `experiments/${filed}/parts/`;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
  const pack = Contents.find(({ Key }) => Key!.endsWith(".tar"))!.Key!;
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: pack }));
  const { ok, problems } = await json<{ ok: boolean; problems: string[] }>("verify", filed);
  expect(ok).toBe(false);
  expect(problems).toEqual([expect.stringContaining(`${pack} is gone: files of simulations`)]);
}

test("an experiment is cancelled, and the fleet is asked for another size", async () => {
  const long = await submit(machine, ...points(5_000), "--set", "milliseconds=20");
  expect((await hatchery("cancel", long)).code).toBe(0);
  const watched = await hatchery("watch", long);
  expect(watched.code, watched.talk).toBe(1);
  const { done, notRun } = await json<{ done: number; notRun: number }>("verify", long);
  expect(done + notRun).toBe(5_000);
  expect(notRun).toBeGreaterThan(0);

  expect((await hatchery("fleet", "scale", "2")).code).toBe(0);
  let running = 0;
  for (let look = 0; look < 60 && running < 2; look++)
    running = (await json<{ fleets: { running: number }[] }>("fleet")).fleets[0]!.running;
  expect(running).toBe(2);
}, 240_000);

test("commands for a stage on this machine say what there is instead", async () => {
  const answers = { up: "pnpm deploy --filter infra", down: "run teardown", logs: "aws logs tail" };
  for (const [command, instead] of Object.entries(answers)) {
    const { code, talk } = await hatchery(command);
    expect(code).toBe(2);
    expect(talk).toContain(instead);
  }
});

test("after a teardown what is stored can be read, and nothing can be asked for", async () => {
  await new SSMClient().send(new DeleteParameterCommand({ Name: stackOutputsParameter(stage) }));
  const sql = "select count(*) from results";
  const answer = await hatchery("results", experiment, "--sql", sql, "--json");
  expect(JSON.parse(answer.out)).toMatchObject({ rows: [[199]] });
  expect(answer.talk).toContain(`The stage "${stage}" does not stand in ${region}`);
  expect(await json("verify", experiment)).toMatchObject({ ok: true });
  expect(await json<unknown[]>("list")).toHaveLength(3);
  expect((await hatchery("replay", experiment, "7")).code).toBe(0);
  expect(await json("status")).toMatchObject({ up: false });

  const before = await json<unknown[]>("list");
  for (const words of [
    ["submit", ...points(10)],
    ["run", ...points(10)],
    ["retry", experiment, "--failed"],
    ["fleet", "scale", "1"],
  ]) {
    const { code, talk } = await hatchery(...words);
    expect(code, words.join(" ")).toBe(5);
    expect(talk).toContain(`SST_STAGE=${stage} pnpm deploy --filter infra`);
  }
  expect(await json<unknown[]>("list")).toEqual(before);
}, 120_000);

test("credentials and region that do not fit are said in words, with the exit code of the table", async () => {
  const without = { ...moto.environment, AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  await using stranger = createMachine({ ...without, SST_STAGE: stage });
  const refused = await stranger.hatchery("list");
  expect(refused.code).toBe(4);
  expect(refused.talk).toContain("there are no AWS credentials");
  expect(refused.talk).toContain("aws sso login");

  await using elsewhere = createMachine({ ...moto.environment, AWS_REGION: "us-west-2" });
  const other = await elsewhere.hatchery("list", "--stage", stage);
  expect(other.code).toBe(5);
  expect(other.talk).toContain("us-west-2");

  await using nowhere = createMachine({ ...moto.environment, AWS_REGION: "" });
  const none = await nowhere.hatchery("list", "--stage", stage);
  expect(none.code).toBe(3);
  expect(none.talk).toContain("AWS_REGION");
  expect(existsSync(join(nowhere.home, "downloads"))).toBe(false);
}, 60_000);
