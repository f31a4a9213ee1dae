/** The name that someone probably meant, for error messages. */

/** The known name with the fewest changed letters, if it is near enough to be a slip. Case does not count. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({
      candidate,
      changes: changes(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter((found) => found.changes <= Math.max(1, Math.floor(name.length / 3)))
    .toSorted((a, b) => a.changes - b.changes);
  return nearest?.candidate;
}

/** Levenshtein's distance. */
function changes(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
