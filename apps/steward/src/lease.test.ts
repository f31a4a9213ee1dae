/** The lease against the scheduler as moto has it: one schedule for each fleet, as a deploy makes them. */
import {
  CreateScheduleCommand,
  GetScheduleCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { startMoto, type Moto } from "@hatchery/moto";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openLease } from "./lease.ts";

let moto: Moto;
let scheduler: SchedulerClient;
beforeAll(async () => {
  moto = await startMoto();
  for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  scheduler = new SchedulerClient({});
}, 300_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await moto.stop();
});

const lines: string[] = [];
const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
const target = (service: string) => ({
  Arn: "arn:aws:scheduler:::aws-sdk:ecs:updateService",
  RoleArn: "arn:aws:iam::123456789012:role/lease",
  Input: JSON.stringify({ Cluster: "hatchery", Service: service, DesiredCount: 0 }),
  RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
});
const at = (date: Date) => `at(${date.toISOString().slice(0, 19)})`;
const hours = (count: number) =>
  new Date(Math.floor(Date.now() / 1_000) * 1_000 + count * 3_600_000);
const schedule = (Name: string) =>
  scheduler.send(new GetScheduleCommand({ GroupName: "default", Name }));

let stage = 0;
/** Schedules of two fleets whose lease ends then. */
async function makeSchedules(end: Date): Promise<string[]> {
  const names = [`stage-${++stage}-default`, `stage-${stage}-big`];
  for (const Name of names)
    await scheduler.send(
      new CreateScheduleCommand({
        GroupName: "default",
        Name,
        Description: `Sets ${Name} to zero`,
        ScheduleExpression: at(end),
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: target(Name),
      }),
    );
  return names;
}
const addressOf = (names: readonly string[]) => names.map((name) => `default/${name}`).join(",");
beforeEach(() => void (lines.length = 0));

test("work moves the end of every fleet's schedule on, and nothing else of it", async () => {
  const end = hours(1);
  const names = await makeSchedules(end);
  const lease = await openLease(addressOf(names), 12, logger);
  expect(lease.endsAt()).toEqual(end);
  await lease.renew();
  for (const name of names) {
    const found = await schedule(name);
    const left = Date.parse(`${found.ScheduleExpression!.slice(3, 22)}Z`) - Date.now();
    expect(Math.abs(left - 12 * 3_600_000)).toBeLessThan(60_000);
    expect(found).toMatchObject({
      Target: target(name),
      Description: `Sets ${name} to zero`,
      FlexibleTimeWindow: { Mode: "OFF" },
      State: "ENABLED",
    });
  }
});

test("the schedules are left alone until minutes have been used up", async () => {
  const [name] = await makeSchedules(hours(12));
  const lease = await openLease(addressOf([name!]), 12, logger);
  const before = await schedule(name!);
  await lease.renew();
  expect((await schedule(name!)).ScheduleExpression).toBe(before.ScheduleExpression);
});

test("a lease that is over says so, and work that comes then begins a new one", async () => {
  const names = await makeSchedules(hours(-1));
  const lease = await openLease(addressOf(names), 6, logger);
  expect(lease.isOver()).toBe(true);
  await lease.renew();
  expect(lease.isOver()).toBe(false);
  expect((await openLease(addressOf(names), 6, logger)).isOver()).toBe(false);
});

test("the end of a lease is that of its earliest schedule", async () => {
  const end = hours(1);
  const [early] = await makeSchedules(end);
  const [late] = await makeSchedules(hours(3));
  const lease = await openLease(addressOf([late!, early!]), 6, logger);
  expect(lease.endsAt()).toEqual(end);
});

test("schedules that are not there are told of, and no worker waits for them", async () => {
  const lease = await openLease("default/none-such", 6, logger);
  await lease.renew();
  expect(lease.endsAt()).toBeUndefined();
  expect(lease.isOver()).toBe(false);
  expect(lines.join("")).toContain("none-such");
});

test("a stage on this machine has no lease", async () => {
  const lease = await openLease("none", 6, logger);
  await lease.renew();
  expect(lease.endsAt()).toBeUndefined();
  expect(lease.isOver()).toBe(false);
});
