/**
 * The same work as the engine is commonly used: a task per simulation, in plain workers of the SDK, one process per
 * core. No ledger, no parts: its time ends when the last task has been computed. Really run for a few thousand, and
 * extrapolated from there, which favours it: a longer queue makes the engine no faster.
 */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HatchetClient } from "@hatchet-dev/typescript-sdk/v1/index.js";
import { localStagePaths, readLocalStage } from "@hatchery/config";
import { createDesign, noFiles, randomStream } from "@hatchery/experiment";
import { buildingEnergy } from "@hatchery/models/building-energy";
import type { Machine } from "../test/command.ts";
import type { z } from "zod";
import { count, median, rounded, runExperiment, secondsOf, type Measure } from "./measure.ts";

const model = buildingEnergy;
const timesFaster = 20;
const warmUp = 100;
/** As many as the SDK puts into one call. */
const tasksPerCall = 500;

/** What the design lays out, so that both runs are of the same points. */
const designed = 10_000;

export const oneTaskEach: Measure = async ({ stage, cores, isShort }) => {
  const machine = await stage();
  const simulations = isShort ? 300 : 2_000;
  const ours = isShort ? 10_000 : 200_000;
  await runExperiment(machine, { model: model.name, simulations: 1_000 });
  const oursSeconds: number[] = [];
  for (let run = 0; run < (isShort ? 1 : 3); run++)
    oursSeconds.push(
      await secondsOf(() => runExperiment(machine, { model: model.name, simulations: ours })),
    );
  // The stage's own worker waits meanwhile, which costs next to nothing.
  const seconds = await runOneEach(machine, cores, simulations);
  const extrapolated = (seconds * ours) / simulations;
  const ratio = extrapolated / median(oursSeconds);
  return [
    {
      work: `building-energy, ${count(ours)} simulations: against one engine task each`,
      bar: `≥ ${timesFaster} ×`,
      measured: `${ratio.toFixed(0)} ×; ${count(simulations)} tasks took ${seconds.toFixed(1)} s, extrapolated to ${extrapolated.toFixed(0)} s; hatchery ${median(oursSeconds).toFixed(2)} s`,
      isMet: isShort ? null : ratio >= timesFaster,
      figures: {
        ratio: rounded(ratio, 1),
        tasks: simulations,
        taskSeconds: rounded(seconds),
        simulations: ours,
        extrapolatedSeconds: rounded(extrapolated),
        hatcherySeconds: oursSeconds.map((each) => rounded(each)),
      },
    },
  ];
};

async function runOneEach(machine: Machine, cores: number, simulations: number): Promise<number> {
  const environment = connectionOf(machine);
  const { hatchet, task } = openClient(environment);
  let computed = 0;
  let waiting: { least: number; resolve: () => void; reject: (error: Error) => void } | undefined;
  const workers = Array.from({ length: cores }, (_, core) => {
    const worker = fork(fileURLToPath(import.meta.url), ["--worker", String(core)], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    worker.on("message", (error: string) => {
      if (error !== "") return waiting?.reject(new Error(error));
      computed++;
      if (waiting !== undefined && computed >= waiting.least) waiting.resolve();
    });
    return worker;
  });
  const run = async (total: number) => {
    const least = computed + total;
    const done = new Promise<void>((resolve, reject) => (waiting = { least, resolve, reject }));
    for (let first = 0; first < total; first += tasksPerCall) {
      const size = Math.min(tasksPerCall, total - first);
      await task.runNoWait(Array.from({ length: size }, (_, k) => ({ simulation: first + k })));
    }
    await done;
  };
  try {
    await hatchet.worker("one-task-each-submits", { workflows: [task] });
    await run(warmUp);
    return await secondsOf(() => run(simulations));
  } finally {
    await Promise.all(workers.map(stopped));
  }
}

async function stopped(worker: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => void worker.once("exit", resolve));
  worker.kill("SIGKILL");
  await ended;
}

/** How the stage's own workers reach its engine. */
function connectionOf({ home }: Machine): Record<string, string> {
  const state = readLocalStage("local", home)!;
  return {
    HATCHET_CLIENT_TOKEN: readFileSync(localStagePaths("local", home).workerToken, "utf8").trim(),
    HATCHET_CLIENT_HOST_PORT: state.engine.grpcAddress,
    HATCHET_CLIENT_API_URL: state.engine.serverUrl,
    HATCHET_CLIENT_TLS_STRATEGY: "none",
  };
}

function openClient(environment: Readonly<Record<string, string | undefined>>) {
  const hatchet = HatchetClient.init({
    token: environment["HATCHET_CLIENT_TOKEN"]!,
    host_port: environment["HATCHET_CLIENT_HOST_PORT"]!,
    api_url: environment["HATCHET_CLIENT_API_URL"]!,
    tls_config: { tls_strategy: "none" },
    log_level: "WARN",
  });
  const { parameters } = createDesign(
    model.parameterColumns,
    { kind: "latin-hypercube", simulations: designed },
    1,
  );
  const task = hatchet.task({
    name: "one-simulation",
    scheduleTimeout: "1h",
    executionTimeout: "60s",
    async fn({ simulation }: { simulation: number }) {
      try {
        const given = parameters(simulation) as z.output<typeof model.parameters>;
        const results = await model.simulate(given, {
          random: randomStream(1, simulation),
          inputs: {},
          files: noFiles,
          signal: new AbortController().signal,
          log: () => undefined,
        });
        process.send!("");
        return results;
      } catch (error) {
        process.send!(String(error));
        throw error;
      }
    },
  });
  return { hatchet, task };
}

if (import.meta.main) {
  const { hatchet, task } = openClient(process.env);
  const name = `one-task-each-${process.argv.at(-1)}`;
  process.once("disconnect", () => process.exit());
  const worker = await hatchet.worker(name, { workflows: [task], slots: 1 });
  await worker.start();
}
