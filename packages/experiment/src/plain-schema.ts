/**
 * Plain schema: one whose fields say all in ranges, choices and multiples, and change nothing. Every design lays out only
 * values that such a schema takes (columns.test.ts), and so they need no check before each simulation: for 17 parameters
 * that is 2.5 µs, of the 140 that a building's whole year takes.
 */
import type { z } from "zod";

/** Whether parsing what a design lays out gives the very same. Refinements, transforms and further keys do not. */
export function isPlain(schema: z.ZodObject): boolean {
  const { catchall, checks } = schema.def;
  return (
    catchall === undefined && noChecks(checks) && Object.values(schema.shape).every(isPlainField)
  );
}

const isRangeCheck = ({ _zod: { def } }: z.core.$ZodCheck) =>
  ["greater_than", "less_than", "multiple_of", "number_format"].includes(def.check);

function isPlainField(field: z.core.$ZodType): boolean {
  const { def } = field as z.ZodType;
  switch (def.type) {
    case "default":
      return isPlainField((def as z.core.$ZodDefaultDef).innerType);
    case "number":
      return (
        (def as z.core.$ZodNumberDef).coerce !== true && (def.checks ?? []).every(isRangeCheck)
      );
    case "boolean":
      return (def as z.core.$ZodBooleanDef).coerce !== true && noChecks(def.checks);
    case "enum":
    case "literal":
      return noChecks(def.checks);
    default:
      return false;
  }
}

const noChecks = (checks: readonly unknown[] | undefined) => (checks ?? []).length === 0;
