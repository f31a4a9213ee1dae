/**
 * Span: the values that a design gives to one parameter, from the model's schema and the person's wishes.
 * One value means that the parameter is not varied.
 */
import type { Column, Value } from "./columns.ts";

export type Span =
  | { readonly values: readonly Value[] }
  | {
      readonly whole: boolean;
      readonly minimum: number;
      readonly maximum: number;
      /** Every value is a multiple of it; the bounds then count multiples. */
      readonly step?: number;
      /** Its bounds are not among its values. */
      readonly isOpen?: true;
    };

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

  if (column.kind === "text" || column.kind === "boolean" || column.choices !== undefined) {
    if (wish.range !== undefined || wish.levels !== undefined)
      return fail(
        `is ${allowed(column)}: it takes choices or a fixed value, not ${said.join(" and ")}.`,
      );
    if (column.choices !== undefined) return { values: column.choices };
    if (column.kind === "boolean") return { values: [false, true] };
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
  const { multipleOf: step } = column;
  const whole = column.kind === "integer" || step !== undefined;
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
  const isOpen = range === undefined && (column.isMinimumOpen || column.isMaximumOpen) === true;
  const { minimum, maximum } = step === undefined ? bounds : multiplesWithin(bounds, step, column);
  if (minimum > maximum) return fail(`can be ${allowed(column)}, and there is none.`);
  if (levels !== undefined) {
    const most = whole ? maximum - minimum + 1 : Infinity;
    if (!Number.isInteger(levels) || levels < 2)
      return fail(`has ${levels} as its number of levels, which must be whole and at least 2.`);
    if (levels > most)
      return fail(
        `has ${levels} levels, but only ${most} ${step === undefined ? "whole numbers" : `multiples of ${step}`} from ${bounds.minimum} to ${bounds.maximum}.`,
      );
    if (isOpen && !whole)
      return fail(
        `has levels, whose first and last are the bounds, but can be ${allowed(column)}. Give it a range.`,
      );
  }
  if (minimum === maximum)
    return { values: [step === undefined ? minimum : multiple(minimum, step)] };
  return {
    whole,
    minimum,
    maximum,
    ...(step !== undefined && { step }),
    ...(isOpen && !whole && { isOpen }),
  };
}

/** How many times `step` the least and the largest allowed multiple within the bounds are. */
function multiplesWithin({ minimum, maximum }: Range, step: number, column: Column): Range {
  // One further out, for a quotient that rounding has carried inwards; then what is not allowed is left out.
  const range = { minimum: Math.floor(minimum / step), maximum: Math.ceil(maximum / step) };
  const isWithin = (times: number) => {
    const value = multiple(times, step);
    return value >= minimum && value <= maximum && isAllowed(column, value);
  };
  while (range.minimum <= range.maximum && !isWithin(range.minimum)) range.minimum++;
  while (range.minimum <= range.maximum && !isWithin(range.maximum)) range.maximum--;
  return range;
}

/** 3 × 0.1 as a person writes it, 0.3, and not the 0.30000000000000004 that no schema takes for a multiple of 0.1. */
function multiple(times: number, step: number): number {
  return Number((times * step).toFixed(Math.min(100, decimalsOf(step))));
}

function decimalsOf(step: number): number {
  const [, digits = "", exponent = "0"] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(step))!;
  return Math.max(0, digits.length - Number(exponent));
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
  const { whole, minimum, maximum, step, isOpen } = span;
  // Rounding may carry the sum past the maximum.
  const at: (u: number) => number = whole
    ? (u) => Math.min(minimum + Math.floor(u * (maximum - minimum + 1)), maximum)
    : (u) => Math.min(minimum + u * (maximum - minimum), maximum);
  if (step !== undefined) return (u) => multiple(at(u), step);
  if (isOpen) return (u) => inside(at(u), minimum, maximum);
  return at;
}

/** A value that rounding has carried onto a bound that is not allowed, a billionth of the range back. */
function inside(value: number, minimum: number, maximum: number): number {
  if (value > minimum && value < maximum) return value;
  const little = (maximum - minimum) * 1e-9;
  const back = value <= minimum ? minimum + little : maximum - little;
  return back > minimum && back < maximum ? back : (minimum + maximum) / 2;
}

/** The span's values as a grid has them: `levels` evenly spaced numbers, both ends included, or every value there is. */
export function levelsOf(span: Span, levels = 0): { count: number; at: (level: number) => Value } {
  if ("values" in span)
    return { count: span.values.length, at: (level) => span.values[level] as Value };
  const { whole, minimum, maximum, step } = span;
  return {
    count: levels,
    at(level) {
      const value =
        level === levels - 1 ? maximum : minimum + (level * (maximum - minimum)) / (levels - 1);
      if (step !== undefined) return multiple(Math.round(value), step);
      return whole ? Math.round(value) : value;
    },
  };
}

/** Whether a column takes a value. */
export function isAllowed(column: Column, value: Value): boolean {
  const { kind, choices, minimum = -Infinity, maximum = Infinity, multipleOf } = column;
  if (choices !== undefined) return choices.includes(value);
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "text") return typeof value === "string";
  return (
    typeof value === "number" &&
    (kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    (column.isMinimumOpen ? value > minimum : value >= minimum) &&
    (column.isMaximumOpen ? value < maximum : value <= maximum) &&
    (multipleOf === undefined || value === multiple(Math.round(value / multipleOf), multipleOf))
  );
}

/** What a column takes, for a message: "a number from 0 to 1". */
export function allowed(column: Column): string {
  const { kind, choices, multipleOf } = column;
  if (choices !== undefined)
    return choices.length === 1 ? show(choices[0]!) : `one of ${choices.map(show).join(", ")}`;
  if (kind === "boolean") return "true or false";
  if (kind === "text") return "a text";
  const whole = kind === "integer" ? "a whole number" : "a number";
  const what = multipleOf === undefined ? whole : `a multiple of ${multipleOf}`;
  return `${what}${boundsText(column)}`;
}

function boundsText({ minimum, maximum, isMinimumOpen, isMaximumOpen }: Column): string {
  if (minimum === undefined && maximum === undefined) return "";
  const from = `${isMinimumOpen ? "above" : "from"} ${minimum}`;
  const to = `${isMaximumOpen ? "below" : "up to"} ${maximum}`;
  if (maximum === undefined) return ` ${from}`;
  if (minimum === undefined) return isMaximumOpen ? ` ${to}` : ` to ${maximum}`;
  return isMinimumOpen || isMaximumOpen ? ` ${from} and ${to}` : ` from ${minimum} to ${maximum}`;
}

/** A value as a message quotes it. */
export function show(value: Value): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
