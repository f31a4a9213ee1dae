/**
 * Sun, sky and shipped weather against pvlib: reference/pvlib.json, made by reference/make_pvlib.py from the original
 * weather files. pvlib has readers and a sun (NREL's SPA) of its own.
 */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  climateNames,
  middleOfHour,
  packWeather,
  shippedClimate,
  shippedWeather,
  unpackWeather,
  type ClimateName,
} from "./climate.ts";
import { extraterrestrialNormal, irradianceOnSurface } from "./irradiance.ts";
import { sunPosition } from "./sun.ts";
import { hoursPerYear, weatherColumns, type Weather, type WeatherColumn } from "./weather.ts";

interface Surface {
  readonly tilt: number;
  readonly azimuth: number;
  readonly annualKwhPerM2: number;
  readonly sampled: readonly number[];
}

interface Reference {
  readonly latitude: number;
  readonly longitude: number;
  readonly timeZone: number;
  readonly weather: Record<
    WeatherColumn,
    { readonly mean: number; readonly sampled: readonly number[] }
  >;
  readonly sun: {
    readonly hours: readonly number[];
    readonly zenith: readonly number[];
    readonly azimuth: readonly number[];
  };
  readonly surfaces: Record<string, Surface>;
}

const pvlib = JSON.parse(
  readFileSync(new URL("reference/pvlib.json", import.meta.url), "utf8"),
) as Record<ClimateName, Reference> & { readonly every: number };

function sunAt(weather: Weather, hour: number) {
  const time = middleOfHour(hour, weather.timeZone);
  return sunPosition({ time, latitude: weather.latitude, longitude: weather.longitude });
}

function irradianceAt(weather: Weather, hour: number, tilt: number, azimuth: number): number {
  return irradianceOnSurface({
    tilt,
    azimuth,
    sun: sunAt(weather, hour),
    directNormal: weather.directNormal[hour]!,
    diffuseHorizontal: weather.diffuseHorizontal[hour]!,
    globalHorizontal: weather.globalHorizontal[hour]!,
    extraterrestrialNormal: extraterrestrialNormal(Math.floor(hour / 24) + 1),
  }).total;
}

describe.each(climateNames)("%s", (name) => {
  const weather = shippedWeather(name);
  const reference = pvlib[name];

  test("the shipped weather is what pvlib reads in the original file", () => {
    expect(weather.latitude).toBeCloseTo(reference.latitude, 5);
    expect(weather.longitude).toBeCloseTo(reference.longitude, 5);
    expect(weather.timeZone).toBe(reference.timeZone);
    for (const column of weatherColumns) {
      const values = weather[column];
      expect(values).toHaveLength(hoursPerYear);
      const { mean, sampled } = reference.weather[column];
      expect(values.reduce((sum, value) => sum + value) / hoursPerYear).toBeCloseTo(mean, 5);
      expect(Array.from(values).filter((_, hour) => hour % pvlib.every === 0)).toEqual(sampled);
    }
  });

  test("the sun stands within 0.02 degrees of where pvlib sees it", () => {
    reference.sun.hours.forEach((hour, k) => {
      const { zenith, azimuth } = sunAt(weather, hour);
      expect(Math.abs(zenith - reference.sun.zenith[k]!)).toBeLessThan(0.02);
      // On the sky a degree of azimuth is the smaller the higher the sun.
      const turn = ((azimuth - reference.sun.azimuth[k]! + 540) % 360) - 180;
      expect(Math.abs(turn) * Math.sin((zenith * Math.PI) / 180)).toBeLessThan(0.02);
    });
    expect(reference.sun.hours.length).toBeGreaterThan(100);
  });

  test.each(Object.entries(reference.surfaces))(
    "the year's sun on a surface (%s) is pvlib's within 0.1 %",
    (_, { tilt, azimuth, annualKwhPerM2, sampled }) => {
      let sum = 0;
      for (let hour = 0; hour < hoursPerYear; hour++)
        sum += irradianceAt(weather, hour, tilt, azimuth);
      expect(Math.abs(sum / 1000 / annualKwhPerM2 - 1)).toBeLessThan(0.001);
      reference.sun.hours.forEach((hour, k) => {
        const difference = irradianceAt(weather, hour, tilt, azimuth) - sampled[k]!;
        expect(Math.abs(difference)).toBeLessThan(0.5);
      });
    },
  );

  test("the prepared columns give any wall and the roof the same irradiance", () => {
    const climate = shippedClimate(name);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: hoursPerYear - 1 }),
        fc.double({ min: 0, max: 360, noNaN: true }),
        (hour, azimuth) => {
          const angle = (azimuth * Math.PI) / 180;
          const beam =
            climate.wallNorth[hour]! * Math.cos(angle) + climate.wallEast[hour]! * Math.sin(angle);
          const wall = Math.max(0, beam) + climate.wallDiffuse[hour]!;
          expect(wall).toBeCloseTo(irradianceAt(weather, hour, 90, azimuth), 6);
          expect(climate.horizontal[hour]).toBeCloseTo(irradianceAt(weather, hour, 0, 0), 6);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("packing and unpacking changes nothing", () => {
    expect(unpackWeather(packWeather(weather, "any"))).toEqual(weather);
  });

  test("a climate is worked out once", () => {
    expect(shippedClimate(name)).toBe(shippedClimate(name));
  });
});

test("the sun takes a date as well as milliseconds", () => {
  const place = { latitude: 52, longitude: 13 };
  const date = new Date("1990-06-21T11:00:00Z");
  expect(sunPosition({ time: date, ...place })).toEqual(
    sunPosition({ time: date.getTime(), ...place }),
  );
  // Noon of the summer solstice: latitude less the obliquity of 23.44 degrees, due south within a few degrees.
  expect(sunPosition({ time: date, ...place }).zenith).toBeCloseTo(52 - 23.44, 0);
});
