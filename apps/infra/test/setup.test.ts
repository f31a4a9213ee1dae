/** The setup job's containers, run as they are on a real Postgres, with their secrets in Secrets Manager. */
import { StageSettings, addresses, servingTokenId, tenant } from "@hatchery/config";
import { query } from "@hatchery/local";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StageOnThisMachine, standUp } from "./stage-on-this-machine.ts";
import { type StageTasks, taskDefinitions } from "./task-definitions.ts";
import { type Machine, runTask } from "./task-on-this-machine.ts";

const domain = { ROOT_DOMAIN: "example.org" };
let asIs: StageTasks;
let withDomain: StageTasks;
let withNewKeys: StageTasks;
let moto: Moto;
let stage: StageOnThisMachine;
let everythingPrinted = "";
beforeAll(async () => {
  asIs = await taskDefinitions("setup-test");
  withDomain = await taskDefinitions("setup-test", domain);
  withNewKeys = await taskDefinitions("setup-test", { OVERWRITE_CONFIG: "true" });
  moto = await startMoto();
  stage = await standUp(moto, "setup-test", "none");
});
afterAll(async () => {
  await stage?.tearDown();
  await moto?.stop();
});

/** Runs the job to its end; answers how it ended and what it printed. */
async function run({ setup } = asIs, machine: Partial<Machine> = {}) {
  const task = runTask(setup, { ...stage.machine, ...machine });
  const ended = await task.ends["set-up"];
  everythingPrinted += task.printed();
  return { ended, printed: task.printed() };
}

async function setUp(...how: Parameters<typeof run>): Promise<void> {
  const { ended, printed } = await run(...how);
  if (ended !== "exit code 0") throw new Error(`The setup job ended with ${ended}:\n${printed}`);
}

const kept = async () => ({
  keys: await stage.secret("engine-keys"),
  token: await stage.secret("worker-token"),
});

/** The addresses in the token, if it serves. */
const serves = (token: string, given: Readonly<Record<string, string>> = {}) => {
  const { internalServerUrl, internalGrpcBroadcastAddress, ...external } = addresses(
    stage.stage,
    StageSettings.parse(given),
  );
  const named = {
    SERVER_URL: external.externalServerUrl ?? stage.local(internalServerUrl),
    SERVER_GRPC_BROADCAST_ADDRESS:
      external.externalGrpcBroadcastAddress ?? stage.local(internalGrpcBroadcastAddress),
  };
  return servingTokenId(token, named, new Date()) !== undefined;
};

const tokensKnown = async () =>
  (await query(stage.databaseUrl, 'select 1 from "APIToken" where not internal')).length;

test("five setups at once make one tenant, one set of keys and one token", async () => {
  await Promise.all(Array.from({ length: 5 }, () => setUp()));
  expect(
    await query(stage.databaseUrl, 'select id, slug from "Tenant" where slug = $1', ["default"]),
  ).toEqual([{ id: tenant, slug: "default" }]);
  expect(
    await query(
      stage.databaseUrl,
      'select email, role from "User" u join "TenantMember" on "userId" = u.id',
    ),
  ).toEqual([{ email: "hatchet@example.com", role: "OWNER" }]);
  expect(await tokensKnown()).toBe(1);
  expect(serves((await kept()).token.value)).toBe(true);
});

test("a setup after the first changes nothing", async () => {
  const before = await kept();
  await setUp();
  expect(await kept()).toEqual(before);
  expect(await tokensKnown()).toBe(1);
});

test("another address makes a new token with the same keys, and its domain's admin a member", async () => {
  const before = await kept();
  await setUp(withDomain);
  const after = await kept();
  expect(after.keys).toEqual(before.keys);
  expect(serves(after.token.value)).toBe(false);
  expect(serves(after.token.value, domain)).toBe(true);
  expect(
    await query(
      stage.databaseUrl,
      'select email from "User" u join "TenantMember" on "userId" = u.id order by 1',
    ),
  ).toEqual([{ email: "hatchet@example.com" }, { email: "hatchet@example.org" }]);
  await setUp();
  expect(serves((await kept()).token.value)).toBe(true);
});

test("another generation makes new keys and a token signed with them, once", async () => {
  const before = await kept();
  await setUp(withNewKeys);
  const after = await kept();
  expect(after.keys.value).not.toBe(before.keys.value);
  expect(after.token.value).not.toBe(before.token.value);
  await setUp(withNewKeys);
  await setUp();
  expect(await kept()).toEqual(after);
});

test("a token that the database does not know, or knows as revoked, is replaced", async () => {
  const before = await kept();
  await query(stage.databaseUrl, 'update "APIToken" set revoked = true');
  await setUp();
  const after = await kept();
  expect(after.keys).toEqual(before.keys);
  expect(after.token.value).not.toBe(before.token.value);
});

test("a setup that is killed leaves the way free for the next", async () => {
  const task = runTask(asIs.setup, stage.machine);
  await (await task.running("set-up")).stop("SIGKILL", 0);
  expect((await run()).ended).toBe("exit code 0");
});

test("a database that somebody else signed for is not talked to", async () => {
  // Amazon's certificates of the region, as on AWS.
  const environment = { ...stage.machine.environment, DATABASE_CERTIFICATES: "" };
  const { ended, printed } = await run(asIs, { environment });
  expect(ended).toBe("exit code 6");
  expect(printed).toContain("The engine's database does not answer: unable to verify");
});

test("no secret was printed", async () => {
  const { keys, token } = await kept();
  const password = /:\/\/[^:]+:([^@]+)@/.exec(stage.databaseUrl)![1]!;
  const secret = [
    token.value,
    password,
    (await stage.secret("admin-password")).value,
    ...Object.values(JSON.parse(keys.value) as Record<string, string>),
  ].filter((value) => value.length > 12);
  expect(everythingPrinted).toContain("the stage is set up");
  expect(secret.filter((value) => everythingPrinted.includes(value))).toEqual([]);
});
