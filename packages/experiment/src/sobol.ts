/**
 * Sobol sequence with Owen scrambling: points that fill the space more evenly than chance, in every prefix.
 * The first 2^k points are balanced; other numbers of points work, less evenly.
 */
import { hashDomains, hashKey } from "./hash.ts";
import { sobolDirections } from "./sobol-directions.ts";

const bits = 32;
const lines = sobolDirections.split("\n");

/** Most dimensions that `sobol` lays out. */
export const sobolDimensions = lines.length;

/** Uniform numbers in the open interval (0, 1), by point and dimension; another seed scrambles them otherwise. */
export function sobol(
  dimensions: number,
  seed: number,
): (point: number, dimension: number) => number {
  const pointBits = sobolBits(dimensions);
  const keys = Int32Array.from({ length: dimensions }, (_, lane) =>
    hashKey(hashDomains.sobol, lane, seed),
  );
  return (point, dimension) =>
    (owenScramble(pointBits(point, dimension), keys[dimension] as number) + 0.5) / 2 ** bits;
}

/** The unscrambled sequence in the usual Gray code order, as 32-bit fractions. Points from 0 to 2³² − 1. */
export function sobolBits(dimensions: number): (point: number, dimension: number) => number {
  const directions = new Uint32Array(dimensions * bits);
  for (let d = 0; d < dimensions; d++) directions.set(directionNumbers(d), d * bits);
  return (point, dimension) => {
    let fraction = 0;
    let gray = point ^ (point >>> 1);
    while (gray !== 0) {
      const lowest = gray & -gray;
      fraction ^= directions[dimension * bits + 31 - Math.clz32(lowest)] as number;
      gray ^= lowest;
    }
    return fraction >>> 0;
  };
}

/** Bratley and Fox, Algorithm 659 (1988), section 2. */
function directionNumbers(dimension: number): number[] {
  const [polynomial = 1, ...initial] = (lines[dimension] as string).split(" ").map(Number);
  const degree = initial.length;
  // The first dimension has no polynomial: van der Corput's sequence.
  if (degree === 0) return Array.from({ length: bits }, (_, j) => 2 ** (bits - 1 - j));
  const numbers = initial.map((m, j) => m << (bits - 1 - j));
  for (let j = degree; j < bits; j++) {
    const oldest = numbers[j - degree] as number;
    let number = oldest ^ (oldest >>> degree);
    for (let k = 1; k < degree; k++)
      if ((polynomial >>> (degree - k)) & 1) number ^= numbers[j - k] as number;
    numbers.push(number);
  }
  return numbers;
}

/**
 * Owen scrambling by a hash in which each bit depends on the more significant ones only: Laine and Karras (2011),
 * Burley (Journal of Computer Graphics Techniques 9(4), 2020), with Vegdahl's steps and constants of 2021.
 */
function owenScramble(fraction: number, key: number): number {
  let n = reverseBits(fraction);
  n ^= Math.imul(n, 0x3d20adea);
  n = (n + key) | 0;
  n = Math.imul(n, (key >>> 16) | 1);
  n ^= Math.imul(n, 0x05526c56);
  n ^= Math.imul(n, 0x53a22864);
  return reverseBits(n) >>> 0;
}

function reverseBits(word: number): number {
  let n = word;
  n = ((n >>> 1) & 0x55555555) | ((n & 0x55555555) << 1);
  n = ((n >>> 2) & 0x33333333) | ((n & 0x33333333) << 2);
  n = ((n >>> 4) & 0x0f0f0f0f) | ((n & 0x0f0f0f0f) << 4);
  n = ((n >>> 8) & 0x00ff00ff) | ((n & 0x00ff00ff) << 8);
  return (n >>> 16) | (n << 16);
}
