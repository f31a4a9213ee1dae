/**
 * Reads a typical year from a weather file: NREL TMY3 (CSV), NREL TMY2 (fixed width) or EnergyPlus EPW.
 * Strict: a file that is not 8,760 good hours in order is refused, with every problem's line, field and value.
 * All three name the END of an hour, 1 to 24, in local standard time; hour 0 here is the one that ends at 01:00 on 1 January.
 */
import { UserError, exitCodes } from "@hatchery/config";

export const hoursPerYear = 8760;

export interface Place {
  readonly station: string;
  /** Degrees, north positive. */
  readonly latitude: number;
  /** Degrees, east positive. */
  readonly longitude: number;
  /** Local standard time less UTC, hours. */
  readonly timeZone: number;
  /** Metres above the sea. */
  readonly elevation: number;
}

export const weatherColumns = [
  "dryBulb",
  "globalHorizontal",
  "directNormal",
  "diffuseHorizontal",
] as const;
export type WeatherColumn = (typeof weatherColumns)[number];

/** 8,760 hours: air temperature in °C; GHI, DNI and DHI in W/m², each the mean of its hour. */
export interface Weather extends Place, Readonly<Record<WeatherColumn, Float64Array>> {}

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: string;
}

// The sun gives at most 1,415 W/m² above the air; 1,500 leaves room for reflections off clouds in short records.
const irradianceRange: Range = { minimum: 0, maximum: 1500, unit: "W/m²" };

const ranges: Record<WeatherColumn, Range> = {
  // The bounds of the EPW data dictionary; the coldest and hottest air ever measured are -89 °C and 57 °C.
  dryBulb: { minimum: -70, maximum: 70, unit: "°C" },
  globalHorizontal: irradianceRange,
  directNormal: irradianceRange,
  diffuseHorizontal: irradianceRange,
};

const placeRanges = {
  latitude: { minimum: -90, maximum: 90, unit: "degrees" },
  longitude: { minimum: -180, maximum: 180, unit: "degrees" },
  timeZone: { minimum: -12, maximum: 14, unit: "hours" },
  elevation: { minimum: -1000, maximum: 9999, unit: "m" },
} satisfies Record<string, Range>;

/** A piece of a line under the name a person would look for. */
interface Field {
  readonly name: string;
  readonly text: string;
  /** What a whole number in the file counts, such as tenths of a degree. */
  readonly unit?: number;
}

interface Format {
  readonly name: string;
  /** Lines before the first hour. */
  readonly headerLines: number;
  isOf(lines: readonly string[]): boolean;
  place(lines: readonly string[]): { station: string } & Record<keyof typeof placeRanges, Field>;
  /** Splits a line, or says why it cannot be. */
  reader(
    lines: readonly string[],
  ): (line: string) => ({ stamp: Stamp } & Record<WeatherColumn, Field>) | string;
}

/** Month, day and hour as the file writes them. */
type Stamp = readonly [month: string, day: string, hour: string];

const tmy3: Format = {
  name: "TMY3",
  headerLines: 2,
  isOf: (lines) => (lines[1] ?? "").startsWith("Date (MM/DD/YYYY)"),
  place(lines) {
    const cells = cellsOf(lines[0] ?? "");
    const cell = (name: string, i: number) => ({ name, text: cells[i] ?? "" });
    return {
      station: cells[1] ?? "",
      timeZone: cell("time zone", 3),
      latitude: cell("latitude", 4),
      longitude: cell("longitude", 5),
      elevation: cell("elevation", 6),
    };
  },
  reader(lines) {
    const titles = cellsOf(lines[1] ?? "");
    const column = (name: string) => ({ name, i: titles.indexOf(name) });
    const columns = {
      dryBulb: column("Dry-bulb (C)"),
      globalHorizontal: column("GHI (W/m^2)"),
      directNormal: column("DNI (W/m^2)"),
      diffuseHorizontal: column("DHI (W/m^2)"),
    };
    return (line) => {
      const cells = cellsOf(line);
      if (cells.length !== titles.length)
        return `has ${cells.length} fields; must have ${titles.length}, as line 2 has.`;
      const [month = "", day = ""] = cells[0]!.split("/");
      return {
        stamp: [month, day, (cells[1] ?? "").replace(/:00$/, "")],
        ...mapColumns((key) => ({ name: columns[key].name, text: cells[columns[key].i] ?? "" })),
      };
    };
  },
};

/** First and last column of each piece, from 1, as in the TMY2 user's manual (Marion and Urban, 1995), tables 3-1 and 3-2. */
const tmy2Columns: Record<WeatherColumn, Field & { from: number; to: number }> = {
  dryBulb: { name: "dry-bulb temperature", text: "", unit: 0.1, from: 68, to: 71 },
  globalHorizontal: { name: "global horizontal radiation", text: "", from: 18, to: 21 },
  directNormal: { name: "direct normal radiation", text: "", from: 24, to: 27 },
  diffuseHorizontal: { name: "diffuse horizontal radiation", text: "", from: 30, to: 33 },
};

const tmy2: Format = {
  name: "TMY2",
  headerLines: 1,
  isOf: (lines) => /^ \d{5} .{22} [A-Z]{2} /.test(lines[0] ?? ""),
  place([line = ""]) {
    const angle = (name: string, from: number, width: number, negative: string): Field => {
      const degrees = line.slice(from + 2, from + 2 + width).trim();
      const minutes = line.slice(from + 3 + width, from + 5 + width).trim();
      const size = /^\d+ \d+$/.test(`${degrees} ${minutes}`)
        ? Number(degrees) + Number(minutes) / 60
        : NaN;
      return {
        name,
        text: Number.isNaN(size)
          ? line.slice(from, from + 5 + width)
          : String(line[from] === negative ? -size : size),
      };
    };
    return {
      station: line.slice(7, 29).trim(),
      timeZone: { name: "time zone", text: line.slice(33, 36) },
      latitude: angle("latitude", 37, 2, "S"),
      longitude: angle("longitude", 45, 3, "W"),
      elevation: { name: "elevation", text: line.slice(55, 59) },
    };
  },
  reader: () => (line) => {
    if (line.length !== 142) return `has ${line.length} characters; must have 142.`;
    return {
      stamp: [line.slice(3, 5), line.slice(5, 7), line.slice(7, 9)],
      ...mapColumns((key) => {
        const { name, unit, from, to } = tmy2Columns[key];
        return { name, text: line.slice(from - 1, to), ...(unit !== undefined && { unit }) };
      }),
    };
  },
};

/** Positions in a line, from 0, as in the EPW data dictionary of EnergyPlus (Auxiliary Programs). */
const epwColumns: Record<WeatherColumn, { name: string; i: number }> = {
  dryBulb: { name: "Dry Bulb Temperature", i: 6 },
  globalHorizontal: { name: "Global Horizontal Radiation", i: 13 },
  directNormal: { name: "Direct Normal Radiation", i: 14 },
  diffuseHorizontal: { name: "Diffuse Horizontal Radiation", i: 15 },
};

const epw: Format = {
  name: "EPW",
  headerLines: 8,
  isOf: (lines) => (lines[0] ?? "").startsWith("LOCATION,"),
  place(lines) {
    const cells = cellsOf(lines[0] ?? "");
    const cell = (name: string, i: number) => ({ name, text: cells[i] ?? "" });
    return {
      station: cells[1] ?? "",
      latitude: cell("latitude", 6),
      longitude: cell("longitude", 7),
      timeZone: cell("time zone", 8),
      elevation: cell("elevation", 9),
    };
  },
  reader(lines) {
    // Old files end before the albedo and the liquid precipitation; every line must then do so.
    const { length } = cellsOf(lines[8] ?? "");
    return (line) => {
      const cells = cellsOf(line);
      if (cells.length !== length)
        return `has ${cells.length} fields; must have ${length}, as line 9 has.`;
      return {
        stamp: [cells[1] ?? "", cells[2] ?? "", cells[3] ?? ""],
        ...mapColumns((key) => ({
          name: epwColumns[key].name,
          text: cells[epwColumns[key].i] ?? "",
        })),
      };
    };
  },
};

const formats = [tmy3, tmy2, epw];

/** More problems than this have one cause; the rest are counted. */
const listedProblems = 10;

/** The weather in a file's text. Throws a UserError that names the file and each problem's line, field and value. */
export function readWeather(text: string, fileName: string): Weather {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  while (lines.length > 0 && lines.at(-1)!.trim() === "") lines.pop();
  const format = formats.find((each) => each.isOf(lines));
  if (format === undefined)
    throw new UserError(
      `"${fileName}" is no weather file that can be read: it must be TMY3 (line 2 starts with "Date (MM/DD/YYYY)"), ` +
        `TMY2 (line 1 is a station's number, name, state and place) or EPW (line 1 starts with "LOCATION,"); ` +
        `line 1 is ${JSON.stringify((lines[0] ?? "").slice(0, 60))}.`,
      { hint: "Give a file as NREL or EnergyPlus publishes it.", exitCode: exitCodes.wrongUsage },
    );

  const problems: string[] = [];
  const numberIn = ({ name, text: found, unit = 1 }: Field, range: Range, line: number) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(found.trim()) ? Number(found) * unit : NaN;
    if (value >= range.minimum && value <= range.maximum) return value;
    const what = Number.isNaN(value)
      ? "is not a number"
      : `is ${Number(value.toFixed(4))} ${range.unit}`;
    problems.push(
      `line ${line}, ${name}: ${JSON.stringify(found)} ${what}; must be from ${range.minimum} to ${range.maximum} ${range.unit}.`,
    );
    return NaN;
  };

  const { station, ...head } = format.place(lines);
  const place: Place = {
    station,
    latitude: numberIn(head.latitude, placeRanges.latitude, 1),
    longitude: numberIn(head.longitude, placeRanges.longitude, 1),
    timeZone: numberIn(head.timeZone, placeRanges.timeZone, 1),
    elevation: numberIn(head.elevation, placeRanges.elevation, 1),
  };

  const hours = lines.length - format.headerLines;
  const columns = mapColumns(() => new Float64Array(Math.max(hours, 0)));
  const read = format.reader(lines);
  let inOrder = true;
  for (let hour = 0; hour < hours; hour++) {
    const line = format.headerLines + hour + 1;
    const row = read(lines[line - 1]!);
    if (typeof row === "string") {
      problems.push(`line ${line} ${row}`);
      continue;
    }
    // One missing hour would put all that follow out of order: only the first is told.
    const expected = stampOf(hour);
    if (inOrder && row.stamp.some((part, k) => Number(part) !== expected[k])) {
      inOrder = false;
      problems.push(
        `line ${line}, month, day and hour: "${row.stamp.join(" ")}" is out of order; must be "${expected.join(" ")}".`,
      );
    }
    for (const key of weatherColumns) columns[key][hour] = numberIn(row[key], ranges[key], line);
  }
  if (hours !== hoursPerYear)
    problems.push(
      `${Math.max(hours, 0)} hours are there, to line ${lines.length}; must be ${hoursPerYear}, from 1 January to 31 December without 29 February.`,
    );

  if (problems.length > 0) {
    const shown = problems.slice(0, listedProblems);
    if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more.`);
    throw new UserError(
      `"${fileName}" is not a good ${format.name} weather file:\n  ${shown.join("\n  ")}`,
      { hint: "Fetch the file again, or repair these lines.", exitCode: exitCodes.wrongUsage },
    );
  }
  return { ...place, ...columns };
}

function mapColumns<T>(value: (column: WeatherColumn) => T): Record<WeatherColumn, T> {
  return {
    dryBulb: value("dryBulb"),
    globalHorizontal: value("globalHorizontal"),
    directNormal: value("directNormal"),
    diffuseHorizontal: value("diffuseHorizontal"),
  };
}

function cellsOf(line: string): string[] {
  return line.split(",").map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

const daysPerMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const days = daysPerMonth.flatMap((count, month) =>
  Array.from({ length: count }, (_, day) => [month + 1, day + 1] as const),
);

/** Month, day and hour (1 to 24) that a file gives an hour of the year. */
function stampOf(hour: number): readonly [number, number, number] {
  const [month, day] = days[Math.floor(hour / 24) % 365]!;
  return [month, day, (hour % 24) + 1];
}
