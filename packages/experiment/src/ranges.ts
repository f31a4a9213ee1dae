/** Ranges of simulation numbers: how a round says which simulations it covers without listing them one by one. */
import { z } from "zod";

/** [first, count] pairs, ascending, without overlap. */
export const Ranges = z.array(z.tuple([z.int().min(0), z.int().min(1)]));
export type Ranges = readonly (readonly [first: number, count: number])[];

export function countOf(ranges: Ranges): number {
  return ranges.reduce((sum, [, count]) => sum + count, 0);
}

/** The part of `ranges` from the `position`-th simulation on, at most `size` long. */
export function sliceOf(ranges: Ranges, position: number, size: number): [number, number][] {
  const slice: [number, number][] = [];
  let skip = position;
  let left = size;
  for (const [first, count] of ranges) {
    if (left === 0) break;
    if (skip >= count) {
      skip -= count;
      continue;
    }
    const taken = Math.min(count - skip, left);
    slice.push([first + skip, taken]);
    left -= taken;
    skip = 0;
  }
  return slice;
}

/** The numbers below `total` for which `isIn` holds, as ranges. */
export function rangesWhere(
  total: number,
  isIn: (simulation: number) => boolean,
): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < total; i++) {
    if (!isIn(i)) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === i) last[1]++;
    else ranges.push([i, 1]);
  }
  return ranges;
}

export function* simulationsOf(ranges: Ranges): Generator<number> {
  for (const [first, count] of ranges) for (let i = first; i < first + count; i++) yield i;
}
