/**
 * The sample building: one office zone of 20 m × 10 m × 3 m under a flat roof, above a heated storey (no heat through
 * the floor), used on weekdays from 8 to 18 o'clock. Its parameters, and what ISO 13790:2008 makes of them.
 */
import { z } from "zod";
import { climateNames } from "./climate.ts";
import { surfacePerFloor, type Zone } from "./zone.ts";

const length = 20;
const depth = 10;
const height = 3;
export const floorArea = length * depth;
const volume = floorArea * height;

/** ISO 13790, Table 12: heat capacity in J/K and effective mass area in m², each per m² of floor. */
const massClasses = {
  "very-light": { capacity: 80_000, area: 2.5 },
  light: { capacity: 110_000, area: 2.5 },
  medium: { capacity: 165_000, area: 2.5 },
  heavy: { capacity: 260_000, area: 3 },
  "very-heavy": { capacity: 370_000, area: 3.5 },
};

export const parameters = z.object({
  climate: z
    .enum(climateNames)
    .default("greensboro")
    .describe(
      "Typical weather: Greensboro, North Carolina (mixed); Sand Point, Alaska (cold); Miami, Florida (hot).",
    ),
  orientation: z
    .number()
    .min(0)
    .max(360)
    .default(180)
    .describe("Where a long façade faces, degrees clockwise from north: 180 is south."),
  windowRatio: z
    .number()
    .min(0.05)
    .max(0.9)
    .default(0.35)
    .describe("Share of each of the four façades that is window, 0 to 1."),
  wallUValue: z
    .number()
    .min(0.1)
    .max(2.5)
    .default(0.35)
    .describe("Heat that the walls let through, W/(m²K)."),
  roofUValue: z
    .number()
    .min(0.08)
    .max(2)
    .default(0.25)
    .describe("Heat that the roof lets through, W/(m²K)."),
  windowUValue: z
    .number()
    .min(0.5)
    .max(5.8)
    .default(1.6)
    .describe("Heat that the windows let through, frames included, W/(m²K)."),
  solarHeatGainCoefficient: z
    .number()
    .min(0.1)
    .max(0.85)
    .default(0.45)
    .describe("Share of sunlight, at right angles, that a window turns into heat inside, 0 to 1."),
  shading: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      "Share of sunlight that the blinds keep out of a façade's windows while more than 300 W/m² falls on it, 0 to 1.",
    ),
  infiltration: z
    .number()
    .min(0)
    .max(2)
    .default(0.2)
    .describe("Outdoor air through leaks, always, air changes per hour."),
  ventilation: z
    .number()
    .min(0)
    .max(6)
    .default(1.2)
    .describe("Outdoor air from the fans during use, air changes per hour."),
  heatRecovery: z
    .number()
    .min(0)
    .max(0.95)
    .default(0.6)
    .describe("Share of the fans' heat loss that is recovered, all year, 0 to 1."),
  thermalMass: z
    .enum(["very-light", "light", "medium", "heavy", "very-heavy"])
    .default("medium")
    .describe("Building mass by class: 80, 110, 165, 260 or 370 kJ/K per m² of floor."),
  internalGains: z
    .number()
    .min(0)
    .max(60)
    .default(15)
    .describe(
      "Heat of people, light and devices during use, W per m² of floor; a tenth of it otherwise.",
    ),
  heatingSetpoint: z
    .number()
    .min(15)
    .max(23)
    .default(20)
    .describe("Lowest air temperature during use, °C; 4 K lower otherwise."),
  coolingSetpoint: z
    .number()
    .min(23)
    .max(32)
    .default(25)
    .describe("Highest air temperature during use, °C; 4 K higher otherwise."),
  heatingCapacity: z
    .number()
    .min(0)
    .max(500)
    .default(500)
    .describe(
      "Most heating power, W per m² of floor: 0 is no heating; 500 is more than any of these buildings needs.",
    ),
  coolingCapacity: z
    .number()
    .min(0)
    .max(500)
    .default(500)
    .describe(
      "Most cooling power, W per m² of floor: 0 is no cooling; 500 is more than any of these buildings needs.",
    ),
});
export type Parameters = z.infer<typeof parameters>;

/** What holds while the building is used, or while it is not. */
export interface Mode {
  readonly zone: Zone;
  /** W. */
  readonly internalGains: number;
  /** °C. */
  readonly setpoints: { readonly heating: number; readonly cooling: number };
}

/** What a façade or the roof takes of the sunlight that falls on it, as m² of area that takes all of it. */
export interface Aperture {
  readonly open: number;
  /** With the blinds closed. */
  readonly shaded: number;
}

export interface Building {
  readonly inUse: Mode;
  readonly outOfUse: Mode;
  /** W, both positive. */
  readonly capacity: { readonly heating: number; readonly cooling: number };
  /** Degrees clockwise from north that the first long façade faces; the other façades follow clockwise. */
  readonly orientation: number;
  readonly longFacade: Aperture;
  readonly shortFacade: Aperture;
  readonly roof: number;
  /** Heat that all elements radiate to the cold sky, W (Φ_r of ISO 13790, 11.3.5, a constant). */
  readonly skyLoss: number;
}

/** W/(m²K), ISO 13790, 12.2.2 and 7.2.2.2: mass to surface, and surface to air. */
const massToSurface = 9.1;
const surfaceToAir = 3.45;
/** J/(m³K), ISO 13790, 9.3.1. */
const airCapacity = 1200;
/** ISO 13790, 11.4.2: sunlight rarely falls at right angles, so a window passes less than its coefficient says. */
const obliqueness = 0.9;
/** m²K/W, ISO 6946: from an outer surface to the outdoor air. */
const outerResistance = 0.04;
/** Share of sunlight that walls and roof of medium colour take up. */
const absorptance = 0.6;
/** W/(m²K) and K, ISO 13790, 11.4.6: radiative coefficient at emissivity 0.9, and sky below air temperature. */
const skyCoefficient = 5 * 0.9;
const skyDifference = 11;
/** ISO 13790, 11.4.6: how much of a wall's and a roof's view is sky. */
const wallSkyView = 0.5;
const roofSkyView = 1;
/** Share of the internal gains that stays outside the hours of use: devices on standby. */
const standbyGains = 0.1;
/** K that the setpoints widen outside the hours of use. */
const setback = 4;

export function createBuilding(given: Omit<Parameters, "climate">): Building {
  const facadeArea = 2 * (length + depth) * height;
  const windowArea = facadeArea * given.windowRatio;
  const wallArea = facadeArea - windowArea;

  const mass = massClasses[given.thermalMass];
  const A_m = mass.area * floorArea;
  const A_t = surfacePerFloor * floorArea;
  const H_tr_ms = massToSurface * A_m;
  const opaque = wallArea * given.wallUValue + floorArea * given.roofUValue;
  const perAirChange = (airCapacity * volume) / 3600;
  const zone = (ventilation: number): Zone => ({
    H_tr_em: 1 / (1 / opaque - 1 / H_tr_ms), // ISO 13790, 12.2.2
    H_tr_w: windowArea * given.windowUValue,
    H_ve: perAirChange * (given.infiltration + ventilation * (1 - given.heatRecovery)),
    H_tr_is: surfaceToAir * A_t,
    H_tr_ms,
    A_m,
    A_t,
    C_m: mass.capacity * floorArea,
  });

  const facade = (width: number): Aperture => {
    const area = width * height;
    const window = area * given.windowRatio * given.solarHeatGainCoefficient * obliqueness;
    const wall = area * (1 - given.windowRatio) * given.wallUValue * outerResistance * absorptance;
    return { open: window + wall, shaded: window * (1 - given.shading) + wall };
  };

  return {
    inUse: {
      zone: zone(given.ventilation),
      internalGains: given.internalGains * floorArea,
      setpoints: { heating: given.heatingSetpoint, cooling: given.coolingSetpoint },
    },
    outOfUse: {
      zone: zone(0),
      internalGains: given.internalGains * floorArea * standbyGains,
      setpoints: {
        heating: given.heatingSetpoint - setback,
        cooling: given.coolingSetpoint + setback,
      },
    },
    capacity: {
      heating: given.heatingCapacity * floorArea,
      cooling: given.coolingCapacity * floorArea,
    },
    orientation: given.orientation,
    longFacade: facade(length),
    shortFacade: facade(depth),
    roof: floorArea * given.roofUValue * outerResistance * absorptance,
    skyLoss:
      outerResistance *
      skyCoefficient *
      skyDifference *
      (wallSkyView * (wallArea * given.wallUValue + windowArea * given.windowUValue) +
        roofSkyView * floorArea * given.roofUValue),
  };
}
