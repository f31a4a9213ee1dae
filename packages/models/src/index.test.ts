import { readFileSync } from "node:fs";
import { join, matchesGlob, relative } from "node:path";
import { expect, test } from "vitest";
import { workspaceRoot } from "@hatchery/config";
import { sourceFiles } from "@hatchery/experiment";
import { models } from "./index.ts";

test("every model is found by its own name", () => {
  expect(Object.keys(models)).toEqual(["building-energy", "cooling-fin", "epidemic", "pi"]);
  for (const [name, model] of Object.entries(models)) expect(model.name).toBe(name);
});

test("a model's source is its own folder, and all of it is in the workers' image", () => {
  const root = workspaceRoot();
  const ignored = readFileSync(join(root, "apps/worker/Dockerfile.dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("**/"));
  expect(ignored).toContain("**/test");
  for (const [name, model] of Object.entries(models)) {
    const files = sourceFiles(model).map((file) => relative(root, file));
    expect(files).toContain(`packages/models/src/${name}/index.ts`);
    for (const file of files) {
      expect(file).toMatch(new RegExp(`^packages/models/src/${name}/`));
      for (const pattern of ignored)
        expect(matchesGlob(file, pattern) || matchesGlob(file, `${pattern}/**`), file).toBe(false);
    }
  }
});
