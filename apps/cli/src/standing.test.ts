import { expect, test } from "vitest";
import type { StageFleets } from "@hatchery/experiment";
import { standingJson, standingLines } from "./standing.ts";

const fleet = { min: 0, max: 50, slotsPerWorker: 4, workerHourUsd: 0.06, labels: {} };
const known: StageFleets = {
  stage: "mystage",
  updatedAt: "2026-11-21T16:00:00.000Z",
  leaseEndsAt: "2026-11-21T19:30:00.000Z",
  fleets: [
    { ...fleet, name: "default", desired: 12, running: 3 },
    { ...fleet, name: "big", desired: 0, running: 0 },
  ],
};
const at = (time: string) => new Date(`2026-11-21T${time}Z`);

test("a stage's workers and the end of its lease are a line each", () => {
  expect(standingLines(known, at("16:30:00"))).toEqual([
    "  fleet    default: 3 of 12 workers, at most 50",
    "  fleet    big: 0 of 0 workers, at most 50",
    "  lease    until 2026-11-21 19:30 UTC, 3.0 h from now: work moves that on",
  ]);
  expect(standingLines(known, at("19:30:00")).at(-1)).toBe(
    "  lease    over since 2026-11-21 19:30 UTC: no worker stands until there is work",
  );
});

test("a stage without a lease has no line for it, and null for scripts", () => {
  const { leaseEndsAt: _, ...without } = known;
  expect(standingLines(without, at("16:30:00"))).toHaveLength(2);
  expect(standingJson(without).leaseEndsAt).toBeNull();
  expect(standingJson(known)).toMatchObject({
    leaseEndsAt: known.leaseEndsAt,
    fleets: [{ name: "default", running: 3, desired: 12, max: 50 }, { name: "big" }],
  });
  expect(standingJson(undefined)).toEqual({ fleets: [], leaseEndsAt: null });
});
