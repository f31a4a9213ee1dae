/**
 * Columns: what a model's parameters and results look like in a table.
 * Derived from the model's zod schemas through JSON Schema, which the manifest keeps, so that results
 * can be read, merged and explained without the model's code.
 */
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";

export type Value = number | string | boolean;
export type ColumnKind = "number" | "integer" | "boolean" | "text";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly description?: string;
  /** The only values allowed, for a choice. */
  readonly choices?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The value a parameter has when a design does not vary it. */
  readonly default?: Value;
}

interface PropertySchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly default?: Value;
}

/** JSON Schema of an object, as the manifest stores it. */
export const ObjectSchema = z.looseObject({ properties: z.record(z.string(), z.looseObject({})) });
export type ObjectSchema = z.infer<typeof ObjectSchema>;

export function objectSchema(schema: z.ZodObject): ObjectSchema {
  return ObjectSchema.parse(z.toJSONSchema(schema, { unrepresentable: "any" }));
}

/** The columns of an object schema, in its own order. Throws a UserError for a field that fits no column. */
export function columnsOf(schema: ObjectSchema, where: string): Column[] {
  return Object.entries(schema.properties).map(([name, property]) => {
    const { type, enum: choices, const: only, ...rest } = property as PropertySchema;
    const listed = choices ?? (only === undefined ? undefined : [only]);
    const base = {
      name,
      ...(rest.description !== undefined && { description: rest.description }),
      ...(rest.default !== undefined && { default: rest.default }),
    };
    const minimum = rest.minimum ?? rest.exclusiveMinimum;
    const maximum = rest.maximum ?? rest.exclusiveMaximum;
    const range = {
      ...(minimum !== undefined && Math.abs(minimum) < Number.MAX_SAFE_INTEGER && { minimum }),
      ...(maximum !== undefined && Math.abs(maximum) < Number.MAX_SAFE_INTEGER && { maximum }),
    };
    if (listed?.every((choice) => typeof choice === "string"))
      return { ...base, kind: "text", choices: listed };
    if (type === "string") return { ...base, kind: "text" };
    if (type === "boolean") return { ...base, kind: "boolean" };
    if (type === "integer") return { ...base, kind: "integer", ...range };
    if (type === "number") return { ...base, kind: "number", ...range };
    throw new UserError(
      `${where} field "${name}" cannot be a column of a table: its schema is ${JSON.stringify(property)}.`,
      {
        hint: "Use z.number(), z.int(), z.boolean(), z.string() or z.enum([...]), without nesting.",
        exitCode: exitCodes.wrongUsage,
      },
    );
  });
}
