/** Diff: what changed between two experiments, and which simulations' results differ. Reads the store alone. */
import { UserError } from "@hatchery/config";
import {
  experimentKeys,
  manifestColumns,
  readRounds,
  type Column,
  type Manifest,
  type Round,
  type Store,
} from "@hatchery/experiment";
import { identifier, openDataset, type Dataset } from "@hatchery/experiment/results";
import { readExperiment, type ExperimentState } from "./experiments.ts";
import { count } from "./progress-line.ts";

/** What one of the two says of something; null when it says nothing. */
type Said = string | number | boolean | null;

export interface Change {
  /** Such as "seed", "design.simulations", "limits.memory", "code.commit", "versions.node". */
  readonly what: string;
  readonly a: Said;
  readonly b: Said;
}

export interface ColumnDifference {
  readonly name: string;
  /** Simulations in which this result differs. */
  readonly simulations: number;
  /** The largest difference, and where; null for what is no number. */
  readonly largest: { readonly difference: number; readonly simulation: number } | null;
}

/** The keys are a contract with scripts. */
export interface Diff {
  readonly a: string;
  readonly b: string;
  readonly changes: readonly Change[];
  /** Simulations that are done in both. */
  readonly compared: number;
  /** Of those, how many have another result. */
  readonly differing: number;
  /** Done in one of the two only. */
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** Results that both have, of the same kind: these are compared. */
  readonly shared: readonly string[];
  /** Results that only one has, or that are of another kind in the other. */
  readonly notCompared: readonly string[];
  /** Results whose values differ, in the model's order. */
  readonly results: readonly ColumnDifference[];
  /** The first simulations that differ or are in one only, ascending. */
  readonly first: readonly number[];
  /** No shared result differs, there is one, and no simulation is done in one only. */
  readonly equal: boolean;
}

/** So many examples are enough to replay. */
const mostExamples = 10;

export async function diff(store: Store, a: string, b: string): Promise<Diff> {
  const [stateA, stateB] = [await readExperiment(store, a), await readExperiment(store, b)];
  const files = { a: await closedResults(store, stateA), b: await closedResults(store, stateB) };
  const columns = sharedColumns(stateA.manifest, stateB.manifest);
  const shared = columns.map(({ name }) => name);
  await using dataset = await openDataset(files);
  const compared = await compareResults(dataset, columns);
  return {
    a,
    b,
    changes: changesBetween(
      { manifest: stateA.manifest, rounds: await readRounds(store, a) },
      { manifest: stateB.manifest, rounds: await readRounds(store, b) },
    ),
    ...compared,
    shared,
    notCompared: resultNames(stateA.manifest, stateB.manifest).filter(
      (name) => !shared.includes(name),
    ),
    equal: shared.length > 0 && compared.differing + compared.onlyInA + compared.onlyInB === 0,
  };
}

async function closedResults(
  store: Store,
  { manifest: { experiment }, summary }: ExperimentState,
): Promise<string> {
  const file = await store.localFile(experimentKeys(experiment).results);
  if (summary !== undefined && file !== undefined) return file;
  throw new UserError(`${experiment} is not closed, so it has no results to compare.`, {
    hint: `Watch it:  pnpm hatchery watch ${experiment}`,
  });
}

/** Results that both have, of the same kind; the others are told as changes of the model. */
function sharedColumns(a: Manifest, b: Manifest): Column[] {
  const others = manifestColumns(b).results;
  return manifestColumns(a).results.filter((column) =>
    others.some(({ name, kind }) => name === column.name && kind === column.kind),
  );
}

/** Of either, each once. */
function resultNames(...manifests: Manifest[]): string[] {
  const names = manifests.flatMap((each) => manifestColumns(each).results.map(({ name }) => name));
  return [...new Set(names)];
}

/** What says who and when, and so differs always. */
const apart = ["format", "experiment", "createdAt"];

interface Asked {
  readonly manifest: Manifest;
  readonly rounds: readonly Round[];
}

/** Every leaf of the manifests that differs, and what a person chose later in place of it. */
export function changesBetween(a: Asked, b: Asked): Change[] {
  const [before, after] = [leaves(a), leaves(b)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((what) => !apart.includes(what) && before.get(what) !== after.get(what))
    .map((what) => ({ what, a: before.get(what) ?? null, b: after.get(what) ?? null }));
}

function leaves({ manifest, rounds }: Asked): Map<string, Said> {
  const found = new Map<string, Said>();
  const { parameterSchema, resultSchema, ...rest } = manifest;
  walk(rest, "");
  // A field of a schema reads best whole.
  for (const [kind, schema] of [
    ["parameter", parameterSchema],
    ["result", resultSchema],
  ] as const)
    for (const [name, field] of Object.entries(schema.properties))
      found.set(`${kind}.${name}`, JSON.stringify(field));
  let source = manifest.code.source;
  for (const { round, source: chosen } of rounds)
    if (chosen !== undefined && chosen !== source)
      found.set(`code.source from round ${round} on`, (source = chosen));
  return found;

  function walk(value: unknown, path: string): void {
    if (Array.isArray(value)) found.set(path, JSON.stringify(value));
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value))
        walk(inner, path === "" ? key : `${path}.${key}`);
    else if (value !== undefined) found.set(path, value as Said);
  }
}

async function compareResults(dataset: Dataset, columns: readonly Column[]) {
  const inBoth = "a.simulation IS NOT NULL AND b.simulation IS NOT NULL";
  const differs = columns.map(
    ({ name }) => `a.${identifier(name)} IS DISTINCT FROM b.${identifier(name)}`,
  );
  const anyDiffers = differs.length === 0 ? "false" : differs.join(" OR ");
  const perColumn = columns.flatMap(({ name, kind }, c) => {
    // NULL, and so without a say, where one of the two has no row.
    const distance =
      kind === "number" || kind === "integer"
        ? `abs(a.${identifier(name)}::DOUBLE - b.${identifier(name)}::DOUBLE)`
        : "NULL::DOUBLE";
    return [
      `count(*) FILTER (${inBoth} AND ${differs[c]})`,
      `max(${distance})`,
      `arg_max(a.simulation, ${distance})`,
    ];
  });
  const answer = await dataset.rows(
    `SELECT count(*) FILTER (${inBoth}),
            count(*) FILTER (${inBoth} AND (${anyDiffers})),
            count(*) FILTER (b.simulation IS NULL),
            count(*) FILTER (a.simulation IS NULL),
            min(coalesce(a.simulation, b.simulation), ${mostExamples})
              FILTER (NOT (${inBoth}) OR ${anyDiffers})
            ${perColumn.map((sql) => `, ${sql}`).join("")}
     FROM a FULL JOIN b ON a.simulation = b.simulation`,
  );
  const [compared, differing, onlyInA, onlyInB, first, ...cells] = answer.rows[0] as [
    number,
    number,
    number,
    number,
    number[] | null,
    ...(number | null)[],
  ];
  const results = columns.map(({ name }, c): ColumnDifference => {
    const [simulations, difference, simulation] = cells.slice(3 * c, 3 * c + 3);
    return {
      name,
      simulations: simulations!,
      largest: difference == null || simulation == null ? null : { difference, simulation },
    };
  });
  return {
    compared,
    differing,
    onlyInA,
    onlyInB,
    results: results.filter(({ simulations }) => simulations > 0),
    first: first ?? [],
  };
}

export function diffText(answer: Diff): string {
  const { changes, onlyInA, onlyInB, shared, notCompared, results, first } = answer;
  const changed = aligned(
    changes.map(({ what, a, b }) => [what, `${said(a)} → ${said(b)}`] as const),
  );
  const differences = aligned(
    results.map(({ name, simulations, largest }) => {
      const most =
        largest === null
          ? ""
          : `, by at most ${largest.difference} (simulation ${largest.simulation})`;
      return [name, `${count(simulations)} differ${most}`] as const;
    }),
  );
  return [
    `A  ${answer.a}`,
    `B  ${answer.b}`,
    "",
    ...(changes.length === 0 ? ["Nothing changed between them."] : ["Changed, A → B", ...changed]),
    "",
    verdict(answer),
    ...differences,
    ...(shared.length > 0 && notCompared.length > 0
      ? [`Not compared, for only one has it or its kind changed: ${notCompared.join(", ")}`]
      : []),
    ...(onlyInA > 0 ? [`Done in A only: ${count(onlyInA)}`] : []),
    ...(onlyInB > 0 ? [`Done in B only: ${count(onlyInB)}`] : []),
    ...(first.length > 0 ? [`The first: ${first.join(", ")}`] : []),
  ].join("\n");
}

function verdict({ shared, equal, compared, differing }: Diff): string {
  if (shared.length === 0) return "They share no result, so nothing was compared.";
  return equal
    ? `No result differs: all ${count(compared)} simulations are the same in both.`
    : `${count(differing)} of the ${count(compared)} simulations that both have done have another result.`;
}

function aligned(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}

const said = (value: Said) => (value === null ? "nothing" : String(value));
