/**
 * Span: the values that a design gives to one parameter, from the model's schema and the person's wishes.
 * One value means that the parameter is not varied.
 */
import type { Column, Value } from "./columns.ts";

export type Span =
  | { readonly values: readonly Value[] }
  | { readonly whole: boolean; readonly minimum: number; readonly maximum: number };

interface Range {
  readonly minimum: number;
  readonly maximum: number;
}

/** What a person says of one parameter. */
export interface Wish {
  readonly fixed?: Value | undefined;
  readonly range?: Range | undefined;
  readonly choices?: readonly Value[] | undefined;
  readonly levels?: number | undefined;
}

/** The parameter's span, or undefined after adding to `problems`. A grid varies a number only when it has levels. */
export function spanOf(
  column: Column,
  wish: Wish,
  inGrid: boolean,
  problems: string[],
): Span | undefined {
  const fail = (problem: string) => {
    problems.push(`Parameter "${column.name}" ${problem}`);
    return undefined;
  };
  const said = [
    wish.fixed !== undefined && "a fixed value",
    wish.choices !== undefined && "choices",
    wish.range !== undefined && "a range",
    wish.levels !== undefined && "levels",
  ].filter((thing) => thing !== false);
  if (said.length > 1 && !(said.length === 2 && said.join() === "a range,levels"))
    return fail(`has ${said.join(" and ")}; keep one of them.`);

  if (wish.fixed !== undefined)
    return isAllowed(column, wish.fixed)
      ? { values: [wish.fixed] }
      : fail(`is fixed at ${show(wish.fixed)}, but must be ${allowed(column)}.`);

  if (wish.choices !== undefined) {
    const wrong = wish.choices.filter((value) => !isAllowed(column, value));
    if (wrong.length > 0)
      return fail(
        `has ${wrong.map(show).join(", ")} among its choices, but must be ${allowed(column)}.`,
      );
    if (wish.choices.length === 0) return fail("has an empty list of choices.");
    if (new Set(wish.choices).size < wish.choices.length)
      return fail(`lists a choice twice: ${wish.choices.map(show).join(", ")}.`);
    return { values: wish.choices };
  }

  if (column.kind === "text" || column.kind === "boolean") {
    if (wish.range !== undefined || wish.levels !== undefined)
      return fail(
        `is ${allowed(column)}: it takes choices or a fixed value, not ${said.join(" and ")}.`,
      );
    if (column.kind === "boolean") return { values: [false, true] };
    if (column.choices !== undefined) return { values: column.choices };
    if (column.default !== undefined) return { values: [column.default] };
    return fail("can be any text, and has no default. Fix it or give it choices.");
  }
  return numberSpan(column, wish, inGrid, fail);
}

function numberSpan(
  column: Column,
  { range, levels }: Wish,
  inGrid: boolean,
  fail: (problem: string) => undefined,
): Span | undefined {
  const whole = column.kind === "integer";
  const bounds = range ?? boundsOf(column);
  const varied = !inGrid || levels !== undefined;
  if (range !== undefined) {
    const { minimum, maximum } = range;
    const text = `has a range from ${minimum} to ${maximum}`;
    if (!isAllowed(column, minimum) || !isAllowed(column, maximum))
      return fail(`${text}, outside of what the model allows: ${allowed(column)}.`);
    if (minimum > maximum) return fail(`${text}: the minimum is above the maximum.`);
    if (!Number.isFinite(maximum - minimum))
      return fail(`${text}, which is too wide to compute with.`);
    if (!varied) return fail("has a range but no levels, which a grid needs.");
  }
  if (bounds === undefined || !varied) {
    if (levels !== undefined) return fail("has levels but no range. Give it a range or choices.");
    if (column.default !== undefined) return { values: [column.default] };
    return fail(
      inGrid
        ? "has no levels, and no default. Give it levels or choices, or fix it."
        : `can be ${allowed(column)}, and has no default. Give it a range or choices, or fix it.`,
    );
  }
  if (levels !== undefined) {
    const most = whole ? bounds.maximum - bounds.minimum + 1 : Infinity;
    if (!Number.isInteger(levels) || levels < 2)
      return fail(`has ${levels} as its number of levels, which must be whole and at least 2.`);
    if (levels > most)
      return fail(
        `has ${levels} levels, but only ${most} whole numbers from ${bounds.minimum} to ${bounds.maximum}.`,
      );
  }
  return bounds.minimum === bounds.maximum
    ? { values: [bounds.minimum] }
    : { whole, minimum: bounds.minimum, maximum: bounds.maximum };
}

function boundsOf({ kind, minimum, maximum }: Column): Range | undefined {
  if (minimum === undefined || maximum === undefined) return undefined;
  return kind === "integer"
    ? { minimum: Math.ceil(minimum), maximum: Math.floor(maximum) }
    : { minimum, maximum };
}

/** The span's values for equal shares of the unit interval; `u` is in (0, 1). */
export function valueAt(span: Span): (u: number) => Value {
  if ("values" in span) {
    const { values } = span;
    return (u) => values[Math.floor(u * values.length)] as Value;
  }
  const { whole, minimum, maximum } = span;
  // Rounding may carry the sum past the maximum.
  return whole
    ? (u) => Math.min(minimum + Math.floor(u * (maximum - minimum + 1)), maximum)
    : (u) => Math.min(minimum + u * (maximum - minimum), maximum);
}

/** The span's values as a grid has them: `levels` evenly spaced numbers, both ends included, or every value there is. */
export function levelsOf(span: Span, levels = 0): { count: number; at: (level: number) => Value } {
  if ("values" in span)
    return { count: span.values.length, at: (level) => span.values[level] as Value };
  const { whole, minimum, maximum } = span;
  return {
    count: levels,
    at(level) {
      const value =
        level === levels - 1 ? maximum : minimum + (level * (maximum - minimum)) / (levels - 1);
      return whole ? Math.round(value) : value;
    },
  };
}

/** Whether a column takes a value. */
export function isAllowed({ kind, choices, minimum, maximum }: Column, value: Value): boolean {
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "text") return typeof value === "string" && (choices?.includes(value) ?? true);
  return (
    typeof value === "number" &&
    (kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    value >= (minimum ?? -Infinity) &&
    value <= (maximum ?? Infinity)
  );
}

/** What a column takes, for a message: "a number from 0 to 1". */
export function allowed({ kind, choices, minimum, maximum }: Column): string {
  if (kind === "boolean") return "true or false";
  if (kind === "text")
    return choices === undefined ? "a text" : `one of ${choices.map(show).join(", ")}`;
  const from = minimum === undefined ? "" : ` from ${minimum}`;
  const to = maximum === undefined ? "" : ` to ${maximum}`;
  return `${kind === "integer" ? "a whole number" : "a number"}${from}${to}`;
}

/** A value as a message quotes it. */
export function show(value: Value): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
