/**
 * Model: a user's function from typed parameters to typed results.
 * `defineModel` checks the definition once; everything else in the house only reads it.
 */
import { isAbsolute } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import { columnsOf, objectSchema, type Column, type ObjectSchema } from "./columns.ts";
import type { Command } from "./external.ts";
import type { InputDeclaration, InputDeclarations } from "./input-files.ts";
import { isPlain } from "./plain-schema.ts";
import { programFunction, type Program } from "./program.ts";
import type { RandomStream } from "./random.ts";
import { filesColumn, type SimulationFiles } from "./returned-files.ts";
import { callingFiles } from "./source.ts";

/** What a simulation gets beside its parameters. */
export interface SimulationContext<Input extends string = string> {
  /** This simulation's own random stream: a function of the experiment's seed and the simulation's number alone. */
  readonly random: RandomStream;
  /** Aborted when the simulation should stop early; a long asynchronous simulation should listen. */
  readonly signal: AbortSignal;
  /** Goes to the worker's log with the simulation's number. */
  readonly log: (message: string) => void;
  /** Where each of the model's input files is on this machine. To be read only: its neighbours read them too. */
  readonly inputs: Readonly<Record<Input, string>>;
  /** Takes files that are to be kept with this simulation; for a model that declares `limits.files`. */
  readonly files: SimulationFiles;
}

const Size = z.string().regex(/^\d+ (MB|GB)$/, 'must be a size such as "512 MB" or "2 GB"');

/** Bounds on one simulation. Breaking one costs that simulation, never its neighbours. */
export const Limits = z.strictObject({
  seconds: z.number().positive().max(86_400).default(60),
  attempts: z.int().min(1).max(10).default(1),
  memory: Size.default("2 GB"),
  /** The most that one simulation may return in files, all together; without it, it may return none. */
  files: Size.refine((size) => bytesOf(size) <= 1e9, 'must be at most "1 GB"').optional(),
});
export type Limits = z.infer<typeof Limits>;

type Simulate<P extends z.ZodObject, R extends z.ZodObject, I extends string = never> = (
  parameters: z.output<P>,
  context: SimulationContext<I>,
) => z.output<R> | Promise<z.output<R>>;

/** Labels that a fleet must have, such as { memory: "large" }. */
const Needs = z.record(z.string().min(1), z.string().min(1));

interface Definition<P extends z.ZodObject, R extends z.ZodObject, I extends string> {
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
  /** Files that it needs, by the name under which they are given: `--input name=file`. */
  readonly inputs?: Readonly<Record<I, InputDeclaration>>;
}

/** A model is computed by exactly one of two: a function, or a program that answers JSON lines. */
export type ModelDefinition<
  P extends z.ZodObject,
  R extends z.ZodObject,
  I extends string = never,
> = Definition<P, R, I> &
  (
    | {
        readonly simulate: Simulate<P, R, NoInfer<I>>;
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
  readonly inputs: InputDeclarations;
  /** For a program too: it starts the program where there is none yet, and asks it. */
  readonly simulate: Simulate<P, R, string>;
  readonly program: Program | undefined;
  /** The files whose code defined it: where its source starts. */
  readonly definedIn: readonly string[];
  readonly parameterSchema: ObjectSchema;
  readonly resultSchema: ObjectSchema;
  readonly parameterColumns: readonly Column[];
  readonly resultColumns: readonly Column[];
  /** What a computed design lays out needs no check: see plain-schema.ts. */
  readonly hasPlainParameters: boolean;
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
  filesColumn.name,
] as const;

/** Checks a definition and settles its columns. Throws a UserError that names every problem. */
export function defineModel<P extends z.ZodObject, R extends z.ZodObject, I extends string = never>(
  definition: ModelDefinition<P, R, I>,
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
  const inputs: InputDeclarations = definition.inputs ?? {};
  for (const [name, { default: file }] of Object.entries(inputs)) {
    if (!/^[A-Za-z]\w{0,62}$/.test(name))
      problems.push(
        `input ${JSON.stringify(name)} must be letters, digits and "_", at most 63, a letter first.`,
      );
    if (file !== undefined && !isAbsolute(file))
      problems.push(
        `input "${name}": its default "${file}" must be an absolute path, such as join(import.meta.dirname, "${file}").`,
      );
  }
  const shapeless = (["parameters", "results"] as const).filter(
    (part) => !(definition[part] instanceof z.ZodObject),
  );
  problems.push(...shapeless.map((part) => `\`${part}\` must be there, and be a z.object({...}).`));
  // What follows looks at their fields.
  if (shapeless.length > 0) throw notWellDefined(definition.name, problems);
  const parameterSchema = objectSchema(definition.parameters);
  const resultSchema = objectSchema(definition.results);
  const names = [
    ...Object.keys(parameterSchema.properties),
    ...Object.keys(resultSchema.properties),
  ];
  const lowerCase = names.map((name) => name.toLowerCase());
  names.forEach((name, i) => {
    const first = names[lowerCase.indexOf(lowerCase[i]!)]!;
    if (lowerCase.indexOf(lowerCase[i]!) !== i)
      problems.push(
        `field "${name}" is there twice${first === name ? "" : `, as "${first}", which is the same to SQL`}; parameters and results share one table.`,
      );
    if ((reservedColumns as readonly string[]).includes(lowerCase[i]!))
      problems.push(`field "${name}" is a column that every dataset has; choose another name.`);
  });
  for (const { properties, required } of [parameterSchema, resultSchema])
    for (const name of Object.keys(properties))
      if (!required.includes(name))
        problems.push(
          `field "${name}" may be absent, and every cell of the table has a value; give it a default.`,
        );
  if (problems.length > 0 || !limits.success) throw notWellDefined(definition.name, problems);
  const { seconds, memory, files } = limits.data;
  const resultColumns = columnsOf(resultSchema, `Model "${definition.name}": result`);
  const external = program && { command: program, folder };
  return {
    name: definition.name,
    description: definition.description,
    parameters: definition.parameters,
    results: definition.results,
    limits: limits.data,
    fleet: definition.fleet,
    needs: definition.needs,
    inputs,
    simulate:
      external === undefined
        ? simulate!
        : programFunction(external, {
            seconds,
            memoryBytes: bytesOf(memory),
            hasFiles: files !== undefined,
          }),
    program: external,
    definedIn: callingFiles(),
    parameterSchema,
    resultSchema,
    parameterColumns: columnsOf(parameterSchema, `Model "${definition.name}": parameter`),
    resultColumns: files === undefined ? resultColumns : [...resultColumns, filesColumn],
    hasPlainParameters: isPlain(definition.parameters),
  };
}

function notWellDefined(name: string, problems: readonly string[]): UserError {
  return new UserError(`Model "${name}" is not well defined:\n  ${problems.join("\n  ")}`, {
    exitCode: exitCodes.wrongUsage,
  });
}

/** Bytes of a size such as "512 MB". */
export function bytesOf(size: string): number {
  const [count, unit] = size.split(" ");
  return Number(count) * (unit === "GB" ? 1e9 : 1e6);
}
