import { UserError } from "@hatchery/config";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { solveHour, solveTemperatures, type Drive, type Zone } from "./zone.ts";

/** The office of the published cases: 4.9 m × 7 m × 3.1 m, one façade. */
const office: Zone = {
  H_tr_em: 1.69 * 0.2,
  H_tr_w: 13.5 * 1.1,
  H_ve: (1200 * 2 * 106.33) / 3600,
  H_tr_is: 3.45 * 142.38,
  H_tr_ms: 9.1 * 2.5 * 34.3,
  A_m: 2.5 * 34.3,
  A_t: 142.38,
  C_m: 165_000 * 34.3,
};

describe("published cases", () => {
  // The five cases without heat recovery in the tests of RC_BuildingSimulator (ETH Zürich, MIT licence,
  // rc_simulator/tests/testRCmodel.py): an implementation of Annex C by others. Their mass temperature is the hour's mean.
  test.each([
    { case: "floats", outdoor: 10, mass: 22, sun: 2000, meanMass: 22.33, heating: 0, cooling: 0 },
    {
      case: "cools",
      outdoor: 25,
      mass: 24,
      sun: 4000,
      meanMass: 25.15,
      heating: 0,
      cooling: 264.75,
    },
    {
      case: "heats",
      outdoor: 10,
      mass: 20,
      sun: 2000,
      meanMass: 20.46,
      heating: 328.09,
      cooling: 0,
    },
    {
      case: "cools all it can",
      outdoor: 30,
      mass: 25,
      sun: 5000,
      meanMass: 26.49,
      heating: 0,
      cooling: 411.6,
    },
    {
      case: "heats all it can",
      outdoor: 5,
      mass: 19,
      sun: 2000,
      meanMass: 19.39,
      heating: 411.6,
      cooling: 0,
    },
  ])("an office that $case", ({ outdoor, mass, sun, meanMass, heating, cooling }) => {
    const hour = solveHour({
      zone: office,
      massTemperature: mass,
      outdoorTemperature: outdoor,
      internalGains: 10,
      solarGains: sun,
      setpoints: { heating: 20, cooling: 26 },
      capacity: { heating: 12 * 34.3, cooling: 12 * 34.3 },
    });
    expect((hour.massTemperature + mass) / 2).toBeCloseTo(meanMass, 2);
    expect(hour.heating).toBeCloseTo(heating, 2);
    expect(hour.cooling).toBeCloseTo(cooling, 2);
  });
});

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

const zones: fc.Arbitrary<Zone> = fc
  .record({
    floor: number(20, 5000),
    massPerFloor: number(2.5, 3.5),
    opaque: number(0.05, 4),
    window: number(0.02, 4),
    air: number(0, 6),
    capacity: number(80_000, 370_000),
  })
  .map(({ floor, massPerFloor, opaque, window, air, capacity }) => ({
    H_tr_em: opaque * floor,
    H_tr_w: window * floor,
    H_ve: air * floor,
    H_tr_is: 3.45 * 4.5 * floor,
    H_tr_ms: 9.1 * massPerFloor * floor,
    A_m: massPerFloor * floor,
    A_t: 4.5 * floor,
    C_m: capacity * floor,
  }));

/** Gains in W per W of a floor of 1 m²; scaled by the zone's own size below. */
const drives = fc.record({
  massTemperature: number(-10, 45),
  outdoorTemperature: number(-45, 45),
  internalGains: number(0, 60),
  solarGains: number(-10, 300),
});

const scaled = (zone: Zone, drive: Drive): Drive => ({
  ...drive,
  internalGains: (drive.internalGains * zone.A_t) / 4.5,
  solarGains: (drive.solarGains * zone.A_t) / 4.5,
});

/** The network's three heat balances, solved as they stand: unknown are air, surface and the mass at the hour's end. */
function solveNetwork(zone: Zone, drive: Drive, power: number) {
  const { H_tr_em, H_tr_w, H_ve, H_tr_is, H_tr_ms, A_m, A_t, C_m } = zone;
  const { massTemperature: start, outdoorTemperature: outdoor } = drive;
  const radiant = drive.internalGains / 2 + drive.solarGains;
  const toAir = drive.internalGains / 2 + power;
  const toMass = radiant * (A_m / A_t);
  const toSurface = radiant * (1 - A_m / A_t - H_tr_w / (9.1 * A_t));
  const matrix = [
    [H_ve + H_tr_is, -H_tr_is, 0, toAir + H_ve * outdoor],
    [
      -H_tr_is,
      H_tr_is + H_tr_w + H_tr_ms,
      -H_tr_ms / 2,
      toSurface + H_tr_w * outdoor + (H_tr_ms * start) / 2,
    ],
    [
      0,
      -H_tr_ms,
      C_m / 3600 + (H_tr_ms + H_tr_em) / 2,
      toMass + H_tr_em * outdoor + (C_m / 3600 - (H_tr_ms + H_tr_em) / 2) * start,
    ],
  ];
  for (let pivot = 0; pivot < 3; pivot++)
    for (let row = 0; row < 3; row++) {
      if (row === pivot) continue;
      const factor = matrix[row]![pivot]! / matrix[pivot]![pivot]!;
      for (let k = pivot; k < 4; k++) matrix[row]![k]! -= factor * matrix[pivot]![k]!;
    }
  const [air, surface, mass] = matrix.map((row, k) => row[3]! / row[k]!);
  return { air: air!, surface: surface!, mass: mass! };
}

test("temperatures are those of the network's three heat balances", () => {
  fc.assert(
    fc.property(zones, drives, number(-200, 200), (zone, drive, perFloor) => {
      const power = (perFloor * zone.A_t) / 4.5;
      const found = solveTemperatures(zone, scaled(zone, drive), power);
      const expected = solveNetwork(zone, scaled(zone, drive), power);
      expect(found.airTemperature).toBeCloseTo(expected.air, 8);
      expect(found.surfaceTemperature).toBeCloseTo(expected.surface, 8);
      expect(found.massTemperature).toBeCloseTo(expected.mass, 8);
    }),
  );
});

const setpoints = { heating: 20, cooling: 26 };

test("without a capacity the air is kept between the setpoints, at the least power", () => {
  fc.assert(
    fc.property(zones, drives, (zone, drive) => {
      const hour = solveHour({ zone, ...scaled(zone, drive), setpoints });
      const free = solveNetwork(zone, scaled(zone, drive), 0).air;
      expect(hour.airTemperature).toBeCloseTo(Math.min(Math.max(free, 20), 26), 8);
      expect(hour.heating > 0).toBe(free < 20);
      expect(hour.cooling > 0).toBe(free > 26);
      const expected = solveNetwork(zone, scaled(zone, drive), hour.heating - hour.cooling);
      expect(hour.airTemperature).toBeCloseTo(expected.air, 8);
      expect(hour.massTemperature).toBeCloseTo(expected.mass, 8);
    }),
  );
});

test("a capacity is used up before the air leaves its setpoint", () => {
  fc.assert(
    fc.property(zones, drives, number(0, 20), (zone, drive, perFloor) => {
      const most = (perFloor * zone.A_t) / 4.5;
      const capacity = { heating: most, cooling: most };
      const hour = solveHour({ zone, ...scaled(zone, drive), setpoints, capacity });
      expect(hour.heating).toBeLessThanOrEqual(most);
      expect(hour.cooling).toBeLessThanOrEqual(most);
      expect(hour.airTemperature > 20 - 1e-6 || hour.heating === most).toBe(true);
      expect(hour.airTemperature < 26 + 1e-6 || hour.cooling === most).toBe(true);
    }),
  );
});

test("an infinite or absent capacity, for one side or both, is no limit", () => {
  const cold = {
    zone: office,
    massTemperature: 5,
    outdoorTemperature: -30,
    internalGains: 0,
    solarGains: 0,
    setpoints,
  };
  const { heating } = solveHour(cold);
  expect(heating).toBeGreaterThan(2000);
  expect(solveHour({ ...cold, capacity: {} }).heating).toBe(heating);
  expect(solveHour({ ...cold, capacity: { cooling: 0 } }).heating).toBe(heating);
  expect(solveHour({ ...cold, capacity: { heating: Infinity, cooling: Infinity } }).heating).toBe(
    heating,
  );
});

test("setpoints that cross are refused", () => {
  const hour = { massTemperature: 20, outdoorTemperature: 0, internalGains: 0, solarGains: 0 };
  const crossed = { zone: office, ...hour, setpoints: { heating: 24, cooling: 22 } };
  expect(() => solveHour(crossed)).toThrow(UserError);
  expect(() => solveHour(crossed)).toThrow(
    "The heating setpoint, 24 °C, is above the cooling setpoint, 22 °C.",
  );
});
