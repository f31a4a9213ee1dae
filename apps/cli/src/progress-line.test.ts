import { expect, test } from "vitest";
import type { Progress } from "@hatchery/experiment";
import { count, duration, progressLine } from "./progress-line.ts";

const progress: Progress = {
  experiment: "a/1",
  stage: "local",
  state: "running",
  total: 10_000,
  done: 4_248,
  failed: 2,
  parts: 3,
  chunks: 9,
  round: 1,
  workers: 2,
  retries: 0,
  interruptions: 0,
  simulationsPerSecond: 3_120.4,
  secondsLeft: 1.84,
  secondsLeftLeast: 1.4,
  secondsLeftMost: 2.3,
  startedAt: "",
  updatedAt: "",
};

test("a running experiment shows what is done, failed, how fast, how long and by whom", () => {
  expect(progressLine(progress, 100)).toBe(
    "██████████░░░░░░░░░░░░░░ 4,250/10,000 · 2 failed · 3,120/s · 1–3 s left · 2 workers",
  );
});

test("interruptions are told apart from failures", () => {
  expect(progressLine({ ...progress, interruptions: 3 }, 100)).toContain(
    "2 failed · 3,120/s · 1–3 s left · 3 interrupted",
  );
});

test.each([
  [185, 238, "3–4 min left"],
  [181, 240, "3–4 min left"],
  [0.2, 3.1, "at most 4 s left"],
  [60, 60, "60 s left"],
  [5_000, 7_300, "1.3–2.1 h left"],
  [200, undefined, "at least 3 min left"],
])("from %d to %s s is said as a person says it: %s", (least, most, text) => {
  const { secondsLeftMost: _, ...rest } = progress;
  const told = { ...rest, secondsLeftLeast: least, ...(most && { secondsLeftMost: most }) };
  expect(progressLine(told, 100)).toContain(` · ${text} · `);
});

test("retries and cost are told where there are any", () => {
  const line = progressLine({ ...progress, retries: 4, costUsd: 1.236 }, 140);
  expect(line).toContain(" · 4 retried · 1.24 USD · 2 workers");
  expect(progressLine(progress, 140)).not.toMatch(/retried|USD/);
});

test("a rate that is not known yet is not shown", () => {
  const { secondsLeft: _, secondsLeftLeast: __, secondsLeftMost: ___, ...rest } = progress;
  expect(progressLine({ ...rest, simulationsPerSecond: 0, done: 0, failed: 0 }, 60)).toBe(
    `${"░".repeat(24)} 0/10,000 · 0 failed · 2 workers`,
  );
});

test("a narrow terminal gets the facts without the bar, cut to its width", () => {
  const line = progressLine(progress, 40);
  expect(line).toBe("4,250/10,000 · 2 failed · 3,120/s · 1–3 s left · 2 workers".slice(0, 40));
});

test("numbers and times read as a person says them", () => {
  expect([count(1234567.8), duration(0.25), duration(65), duration(600), duration(9_000)]).toEqual([
    "1,234,568",
    "0.3 s",
    "65 s",
    "10 min",
    "2.5 h",
  ]);
});
