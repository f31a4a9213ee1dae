/** What a deploy will make, what that costs and what limits it, in lines to read before it begins. */
import {
  type HourlyCost,
  type StageSettings,
  fleets,
  hourlyCost,
  hoursPerMonth,
  mostWorkersOf,
  networkMode,
  pricesAsOf,
  pricesRegion,
  workerAddresses,
} from "@hatchery/config";

const usd = (amount: number) => `${amount.toFixed(3)} USD`;

export function standingLines(stage: string, settings: StageSettings, region: string): string[] {
  const cost = hourlyCost(settings);
  const width = Math.max(...cost.lines.map((line) => line.what.length));
  const elsewhere = region === pricesRegion ? "" : `; other regions, such as ${region}, differ`;
  return [
    `Stage "${stage}" in ${region} will stand as:`,
    "",
    `  ${"".padEnd(width)}  ${"USD an hour".padEnd(priceWidth)}`,
    ...cost.lines.map(
      (line) =>
        `  ${line.what.padEnd(width)}  ${price(line.idleUsd, line.atMaxUsd).padEnd(priceWidth)}  ${line.why}`,
    ),
    "",
    `It costs ${costText(cost)}.`,
    `List prices of ${pricesRegion} of ${pricesAsOf}${elsewhere}. Not counted:`,
    ...cost.notCounted.map((each) => `  - ${each}`),
  ];
}

/** The same words before a deploy and after it. */
export function costText({ idleUsd, atMaxUsd }: Pick<HourlyCost, "atMaxUsd" | "idleUsd">): string {
  const longer = `${(idleUsd * 24).toFixed(2)} USD a day, ${(idleUsd * hoursPerMonth).toFixed(0)} USD a month`;
  return idleUsd === atMaxUsd
    ? `${usd(idleUsd)} an hour, with or without work (${longer})`
    : `${usd(idleUsd)} an hour without work (${longer}), and up to ${usd(atMaxUsd)} an hour with every worker`;
}

const priceWidth = 15;

function price(idleUsd: number, atMaxUsd: number): string {
  return idleUsd === atMaxUsd ? idleUsd.toFixed(4) : `${idleUsd.toFixed(3)}…${atMaxUsd.toFixed(3)}`;
}

/** ECS starts no more tasks of one service in a minute (ECS service quotas, not adjustable). */
const startsPerMinute = 500;

export function limitLines(settings: StageSettings): string[] {
  const all = fleets(settings);
  const cores = all.reduce((sum, fleet) => sum + fleet.max * fleet.slotsPerWorker, 0);
  const most = mostWorkersOf(settings);
  const addresses = workerAddresses(settings);
  return [
    `${most.toLocaleString("en")} workers with ${cores.toLocaleString("en")} simulations at a time: WORKER_COUNT, WORKER_MAX, FLEETS`,
    ...(most === 0
      ? []
      : [
          `${startsPerMinute} workers started in a minute, by AWS: it takes ${Math.max(1, Math.ceil(most / startsPerMinute))} min at least until all are there`,
        ]),
    ...(addresses === undefined
      ? ["as many workers as VPC_ID's subnets have free addresses"]
      : [
          `${addresses.toLocaleString("en")} addresses for workers on ${networkMode(settings) === "public" ? "public" : "private"} subnets: AZ_COUNT`,
        ]),
    ...(settings.ENGINE_MAX_TASKS_PER_DAY === undefined
      ? []
      : [
          `${settings.ENGINE_MAX_TASKS_PER_DAY.toLocaleString("en")} chunks a day: ENGINE_MAX_TASKS_PER_DAY`,
        ]),
    `${settings.LEASE_HOURS} h after the last work every fleet is set to zero: LEASE_HOURS`,
  ];
}
