import { expect, test } from "vitest";
import { nearestName } from "./nearest-name.ts";

const known = ["windowRatio", "wallUValue", "climate"];

test("a slip of a few letters or of case is recognized", () => {
  expect(nearestName("windowRatoi", known)).toBe("windowRatio");
  expect(nearestName("WALLUVALUE", known)).toBe("wallUValue");
  expect(nearestName("climat", known)).toBe("climate");
});

test("a name like no other suggests nothing", () => {
  expect(nearestName("orientation", known)).toBeUndefined();
  expect(nearestName("x", [])).toBeUndefined();
});
