/** Independent uniform points, each coordinate a hash of (seed, point, dimension). */
import { hashDomains, hashKey, mix, openUnit } from "./hash.ts";

/** Uniform numbers in the open interval (0, 1), by point and dimension. */
export function randomPoints(
  dimensions: number,
  seed: number,
): (point: number, dimension: number) => number {
  const keys = Int32Array.from({ length: 2 * dimensions }, (_, lane) =>
    hashKey(hashDomains.random, lane, seed),
  );
  return (point, dimension) => {
    const a = keys[2 * dimension] as number;
    const b = keys[2 * dimension + 1] as number;
    return openUnit(mix(mix(point ^ a) ^ b), mix(mix(point ^ b) ^ a));
  };
}
