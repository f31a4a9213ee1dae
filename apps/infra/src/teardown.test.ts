import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CreateLogGroupCommand, CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { CreateDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { UserError, storeAddress } from "@hatchery/config";
import { activeKey, openMailbox, openStore } from "@hatchery/experiment";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ensureStore } from "./account/ensure-store.ts";
import { type Work, drain, findWork } from "./account/running.ts";

const place = { accountId: "123456789012", region: "eu-central-1" };
const experiment = "building-energy/20261121-093000-k3f9";
let moto: Moto;

beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  await ensureStore(place, { STORE_RETENTION_DAYS: undefined });
}, 300_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});

/** The program, with a PATH that has no `sst`: what comes to the removal says so, and removes nothing. */
async function teardown(words: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "teardown.ts"), ...words], {
    env: { PATH: "/nowhere", ...moto.environment, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [said, out, code] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { said, out, code, cameToRemoval: said.includes('"sst" was not found') };
}

const mailboxOf = async (stage: string) => {
  const { QueueUrl = "" } = await new SQSClient({}).send(
    new CreateQueueCommand({ QueueName: `hatchery-${stage}-mailbox` }),
  );
  return QueueUrl;
};

describe("a teardown", () => {
  test("of a stage at work is refused, naming what runs and how to wait or stop", async () => {
    const store = await openStore(storeAddress(place));
    await store.create(activeKey("busy", experiment), "");
    const refused = await teardown(["--stage", "busy"]);
    expect(refused.code).toBe(1);
    expect(refused.cameToRemoval).toBe(false);
    expect(refused.said).toContain(`Stage "busy" is at work: ${experiment}.`);
    expect(refused.said).toContain("--drain");
    expect((await teardown(["--stage", "idle"])).cameToRemoval).toBe(true);
    expect((await teardown(["--stage", "busy", "--force"])).cameToRemoval).toBe(true);
  });

  test("with a request that nobody has taken yet is refused", async () => {
    const mailbox = await openMailbox(await mailboxOf("asked"));
    await mailbox.post({ kind: "submit", experiment });
    const refused = await teardown(["--stage", "asked"]);
    expect(refused.said).toContain("at work: 1 request in the mailbox.");
    expect(refused.cameToRemoval).toBe(false);
  });

  test("of a permanent stage wants its name", async () => {
    const permanent = { PERMANENT: "true" };
    const unasked = await teardown(["--stage", "kept"], permanent);
    expect(unasked).toMatchObject({ code: 2, cameToRemoval: false });
    expect(unasked.said).toContain("--yes kept");
    const wrong = await teardown(["--stage", "kept", "--yes", "kep"], permanent);
    expect(wrong).toMatchObject({ code: 2, cameToRemoval: false });
    expect((await teardown(["--stage", "production"])).cameToRemoval).toBe(false);
    expect((await teardown(["--stage", "kept", "--yes", "kept"], permanent)).cameToRemoval).toBe(
      true,
    );
  });

  test("ends the protection of a permanent stage's database, and only after its name was said", async () => {
    const rds = new RDSClient({});
    const { DBInstance } = await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: "hatchery-guarded",
        DBInstanceClass: "db.t4g.medium",
        Engine: "postgres",
        AllocatedStorage: 100,
        MasterUsername: "hatchery",
        MasterUserPassword: "not-a-real-one",
        DeletionProtection: true,
      }),
    );
    expect(DBInstance?.DeletionProtection).toBe(true);
    const listed = async () => (await teardown(["--stage", "guarded", "--list"])).said;
    await teardown(["--stage", "guarded"], { PERMANENT: "true" });
    expect(await listed()).toContain("deletion protection is on");
    await teardown(["--stage", "guarded", "--yes", "guarded"], { PERMANENT: "true" });
    expect(await listed()).not.toContain("deletion protection is on");
  });

  test("--list says what is there, what it costs, and exits 1 for what is not meant to stay", async () => {
    const clean = await teardown(["--stage", "gone", "--list"]);
    expect(clean.code).toBe(0);
    expect(clean.said).toContain('Nothing of stage "gone" is left in eu-central-1');
    expect(clean.said).toContain("hatchery-123456789012-eu-central-1");
    await new CloudWatchLogsClient({}).send(
      new CreateLogGroupCommand({ logGroupName: "/hatchery/gone/engine" }),
    );
    const left = await teardown(["--stage", "gone", "--list"]);
    expect(left.code).toBe(1);
    expect(left.said).toContain('1 thing of stage "gone" in eu-central-1 costs 0.00 USD a month');
    const { code, out } = await teardown(["--stage", "gone", "--list", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      stage: "gone",
      region: "eu-central-1",
      unseen: [],
      found: expect.arrayContaining([
        expect.objectContaining({ kind: "log group", name: "/hatchery/gone/engine" }),
      ]),
    });
  });

  test.for([
    [["--stage", "x", "--drian"]],
    [["--stage", "x", "--patience", "long"]],
    [["--stage", "x", "--json"]],
    [[]],
    [["--stage", "local"]],
  ])("refuses %j as wrong usage", async ([words = []]) => {
    const { cameToRemoval, code } = await teardown(words);
    expect({ cameToRemoval, code }).toEqual({ cameToRemoval: false, code: 2 });
  });
});

describe("draining", () => {
  test("cancels what runs by the mailbox and waits until the steward has closed it", async () => {
    const store = await openStore(storeAddress(place));
    const url = await mailboxOf("draining");
    const mailbox = await openMailbox(url);
    await store.create(activeKey("draining", experiment), "");
    const seen: Work[] = [];
    const drained = drain("draining", place, {
      minutes: 1,
      lookEveryMs: 50,
      onChange: (work) => seen.push(work),
    });
    // The steward's part: it takes the request, and closes the experiment once its chunks are back.
    const [delivery] = await mailbox.take();
    expect(delivery?.message).toEqual({ kind: "cancel", experiment });
    expect((await findWork("draining", place)).experiments).toEqual([experiment]);
    await store.remove(activeKey("draining", experiment));
    await delivery?.done();
    await drained;
    expect(seen[0]?.experiments).toEqual([experiment]);
    expect(await findWork("draining", place)).toEqual({ experiments: [], requests: 0 });
  });

  test("gives up where no steward answers, and says that everything can be resumed", async () => {
    const store = await openStore(storeAddress(place));
    await mailboxOf("dead");
    await store.create(activeKey("dead", experiment), "");
    const attempt = drain("dead", place, { minutes: 0.001, lookEveryMs: 50, onChange: () => {} });
    const failure = await attempt.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toContain("The steward may be dead");
    expect((failure as UserError).hint).toContain("--force");
  });
});
