/** Idle: what a stage without work takes of one core, by its parts. */
import { setTimeout as sleep } from "node:timers/promises";
import { readLocalStage } from "@hatchery/config";
import { rounded, type Measure } from "./measure.ts";
import { processorSeconds } from "./processes.ts";

export const idle: Measure = async ({ stage, isShort }) => {
  const machine = await stage();
  const seconds = isShort ? 5 : 30;
  // What the work before has left to do: vacuum, log rotation, closing connections.
  await sleep(isShort ? 1_000 : 15_000);
  const state = readLocalStage("local", machine.home)!;
  const parts = [...state.processes, ...state.workers];
  const used = () => parts.map(({ pid }) => processorSeconds(pid));
  const before = used();
  await sleep(seconds * 1_000);
  const after = used();
  const shares = Object.fromEntries(
    parts.map(({ name }, k) => [name, rounded((after[k]! - before[k]!) / seconds, 4)]),
  );
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
  const list = Object.entries(shares).map(([name, share]) => `${name} ${percent(share)}`);
  return [
    {
      work: `a stage without work, ${seconds} s: share of one core`,
      bar: "reported",
      measured: `${percent(total)}: ${list.join(", ")}`,
      isMet: null,
      figures: { total: rounded(total, 4), ...shares },
    },
  ];
};
