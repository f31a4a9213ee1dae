import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpuChoices, memoryChoices } from "./fargate.ts";
import { hourlyCost, prices, workerHourUsd } from "./prices.ts";
import { StageSettings } from "./stage-settings.ts";

const cost = (input: Record<string, string>) => hourlyCost(StageSettings.parse(input));
const whats = (input: Record<string, string>) => cost(input).lines.map((line) => line.what);

describe("what a stage costs", () => {
  test("the small stage costs what the design reckons, about 0.15 USD an hour and no worker", () => {
    expect(cost({ NAT_INSTANCE: "true" }).idleUsd).toBeCloseTo(0.181, 3);
  });

  test("5,000 vCPU of Spot cost about 74 USD an hour, on demand about 247", () => {
    const fleet = { WORKER_MAX: "1250", NAT_INSTANCE: "true" };
    const workers = (input: Record<string, string>) =>
      cost({ ...fleet, ...input }).lines.find((line) => line.what === "workers")?.atMaxUsd;
    expect(workers({})).toBeCloseTo(74.3, 1);
    expect(workers({ WORKER_SPOT: "false" })).toBeCloseTo(246.9, 1);
    expect(workers({ WORKER_SPOT: "false", WORKER_ARCHITECTURE: "arm64" })).toBeCloseTo(197.5, 1);
  });

  test("the lines add up, and more workers never cost less", () => {
    fc.assert(
      fc.property(
        fc.record({
          PROFILE: fc.constantFrom("small", "medium", "large"),
          WORKER_CPU: fc.constantFrom(...cpuChoices),
          WORKER_MAX: fc.integer({ min: 10, max: 900 }).map(String),
          WORKER_MIN: fc.integer({ min: 0, max: 10 }).map(String),
          WORKER_ON_DEMAND_PERCENT: fc.integer({ min: 0, max: 100 }).map(String),
          ROOT_DOMAIN: fc.constantFrom("", "acmelab.com"),
          NAT_GATEWAY: fc.constantFrom("true", "false"),
        }),
        (input) => {
          const all = cost(input);
          const sum = (pick: "idleUsd" | "atMaxUsd") =>
            all.lines.reduce((total, line) => total + line[pick], 0);
          expect(all.idleUsd).toBeCloseTo(sum("idleUsd"), 9);
          expect(all.atMaxUsd).toBeCloseTo(sum("atMaxUsd"), 9);
          expect(all.atMaxUsd).toBeGreaterThanOrEqual(all.idleUsd);
          expect(all.lines.every((line) => line.idleUsd >= 0 && line.why !== "")).toBe(true);
        },
      ),
    );
  });

  test.for([
    ["NAT_GATEWAY", "true", "NAT gateways"],
    ["NAT_INSTANCE", "true", "NAT instances"],
    ["ENGINE_PRIVATE_SUBNET", "true", "interface endpoints"],
    ["ENGINE_PRIVATE_SUBNET", "false", "public addresses"],
    ["BASTION_ENABLED", "true", "bastion"],
    ["ROOT_DOMAIN", "acmelab.com", "load balancer"],
    ["BROKER_INSTANCE_TYPE", "mq.m7g.medium", "broker"],
    ["DB_STORAGE", "200 GB", "database storage"],
    ["FLEETS", '[{"name":"big","cpu":"16 vCPU","max":1}]', 'workers of fleet "big"'],
  ] as const)("%s=%s has its line: %s", ([name, value, what]) => {
    expect(whats({ [name]: value })).toContain(what);
  });

  test("every broker and every size of a task has a price", () => {
    for (const broker of Object.keys(prices.brokerHour))
      expect(
        cost({ BROKER_INSTANCE_TYPE: broker, BROKER_VERSION: "3.13" }).idleUsd,
      ).toBeGreaterThan(0);
    for (const WORKER_CPU of cpuChoices)
      for (const WORKER_MEMORY of memoryChoices(WORKER_CPU))
        expect(workerHourUsd(StageSettings.parse({ WORKER_CPU, WORKER_MEMORY }))).toBeGreaterThan(
          0,
        );
  });

  test("a database without a known price is said not to be counted", () => {
    expect(cost({ DB_INSTANCE_TYPE: "x2g.large" }).notCounted[0]).toContain('"x2g.large"');
    expect(whats({ DB_INSTANCE_TYPE: "x2g.large" })).not.toContain("database");
  });

  test("an on-demand share makes a Spot worker dearer in proportion", () => {
    const worker = (percent: string) =>
      workerHourUsd(StageSettings.parse({ WORKER_ON_DEMAND_PERCENT: percent }));
    expect(worker("50")).toBeCloseTo((worker("0") + worker("100")) / 2, 9);
    expect(worker("100")).toBeCloseTo(
      workerHourUsd(StageSettings.parse({ WORKER_SPOT: "false" })),
      9,
    );
  });
});
