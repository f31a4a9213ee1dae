import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readAhead } from "./read-ahead.ts";

test("answers come in order and never more than asked for are under way", async () => {
  const delays = fc.array(fc.nat(3), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(delays, fc.integer({ min: 1, max: 8 }), async (items, ahead) => {
      let underWay = 0;
      let most = 0;
      const read = async (delay: number) => {
        most = Math.max(most, ++underWay);
        await sleep(delay);
        underWay--;
        return delay;
      };
      const answers: number[] = [];
      for await (const answer of readAhead(items, read, ahead)) answers.push(answer);
      expect(answers).toEqual(items);
      expect(most).toBeLessThanOrEqual(ahead);
      if (items.length >= ahead && ahead > 1) expect(most).toBeGreaterThan(1);
    }),
    { numRuns: 30 },
  );
});

test("an error comes in its turn, after the answers before it", async () => {
  const seen: number[] = [];
  const reading = async () => {
    const read = async (item: number) => {
      if (item === 3) throw new Error("no third");
      return item;
    };
    for await (const one of readAhead([1, 2, 3, 4], read, 2)) seen.push(one);
  };
  await expect(reading()).rejects.toThrow("no third");
  expect(seen).toEqual([1, 2]);
});
