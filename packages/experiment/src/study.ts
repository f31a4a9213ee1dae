/**
 * Study: a named series of experiments of one model, each step's design a pure function of the results so far.
 *
 *   studies/<name>/<id>/study.json          written once, when the study is started
 *   experiments/<name>/<id>-<step>/…        its steps: experiments like any other
 *
 * Nothing else is kept: how far a study has come is found from its steps.
 */
import { UserError, exitCodes } from "@hatchery/config";
import { z } from "zod";
import type { Answer } from "./dataset-query.ts";
import type { DesignSettings } from "./design.ts";
import { readJson, type Store } from "./store.ts";
import type { Summary } from "./summary-format.ts";

/** A step that is closed, with every simulation done or failed. */
export interface StudyStep {
  readonly step: number;
  readonly experiment: string;
  readonly design: DesignSettings;
  readonly summary: Summary;
}

/** What the next design is made of. */
export interface StudyState {
  /** The number of the step that is asked for: 0 before there are any results. */
  readonly step: number;
  readonly steps: readonly StudyStep[];
  /** Of the latest step; undefined before the first. */
  readonly summary: Summary | undefined;
  readonly results: {
    /**
     * One SELECT over the simulations that are done: the views `step0`, `step1`, …, one per step, and `results`,
     * which is all of them with the number of their step in the column `step`.
     */
    query(sql: string): Promise<Answer>;
  };
}

export interface Stop {
  /** Why no further step is needed. */
  readonly stop: string;
  /** What was found out, for people and scripts: anything that JSON can hold. */
  readonly answer?: Readonly<Record<string, unknown>>;
}

export interface StudyDefinition {
  /** What its experiments are called: lower-case letters, digits and "-". */
  readonly name: string;
  readonly description?: string;
  /** The model's name. */
  readonly model: string;
  readonly seed: number;
  /**
   * By default all steps share the seed, so that what differs between two of them is the designs' doing alone.
   * True: step k has seed + k, and so other points and other random streams.
   */
  readonly freshSeeds?: boolean;
  /** The share of failed simulations that holds a step back, 0 to 1. Default 0.5. */
  readonly maxFailures?: number;
  /** Files for the model's inputs, by their names; the model's own for the others. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** A study that has not stopped by then has failed. */
  readonly mostSteps: number;
  /**
   * The next step's design, or why there is none. The same results must give the same answer:
   * no clock, no Math.random(), no file; a study that is resumed is asked again from the start.
   */
  readonly next: (state: StudyState) => DesignSettings | Stop | Promise<DesignSettings | Stop>;
}

export interface Study extends Readonly<Required<Omit<StudyDefinition, "description">>> {
  readonly description: string | undefined;
}

/** Steps are numbered with three digits. */
const mostStepsOfAll = 1_000;

const Definition = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and "-", at most 63.'),
  description: z.string().optional(),
  model: z.string().min(1, "must be the name of a model."),
  seed: z.int().min(0),
  freshSeeds: z.boolean().default(false),
  maxFailures: z.number().min(0).max(1).default(0.5),
  inputs: z.record(z.string(), z.string()).default({}),
  mostSteps: z.int().min(1).max(mostStepsOfAll),
  next: z.custom<StudyDefinition["next"]>((value) => typeof value === "function", {
    error: "must be a function.",
  }),
});

/** Checks a definition. Throws a UserError that names every problem. */
export function defineStudy(definition: StudyDefinition): Study {
  const checked = Definition.safeParse(definition);
  if (!checked.success)
    throw new UserError(
      `Study "${definition.name}" is not well defined:\n${z.prettifyError(checked.error)}`,
      { exitCode: exitCodes.wrongUsage },
    );
  return { ...checked.data, description: checked.data.description };
}

/** Which step of which study an experiment is: in its manifest. */
export const StepOfStudy = z.object({ name: z.string(), id: z.string(), step: z.int().min(0) });
export type StepOfStudy = z.infer<typeof StepOfStudy>;

/** A function of the step alone, so that no step can be there twice. */
export function stepExperiment({ name, id, step }: StepOfStudy): string {
  return `${name}/${id}-${String(step).padStart(3, "0")}`;
}

/** What `study.json` holds. */
export const StudyRecord = z.object({
  format: z.literal(1),
  name: z.string(),
  model: z.string(),
  seed: z.int().min(0),
  createdAt: z.string(),
});
export type StudyRecord = z.infer<typeof StudyRecord>;

export const studiesPrefix = (name: string) => `studies/${name}/`;
export const studyKey = (name: string, id: string) => `${studiesPrefix(name)}${id}/study.json`;

export function readStudyRecord(
  store: Store,
  name: string,
  id: string,
): Promise<StudyRecord | undefined> {
  return readJson(store, studyKey(name, id), (value) => StudyRecord.parse(value));
}

/**
 * Sums of a query differ in their last bits with the order in which its threads come to their end.
 * A design that was made of them is the same design.
 */
const roundingError = 1e-9;

/** Whether two designs, or parts of them, are the same but for rounding. */
export function isSameDesign(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number")
    return Math.abs(a - b) <= roundingError * Math.max(Math.abs(a), Math.abs(b));
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [first, second] = [entriesOf(a), entriesOf(b)];
  return (
    first.size === second.size &&
    [...first].every(([key, value]) => second.has(key) && isSameDesign(value, second.get(key)))
  );
}

/** What is undefined is not there: JSON has no word for it. */
function entriesOf(record: object): Map<string, unknown> {
  return new Map(Object.entries(record).filter(([, value]) => value !== undefined));
}
