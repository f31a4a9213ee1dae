/**
 * Model: a user's function from typed parameters to typed results.
 * `defineModel` checks the definition once; everything else in the house only reads it.
 */
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { columnsOf, objectSchema, type Column, type ObjectSchema } from "./columns.ts";
import type { RandomStream } from "./random.ts";

/** What a simulation gets beside its parameters. */
export interface SimulationContext {
  /** This simulation's own random stream: a function of the experiment's seed and the simulation's number alone. */
  readonly random: RandomStream;
  /** Aborted when the simulation should stop early; a long asynchronous simulation should listen. */
  readonly signal: AbortSignal;
  /** Goes to the worker's log with the simulation's number. */
  readonly log: (message: string) => void;
}

/** Bounds on one simulation. Breaking one costs that simulation, never its neighbours. */
export const Limits = z.strictObject({
  seconds: z.number().positive().max(86_400).default(60),
  attempts: z.int().min(1).max(10).default(1),
  memory: z
    .string()
    .regex(/^\d+ (MB|GB)$/, 'must be a size such as "512 MB" or "2 GB"')
    .default("2 GB"),
});
export type Limits = z.infer<typeof Limits>;

export interface ModelDefinition<P extends z.ZodObject, R extends z.ZodObject> {
  readonly name: string;
  readonly description?: string;
  /** One field per parameter; ranges and choices are what a design lays out. */
  readonly parameters: P;
  readonly results: R;
  readonly limits?: z.input<typeof Limits>;
  readonly simulate: (
    parameters: z.output<P>,
    context: SimulationContext,
  ) => z.output<R> | Promise<z.output<R>>;
}

export interface Model<P extends z.ZodObject = z.ZodObject, R extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: P;
  readonly results: R;
  readonly limits: Limits;
  readonly simulate: ModelDefinition<P, R>["simulate"];
  readonly parameterSchema: ObjectSchema;
  readonly resultSchema: ObjectSchema;
  readonly parameterColumns: readonly Column[];
  readonly resultColumns: readonly Column[];
}

/** Columns that every dataset has beside the model's own. */
export const reservedColumns = [
  "simulation",
  "status",
  "cause",
  "fingerprint",
  "message",
  "attempts",
  "seconds",
  "worker",
] as const;

/** Checks a definition and settles its columns. Throws a UserError that names every problem. */
export function defineModel<P extends z.ZodObject, R extends z.ZodObject>(
  definition: ModelDefinition<P, R>,
): Model<P, R> {
  const problems: string[] = [];
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(definition.name))
    problems.push(
      `name ${JSON.stringify(definition.name)} must be lower-case letters, digits and "-", at most 63.`,
    );
  const limits = Limits.safeParse(definition.limits ?? {});
  if (!limits.success) problems.push(z.prettifyError(limits.error));
  const parameterSchema = objectSchema(definition.parameters);
  const resultSchema = objectSchema(definition.results);
  const names = [
    ...Object.keys(parameterSchema.properties),
    ...Object.keys(resultSchema.properties),
  ];
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i)
      problems.push(`field "${name}" is there twice; parameters and results share one table.`);
    if ((reservedColumns as readonly string[]).includes(name))
      problems.push(`field "${name}" is a column that every dataset has; choose another name.`);
  });
  if (problems.length > 0 || !limits.success)
    throw new UserError(
      `Model "${definition.name}" is not well defined:\n  ${problems.join("\n  ")}`,
      { exitCode: exitCodes.wrongUsage },
    );
  return {
    name: definition.name,
    description: definition.description,
    parameters: definition.parameters,
    results: definition.results,
    limits: limits.data,
    simulate: definition.simulate,
    parameterSchema,
    resultSchema,
    parameterColumns: columnsOf(parameterSchema, `Model "${definition.name}": parameter`),
    resultColumns: columnsOf(resultSchema, `Model "${definition.name}": result`),
  };
}
