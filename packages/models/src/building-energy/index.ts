/**
 * The sample model: a year's heating and cooling of an office zone, 8,760 hours by the simple hourly method of
 * ISO 13790 Annex C. Its physics are pure functions, exported so that anyone can check them.
 */
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";
import { createBuilding, parameters } from "./building.ts";
import { shippedClimate } from "./climate.ts";
import { simulateYear } from "./year.ts";

export { createBuilding } from "./building.ts";
export { createClimate } from "./climate.ts";
export { irradianceOnSurface, extraterrestrialNormal } from "./irradiance.ts";
export { sunPosition } from "./sun.ts";
export { readWeather } from "./weather.ts";
export { simulateYear } from "./year.ts";
export { solveHour } from "./zone.ts";

export const buildingEnergy = defineModel({
  name: "building-energy",
  description: "A year's heating and cooling of an office zone (ISO 13790, simple hourly method).",
  parameters,
  results: z.object({
    heatingKwhPerM2: z
      .number()
      .describe("Heat that the zone needs in a year, kWh per m² of floor."),
    coolingKwhPerM2: z
      .number()
      .describe("Heat to be taken out of the zone in a year, kWh per m² of floor."),
    peakHeatingWPerM2: z.number().describe("Most heating power of any hour, W per m² of floor."),
    peakCoolingWPerM2: z.number().describe("Most cooling power of any hour, W per m² of floor."),
    overheatingHours: z
      .int()
      .describe("Hours of use with an operative temperature above 28 °C, of 2,610."),
    unmetHours: z
      .int()
      .describe("Hours of use with air more than 0.2 K outside the setpoints, of 2,610."),
    meanAirTemperature: z.number().describe("Mean indoor air temperature of the year, °C."),
  }),
  limits: { seconds: 5, attempts: 2, memory: "512 MB" },
  simulate: ({ climate, ...building }) =>
    simulateYear(createBuilding(building), shippedClimate(climate)),
});
