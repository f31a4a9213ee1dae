import { expect, test } from "vitest";
import { createStarvation } from "./starvation.ts";

test("work that waits at three looks in a row renews the session, one that was gone in between does not", () => {
  const starvation = createStarvation();
  expect([true, true, false, true, true, true].map((waits) => starvation.look(waits))).toEqual([
    "wait",
    "wait",
    "wait",
    "wait",
    "wait",
    "renew",
  ]);
});

test("three renewals in vain are enough", () => {
  const starvation = createStarvation();
  const advice = Array.from({ length: 12 }, () => starvation.look(true));
  expect(advice.filter((one) => one !== "wait")).toEqual(["renew", "renew", "renew", "give up"]);
  expect(advice.at(-1)).toBe("give up");
});

test("a chunk that comes after a renewal makes it a first one again", () => {
  const starvation = createStarvation();
  const looks = (count: number) =>
    Array.from({ length: count }, () => starvation.look(true)).at(-1);
  expect(looks(9)).toBe("renew");
  starvation.fed();
  expect([looks(2), looks(1), looks(3), looks(3), looks(3)]).toEqual([
    "wait",
    "renew",
    "renew",
    "renew",
    "give up",
  ]);
});
