import type { ChunkInput } from "@hatchery/experiment";
import { expect, test } from "vitest";
import { onceAtATime } from "./once-at-a-time.ts";

const chunk = (number: number): ChunkInput => ({ experiment: "pi/1", round: 0, chunk: number });
const never = new AbortController().signal;

/** A handler whose chunks end when they are told to. */
function heldChunks(slots: number) {
  const started: number[] = [];
  const ends = new Map<number, PromiseWithResolvers<{ done: number }>>();
  const cancelled: number[] = [];
  const compute = onceAtATime(slots, ({ chunk: number }, _attempt, signal) => {
    started.push(number);
    signal.addEventListener("abort", () => cancelled.push(number));
    const end = Promise.withResolvers<{ done: number }>();
    ends.set(number, end);
    return end.promise;
  });
  return { compute, started, cancelled, end: (number: number) => ends.get(number)! };
}

test("a chunk that comes again while it is computed is computed once, and both hear the outcome", async () => {
  const { compute, started, end } = heldChunks(2);
  const both = [compute(chunk(7), 0, never), compute(chunk(7), 1, never)];
  end(7).resolve({ done: 5 });
  expect(await Promise.all(both)).toEqual([{ done: 5 }, { done: 5 }]);
  expect(started).toEqual([7]);
});

test("a chunk that comes again after it has ended goes to the worker again", async () => {
  const { compute, started, end } = heldChunks(1);
  const first = compute(chunk(7), 0, never);
  end(7).reject(new Error("no store"));
  await expect(first).rejects.toThrow("no store");
  const second = compute(chunk(7), 1, never);
  end(7).resolve({ done: 5 });
  expect(await second).toEqual({ done: 5 });
  expect(started).toEqual([7, 7]);
});

test("chunks beyond the slots wait, in the order in which they came", async () => {
  const { compute, started, end } = heldChunks(2);
  const outcomes = [1, 2, 3, 4].map((number) => compute(chunk(number), 0, never));
  expect(started).toEqual([1, 2]);
  end(2).resolve({ done: 1 });
  await outcomes[1];
  expect(started).toEqual([1, 2, 3]);
  end(1).reject(new Error("no store"));
  await expect(outcomes[0]).rejects.toThrow("no store");
  expect(started).toEqual([1, 2, 3, 4]);
});

test("a chunk is cancelled by whichever of its deliveries the engine takes back", async () => {
  const { compute, cancelled } = heldChunks(1);
  const again = new AbortController();
  void compute(chunk(7), 0, never);
  void compute(chunk(7), 1, again.signal);
  again.abort();
  expect(cancelled).toEqual([7]);
});
