/**
 * Design: how parameters are laid out over the simulations of an experiment.
 * The parameters of simulation i are a function of (columns, settings, seed, i) alone, so that ten million
 * simulations need no list of parameters, and any worker computes any of them.
 */
import { UserError, exitCodes, nearestName } from "@hatchery/config";
import { z } from "zod";
import type { Column, Value } from "./columns.ts";
import { latinHypercube } from "./latin-hypercube.ts";
import { formatCount } from "./number-format.ts";
import { randomPoints } from "./random-points.ts";
import { sobol, sobolDimensions } from "./sobol.ts";
import {
  allowed,
  isAllowed,
  levelsOf,
  show,
  spanOf,
  valueAt,
  type Span,
  type Wish,
} from "./span.ts";

/** Most simulations of one experiment. The Latin hypercube's strata and the random streams are made for this many. */
export const MAX_SIMULATIONS = 100_000_000;

const AnyValue = z.union([z.number(), z.string(), z.boolean()]);
const unvaried = z
  .record(z.string(), AnyValue)
  .optional()
  .describe("Parameters that are not varied.");
const passes = z
  .number()
  .optional()
  .describe("How often each point is simulated, with another random stream each time. Default 1.");
const common = {
  fixed: unvaried,
  replicates: passes,
  ranges: z
    .record(z.string(), z.object({ minimum: z.number(), maximum: z.number() }))
    .optional()
    .describe("Narrower ranges than the model's."),
  choices: z
    .record(z.string(), z.array(AnyValue))
    .optional()
    .describe("The values to take, in equal shares."),
};
const simulations = z.number().describe("How many points.");

/** Shapes only: `openDesign` knows the model and checks the rest, so that all problems are told at once. */
// Written to the manifest; read by apps/worker and apps/steward.
export const DesignSettings = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("latin-hypercube"), simulations, ...common }),
  z.strictObject({ kind: z.literal("sobol"), simulations, ...common }),
  z.strictObject({ kind: z.literal("random"), simulations, ...common }),
  z.strictObject({
    kind: z.literal("grid"),
    levels: z
      .record(z.string(), z.number())
      .describe("How many evenly spaced values a number takes, both ends included."),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("rows"),
    source: z
      .object({ name: z.string(), sha256: z.string() })
      .describe("The file as it was given; in the store by its hash."),
    sha256: z.string().describe("Of the Parquet file in the store that was made of it."),
    rows: z.int().min(1),
    columns: z.array(z.string()).describe("The parameters that the file gives."),
    varied: z.array(z.string()).describe("Those of them that have more than one value."),
    fixed: unvaried,
    replicates: passes,
  }),
]);
export type DesignSettings = z.infer<typeof DesignSettings>;
export type RowSettings = Extract<DesignSettings, { kind: "rows" }>;
/** Designs that are computed, not read. */
export type ComputedSettings = Exclude<DesignSettings, RowSettings>;

export interface DesignOutline {
  /** N: how many simulations, replicates included. */
  readonly total: number;
  /** Names of the parameters that have more than one value. */
  readonly varied: readonly string[];
}

export interface Design extends DesignOutline {
  /** The parameters of simulation i, 0 ≤ i < total, in the order of the columns. */
  readonly parameters: (i: number) => Record<string, Value>;
}

interface Dimension {
  readonly name: string;
  readonly span: Span;
  readonly levels: number | undefined;
}

/** What a design comes to, without its parameters: needs no store. Throws a UserError that names every problem. */
export function outlineDesign(
  columns: readonly Column[],
  settings: DesignSettings,
  seed: number,
): DesignOutline {
  if (settings.kind !== "rows") return createDesign(columns, settings, seed);
  const problems: string[] = [];
  constantParameters(columns, settings, problems);
  const { rows, varied, replicates = 1 } = settings;
  problems.push(...countProblems(settings, rows, replicates, varied.length, seed));
  refuse(problems);
  return { total: rows * replicates, varied };
}

/** The parameters that a file of rows does not give: fixed, or the model's default. */
export function constantParameters(
  columns: readonly Column[],
  settings: Pick<RowSettings, "columns" | "fixed" | "kind">,
  problems: string[],
): Record<string, Value> {
  problems.push(...unknownNames(columns, settings));
  const constant: Record<string, Value> = {};
  for (const column of columns) {
    const given = own(settings.fixed, column.name);
    const isInFile = settings.columns.includes(column.name);
    if (given !== undefined && isInFile)
      problems.push(`Parameter "${column.name}" has a column in the file and a fixed value.`);
    else if (given !== undefined) {
      if (isAllowed(column, given)) constant[column.name] = given;
      else
        problems.push(
          `Parameter "${column.name}" is fixed at ${show(given)}, but must be ${allowed(column)}.`,
        );
    } else if (!isInFile) {
      if (column.default !== undefined) constant[column.name] = column.default;
      else
        problems.push(
          `Parameter "${column.name}" has no column in the file, and no default. Add one, or fix it.`,
        );
    }
  }
  return constant;
}

/**
 * Replicates are whole passes over the points: simulations 0 … points − 1 are the first, so that a run
 * which stops early has seen the whole space, and more replicates leave the first ones' parameters as they were.
 * Throws a UserError that names every problem of the settings.
 */
export function createDesign(
  columns: readonly Column[],
  settings: ComputedSettings,
  seed: number,
): Design {
  const problems = unknownNames(columns, settings);
  const dimensions: Dimension[] = [];
  const template: Record<string, Value> = {};
  for (const column of columns) {
    const { name } = column;
    const wish = wishFor(name, settings);
    const span = spanOf(column, wish, settings.kind === "grid", problems);
    if (span === undefined) continue;
    const [first, ...others] = "values" in span ? span.values : [span.minimum, span.maximum];
    template[name] = first as Value;
    if (others.length > 0) dimensions.push({ name, span, levels: wish.levels });
  }
  const replicates = settings.replicates ?? 1;
  const points =
    settings.kind === "grid"
      ? dimensions.reduce((product, d) => product * levelsOf(d.span, d.levels).count, 1)
      : settings.simulations;
  problems.push(...countProblems(settings, points, replicates, dimensions.length, seed));
  refuse(problems);

  const total = points * replicates;
  const values = valuesByPoint(settings, points, dimensions, seed);
  return {
    total,
    varied: dimensions.map(({ name }) => name),
    parameters(i) {
      if (!Number.isInteger(i) || i < 0 || i >= total)
        throw new RangeError(`Simulation ${i} is not one of the design's ${total}.`);
      const parameters = { ...template };
      for (const { name, at } of values) parameters[name] = at(i % points);
      return parameters;
    },
  };
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0)
    throw new UserError(
      `The design has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n  ${problems.join("\n  ")}`,
      {
        hint: "Correct the design and try again; nothing was started.",
        exitCode: exitCodes.wrongUsage,
      },
    );
}

/** "Latin hypercube of 10,000 over 12 parameters"; without the design itself, as much as the settings say. */
export function describeDesign(settings: DesignSettings, design?: DesignOutline): string {
  const { replicates = 1 } = settings;
  const again = replicates === 1 ? "" : `, ${formatCount(replicates)} replicates`;
  const names = {
    "latin-hypercube": "Latin hypercube",
    sobol: "Sobol sequence",
    random: "random sample",
    grid: "grid",
  };
  const { length } = design?.varied ?? [];
  const over = `over ${length} ${length === 1 ? "parameter" : "parameters"}`;
  if (settings.kind === "rows") {
    const rows = `${formatCount(settings.rows)} ${settings.rows === 1 ? "row" : "rows"}`;
    return `${rows} of ${settings.source.name}${design === undefined ? "" : ` ${over}`}${again}`;
  }
  const name = names[settings.kind];
  if (design !== undefined)
    return `${name} of ${formatCount(design.total / replicates)} ${over}${again}`;
  if (settings.kind !== "grid") return `${name} of ${formatCount(settings.simulations)}${again}`;
  const levels = Object.entries(settings.levels).map(([parameter, n]) => `${parameter} × ${n}`);
  return `${[name, levels.join(", ")].filter(Boolean).join(" of ")}${again}`;
}

function valuesByPoint(
  settings: ComputedSettings,
  points: number,
  dimensions: readonly Dimension[],
  seed: number,
): { name: string; at: (point: number) => Value }[] {
  if (settings.kind === "grid") {
    // As nested loops: the last parameter changes fastest.
    let stride = points;
    return dimensions.map(({ name, span, levels }) => {
      const { count, at } = levelsOf(span, levels);
      const step = (stride /= count);
      return { name, at: (point) => at(Math.floor(point / step) % count) };
    });
  }
  const unit = unitPoints(settings.kind, points, dimensions.length, seed);
  return dimensions.map(({ name, span }, dimension) => {
    const at = valueAt(span);
    return { name, at: (point) => at(unit(point, dimension)) };
  });
}

function unitPoints(
  kind: "latin-hypercube" | "sobol" | "random",
  points: number,
  dimensions: number,
  seed: number,
): (point: number, dimension: number) => number {
  if (kind === "latin-hypercube") return latinHypercube(points, dimensions, seed);
  return kind === "sobol" ? sobol(dimensions, seed) : randomPoints(dimensions, seed);
}

/** Own properties only: a parameter may be called "constructor". */
function own<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

function wishFor(name: string, settings: ComputedSettings): Wish {
  return {
    fixed: own(settings.fixed, name),
    range: own(settings.ranges, name),
    choices: own(settings.choices, name),
    levels: settings.kind === "grid" ? own(settings.levels, name) : undefined,
  };
}

function unknownNames(
  columns: readonly Column[],
  settings: ComputedSettings | Pick<RowSettings, "columns" | "fixed" | "kind">,
): string[] {
  const known = columns.map(({ name }) => name);
  const said =
    settings.kind === "rows"
      ? [...settings.columns, ...Object.keys(settings.fixed ?? {})]
      : [
          settings.fixed,
          settings.ranges,
          settings.choices,
          settings.kind === "grid" ? settings.levels : undefined,
        ].flatMap((record) => Object.keys(record ?? {}));
  return [...new Set(said)]
    .filter((name) => !known.includes(name))
    .map((name) => {
      const meant = nearestName(name, known);
      const instead =
        meant === undefined ? `The model has ${known.join(", ")}.` : `Did you mean "${meant}"?`;
      return `"${name}" is not a parameter of the model. ${instead}`;
    });
}

function countProblems(
  settings: DesignSettings,
  points: number,
  replicates: number,
  dimensions: number,
  seed: number,
): string[] {
  const problems: string[] = [];
  const most = formatCount(MAX_SIMULATIONS);
  if (!isCount(points))
    problems.push(
      `${points} simulations are not possible: it must be a whole number from 1 to ${most}.`,
    );
  if (!isCount(replicates))
    problems.push(`${replicates} replicates are not possible: it must be a whole number from 1.`);
  if (isCount(points) && isCount(replicates) && points * replicates > MAX_SIMULATIONS)
    problems.push(
      `${formatCount(points)} points${replicates === 1 ? "" : ` × ${formatCount(replicates)} replicates`} are too many: at most ${most} simulations.`,
    );
  if (settings.kind === "sobol" && dimensions > sobolDimensions)
    problems.push(
      `A Sobol sequence varies at most ${sobolDimensions} parameters, not ${dimensions}. Fix some, or use latin-hypercube.`,
    );
  if (!Number.isSafeInteger(seed) || seed < 0)
    problems.push(`Seed ${seed} must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
  return problems;
}

function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 1;
}
