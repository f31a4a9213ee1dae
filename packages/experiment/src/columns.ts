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
  readonly choices?: readonly Value[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** The bound itself is not allowed. Never for whole numbers, whose next one is the bound instead. */
  readonly isMinimumOpen?: true;
  readonly isMaximumOpen?: true;
  /** Only multiples of it are allowed. */
  readonly multipleOf?: number;
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
  readonly multipleOf?: number;
  readonly anyOf?: readonly PropertySchema[];
  readonly default?: Value;
}

/** JSON Schema of an object, as the manifest stores it. */
export const ObjectSchema = z.looseObject({
  properties: z.record(z.string(), z.looseObject({})),
  /** Fields that are always there: those with a default, too. */
  required: z.array(z.string()).default([]),
});
export type ObjectSchema = z.infer<typeof ObjectSchema>;

export function objectSchema(schema: z.ZodObject): ObjectSchema {
  return ObjectSchema.parse(z.toJSONSchema(schema, { unrepresentable: "any" }));
}

/** The columns of an object schema, in its own order. Throws a UserError for a field that fits no column. */
export function columnsOf(schema: ObjectSchema, where: string): Column[] {
  return Object.entries(schema.properties).map(([name, given]) => {
    const property = given as PropertySchema;
    const kind = kindOf(property);
    if (kind === undefined)
      throw new UserError(
        `${where} field "${name}" cannot be a column of a table: its schema is ${JSON.stringify(property)}.`,
        {
          hint: "Use z.number(), z.int(), z.boolean(), z.string(), z.enum([...]) or z.literal([...]) of one kind, without nesting.",
          exitCode: exitCodes.wrongUsage,
        },
      );
    const choices = choicesOf(property);
    return {
      name,
      kind,
      ...(property.description !== undefined && { description: property.description }),
      ...(property.default !== undefined && { default: property.default }),
      ...(choices !== undefined && { choices: choices as Value[] }),
      ...(choices === undefined && kind === "integer" && wholeRange(property)),
      ...(choices === undefined && kind === "number" && range(property)),
      ...(property.multipleOf !== undefined && { multipleOf: property.multipleOf }),
    };
  });
}

/** What an enum, a literal or a union of literals lists. */
function choicesOf(property: PropertySchema): readonly unknown[] | undefined {
  if (property.enum !== undefined) return property.enum;
  if (property.const !== undefined) return [property.const];
  const each = property.anyOf?.map(choicesOf);
  return each?.every((choices) => choices !== undefined) ? each.flat() : undefined;
}

function kindOf(property: PropertySchema): ColumnKind | undefined {
  const choices = choicesOf(property);
  const type = choices === undefined ? property.type : typeof choices[0];
  if (choices?.some((choice) => typeof choice !== type)) return undefined;
  if (type === "string") return "text";
  return type === "boolean" || type === "integer" || type === "number" ? type : undefined;
}

type Range = Pick<Column, "minimum" | "maximum" | "isMinimumOpen" | "isMaximumOpen">;

function range(property: PropertySchema): Range {
  const { minimum: min = -Infinity, exclusiveMinimum: above = -Infinity } = property;
  const { maximum: max = Infinity, exclusiveMaximum: below = Infinity } = property;
  const minimum = Math.max(min, above);
  const maximum = Math.min(max, below);
  return {
    ...(isBound(minimum) && { minimum, ...(above >= min && { isMinimumOpen: true }) }),
    ...(isBound(maximum) && { maximum, ...(below <= max && { isMaximumOpen: true }) }),
  };
}

function wholeRange(property: PropertySchema): Range {
  const { minimum: min = -Infinity, exclusiveMinimum: above = -Infinity } = property;
  const { maximum: max = Infinity, exclusiveMaximum: below = Infinity } = property;
  const minimum = Math.max(min, Math.floor(above) + 1);
  const maximum = Math.min(max, Math.ceil(below) - 1);
  return { ...(isBound(minimum) && { minimum }), ...(isBound(maximum) && { maximum }) };
}

/** z.int() states the largest whole numbers that a double holds, which nobody asked for. */
const isBound = (bound: number) => Math.abs(bound) < Number.MAX_SAFE_INTEGER;
