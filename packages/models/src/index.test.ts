import { expect, test } from "vitest";
import { models } from "./index.ts";

test("every model is found by its own name", () => {
  expect(Object.keys(models)).toEqual(["building-energy", "cooling-fin", "epidemic", "pi"]);
  for (const [name, model] of Object.entries(models)) expect(model.name).toBe(name);
});
