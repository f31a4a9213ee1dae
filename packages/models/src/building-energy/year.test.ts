import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createBuilding,
  floorArea,
  parameters,
  type Building,
  type Parameters,
} from "./building.ts";
import {
  climateNames,
  middleOfHour,
  shippedClimate,
  shippedWeather,
  type Climate,
  type ClimateName,
} from "./climate.ts";
import { extraterrestrialNormal, irradianceOnSurface } from "./irradiance.ts";
import { sunPosition } from "./sun.ts";
import { hoursPerYear } from "./weather.ts";
import { inUse, simulateYear, solarGains, warmUpHours } from "./year.ts";
import { solveHour } from "./zone.ts";

/** The year as the standard tells it, hour by hour with the exported solver, and the heat that went each way in Wh. */
function simulateSlowly(building: Building, climate: Climate) {
  const angle = (building.orientation * Math.PI) / 180;
  const heat = { heating: 0, cooling: 0, internal: 0, solar: 0, lost: 0 };
  let massTemperature = 20;
  let massAtStart = massTemperature;
  let airTemperatures = 0;
  for (let step = -warmUpHours; step < hoursPerYear; step++) {
    const hour = (step + hoursPerYear) % hoursPerYear;
    if (step === 0) massAtStart = massTemperature;
    const { zone, internalGains, setpoints } = inUse[hour] ? building.inUse : building.outOfUse;
    const sun = solarGains(building, climate, hour, Math.cos(angle), Math.sin(angle));
    const outdoor = climate.dryBulb[hour]!;
    const solved = solveHour({
      zone,
      massTemperature,
      outdoorTemperature: outdoor,
      internalGains,
      solarGains: sun,
      setpoints,
      capacity: building.capacity,
    });
    if (step >= 0) {
      const meanMass = (massTemperature + solved.massTemperature) / 2;
      airTemperatures += solved.airTemperature;
      heat.heating += solved.heating;
      heat.cooling += solved.cooling;
      heat.internal += internalGains;
      heat.solar += sun;
      heat.lost +=
        zone.H_ve * (solved.airTemperature - outdoor) +
        zone.H_tr_w * (solved.surfaceTemperature - outdoor) +
        zone.H_tr_em * (meanMass - outdoor) +
        // What C.3 leaves out of the surface node: gains that leave through the windows at once.
        (zone.H_tr_w / (9.1 * zone.A_t)) * (internalGains / 2 + sun);
    }
    massTemperature = solved.massTemperature;
  }
  const stored = (building.inUse.zone.C_m / 3600) * (massTemperature - massAtStart);
  return { heat, stored, meanAirTemperature: airTemperatures / hoursPerYear };
}

const defaults = parameters.parse({});
const run = (changes: Partial<Parameters> = {}) => {
  const { climate, ...building } = { ...defaults, ...changes };
  return simulateYear(createBuilding(building), shippedClimate(climate));
};

/** Any building that the schema allows. */
const anyParameters: fc.Arbitrary<Parameters> = fc.record(
  Object.fromEntries(
    Object.entries(parameters.shape).map(([name, field]) => {
      const { enum: choices, minimum, maximum } = field.toJSONSchema();
      return [
        name,
        choices === undefined
          ? fc.double({ min: minimum!, max: maximum!, noNaN: true })
          : fc.constantFrom(...choices),
      ];
    }),
  ),
) as unknown as fc.Arbitrary<Parameters>;

// A slow year takes some 20 ms.
const someYears = { numRuns: 25 };

describe("for any building and climate", () => {
  test("the year's loop agrees with 8,760 calls of solveHour", () => {
    fc.assert(
      fc.property(anyParameters, ({ climate, ...given }) => {
        const building = createBuilding(given);
        const fast = simulateYear(building, shippedClimate(climate));
        const slow = simulateSlowly(building, shippedClimate(climate));
        expect(fast.heatingKwhPerM2).toBeCloseTo(slow.heat.heating / 1000 / floorArea, 6);
        expect(fast.coolingKwhPerM2).toBeCloseTo(slow.heat.cooling / 1000 / floorArea, 6);
        expect(fast.meanAirTemperature).toBeCloseTo(slow.meanAirTemperature, 8);
      }),
      someYears,
    );
  });

  test("the year's heat adds up: what came in is what went out and what the mass keeps", () => {
    fc.assert(
      fc.property(anyParameters, ({ climate, ...given }) => {
        const { heat, stored } = simulateSlowly(createBuilding(given), shippedClimate(climate));
        const cameIn = heat.heating + heat.internal + heat.solar;
        const wentOut = heat.cooling + heat.lost;
        expect(Math.abs(cameIn - wentOut - stored)).toBeLessThan(1e-6 * (Math.abs(cameIn) + 1));
      }),
      someYears,
    );
  });

  test("all results are finite and none of the energies and hours is negative", () => {
    fc.assert(
      fc.property(anyParameters, (given) => {
        const { meanAirTemperature, ...results } = run(given);
        expect(Number.isFinite(meanAirTemperature)).toBe(true);
        for (const result of Object.values(results)) expect(result).toBeGreaterThanOrEqual(0);
        for (const result of Object.values(results)) expect(result).toBeLessThan(10_000);
      }),
    );
  });

  test("better insulation never asks for more heating", () => {
    fc.assert(
      fc.property(
        anyParameters,
        fc.double({ min: 1.05, max: 1.5, noNaN: true }),
        (given, factor) => {
          const better = run({ ...given, heatingCapacity: 500 });
          const worse = run({
            ...given,
            heatingCapacity: 500,
            wallUValue: given.wallUValue * factor,
            roofUValue: given.roofUValue * factor,
          });
          // Sun on the outside of a wall comes in with its U-value too: in mild weather that is worth a little.
          expect(worse.heatingKwhPerM2).toBeGreaterThanOrEqual(
            better.heatingKwhPerM2 * 0.99 - 0.05,
          );
        },
      ),
    );
  });
});

test("the sun comes in through four façades and the roof, each as irradianceOnSurface has it", () => {
  const weather = shippedWeather("miami");
  const place = { latitude: weather.latitude, longitude: weather.longitude };
  fc.assert(
    fc.property(anyParameters, fc.integer({ min: 0, max: hoursPerYear - 1 }), (given, hour) => {
      const building = createBuilding(given);
      const on = (tilt: number, azimuth: number) =>
        irradianceOnSurface({
          tilt,
          azimuth,
          sun: sunPosition({ time: middleOfHour(hour, weather.timeZone), ...place }),
          directNormal: weather.directNormal[hour]!,
          diffuseHorizontal: weather.diffuseHorizontal[hour]!,
          globalHorizontal: weather.globalHorizontal[hour]!,
          extraterrestrialNormal: extraterrestrialNormal(Math.floor(hour / 24) + 1),
        }).total;
      const facades = [0, 90, 180, 270].map((turn) => {
        const { open, shaded } = turn % 180 === 0 ? building.longFacade : building.shortFacade;
        const irradiance = on(90, given.orientation + turn);
        return irradiance * (irradiance > 300 ? shaded : open);
      });
      const expected =
        facades.reduce((sum, gain) => sum + gain) + on(0, 0) * building.roof - building.skyLoss;
      const angle = (given.orientation * Math.PI) / 180;
      const found = solarGains(
        building,
        shippedClimate("miami"),
        hour,
        Math.cos(angle),
        Math.sin(angle),
      );
      expect(found).toBeCloseTo(expected, 5);
    }),
    { numRuns: 1000 },
  );
});

test("the warm-up makes the year forget where the mass began", () => {
  const { climate, ...given } = {
    ...defaults,
    thermalMass: "very-heavy" as const,
    climate: "sand-point" as const,
  };
  const building = createBuilding(given);
  const cold = simulateYear(building, shippedClimate(climate), 5);
  const warm = simulateYear(building, shippedClimate(climate), 35);
  expect(Math.abs(cold.heatingKwhPerM2 / warm.heatingKwhPerM2 - 1)).toBeLessThan(0.001);
});

describe("as one would expect", () => {
  test("Alaska needs the most heating and Miami the least; for cooling it is the other way round", () => {
    const [greensboro, sandPoint, miami] = (
      ["greensboro", "sand-point", "miami"] as ClimateName[]
    ).map((climate) => run({ climate }));
    expect(sandPoint!.heatingKwhPerM2).toBeGreaterThan(1.5 * greensboro!.heatingKwhPerM2);
    expect(greensboro!.heatingKwhPerM2).toBeGreaterThan(miami!.heatingKwhPerM2 + 10);
    expect(miami!.coolingKwhPerM2).toBeGreaterThan(1.5 * greensboro!.coolingKwhPerM2);
    expect(greensboro!.coolingKwhPerM2).toBeGreaterThan(10 * sandPoint!.coolingKwhPerM2);
  });

  test("more window, gains or sun through the glass means more cooling; blinds mean less", () => {
    const { coolingKwhPerM2 } = run();
    expect(run({ windowRatio: 0.7 }).coolingKwhPerM2).toBeGreaterThan(coolingKwhPerM2);
    expect(run({ internalGains: 30 }).coolingKwhPerM2).toBeGreaterThan(coolingKwhPerM2);
    expect(run({ solarHeatGainCoefficient: 0.7 }).coolingKwhPerM2).toBeGreaterThan(coolingKwhPerM2);
    expect(run({ shading: 1 }).coolingKwhPerM2).toBeLessThan(coolingKwhPerM2);
  });

  test("heat recovery saves heating, leaks and a warmer room cost it", () => {
    const { heatingKwhPerM2 } = run();
    expect(run({ heatRecovery: 0.9 }).heatingKwhPerM2).toBeLessThan(heatingKwhPerM2);
    expect(run({ infiltration: 1 }).heatingKwhPerM2).toBeGreaterThan(heatingKwhPerM2);
    expect(run({ heatingSetpoint: 22 }).heatingKwhPerM2).toBeGreaterThan(heatingKwhPerM2);
  });

  test("a heavy building without cooling overheats less than a light one", () => {
    const [light, medium, heavy] = (["very-light", "medium", "very-heavy"] as const).map(
      (thermalMass) => run({ thermalMass, coolingCapacity: 0 }).overheatingHours,
    );
    expect(heavy).toBeLessThan(medium!);
    expect(medium).toBeLessThan(light!);
  });

  test("turning the building by half a turn changes nothing, by a quarter it does", () => {
    expect(run({ orientation: 0 }).coolingKwhPerM2).toBeCloseTo(
      run({ orientation: 180 }).coolingKwhPerM2,
      9,
    );
    expect(run({ orientation: 90 }).coolingKwhPerM2).not.toBeCloseTo(run().coolingKwhPerM2, 1);
  });

  test("a plant with a cap peaks at it and leaves hours unmet, the largest one leaves none", () => {
    const capped = run({ climate: "sand-point", heatingCapacity: 10 });
    expect(capped.peakHeatingWPerM2).toBe(10);
    expect(capped.unmetHours).toBeGreaterThan(100);
    expect(run({ climate: "sand-point" }).unmetHours).toBe(0);
    const hardest = run({
      climate: "sand-point",
      windowRatio: 0.9,
      wallUValue: 2.5,
      roofUValue: 2,
      windowUValue: 5.8,
      solarHeatGainCoefficient: 0.1,
      infiltration: 2,
      ventilation: 6,
      heatRecovery: 0,
      thermalMass: "very-heavy",
      internalGains: 0,
      heatingSetpoint: 23,
    });
    expect(hardest.peakHeatingWPerM2).toBeGreaterThan(400);
    expect(hardest.unmetHours).toBe(0);
    const none = run({ heatingCapacity: 0, coolingCapacity: 0 });
    expect(none).toMatchObject({ heatingKwhPerM2: 0, coolingKwhPerM2: 0 });
    expect(none.unmetHours).toBeGreaterThan(capped.unmetHours);
  });
});

test("the default building's years stay what they were", () => {
  const golden = climateNames.map((climate) => {
    const { heatingKwhPerM2, coolingKwhPerM2, peakHeatingWPerM2, peakCoolingWPerM2 } = run({
      climate,
    });
    return [heatingKwhPerM2, coolingKwhPerM2, peakHeatingWPerM2, peakCoolingWPerM2].map((result) =>
      Number(result.toFixed(3)),
    );
  });
  expect(golden).toMatchInlineSnapshot(`
    [
      [
        19.04,
        46.952,
        69.884,
        57.601,
      ],
      [
        65.815,
        1.005,
        66.668,
        23.646,
      ],
      [
        0,
        105.608,
        0,
        56.396,
      ],
    ]
  `);
});
