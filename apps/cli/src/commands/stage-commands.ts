/** `status` of any stage; `up`, `down`, `logs`, `doctor` of those on this machine; `dashboard` of those on AWS. */
import { createReadStream, existsSync, readdirSync, readFileSync, watchFile } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import {
  UserError,
  adminEmail,
  adminPasswordCommand,
  exitCodes,
  isLocalStage,
  localStagePaths,
  readLocalStage,
  type LocalStageState,
  type StackOutputs,
} from "@hatchery/config";
import { readProgress } from "@hatchery/experiment";
import { destroyLocalStage, localChecks, stopLocalStage } from "@hatchery/local";
import { listExperiments, ofEach } from "../experiments.ts";
import { stewardFleets } from "../fleets.ts";
import { examples } from "../help.ts";
import type { Io } from "../io.ts";
import { progressLine } from "../progress-line.ts";
import {
  bringUp,
  checkLocal,
  checkStanding,
  defaultStage,
  deployCommand,
  idleMinutes,
  logCommand,
  openStage,
  stageOption as optionFor,
  startCommand,
  type Stage,
} from "../stage.ts";
import { standingJson, standingLines } from "../standing.ts";
import { stoppedLines } from "../stopped.ts";

/** More would push the stage itself off the screen; `list` has them all. */
const mostStopped = 3;

export function configureStageCommands(program: Command, io: Io): void {
  const stageOption = [
    "--stage <stage>",
    'which stage: "local", or "local-…" beside it',
    defaultStage(io),
  ] as const;

  program
    .command("up")
    .description(
      "Start the real engine, its database, a steward and workers here, on loopback only.",
    )
    .addHelpText("before", examples("up", "up --workers 2 --idle-minutes 0", "up --stage local-b"))
    .option(...stageOption)
    .option(
      "--workers <N>",
      "worker processes, each with a slot per core (WORKER_COUNT, else 1)",
      wholeNumber("--workers", 256),
    )
    .option(
      "--idle-minutes <M>",
      "stop by itself after so long without an experiment; 0: never",
      wholeNumber("--idle-minutes", 100_000),
      idleMinutes,
    )
    .action(async (options: { stage: string; workers?: number; idleMinutes: number }) => {
      checkLocal(options.stage, "up", `Deploy it:  ${deployCommand(options.stage)}`);
      const before = readLocalStage(options.stage);
      await bringUp(options.stage, options, io);
      if (before?.status === "ready" && options.workers === undefined)
        io.say(`Stage "${options.stage}" is up already; its workers: ${before.workers.length}.`);
      io.say(
        `Next:  pnpm hatchery run building-energy --simulations 10000${optionFor(options.stage, io)}`,
      );
    });

  program
    .command("down")
    .description(
      "Stop a stage. Experiments stay in the store; unfinished ones go on at the next `up`.",
    )
    .addHelpText("before", examples("down", "down --destroy"))
    .option(...stageOption)
    .option("--destroy", "also delete the engine's database, keys and logs; never the store")
    .action(async ({ stage, destroy }: { stage: string; destroy?: true }) => {
      checkLocal(
        stage,
        "down",
        `Take it down:  SST_STAGE=${stage} pnpm --filter infra run teardown`,
      );
      const { stopped } = await stopLocalStage({ stage });
      if (destroy) await destroyLocalStage({ stage });
      io.say(stopped ? `Stage "${stage}" is down.` : `Stage "${stage}" was not up.`);
    });

  program
    .command("status")
    .description("Show whether a stage is up, its processes, and the experiments it is at work on.")
    .addHelpText("before", examples("status", "status --stage mystage", "status --json"))
    .option("--stage <stage>", "which stage, here or on AWS", defaultStage(io))
    .option("--json", "one JSON document on stdout")
    .action(async ({ stage: name, json }: { stage: string; json?: true }) => {
      const stage = await openStage(name, io);
      const latest = (await listExperiments(stage.store)).slice(0, 20);
      const all = await ofEach(latest, (each) => readProgress(stage.store, each));
      const progress = all.filter((each) => each !== undefined);
      const active = progress.filter(({ state }) => state !== "closed");
      const stopped = progress.filter(
        ({ state, reason }) => state === "closed" && reason !== undefined,
      );
      const { outputs } = stage;
      const local = isLocalStage(name) ? readLocalStage(name) : undefined;
      const known = outputs ?? local;
      // What an earlier steward wrote says nothing of a stage that does not stand.
      const fleets = known === undefined ? undefined : await stewardFleets(stage);
      if (json)
        return io.out(
          JSON.stringify({
            stage: name,
            up: known !== undefined,
            state: known,
            ...standingJson(fleets),
            active,
            stopped,
          }),
        );
      if (outputs !== undefined) showDeployed(stage, outputs, io);
      else if (local !== undefined) showLocal(local, io);
      if (known !== undefined) io.out(standingLines(fleets, new Date()).join("\n"));
      else io.out(`Stage "${name}" is not up. Start it:  ${startCommand(name)}`);
      for (const each of active) io.out(`${each.experiment}\n  ${progressLine(each, 76)}`);
      for (const each of stopped.slice(0, mostStopped))
        io.out(
          [
            each.experiment,
            progressLine(each, 76),
            ...stoppedLines(each, optionFor(name, io)),
          ].join("\n  "),
        );
    });

  program
    .command("dashboard")
    .description(
      "Open a way to the engine's dashboard of a stage on AWS, on a port of this machine, until Ctrl-C.",
    )
    .addHelpText(
      "before",
      examples("dashboard --stage mystage", "dashboard --stage mystage --port 8090"),
    )
    .option("--stage <stage>", "which stage on AWS", defaultStage(io))
    .option("--port <P>", "the port here", wholeNumber("--port", 65_535), 8_080)
    .action(async ({ stage: name, port }: { stage: string; port: number }) => {
      checkDeployed(name);
      const stage = await openStage(name, io);
      checkStanding(stage);
      await showDashboard(stage.outputs!, port, io);
    });

  program
    .command("logs")
    .description("Show the last lines a process of the stage has logged.")
    .argument(
      "[process]",
      "engine, api, database, steward, worker-1, …; all their names when left out",
    )
    .addHelpText("before", examples("logs", "logs worker-1 --lines 50", "logs engine --follow"))
    .option(...stageOption)
    .option("--lines <N>", "how many", wholeNumber("--lines", 1_000_000), 20)
    .option("--follow", "go on with what comes")
    .action(
      async (
        process: string | undefined,
        options: { stage: string; lines: number; follow?: true },
      ) => {
        const part = process ?? "steward";
        checkLocal(options.stage, "logs", `In CloudWatch:  ${logCommand(options.stage, part)}`);
        const { logs } = localStagePaths(options.stage);
        const names = existsSync(logs)
          ? readdirSync(logs)
              .filter((name) => name.endsWith(".log"))
              .map((name) => name.slice(0, -4))
              .toSorted()
          : [];
        if (process === undefined) return io.out(names.join("\n"));
        if (!names.includes(process))
          throw new UserError(
            `Stage "${options.stage}" has no log of "${process}". It has: ${names.join(", ") || "none"}.`,
            {
              exitCode: exitCodes.wrongUsage,
            },
          );
        const file = join(logs, `${process}.log`);
        io.out(readFileSync(file, "utf8").trimEnd().split("\n").slice(-options.lines).join("\n"));
        if (options.follow) await follow(file, io);
      },
    );

  program
    .command("doctor")
    .description("Say what this machine has and what it lacks for a stage.")
    .addHelpText("before", examples("doctor", "doctor --json"))
    .option("--json", "one JSON document on stdout")
    .action(async ({ json }: { json?: true }) => {
      const checks = await localChecks();
      if (json) io.out(JSON.stringify(checks));
      else
        for (const { name, ok, found, needed, fix } of checks)
          io.out(
            `${ok ? "ok     " : "lacking"}  ${name.padEnd(20)} ${found}${ok ? "" : `  (needed: ${needed})\n         ${fix}`}`,
          );
      if (checks.some(({ ok }) => !ok)) process.exitCode = exitCodes.workFailed;
    });
}

function showLocal(state: LocalStageState, io: Io): void {
  io.out(`Stage "${state.stage}" is ${state.status} since ${state.startedAt}.`);
  for (const { name, pid, restarts } of [...state.processes, ...state.workers])
    io.out(`  ${name.padEnd(12)} pid ${pid}${restarts > 0 ? `, restarted ${restarts} times` : ""}`);
  for (const sentence of state.trouble ?? []) io.out(sentence);
}

/** What the deploy told. */
function showDeployed(stage: Stage, outputs: StackOutputs, io: Io): void {
  io.out(`Stage "${stage.name}" stands in ${outputs.region}.`);
  io.out(`  store    ${outputs.store}`);
  io.out(`  engine   ${outputs.versions.engine}`);
}

/** Only the engine's own API is part of a stage on this machine. */
function checkDeployed(name: string): void {
  if (!isLocalStage(name)) return;
  throw new UserError(
    `"${name}" is a stage on this machine, and only those on AWS have a dashboard.`,
    {
      hint: `See:  pnpm hatchery status${name === "local" ? "" : ` --stage ${name}`}`,
      exitCode: exitCodes.wrongUsage,
    },
  );
}

async function showDashboard(outputs: StackOutputs, port: number, io: Io): Promise<void> {
  const { externalServerUrl } = outputs.EngineAddresses;
  const ROOT_DOMAIN =
    externalServerUrl && new URL(externalServerUrl).hostname.split(".").slice(1).join(".");
  io.say(`Log in as ${adminEmail({ ROOT_DOMAIN })}; the password is a secret:`);
  io.say(`  ${adminPasswordCommand(outputs.stage, outputs.region)}\n`);
  if (externalServerUrl !== undefined) return io.out(externalServerUrl);
  // Loads AWS's SDK: a command on this machine does without.
  const { forwardDashboard } = await import("../dashboard.ts");
  await forwardDashboard(outputs, port, io);
}

/** An option's parser for whole numbers from 0 to `most`. */
function wholeNumber(name: string, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isInteger(value) && value >= 0 && value <= most) return value;
    throw new UserError(
      `${name} ${JSON.stringify(text)} must be a whole number from 0 to ${most}.`,
      {
        exitCode: exitCodes.wrongUsage,
      },
    );
  };
}

async function follow(file: string, io: Io): Promise<void> {
  let position = readFileSync(file).length;
  watchFile(file, { interval: 250 }, ({ size }) => {
    if (size < position) position = 0;
    if (size === position) return;
    createReadStream(file, { start: position, end: size - 1, encoding: "utf8" }).on(
      "data",
      (text) => io.out(String(text).trimEnd()),
    );
    position = size;
  });
  await once(io.interrupted, "abort");
  process.exitCode = exitCodes.interrupted;
}
