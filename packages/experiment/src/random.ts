/**
 * Random streams: one per simulation, a function of (experiment seed, simulation number) alone,
 * so that chunking, order, retry and fleet size cannot change a byte of the results.
 */
import { randomExponential, randomNormal } from "d3-random";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { hashDomains, hashKey, mix } from "./hash.ts";

/** Its functions need no `this`: a model may take them apart or pass them on. */
export interface RandomStream {
  /** Whose stream it is: the simulation's number in its experiment. */
  readonly simulation: number;
  /** Uniform in [0, 1), with 53 bits. */
  readonly uniform: () => number;
  /** Uniform whole number from minimum to maximum, both included. Both must be safe integers. */
  readonly integer: (minimum: number, maximum: number) => number;
  /** Mean 0 and standard deviation 1 unless told. */
  readonly normal: (mean?: number, standardDeviation?: number) => number;
  /** Rate 1 unless told; the mean is 1 / rate. */
  readonly exponential: (rate?: number) => number;
}

/** `seed` is a safe integer from 0, `simulation` a whole number from 0 to 10⁸. Costs next to nothing before its first draw. */
export function randomStream(seed: number, simulation: number): RandomStream {
  let generator: ReturnType<typeof createGenerator> | undefined;
  let standardNormal: (() => number) | undefined;
  let standardExponential: (() => number) | undefined;
  const uniform = () => uniformFloat64((generator ??= createGenerator(seed, simulation)));
  return {
    simulation,
    uniform,
    integer(minimum, maximum) {
      if (!Number.isSafeInteger(minimum) || !Number.isSafeInteger(maximum) || minimum > maximum)
        throw new RangeError(
          `random.integer(${minimum}, ${maximum}) needs two whole numbers, the smaller first.`,
        );
      return uniformInt((generator ??= createGenerator(seed, simulation)), minimum, maximum);
    },
    normal(mean = 0, standardDeviation = 1) {
      if (!(standardDeviation >= 0))
        throw new RangeError(
          `random.normal(${mean}, ${standardDeviation}) needs a standard deviation of at least 0.`,
        );
      standardNormal ??= randomNormal.source(uniform)();
      return mean + standardDeviation * standardNormal();
    },
    exponential(rate = 1) {
      if (!(rate > 0)) throw new RangeError(`random.exponential(${rate}) needs a rate above 0.`);
      standardExponential ??= randomExponential.source(uniform)(1);
      return standardExponential() / rate;
    },
  };
}

/**
 * The generator's own seeding starts neighbouring seeds on a straight line (its first output is −(seed + 1)),
 * so all 128 bits of its state come from the hash.
 */
function createGenerator(seed: number, simulation: number) {
  const { simulation: domain } = hashDomains;
  const a = hashKey(domain, 0, seed);
  const b = hashKey(domain, 1, seed);
  const c = hashKey(domain, 2, seed);
  const d = hashKey(domain, 3, seed);
  return xoroshiro128plusFromState([
    mix(mix(simulation ^ a) ^ b),
    mix(mix(simulation ^ b) ^ c),
    mix(mix(simulation ^ c) ^ d),
    mix(mix(simulation ^ d) ^ a),
  ]);
}
