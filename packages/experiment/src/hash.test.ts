import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashDomains, hashKey, mix, openUnit } from "./hash.ts";

const words = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

test("designs and simulations of one seed have different keys, and so has every lane", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const keys = Object.values(hashDomains).flatMap((domain) =>
        Array.from({ length: 30 }, (_, lane) => hashKey(domain, lane, seed)),
      );
      // 120 keys of 32 bits: two are the same by chance once in 600,000 seeds.
      expect(new Set(keys).size).toBeGreaterThanOrEqual(keys.length - 1);
    }),
  );
});

test("one flipped bit of the input flips half the bits of the hash", () => {
  const trials = 2_000;
  for (let bit = 0; bit < 32; bit++) {
    let flipped = 0;
    for (let word = 0; word < trials; word++) {
      let difference = mix(word) ^ mix(word ^ (1 << bit));
      for (; difference !== 0; difference &= difference - 1) flipped++;
    }
    expect(flipped / trials / 32).toBeCloseTo(0.5, 1);
  }
});

test("a unit number lies strictly between 0 and 1", () => {
  for (const u of [openUnit(0, 0), openUnit(-1, -1)]) {
    expect(u).toBeGreaterThan(0);
    expect(u).toBeLessThan(1);
  }
  fc.assert(
    fc.property(words, words, (high, low) => {
      expect(Math.abs(openUnit(high, low) - high / 2 ** 32)).toBeLessThan(2 ** -25);
    }),
  );
});
