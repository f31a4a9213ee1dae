import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { infraFolder } from "./program.ts";
import { askingPolicy } from "./sst.ts";

test("the policy pack is asked by SST's own Pulumi, and by another one that can start it", () => {
  const asked = ["--policy", join(infraFolder, "policy")];
  expect(askingPolicy({})).toEqual(asked);
  const folder = mkdtempSync(join(tmpdir(), "hatchery-pulumi-"));
  try {
    const environment = { SST_PULUMI_PATH: join(folder, "pulumi") };
    expect(askingPolicy(environment)).toEqual([]);
    writeFileSync(environment.SST_PULUMI_PATH, "");
    expect(askingPolicy(environment)).toEqual([]);
    writeFileSync(join(folder, "pulumi-analyzer-policy"), "");
    expect(askingPolicy(environment)).toEqual(asked);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
