/**
 * Sample dataset: a closed experiment's files for tests, whose numbers are a function of the simulation alone.
 * A toy of a building, so that a report made of it reads like a real one.
 */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Column, Value } from "./columns.ts";
import { identifier, literal, openDataset } from "./dataset-query.ts";
import { createDigest, type Digest } from "./digest.ts";
import type { ReportExtra } from "./report.ts";
import { createRowBuffer } from "./rows.ts";
import type { SummaryInput } from "./summary.ts";

const parameters: readonly (Column & { readonly sql: string })[] = [
  text("climate", "Climate zone", ["cold", "temperate", "warm", "hot"]),
  number("orientationDegrees", "Facing of the main façade, clockwise from south", 0, 360),
  number("windowRatio", "Share of the façade that is glass", 0.05, 0.9),
  number("wallUValueWPerM2K", "Heat transmittance of the walls", 0.1, 1.2),
  number("roofUValueWPerM2K", "Heat transmittance of the roof", 0.08, 0.8),
  number("windowUValueWPerM2K", "Heat transmittance of the windows", 0.6, 3),
  number("solarTransmittance", "Share of sunlight that the glass lets through", 0.2, 0.8),
  number("airChangesPerHour", "Ventilation and leaks", 0.2, 1.5),
  number("heatingSetpointC", "Rooms are heated up to this temperature", 18, 22),
  number("coolingSetpointC", "Rooms are cooled down to this temperature", 24, 28),
  number("lightingWPerM2", "Installed lighting", 3, 12),
  number("equipmentWPerM2", "Heat of appliances", 2, 15),
  text("construction", "How much heat the building stores", ["light", "medium", "heavy"]),
  { name: "heatRecovery", kind: "boolean", description: "Exhaust air warms fresh air", sql: "" },
];

const warmth =
  "(CASE climate WHEN 'cold' THEN 0 WHEN 'temperate' THEN 1 WHEN 'warm' THEN 2 ELSE 3 END)";
const loss = `(wallUValueWPerM2K * (1 - windowRatio) + windowUValueWPerM2K * windowRatio + 0.5 * roofUValueWPerM2K
  + 0.34 * airChangesPerHour * 2.7 * if(heatRecovery, 0.35, 1))`;
const gain = "(windowRatio * solarTransmittance * (1.2 + 0.4 * cos(radians(orientationDegrees))))";

const results: readonly (Column & { readonly sql: string })[] = [
  result(
    "heatingKwhPerM2",
    "Heat for the rooms in a year",
    `greatest(0, ${loss} * (heatingSetpointC - 5 - 4 * ${warmth}) * 4.2 - 26 * ${gain} - equipmentWPerM2)`,
  ),
  result(
    "coolingKwhPerM2",
    "Heat taken out of the rooms in a year",
    `greatest(0, 60 * ${gain} * (0.35 + 0.3 * ${warmth}) + 1.4 * equipmentWPerM2 + 0.8 * lightingWPerM2 - 3.1 * (coolingSetpointC - 22) - 4 * ${loss})`,
  ),
  result(
    "lightingKwhPerM2",
    "Electricity for light in a year",
    "lightingWPerM2 * (3.1 - 1.6 * sqrt(windowRatio))",
  ),
  result(
    "peakHeatingWPerM2",
    "Heating power that the coldest hour needs",
    `${loss} * (heatingSetpointC + 14 - 7 * ${warmth})`,
  ),
  result(
    "peakCoolingWPerM2",
    "Cooling power that the hottest hour needs",
    `90 * ${gain} + equipmentWPerM2 + lightingWPerM2 + 3 * ${warmth}`,
  ),
  result(
    "overheatingHours",
    "Hours a year above 26 °C, were there no cooling",
    `round(greatest(0, 900 * ${gain} + 190 * ${warmth} - if(construction = 'heavy', 220, if(construction = 'medium', 90, 0)) - 60 * ${loss}))`,
    "integer",
  ),
  result(
    "energyCostEurPerM2",
    "Energy bill of a year",
    `0.09 * greatest(0, ${loss} * (heatingSetpointC - 5 - 4 * ${warmth}) * 4.2 - 26 * ${gain}) + 0.28 * lightingWPerM2 * 2 + 0.28 * equipmentWPerM2`,
  ),
];

function number(name: string, description: string, minimum: number, maximum: number) {
  return {
    name,
    description,
    kind: "number" as const,
    minimum,
    maximum,
    sql: `${minimum} + ${maximum - minimum} * u`,
  };
}

function text(name: string, description: string, choices: readonly string[]) {
  return { name, description, kind: "text" as const, choices, sql: "" };
}

function result(name: string, description: string, sql: string, kind: Column["kind"] = "number") {
  return { name, description, kind, sql };
}

/** SQL of a parameter: fractions of multiples of a square root are evenly spread, and the same everywhere. */
function laidOut({ kind, choices, sql }: (typeof parameters)[number], i: number): string {
  const root = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43][i];
  const u = `((simulation + 1) * sqrt(${root}) % 1)`;
  if (kind === "boolean") return `${u} < 0.5`;
  if (choices === undefined) return sql.replace("u", u);
  return `[${choices.map((choice) => `'${choice}'`).join(", ")}][1 + floor(${u} * ${choices.length})::INTEGER]`;
}

/** Writes the answer of an SQL query as a Parquet file, as the close of an experiment does. */
export async function writeParquet(path: string, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  await connection.run(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  instance.closeSync();
}

/** The digest of a results file and a failures file, as the merge would have made it. */
export async function digestOf(
  files: { readonly results: string; readonly failures: string },
  parameterColumns: readonly Column[],
  resultColumns: readonly Column[],
): Promise<Digest> {
  await using dataset = await openDataset(files);
  const columns = [...parameterColumns, ...resultColumns];
  const names = ["simulation", ...columns.map(({ name }) => name)].map(identifier);
  const { rows } = await dataset.rows(`SELECT ${names.join(", ")} FROM results ORDER BY 1`);
  const failures = await dataset.rows("SELECT count(*) FROM failures");
  const buffer = createRowBuffer(parameterColumns, resultColumns, rows.length);
  for (const [simulation, ...cells] of rows) {
    const record = Object.fromEntries(
      columns.map(({ name }, c) => [name, (cells[c] ?? undefined) as Value | undefined]),
    );
    buffer.push(Number(simulation), 1, 0.001, [record, record]);
  }
  const failed = Number(failures.rows[0]![0]);
  const digest = createDigest(parameterColumns, resultColumns, rows.length + failed);
  // In two pieces, as the rows of two parts come.
  const middle = rows.length >> 1;
  digest.add(buffer.look(), 0, middle);
  digest.add(buffer.look(), middle, rows.length);
  digest.addFailed(failed);
  return digest.finish();
}

export interface SampleDataset extends SummaryInput {
  readonly resultsPath: string;
  readonly parameterColumns: readonly Column[];
  readonly resultColumns: readonly Column[];
}

/** Writes results.parquet and failures.parquet of 10,000 simulations, of which 152 failed and 12 were not run. */
export async function writeSampleDataset(folder: string): Promise<SampleDataset> {
  const resultsPath = join(folder, "results.parquet");
  const failuresPath = join(folder, "failures.parquet");
  const names = parameters.map(({ name }) => name).join(", ");
  const laid = `(SELECT simulation, ${parameters.map((parameter, i) => `${laidOut(parameter, i)} AS ${parameter.name}`).join(", ")}
    FROM (SELECT range::INTEGER AS simulation FROM range(9988)))`;
  await writeParquet(
    resultsPath,
    `SELECT simulation, ${names}, ${results.map(({ name, sql }) => `${sql} AS ${name}`).join(", ")} FROM ${laid} WHERE simulation % 66 <> 7`,
  );
  const late = "simulation % 4 = 3";
  await writeParquet(
    failuresPath,
    `SELECT simulation, if(${late}, 'timeout', 'error') AS cause, if(${late}, 't1', 'e7c1') AS fingerprint,
      if(${late}, 'Took longer than 5 s.', 'Heat balance did not converge: <b>residual</b> & "flux" in zone ' || simulation % 7) AS message, ${names}
     FROM ${laid} WHERE simulation % 66 = 7`,
  );
  const files = { results: resultsPath, failures: failuresPath };
  return {
    digest: await digestOf(files, parameters, results),
    resultsPath,
    failuresPath,
    parameterColumns: parameters,
    resultColumns: results,
    facts: {
      experiment: "building-energy/20261121-093000-k3f9",
      model: "building-energy",
      stage: "local",
      design: "Sobol over 14 of 14 parameters",
      seed: 42,
      total: 10_000,
      submittedAt: "2026-11-21T09:30:00.000Z",
      closedAt: "2026-11-21T09:33:12.400Z",
      seconds: 192.4,
      simulationSeconds: 371.2,
      chunks: 96,
      retries: 14,
      interruptions: 1,
      resultsSha256: "0".repeat(64),
      notRunCauses: [{ cause: "cancelled", count: 12, example: 9988 }],
    },
  };
}

export function sampleExtra({ parameterColumns, resultColumns }: SampleDataset): ReportExtra {
  return {
    modelDescription:
      "A year of one storey of an office building, hour by hour, as one heated and cooled zone.",
    parameterColumns,
    resultColumns,
    planned: { seconds: 180, secondsPerSimulation: 0.036, chunks: 96, slots: 2, costUsd: 0 },
    actual: { slots: 2, costUsd: 0 },
    resultsAddress: "store/experiments/building-energy/20261121-093000-k3f9/results.parquet",
    failuresAddress: "store/experiments/building-energy/20261121-093000-k3f9/failures.parquet",
    provenance: [
      ["Experiment", "building-energy/20261121-093000-k3f9"],
      ["Submitted", "2026-11-21T09:30:00.000Z"],
      ["Code", "4f1c2ab, with local changes"],
      ["Hatchery", "0.1.0"],
      ["Engine", "0.80.1"],
      ["SDK", "1.33.2"],
      ["Node", "24.21.0"],
    ],
  };
}
