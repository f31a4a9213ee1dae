/**
 * A year of a building in a climate. An hour is linear in what drives it, so the loop over the year needs only its
 * coefficients, which are read off zone.ts by unit inputs: the same equations, a hundredth of the time.
 */
import { floorArea, type Aperture, type Building, type Mode } from "./building.ts";
import type { Climate } from "./climate.ts";
import { hoursPerYear } from "./weather.ts";
import { solveTemperatures, type Drive, type Temperatures } from "./zone.ts";

/** 1 where the building is in use: Monday to Friday, 8 to 18 o'clock; 1 January is a Monday (climate.ts). */
export const inUse = Uint8Array.from({ length: hoursPerYear }, (_, hour) =>
  Math.floor(hour / 24) % 7 < 5 && hour % 24 >= 8 && hour % 24 < 18 ? 1 : 0,
);

/**
 * December comes before January once more, from 20 °C: after 30 days even the heaviest class has forgotten where it
 * began (test: by less than 0.1 %).
 */
export const warmUpHours = 30 * 24;
const firstMassTemperature = 20;

/** W/m² on a façade above which ISO 13790, 11.4.3, takes movable blinds for closed. */
const blindsCloseAt = 300;

/** K by which air may miss its setpoint before the hour counts as unmet: EnergyPlus' default reporting tolerance. */
const unmetTolerance = 0.2;

/** °C of operative temperature in use that count as overheating: CIBSE Guide A (2006), Table 1.7, offices. */
const overheatingAbove = 28;

export interface YearResults {
  readonly heatingKwhPerM2: number;
  readonly coolingKwhPerM2: number;
  readonly peakHeatingWPerM2: number;
  readonly peakCoolingWPerM2: number;
  readonly overheatingHours: number;
  readonly unmetHours: number;
  readonly meanAirTemperature: number;
}

/**
 * Heat from the sun in an hour, less what the building radiates to the sky, W.
 * `cos` and `sin` are those of the building's orientation.
 */
export function solarGains(
  building: Building,
  climate: Climate,
  hour: number,
  cos: number,
  sin: number,
): number {
  const north = climate.wallNorth[hour]!;
  const east = climate.wallEast[hour]!;
  const diffuse = climate.wallDiffuse[hour]!;
  const long = north * cos + east * sin;
  const short = east * cos - north * sin;
  // The sun shines on one of two opposite façades; the other has the even light only.
  return (
    throughFacade(building.longFacade, diffuse + Math.abs(long)) +
    throughFacade(building.longFacade, diffuse) +
    throughFacade(building.shortFacade, diffuse + Math.abs(short)) +
    throughFacade(building.shortFacade, diffuse) +
    building.roof * climate.horizontal[hour]! -
    building.skyLoss
  );
}

function throughFacade(facade: Aperture, irradiance: number): number {
  return (irradiance > blindsCloseAt ? facade.shaded : facade.open) * irradiance;
}

/** How each temperature answers: constant (internal gains) and per unit of what changes from hour to hour. */
interface Coefficients {
  readonly constant: number;
  readonly byMass: number;
  readonly byOutdoor: number;
  readonly bySun: number;
  readonly byPower: number;
}

function coefficients(mode: Mode, answer: keyof Temperatures): Coefficients {
  const nothing: Drive = {
    massTemperature: 0,
    outdoorTemperature: 0,
    internalGains: 0,
    solarGains: 0,
  };
  const to = (drive: Partial<Drive>, power = 0) =>
    solveTemperatures(mode.zone, { ...nothing, ...drive }, power)[answer];
  return {
    constant: to({ internalGains: mode.internalGains }),
    byMass: to({ massTemperature: 1 }),
    byOutdoor: to({ outdoorTemperature: 1 }),
    bySun: to({ solarGains: 1 }),
    byPower: to({}, 1),
  };
}

/** A mode's coefficients and setpoints, in the shape that the loop reads. */
function prepare(mode: Mode) {
  return {
    mass: coefficients(mode, "massTemperature"),
    air: coefficients(mode, "airTemperature"),
    operative: coefficients(mode, "operativeTemperature"),
    heatTo: mode.setpoints.heating,
    coolTo: mode.setpoints.cooling,
  };
}

/** 8,760 hours after the warm-up. `firstMass` is where the warm-up begins, °C. */
export function simulateYear(
  building: Building,
  climate: Climate,
  firstMass: number = firstMassTemperature,
): YearResults {
  const used = prepare(building.inUse);
  const unused = prepare(building.outOfUse);
  const { heating: mostHeating, cooling: mostCooling } = building.capacity;
  const angle = (building.orientation * Math.PI) / 180;
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);

  let massTemperature = firstMass;
  let heating = 0;
  let cooling = 0;
  let peakHeating = 0;
  let peakCooling = 0;
  let overheatingHours = 0;
  let unmetHours = 0;
  let airTemperatures = 0;
  for (let step = -warmUpHours; step < hoursPerYear; step++) {
    const hour = step < 0 ? step + hoursPerYear : step;
    const isUsed = inUse[hour] === 1;
    const { mass, air, operative, heatTo, coolTo } = isUsed ? used : unused;
    const outdoor = climate.dryBulb[hour]!;
    const sun = solarGains(building, climate, hour, cos, sin);

    const free =
      air.constant + air.byMass * massTemperature + air.byOutdoor * outdoor + air.bySun * sun;
    let power = 0;
    if (free < heatTo) power = Math.min((heatTo - free) / air.byPower, mostHeating);
    else if (free > coolTo) power = Math.max((coolTo - free) / air.byPower, -mostCooling);

    if (step >= 0) {
      const airTemperature = free + air.byPower * power;
      airTemperatures += airTemperature;
      if (power > 0) {
        heating += power;
        if (power > peakHeating) peakHeating = power;
      } else if (power < 0) {
        cooling -= power;
        if (-power > peakCooling) peakCooling = -power;
      }
      if (isUsed) {
        if (airTemperature < heatTo - unmetTolerance || airTemperature > coolTo + unmetTolerance)
          unmetHours++;
        const felt =
          operative.constant +
          operative.byMass * massTemperature +
          operative.byOutdoor * outdoor +
          operative.bySun * sun +
          operative.byPower * power;
        if (felt > overheatingAbove) overheatingHours++;
      }
    }
    massTemperature =
      mass.constant +
      mass.byMass * massTemperature +
      mass.byOutdoor * outdoor +
      mass.bySun * sun +
      mass.byPower * power;
  }
  return {
    heatingKwhPerM2: heating / 1000 / floorArea,
    coolingKwhPerM2: cooling / 1000 / floorArea,
    peakHeatingWPerM2: peakHeating / floorArea,
    peakCoolingWPerM2: peakCooling / floorArea,
    overheatingHours,
    unmetHours,
    meanAirTemperature: airTemperatures / hoursPerYear,
  };
}
