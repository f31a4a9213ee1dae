import { expect, test } from "vitest";
import { clockWithout } from "./pauses.ts";

const written = (...times: number[]) => times.map((atMs) => ({ atMs }));

test("the clock stands still in a pause, and goes on after it", () => {
  const clock = clockWithout([{ fromMs: 1_000, toMs: 5_000 }], written(500, 6_000));
  expect([500, 1_000, 3_000, 5_000, 6_000].map(clock)).toEqual([500, 1_000, 1_000, 1_000, 2_000]);
});

test("what workers do while no steward is there counts", () => {
  const clock = clockWithout([{ fromMs: 1_000, toMs: 5_000 }], written(500, 2_000, 4_000));
  expect([2_000, 4_000, 5_000, 6_000].map(clock)).toEqual([2_000, 4_000, 4_000, 5_000]);
});

test("several pauses add up", () => {
  const clock = clockWithout(
    [
      { fromMs: 0, toMs: 10 },
      { fromMs: 20, toMs: 25 },
    ],
    [],
  );
  expect(clock(30)).toBe(15);
});
