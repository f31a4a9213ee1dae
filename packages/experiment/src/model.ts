/**
 * Model: a user's function from typed parameters to typed results.
 * `defineModel` checks the definition once; everything else in the house only reads it.
 */
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { columnsOf, objectSchema, type Column, type ObjectSchema } from "./columns.ts";
import type { Command } from "./external.ts";
import { programFunction, type Program } from "./program.ts";
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

type Simulate<P extends z.ZodObject, R extends z.ZodObject> = (
  parameters: z.output<P>,
  context: SimulationContext,
) => z.output<R> | Promise<z.output<R>>;

/** Labels that a fleet must have, such as { memory: "large" }. */
const Needs = z.record(z.string().min(1), z.string().min(1));

interface Definition<P extends z.ZodObject, R extends z.ZodObject> {
  readonly name: string;
  readonly description?: string;
  /** One field per parameter; ranges and choices are what a design lays out. */
  readonly parameters: P;
  readonly results: R;
  readonly limits?: z.input<typeof Limits>;
  /** The fleet that computes it; the default one when absent. */
  readonly fleet?: string;
  /** In place of a name: what its fleet must have, by the labels of FLEETS. */
  readonly needs?: Readonly<Record<string, string>>;
}

/** A model is computed by exactly one of two: a function, or a program that answers JSON lines. */
export type ModelDefinition<P extends z.ZodObject, R extends z.ZodObject> = Definition<P, R> &
  (
    | {
        readonly simulate: Simulate<P, R>;
        readonly program?: undefined;
        readonly folder?: undefined;
      }
    | {
        /** The executable and its arguments, such as ["python3", "model.py"]. One process per slot, for many simulations. */
        readonly program: Command;
        /** Where it is started: the model's own folder, `import.meta.dirname`. */
        readonly folder: string;
        readonly simulate?: undefined;
      }
  );

export interface Model<P extends z.ZodObject = z.ZodObject, R extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: P;
  readonly results: R;
  readonly limits: Limits;
  readonly fleet: string | undefined;
  readonly needs: Readonly<Record<string, string>> | undefined;
  /** For a program too: it starts the program where there is none yet, and asks it. */
  readonly simulate: Simulate<P, R>;
  readonly program: Program | undefined;
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
  const needs = Needs.optional().safeParse(definition.needs);
  if (!needs.success)
    problems.push('`needs` must be labels with their values, such as { memory: "large" }.');
  const { simulate, program, folder } = definition;
  // The types say so too, but not to a model that is written in JavaScript.
  if ((simulate === undefined) === (program === undefined))
    problems.push("it must have either `simulate` or `program`, and not both.");
  if (program !== undefined && (program.length === 0 || folder === undefined))
    problems.push("`program` needs a command and its `folder`, such as import.meta.dirname.");
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
  const { seconds, memory } = limits.data;
  const external = program && { command: program, folder };
  return {
    name: definition.name,
    description: definition.description,
    parameters: definition.parameters,
    results: definition.results,
    limits: limits.data,
    fleet: definition.fleet,
    needs: definition.needs,
    simulate:
      external === undefined
        ? simulate!
        : programFunction(external, { seconds, memoryBytes: bytesOf(memory) }),
    program: external,
    parameterSchema,
    resultSchema,
    parameterColumns: columnsOf(parameterSchema, `Model "${definition.name}": parameter`),
    resultColumns: columnsOf(resultSchema, `Model "${definition.name}": result`),
  };
}

/** Bytes of a size such as "512 MB". */
export function bytesOf(size: string): number {
  const [count, unit] = size.split(" ");
  return Number(count) * (unit === "GB" ? 1e9 : 1e6);
}
