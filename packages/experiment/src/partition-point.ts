/**
 * Partition point: of places in an order in which something is at first not so and then stays so, the first where it
 * is; `to` where there is none.
 */
export function partitionPoint(from: number, to: number, isSo: (place: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isSo(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
