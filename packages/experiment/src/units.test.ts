import { expect, test } from "vitest";
import { unitOf } from "./units.ts";

test.each([
  ["heatingKwhPerM2", "kWh/m²"],
  ["peakHeatingWPerM2", "W/m²"],
  ["wallUValueWPerM2K", "W/m²K"],
  ["heatingSetpointC", "°C"],
  ["overheatingHours", "h"],
  ["costUsd", "USD"],
  ["airChangesPerHour", ""],
  ["windowRatio", ""],
  ["C", ""],
  ["y", ""],
])("%s is in %j", (name, unit) => {
  expect(unitOf({ name })).toBe(unit);
});

test("a unit in brackets at the end of the description wins", () => {
  expect(unitOf({ name: "areaM2", description: "Floor area of one storey (ha)." })).toBe("ha");
  expect(unitOf({ name: "areaM2", description: "Floor area (gross) of one storey" })).toBe("m²");
});
