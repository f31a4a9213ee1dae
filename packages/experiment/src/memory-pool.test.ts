import { expect, test } from "vitest";
import { createMemoryPool } from "./memory-pool.ts";

test("memory that was given back is taken again, also for less", () => {
  const pool = createMemoryPool();
  const first = pool.take(1_000_000);
  pool.give(first);
  const second = pool.take(900_000);
  expect(second.buffer).toBe(first.buffer);
  expect(second.byteLength).toBe(900_000);
});

test("memory in use is never taken twice", () => {
  const pool = createMemoryPool();
  const taken = [pool.take(10), pool.take(10), pool.take(10)];
  expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(3);
});

test("what is too small goes", () => {
  const pool = createMemoryPool();
  const small = pool.take(1);
  pool.give(small);
  expect(pool.take(10_000_000).byteLength).toBe(10_000_000);
  expect(pool.take(1).buffer).not.toBe(small.buffer);
});

test("memory of somebody else is not kept", () => {
  const pool = createMemoryPool();
  const foreign = Buffer.alloc(1_000_000);
  pool.give(foreign);
  expect(pool.take(10).buffer).not.toBe(foreign.buffer);
});
