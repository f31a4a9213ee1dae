/**
 * A climate: a typical year made ready for a simulation, with the sun already worked out.
 * On walls the Hay–Davies model (irradiance.ts) is (N·cos a + E·sin a)₊ + D for a wall that faces azimuth a, so three
 * columns give every orientation for two multiplications, and nothing has to be kept per orientation.
 */
import { readFileSync } from "node:fs";
import { extraterrestrialNormal, groundReflectance, lowestCosine } from "./irradiance.ts";
import { sunDirection } from "./sun.ts";
import {
  hoursPerYear,
  weatherColumns,
  type Place,
  type Weather,
  type WeatherColumn,
} from "./weather.ts";

export const climateNames = ["greensboro", "sand-point", "miami"] as const;
export type ClimateName = (typeof climateNames)[number];

/** One number per hour of the year: °C, and W/m². */
export interface Climate {
  readonly dryBulb: Float64Array;
  /** On a horizontal surface. */
  readonly horizontal: Float64Array;
  /** Beam and circumsolar light as seen by a wall that faces north (negative: it comes from the south). */
  readonly wallNorth: Float64Array;
  /** The same for a wall that faces east. */
  readonly wallEast: Float64Array;
  /** The even rest, from sky and ground, on any wall. */
  readonly wallDiffuse: Float64Array;
}

/**
 * Every typical year is taken for 1990: not a leap year, it begins on a Monday, and it lies in the middle of the years
 * that the data come from (1961 to 2005).
 */
const nominalYear = 1990;

/** The middle of an hour of the year, in milliseconds since 1970, UTC. */
export function middleOfHour(hour: number, timeZone: number): number {
  return Date.UTC(nominalYear, 0, 1) + (hour + 0.5 - timeZone) * 3_600_000;
}

/** Works the sun out for a year of weather. */
export function createClimate(weather: Weather): Climate {
  const { latitude, longitude, timeZone } = weather;
  const climate = {
    dryBulb: weather.dryBulb,
    horizontal: new Float64Array(hoursPerYear),
    wallNorth: new Float64Array(hoursPerYear),
    wallEast: new Float64Array(hoursPerYear),
    wallDiffuse: new Float64Array(hoursPerYear),
  };
  for (let hour = 0; hour < hoursPerYear; hour++) {
    const direct = weather.directNormal[hour]!;
    const diffuse = weather.diffuseHorizontal[hour]!;
    const global = weather.globalHorizontal[hour]!;
    if (direct === 0 && diffuse === 0 && global === 0) continue;
    const time = middleOfHour(hour, timeZone);
    const { up, north, east } = sunDirection({ time, latitude, longitude });
    const circumsolar = direct / extraterrestrialNormal(Math.floor(hour / 24) + 1);
    const beam = direct + (diffuse * circumsolar) / Math.max(up, lowestCosine);
    const even = diffuse * (1 - circumsolar);
    climate.horizontal[hour] = Math.max(0, beam * up) + even;
    climate.wallNorth[hour] = beam * north;
    climate.wallEast[hour] = beam * east;
    climate.wallDiffuse[hour] = 0.5 * even + 0.5 * global * groundReflectance;
  }
  return climate;
}

/** Int16 of a column is this many of its units: tenths of a degree, whole W/m², as the source files have them. */
const steps = { dryBulb: 10, globalHorizontal: 1, directNormal: 1, diffuseHorizontal: 1 };

interface PackedWeather extends Place {
  /** The file's name. */
  readonly source: string;
  /** Base64 of 8,760 little-endian Int16 each. */
  readonly columns: Readonly<Record<WeatherColumn, string>>;
}

/** The form that `climates/` holds: about 94 kB of JSON. */
export function packWeather(weather: Weather, source: string): string {
  const { station, latitude, longitude, timeZone, elevation } = weather;
  const columns = Object.fromEntries(
    weatherColumns.map((key) => {
      const packed = Int16Array.from(weather[key], (value) => Math.round(value * steps[key]));
      return [key, Buffer.from(packed.buffer).toString("base64")];
    }),
  );
  return `${JSON.stringify({ source, station, latitude, longitude, timeZone, elevation, columns }, null, 1)}\n`;
}

export function unpackWeather(text: string): Weather {
  const { source: _, columns, ...place } = JSON.parse(text) as PackedWeather;
  const column = (key: WeatherColumn) => {
    // A copy of its own, because Int16 must start at an even byte and a Buffer may not.
    const packed = new Int16Array(new Uint8Array(Buffer.from(columns[key], "base64")).buffer);
    const values = new Float64Array(packed);
    if (steps[key] !== 1) for (let i = 0; i < values.length; i++) values[i]! /= steps[key];
    return values;
  };
  return {
    ...place,
    dryBulb: column("dryBulb"),
    globalHorizontal: column("globalHorizontal"),
    directNormal: column("directNormal"),
    diffuseHorizontal: column("diffuseHorizontal"),
  };
}

/** The weather of a climate that ships with the model. */
export function shippedWeather(name: ClimateName): Weather {
  return unpackWeather(readFileSync(new URL(`climates/${name}.json`, import.meta.url), "utf8"));
}

const loaded = new Map<ClimateName, Climate>();

/** A climate that ships with the model, worked out once per process. */
export function shippedClimate(name: ClimateName): Climate {
  const found = loaded.get(name);
  if (found !== undefined) return found;
  const climate = createClimate(shippedWeather(name));
  loaded.set(name, climate);
  return climate;
}
