/** Progress as one line: a pure function of what the steward published. */
import type { Progress } from "@hatchery/experiment";

export function progressLine(progress: Progress, columns: number): string {
  const { total, done, failed, workers, simulationsPerSecond: rate } = progress;
  const facts = [
    `${count(done + failed)}/${count(total)}`,
    `${count(failed)} failed`,
    ...(rate > 0 ? [`${count(rate)}/s`] : []),
    ...(progress.state === "running" ? timeLeft(progress) : []),
    ...(progress.retries > 0 ? [`${count(progress.retries)} retried`] : []),
    ...(progress.interruptions > 0 ? [`${count(progress.interruptions)} interrupted`] : []),
    ...cost(progress),
    progress.state === "running" && workers !== 1
      ? `${count(workers)} workers`
      : stateWord(progress),
  ].join(" · ");
  const width = Math.min(24, columns - facts.length - 3);
  return width < 6 ? facts.slice(0, columns) : `${bar((done + failed) / total, width)} ${facts}`;
}

function cost({ costUsd, maxUsd }: Progress): string[] {
  if (costUsd === undefined) return [];
  return [`${costUsd.toFixed(2)}${maxUsd === undefined ? "" : ` of ${maxUsd}`} USD`];
}

function stateWord({ state, workers, ended }: Progress): string {
  switch (state) {
    case "queued":
      return "queued";
    case "running":
      return `${workers} worker`;
    case "closing":
      return "merging results";
    case "closed":
      return ended ?? "closed";
  }
}

function timeLeft({ secondsLeftLeast: least, secondsLeftMost: most }: Progress): string[] {
  if (least === undefined) return [];
  return [
    most === undefined ? `at least ${duration(least)} left` : `${durationRange(least, most)} left`,
  ];
}

/** Rounded outwards, so that it still holds what it held. */
function durationRange(least: number, most: number): string {
  const [unit, name, digits] =
    most < 120 ? [1, "s", 0] : most < 7_200 ? [60, "min", 0] : [3_600, "h", 1];
  const scale = 10 ** digits / unit;
  const low = Math.floor(least * scale) / 10 ** digits;
  const high = Math.ceil(most * scale) / 10 ** digits;
  if (low === 0) return `at most ${high} ${name}`;
  return low === high ? `${high} ${name}` : `${low}–${high} ${name}`;
}

function bar(share: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.floor(share * width)));
  return "█".repeat(full) + "░".repeat(width - full);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
