/**
 * A target found by bisection: which walls make an office in Greensboro need 25 kWh/m² of heat a year?
 * Each step simulates the same 27 offices with other walls; heat rises with what walls let through.
 */
import { defineStudy, type DesignSettings } from "@hatchery/experiment";

/** kWh per m² and year; half of what the offices need with uninsulated walls. */
const target = 25;
const tolerance = 0.1;
/** W/(m²K): from the best walls that the model knows to a wall of solid brick. */
const wallsToSearch = [0.1, 2.5];

/** Leaks, gains and setpoints that an architect does not choose; the mean over all of them is what counts. */
const offices = (wallUValue: number[]): DesignSettings => ({
  kind: "grid",
  fixed: { climate: "greensboro", thermalMass: "medium" },
  choices: { wallUValue },
  levels: { infiltration: 3, internalGains: 3, heatingSetpoint: 3 },
  ranges: {
    infiltration: { minimum: 0.1, maximum: 0.5 },
    internalGains: { minimum: 8, maximum: 22 },
    heatingSetpoint: { minimum: 19, maximum: 21 },
  },
});

export const wallInsulation = defineStudy({
  name: "wall-insulation",
  description: `Walls with which offices in Greensboro need ${target} kWh/m² of heat a year.`,
  model: "building-energy",
  seed: 1,
  mostSteps: 20,
  async next({ step, results }) {
    if (step === 0) return offices(wallsToSearch);
    const { rows } = await results.query(
      "SELECT wallUValue, avg(heatingKwhPerM2) FROM results GROUP BY 1 ORDER BY 1",
    );
    const tried = rows.map(([wallUValue, heating]) => ({
      wallUValue: Number(wallUValue),
      heating: Number(heating),
    }));
    const found = tried.find(({ heating }) => Math.abs(heating - target) <= tolerance);
    if (found !== undefined)
      return {
        stop: `Heating is within ${tolerance} of ${target} kWh/m².`,
        answer: { wallUValue: found.wallUValue, heatingKwhPerM2: found.heating },
      };
    const better = tried.findLast(({ heating }) => heating < target);
    const worse = tried.find(({ heating }) => heating > target);
    if (better === undefined || worse === undefined)
      return {
        stop: `No wall from ${wallsToSearch.join(" to ")} W/(m²K) comes to ${target} kWh/m².`,
      };
    return offices([(better.wallUValue + worse.wallUValue) / 2]);
  },
});
