/**
 * Hashes for random numbers that are a function of their place, not of what was drawn before.
 * Every random stream and every random design comes from here: a change changes all results ever computed.
 */

/** One number per use, so that the same seed never gives a design and a simulation the same numbers. */
export const hashDomains = {
  simulation: 1,
  latinHypercube: 2,
  sobol: 3,
  random: 4,
} as const;

/** 2³² over the golden ratio: keeps zero from hashing to zero. */
const golden = 0x9e3779b9;

/** Mixes 32 bits to 32 bits, one to one. The constants are "lowbias32" of Wellons' hash prospector (public domain). */
export function mix(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return h ^ (h >>> 16);
}

/**
 * A 32-bit key for a purpose. Takes all 53 bits of the seed; two seeds that share one key by chance
 * (1 in 2³²) differ in the keys of the other lanes.
 */
export function hashKey(domain: number, lane: number, seed: number): number {
  let h = mix(domain ^ golden);
  h = mix((h + golden) ^ lane);
  h = mix((h + golden) ^ seed);
  return mix((h + golden) ^ Math.floor(seed / 2 ** 32));
}

/** Uniform in the open interval (0, 1) with 52 bits, from two hashes. */
export function openUnit(high: number, low: number): number {
  return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
}
