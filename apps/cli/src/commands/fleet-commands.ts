/** `fleet`, `fleet scale`: the workers of a stage. */
import type { Command } from "commander";
import { defaultFleet, isLocalStage } from "@hatchery/config";
import { pinOf, type FleetView, type StageFleets } from "@hatchery/experiment";
import { knownFleets, scaleFleet } from "../fleets.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { count, duration } from "../progress-line.ts";
import { defaultStage, openStage, runningStage, stageOption as optionFor } from "../stage.ts";

export function configureFleetCommands(program: Command, io: Io): void {
  const stageOption = ["--stage <stage>", "which stage", defaultStage(io)] as const;
  const fleet = program
    .command("fleet")
    .description("Show the fleets of a stage: their workers, bounds and cost, and the lease.")
    .addHelpText(
      "before",
      examples("fleet", "fleet --stage mystage", "fleet --json", "fleet scale 4"),
    )
    // `--stage` after "scale" is meant for it.
    .enablePositionalOptions()
    .option(...stageOption)
    .option("--json", "one JSON document on stdout")
    .action(async ({ stage, json }: { stage: string; json?: true }) => {
      if (isLocalStage(stage)) runningStage(stage);
      const fleets = await knownFleets(await openStage(stage, io));
      io.out(json ? JSON.stringify(fleetsJson(fleets)) : fleetsText(fleets, new Date()));
    });

  fleet
    .command("scale")
    .description(
      'Hold a fleet at so many workers; "auto" has it follow the work again. Workers that must go finish what they are at.',
    )
    .argument("<N>", 'how many workers, or "auto"')
    .addHelpText(
      "before",
      examples(
        "fleet scale 4",
        "fleet scale 200 --stage mystage",
        "fleet scale 20 --fleet big",
        "fleet scale 0",
        "fleet scale auto",
      ),
    )
    .option(...stageOption)
    .option("--fleet <name>", "which fleet", defaultFleet)
    .action(async (wish: string, options: { stage: string; fleet: string }) => {
      const stage = await openStage(options.stage, io);
      if (isLocalStage(stage.name)) runningStage(stage.name);
      const workers = await scaleFleet(stage, options.fleet, wish);
      const asked = workers === "auto" ? "to follow the work" : `for ${workers} workers`;
      io.say(`Fleet "${options.fleet}" of stage "${stage.name}" is asked ${asked}.`);
      io.say(`See:  pnpm hatchery fleet${optionFor(stage.name, io)}`);
    });
}

function fleetsJson({ stage, updatedAt, leaseEndsAt, fleets }: StageFleets) {
  return {
    stage,
    updatedAt,
    leaseEndsAt: leaseEndsAt ?? null,
    fleets: fleets.map((fleet) => ({
      name: fleet.name,
      desired: fleet.desired,
      running: fleet.running,
      min: fleet.min,
      max: fleet.max,
      pinned: heldAt(fleet) ?? null,
      slotsPerWorker: fleet.slotsPerWorker,
      labels: fleet.labels,
      workerHourUsd: fleet.workerHourUsd,
      hourUsd: fleet.running * fleet.workerHourUsd,
    })),
  };
}

/** A fleet whose least is its most has nothing to follow: so WORKER_COUNT pins it on AWS. */
function heldAt(fleet: FleetView): number | undefined {
  return pinOf(fleet) ?? (fleet.min === fleet.max ? fleet.min : undefined);
}

function fleetsText({ fleets, leaseEndsAt }: StageFleets, now: Date): string {
  const rows = fleets.map((fleet) => {
    const held = heldAt(fleet);
    const hour = fleet.running * fleet.workerHourUsd;
    return [
      fleet.name,
      count(fleet.running),
      count(fleet.desired),
      held === undefined
        ? `follows the work, ${count(fleet.min)} to ${count(fleet.max)}`
        : `pinned to ${count(held)}`,
      fleet.workerHourUsd === 0 ? "nothing" : `${hour.toFixed(2)} USD`,
    ];
  });
  const table = [["Fleet", "Workers", "Wanted", "Size", "Cost an hour"], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...leaseText(leaseEndsAt, now)].join("\n");
}

/** What is said of the lease, in one line; nothing where there is none. */
function leaseText(leaseEndsAt: string | undefined, now: Date): string[] {
  if (leaseEndsAt === undefined) return [];
  const seconds = (Date.parse(leaseEndsAt) - now.getTime()) / 1_000;
  return seconds > 0
    ? [`The lease ends in ${duration(seconds)}, after which no worker stands unless there is work.`]
    : ["The lease is over: no worker stands until there is work."];
}
