/** Moments: how many numbers there are, their mean, deviation, least and most, in one pass over blocks of them. */

export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of the squared distances from the mean. */
  readonly squares: number;
  readonly minimum: number;
  readonly maximum: number;
}

export const noMoments: Moments = {
  count: 0,
  mean: 0,
  squares: 0,
  minimum: Infinity,
  maximum: -Infinity,
};

/** Whether a value counts: above 1e150 its square overflows, and NaN stands for one that is absent. */
export const isUsable = (value: number) => Math.abs(value) < 1e150;

/** Of the usable ones among the values `from` to `to` (exclusive). */
export function momentsOf(values: Float64Array, from = 0, to = values.length): Moments {
  let count = 0;
  let sum = 0;
  let minimum = Infinity;
  let maximum = -Infinity;
  for (let row = from; row < to; row++) {
    const value = values[row]!;
    if (!isUsable(value)) continue;
    count++;
    sum += value;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  }
  if (count === 0) return noMoments;
  // Rounding must not take it out of where all values are, as of a constant.
  const mean = Math.min(Math.max(sum / count, minimum), maximum);
  let squares = 0;
  for (let row = from; row < to; row++) {
    const distance = values[row]! - mean;
    if (isUsable(values[row]!)) squares += distance * distance;
  }
  return { count, mean, squares, minimum, maximum };
}

/** Of both together (Chan, Golub and LeVeque 1983). */
export function together(one: Moments, other: Moments): Moments {
  if (one.count === 0) return other;
  if (other.count === 0) return one;
  const count = one.count + other.count;
  const distance = other.mean - one.mean;
  return {
    count,
    mean: one.mean + (distance * other.count) / count,
    squares: one.squares + other.squares + (distance * distance * one.count * other.count) / count,
    minimum: Math.min(one.minimum, other.minimum),
    maximum: Math.max(one.maximum, other.maximum),
  };
}

/** Of a sample: over n − 1. 0 for a single number. */
export function standardDeviation({ count, squares }: Moments): number {
  return count < 2 ? 0 : Math.sqrt(squares / (count - 1));
}

/** Whether values differ by no more than rounding does. */
export function isConstant({ minimum, maximum }: Pick<Moments, "minimum" | "maximum">): boolean {
  return maximum - minimum <= 1e-12 * Math.max(Math.abs(minimum), Math.abs(maximum));
}
