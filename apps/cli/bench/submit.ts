/** Submit: plan, manifest and all chunks in the engine's queue, with no worker there. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { readLocalStage } from "@hatchery/config";
import { readProgress, until, type Machine } from "../test/command.ts";
import { count, rounded, type Measure } from "./measure.ts";
import { peakMemory } from "./processes.ts";

const mostSeconds = 10;
const mostMegabytes = 300;
const simulationsPerChunk = 1_000;

export const submit: Measure = async ({ stage, isShort }) => {
  const machine = await stage();
  const simulations = isShort ? 100_000 : 10_000_000;
  const state = () => readLocalStage("local", machine.home);
  // A new steward, whose peak is this experiment's.
  await machine.hatchery("down");
  await machine.hatchery("up", "--workers", "1", "--idle-minutes", "0");
  await machine.hatchery("fleet", "scale", "0");
  await until(async () => state()?.workers.length === 0, 60);

  const from = performance.now();
  const { experiment, cliBytes, cliSeconds } = await submitted(machine, simulations);
  // Without workers no canary can tell how long a chunk is, so its size is given.
  await until(
    async () =>
      (await readProgress(machine, experiment).catch(() => undefined))?.state === "running",
    300,
  );
  const seconds = (performance.now() - from) / 1_000;
  const steward = state()?.processes.find(({ name }) => name === "steward")?.pid;
  const stewardBytes = steward === undefined ? undefined : peakMemory(steward);

  await machine.hatchery("cancel", experiment);
  await machine.hatchery("watch", experiment);
  await machine.hatchery("fleet", "scale", "1");
  await until(async () => state()?.workers.length === 1, 60);

  const megabytes = [cliBytes, stewardBytes].map((bytes) => Math.round((bytes ?? 0) / 1e6));
  const isMeasured = cliBytes !== undefined && stewardBytes !== undefined;
  const memory = isMeasured
    ? `CLI ${megabytes[0]} MB, steward ${megabytes[1]} MB`
    : "memory is measured on Linux only";
  return [
    {
      work: `submit of ${count(simulations)} simulations in ${count(simulations / simulationsPerChunk)} chunks, workers stopped`,
      bar: `≤ ${mostSeconds} s, ≤ ${mostMegabytes} MB each`,
      measured: `${seconds.toFixed(1)} s; ${memory}`,
      isMet:
        isShort || !isMeasured
          ? null
          : seconds <= mostSeconds && Math.max(...megabytes) <= mostMegabytes,
      figures: {
        simulations,
        seconds: rounded(seconds),
        commandSeconds: rounded(cliSeconds),
        ...(isMeasured && { cliMegabytes: megabytes[0]!, stewardMegabytes: megabytes[1]! }),
      },
    },
  ];
};

async function submitted(machine: Machine, simulations: number) {
  const from = performance.now();
  const words = ["--chunk-size", String(simulationsPerChunk)];
  const command = machine.start("submit", "building-energy", "-n", String(simulations), ...words);
  const ended = once(command, "exit");
  let cliBytes: number | undefined;
  while (command.exitCode === null && command.signalCode === null) {
    cliBytes = peakMemory(command.pid!) ?? cliBytes;
    await Promise.race([ended, sleep(5)]);
  }
  const cliSeconds = (performance.now() - from) / 1_000;
  if (command.exitCode !== 0) throw new Error(`submit ended with ${command.exitCode}.`);
  const { out } = await machine.hatchery("list", "--json");
  const [newest] = JSON.parse(out) as { experiment: string }[];
  return { experiment: newest!.experiment, cliBytes, cliSeconds };
}
