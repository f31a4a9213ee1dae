/** A check of a rehearsal: one sentence that must hold, and what AWS answered where it does not. */
import { inspect } from "node:util";
import type { Stage } from "./stage.ts";

export interface Check {
  /** What holds. */
  readonly says: string;
  /** Throws a CheckFailed; answers how much was looked at. */
  readonly look: (stage: Stage) => Promise<string> | string;
}

export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** `answered` is shown where it does not hold: what AWS or a program said. */
export function must(holds: boolean, says: string, answered: unknown): asserts holds {
  if (holds) return;
  const shown =
    typeof answered === "string" ? answered : inspect(answered, { depth: 8, breakLength: 110 });
  throw new CheckFailed(`${says}\n\nThe answer was:\n\n${indented(shown)}`);
}

/** These texts and no other, in whatever order. */
export function exactly(found: readonly string[], wanted: readonly string[], what: string): void {
  must(
    found.toSorted().join("\n") === wanted.toSorted().join("\n"),
    `${what} should be: ${wanted.join(", ") || "none"}.`,
    found,
  );
}

/** Of a list, none may be left over. */
export function none(found: readonly unknown[], says: string): void {
  must(found.length === 0, says, found);
}

/** A check that has looked at nothing has shown nothing. */
export function some<T>(found: readonly T[] | undefined, what: string): readonly T[] {
  must(found !== undefined && found.length > 0, `AWS lists no ${what}.`, found);
  return found;
}

export const counted = (count: number, what: string) =>
  `${count} ${what}${count === 1 ? "" : /(s|x|ch)$/.test(what) ? "es" : "s"}`;

const indented = (text: string) =>
  text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
