import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attemptSimulation, randomStream } from "@hatchery/experiment";
import { beforeAll, describe, expect, test } from "vitest";
import { models } from "../index.ts";

const model = models["epidemic"]!;

function attempt(simulation: number, parameters: Record<string, number> = {}) {
  return attemptSimulation(model, parameters, {
    random: randomStream(42, simulation),
    signal: new AbortController().signal,
    log: () => undefined,
  });
}

const python = (program: string, environment = {}) =>
  spawnSync("python3", ["-c", program], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });

// Said by the names of the tests that a machine without them skips.
const hasPython = python("").status === 0;
const hasNumpy = python("import numpy").status === 0;

describe.skipIf(!hasNumpy)("where python3 has numpy", () => {
  // Python and numpy take seconds to start where the disk is cold.
  beforeAll(() => attempt(0), 60_000);

  test("the first simulations of seed 42 are as they were", async () => {
    const rows = [await attempt(0), await attempt(1)].map(({ results }) => results);
    // numpy changes its generators' numbers only with a notice in its release notes (NEP 19).
    expect(rows).toEqual([
      {
        meanShareInfected: expect.closeTo(0.796065, 9),
        outbreakShare: 1,
        meanPeakShare: expect.closeTo(0.154533, 9),
        meanPeakDay: expect.closeTo(40.8, 9),
        lastDay: 151,
      },
      {
        meanShareInfected: expect.closeTo(0.797524, 9),
        outbreakShare: 1,
        meanPeakShare: expect.closeTo(0.154892, 9),
        meanPeakDay: expect.closeTo(41.04, 9),
        lastDay: 147,
      },
    ]);
  });

  test("a simulation is a function of its seed alone, whatever ran before", async () => {
    const first = await attempt(5);
    expect(await attempt(6)).not.toEqual(first);
    expect(await attempt(5)).toEqual(first);
  });

  test.each([1.5, 2, 3])("with R0 = %d as many fall ill as the theory says", async (r0) => {
    const { results } = await attempt(0, { r0, population: 100_000, infected: 100 });
    // Final size of a large epidemic (Kermack and McKendrick 1927).
    let z = 0.9;
    for (let k = 0; k < 200; k++) z = 1 - Math.exp(-r0 * z);
    expect(results!["meanShareInfected"]).toBeCloseTo(z, 2);
  });

  test("below R0 = 1 nothing breaks out", async () => {
    const { results } = await attempt(0, { r0: 0.7 });
    expect(results!["outbreakShare"]).toBe(0);
  });
});

test.skipIf(!hasPython)(
  "numpy's absence is said in plain words, and no simulation is blamed",
  async () => {
    // A numpy that cannot be imported stands in front of the real one.
    const folder = mkdtempSync(join(tmpdir(), "no-numpy-"));
    mkdirSync(join(folder, "numpy"));
    writeFileSync(join(folder, "numpy", "__init__.py"), "raise ImportError('not installed')");
    try {
      const { stdout } = spawnSync("python3", [join(import.meta.dirname, "model.py")], {
        encoding: "utf8",
        input: "",
        env: { ...process.env, PYTHONPATH: folder },
      });
      expect(JSON.parse(stdout)).toEqual({
        unable: expect.stringMatching(
          /^numpy is missing in .*python.*: not installed\. Run: python3 -m pip install numpy$/,
        ),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
