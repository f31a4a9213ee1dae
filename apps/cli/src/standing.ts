/** With how many workers a stage stands, and until when, in short: what its steward last wrote. `fleet` says more. */
import type { StageFleets } from "@hatchery/experiment";
import { count, duration } from "./progress-line.ts";

/** The keys are a contract with scripts. */
export function standingJson(fleets: StageFleets | undefined) {
  return {
    fleets: (fleets?.fleets ?? []).map(({ name, running, desired, max }) => ({
      name,
      running,
      desired,
      max,
    })),
    leaseEndsAt: fleets?.leaseEndsAt ?? null,
  };
}

export function standingLines(known: StageFleets | undefined, now: Date): string[] {
  if (known === undefined) return ["  fleet    nothing heard of the steward yet"];
  const { fleets, leaseEndsAt } = known;
  return [
    ...fleets.map(
      ({ name, running, desired, max }) =>
        `  fleet    ${name}: ${count(running)} of ${count(desired)} workers, at most ${count(max)}`,
    ),
    ...(leaseEndsAt === undefined ? [] : [`  lease    ${leaseText(leaseEndsAt, now)}`]),
  ];
}

function leaseText(endsAt: string, now: Date): string {
  const seconds = (Date.parse(endsAt) - now.getTime()) / 1_000;
  const at = `${endsAt.slice(0, 16).replace("T", " ")} UTC`;
  return seconds > 0
    ? `until ${at}, ${duration(seconds)} from now: work moves that on`
    : `over since ${at}: no worker stands until there is work`;
}
