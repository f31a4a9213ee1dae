/**
 * Latin hypercube: in each dimension every one of N equal strata holds exactly one point.
 * Point i is computed from i alone: its stratum by a keyed permutation of 0 … N − 1, its place in there by a hash.
 */
import { hashDomains, hashKey, mix } from "./hash.ts";

/** Three double rounds: with two the permutations of fewer than ten points are visibly not equally likely. */
const rounds = 3;

/** Uniform numbers in the open interval (0, 1), by point (0 … points − 1) and dimension. */
export function latinHypercube(
  points: number,
  dimensions: number,
  seed: number,
): (point: number, dimension: number) => number {
  // A Feistel network on pairs (left, right) of a grid that holds barely more than N pairs, so that
  // walking on until a number is below N takes one step nearly always (Black and Rogaway 2002).
  const lefts = Math.ceil(Math.sqrt(points));
  const rights = Math.ceil(points / lefts);
  const keysPerDimension = 2 * rounds + 1;
  const keys = Int32Array.from({ length: dimensions * keysPerDimension }, (_, lane) =>
    hashKey(hashDomains.latinHypercube, lane, seed),
  );
  const key = (at: number) => keys[at] as number;

  return (point, dimension) => {
    const first = dimension * keysPerDimension;
    let stratum = point;
    do {
      let left = Math.floor(stratum / rights);
      let right = stratum % rights;
      for (let k = first; k < first + 2 * rounds; k += 2) {
        // 30 bits, so that the sum stays a small integer, for which the remainder is quick.
        left = (left + (mix(right ^ key(k)) >>> 2)) % lefts;
        right = (right + (mix(left ^ key(k + 1)) >>> 2)) % rights;
      }
      stratum = left * rights + right;
    } while (stratum >= points);
    return placeInStratum(stratum, mix(point ^ key(first + 2 * rounds)), points);
  };
}

/** Where in the unit interval a point lies: in the open stratum, at a place that the hash says. */
export function placeInStratum(stratum: number, hash: number, points: number): number {
  // 24 bits and a half: with more, places at the end of the last of 10⁸ strata would round up to 1.
  return (stratum + ((hash >>> 8) + 0.5) / 2 ** 24) / points;
}
