import { UserError, exitCodes } from "@hatchery/config";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { columnsOf, objectSchema, type Column, type Value } from "./columns.ts";
import {
  createDesign,
  DesignSettings,
  type ComputedSettings,
  describeDesign,
  MAX_SIMULATIONS,
} from "./design.ts";

const schema = z.object({
  climate: z.enum(["cold", "mild", "hot"]),
  windowRatio: z.number().min(0.05).max(0.9),
  storeys: z.int().min(1).max(8),
  shading: z.boolean(),
  albedo: z.number().default(0.2),
});
const columns = columnsOf(objectSchema(schema), "Parameter");
const sampled = ["latin-hypercube", "sobol", "random"] as const;
const kinds = fc.constantFrom(...sampled);
const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function rows(settings: ComputedSettings, count: number, seed = 42): string[] {
  const design = createDesign(columns, settings, seed);
  return Array.from({ length: count }, (_, i) => Object.values(design.parameters(i)).join(" "));
}

function problemsOf(
  settings: ComputedSettings,
  seed = 42,
  of: readonly Column[] = columns,
): string[] {
  try {
    createDesign(of, settings, seed);
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== exitCodes.wrongUsage) throw error;
    return error.message.split("\n  ").slice(1);
  }
  return [];
}

// Stored rows: whoever changes them changes every experiment, and says so in the changelog.
describe("the first five rows for seed 42 are the stored ones", () => {
  test("Latin hypercube", () => {
    expect(rows({ kind: "latin-hypercube", simulations: 1000 }, 5)).toMatchInlineSnapshot(`
      [
        "cold 0.5262294006571174 6 false 0.2",
        "mild 0.2784832827553153 2 false 0.2",
        "hot 0.8154047856673599 6 false 0.2",
        "hot 0.11376478705853224 3 false 0.2",
        "mild 0.8536716872110963 3 false 0.2",
      ]
    `);
  });
  test("Sobol", () => {
    expect(rows({ kind: "sobol", simulations: 1024 }, 5)).toMatchInlineSnapshot(`
      [
        "mild 0.5036218079098035 6 true 0.2",
        "mild 0.3385397391801234 4 false 0.2",
        "hot 0.8484275334572885 7 true 0.2",
        "cold 0.059968326223315674 2 false 0.2",
        "cold 0.7788334114651662 3 false 0.2",
      ]
    `);
  });
  test("random", () => {
    expect(rows({ kind: "random", simulations: 1000 }, 5)).toMatchInlineSnapshot(`
      [
        "hot 0.4562094770197611 8 true 0.2",
        "cold 0.326044664284857 2 false 0.2",
        "mild 0.35164016621367333 8 true 0.2",
        "hot 0.506037933278873 8 true 0.2",
        "hot 0.8643839876300543 2 true 0.2",
      ]
    `);
  });
  test("grid", () => {
    expect(rows({ kind: "grid", levels: { windowRatio: 3, storeys: 4 } }, 5))
      .toMatchInlineSnapshot(`
      [
        "cold 0.05 1 false 0.2",
        "cold 0.05 1 true 0.2",
        "cold 0.05 3 false 0.2",
        "cold 0.05 3 true 0.2",
        "cold 0.05 6 false 0.2",
      ]
    `);
  });
});

describe("every design", () => {
  test("gives rows that the model's schema accepts, in the columns' order, the same each time", () => {
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 1e8 }), seeds, (kind, simulations, seed) => {
        const design = createDesign(columns, { kind, simulations }, seed);
        expect(design.total).toBe(simulations);
        for (const i of [0, Math.floor(simulations / 2), simulations - 1]) {
          const row = design.parameters(i);
          expect(schema.parse(row)).toEqual(row);
          expect(Object.keys(row)).toEqual(columns.map(({ name }) => name));
          expect(createDesign(columns, { kind, simulations }, seed).parameters(i)).toEqual(row);
        }
      }),
    );
  });

  test.each(sampled)("%s gives every value of a choice and an integer its equal share", (kind) => {
    const design = createDesign(columns, { kind, simulations: 4096 }, 7);
    const count = (name: string) => {
      const found = new Map<Value | undefined, number>();
      for (let i = 0; i < design.total; i++) {
        const value = design.parameters(i)[name];
        found.set(value, (found.get(value) ?? 0) + 1);
      }
      return found;
    };
    for (const [name, values] of [
      ["climate", 3],
      ["storeys", 8],
      ["shading", 2],
    ] as const) {
      const counts = [...count(name).values()];
      expect(counts).toHaveLength(values);
      // Random may stray by four standard errors, the others by the strata that a border cuts.
      const stray = kind === "random" ? 4 * Math.sqrt(4096 / values) : 2;
      for (const n of counts) expect(Math.abs(n - 4096 / values)).toBeLessThanOrEqual(stray);
    }
  });

  test.each(sampled)("%s is another one for another seed", (kind) => {
    const settings = { kind, simulations: 100 };
    expect(rows(settings, 100, 1)).not.toEqual(rows(settings, 100, 2));
  });

  test("says which parameters it varies", () => {
    expect(createDesign(columns, { kind: "random", simulations: 9 }, 42).varied).toEqual([
      "climate",
      "windowRatio",
      "storeys",
      "shading",
    ]);
    const narrow: DesignSettings = {
      kind: "random",
      simulations: 9,
      fixed: { climate: "hot" },
      choices: { shading: [true] },
      ranges: { storeys: { minimum: 2, maximum: 2 }, albedo: { minimum: 0.1, maximum: 0.5 } },
    };
    expect(createDesign(columns, narrow, 42).varied).toEqual(["windowRatio", "albedo"]);
  });

  test("refuses a simulation that is not its own", () => {
    const { parameters } = createDesign(columns, { kind: "random", simulations: 3 }, 42);
    expect(() => parameters(3)).toThrow("Simulation 3 is not one of the design's 3.");
    expect(() => parameters(-1)).toThrow(RangeError);
    expect(() => parameters(0.5)).toThrow(RangeError);
  });

  test("takes the time and memory of its parameters, not of its simulations", () => {
    const started = performance.now();
    for (const kind of sampled)
      createDesign(columns, { kind, simulations: MAX_SIMULATIONS }, 42).parameters(99_999_999);
    // 10⁸ of anything would take longer than this by far; the designs themselves take under a millisecond.
    expect(performance.now() - started).toBeLessThan(250);
  });

  test("survives JSON, as the manifest keeps it", () => {
    const settings: DesignSettings = {
      kind: "grid",
      levels: { windowRatio: 3 },
      fixed: { storeys: 2, shading: true },
      choices: { climate: ["hot", "cold"] },
      replicates: 2,
    };
    expect(DesignSettings.parse(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });
});

describe("random points", () => {
  test("are uncorrelated between dimensions and from one point to the next", () => {
    const two: Column[] = ["a", "b"].map((name) => ({
      name,
      kind: "number",
      minimum: -Math.sqrt(3),
      maximum: Math.sqrt(3),
    }));
    const count = 20_000;
    const { parameters } = createDesign(two, { kind: "random", simulations: count }, 42);
    const sums = { mean: 0, square: 0, across: 0, along: 0 };
    for (let i = 1; i < count; i++) {
      const [a, b] = [Number(parameters(i)["a"]), Number(parameters(i)["b"])];
      sums.mean += a / count;
      sums.square += (a * a) / count;
      sums.across += (a * b) / count;
      sums.along += (a * Number(parameters(i - 1)["a"])) / count;
    }
    const tolerance = 4 / Math.sqrt(count);
    expect(Math.abs(sums.mean)).toBeLessThan(tolerance);
    expect(Math.abs(sums.square - 1)).toBeLessThan(tolerance);
    expect(Math.abs(sums.across)).toBeLessThan(tolerance);
    expect(Math.abs(sums.along)).toBeLessThan(tolerance);
  });
});

describe("a grid", () => {
  test("has every combination exactly once, both ends of each range included", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 2, max: 8 }),
        (ratios, storeys) => {
          const settings = { kind: "grid", levels: { windowRatio: ratios, storeys } } as const;
          const design = createDesign(columns, settings, 42);
          expect(design.total).toBe(3 * ratios * storeys * 2);
          const all = rows(settings, design.total);
          expect(new Set(all).size).toBe(design.total);
          expect(all[0]).toBe("cold 0.05 1 false 0.2");
          expect(all.at(-1)).toBe("hot 0.9 8 true 0.2");
        },
      ),
    );
  });

  test("takes listed numbers as they are, and fixes a number without levels at its default", () => {
    const settings: DesignSettings = {
      kind: "grid",
      levels: {},
      choices: { windowRatio: [0.1, 0.15], storeys: [8, 2] },
      fixed: { climate: "mild", shading: false },
    };
    expect(rows(settings, 4)).toEqual([
      "mild 0.1 8 false 0.2",
      "mild 0.1 2 false 0.2",
      "mild 0.15 8 false 0.2",
      "mild 0.15 2 false 0.2",
    ]);
  });
});

describe("replicates", () => {
  test.each(sampled)(
    "of %s repeat every point, after a first pass that stays as it was",
    (kind) => {
      const once = rows({ kind, simulations: 50 }, 50);
      expect(rows({ kind, simulations: 50, replicates: 3 }, 150)).toEqual([
        ...once,
        ...once,
        ...once,
      ]);
    },
  );

  test("multiply N", () => {
    const design = createDesign(
      columns,
      { kind: "grid", levels: { windowRatio: 2, storeys: 2 }, replicates: 5 },
      42,
    );
    expect(design.total).toBe(3 * 2 * 2 * 2 * 5);
  });
});

describe("narrower wishes", () => {
  test("keep every row inside the given ranges and choices", () => {
    fc.assert(
      fc.property(kinds, seeds, (kind, seed) => {
        const design = createDesign(
          columns,
          {
            kind,
            simulations: 40,
            fixed: { shading: true },
            ranges: {
              windowRatio: { minimum: 0.2, maximum: 0.3 },
              storeys: { minimum: 3, maximum: 4 },
            },
            choices: { climate: ["hot", "cold"] },
          },
          seed,
        );
        for (let i = 0; i < 40; i++) {
          const row = design.parameters(i);
          expect(row["shading"]).toBe(true);
          expect(row["windowRatio"]).toBeGreaterThanOrEqual(0.2);
          expect(row["windowRatio"]).toBeLessThanOrEqual(0.3);
          expect([3, 4]).toContain(row["storeys"]);
          expect(["hot", "cold"]).toContain(row["climate"]);
        }
      }),
    );
  });
});

describe("a wrong design", () => {
  test("is refused with all of its problems at once", () => {
    expect(
      problemsOf(
        {
          kind: "latin-hypercube",
          simulations: 0,
          replicates: 1.5,
          fixed: { windowRatoi: 0.3, storeys: 9, shading: "yes" },
          ranges: {
            windowRatio: { minimum: 0.9, maximum: 0.1 },
            orientation: { minimum: 0, maximum: 1 },
          },
          choices: { climate: ["cold", "tropical"] },
        },
        -1,
      ),
    ).toMatchInlineSnapshot(`
      [
        ""windowRatoi" is not a parameter of the model. Did you mean "windowRatio"?",
        ""orientation" is not a parameter of the model. The model has climate, windowRatio, storeys, shading, albedo.",
        "Parameter "climate" has "tropical" among its choices, but must be one of "cold", "mild", "hot".",
        "Parameter "windowRatio" has a range from 0.9 to 0.1: the minimum is above the maximum.",
        "Parameter "storeys" is fixed at 9, but must be a whole number from 1 to 8.",
        "Parameter "shading" is fixed at "yes", but must be true or false.",
        "0 simulations are not possible: it must be a whole number from 1 to 100,000,000.",
        "1.5 replicates are not possible: it must be a whole number from 1.",
        "Seed -1 must be a whole number from 0 to 9007199254740991.",
      ]
    `);
  });

  test("is refused for numbers that are none or out of range", () => {
    expect([
      ...problemsOf({ kind: "random", simulations: 1, fixed: { windowRatio: Number.NaN } }),
      ...problemsOf({ kind: "random", simulations: 1, fixed: { windowRatio: 7 } }),
      ...problemsOf({ kind: "random", simulations: 1, fixed: { storeys: 2.5 } }),
      ...problemsOf({
        kind: "random",
        simulations: 1,
        ranges: { windowRatio: { minimum: 0, maximum: 0.5 } },
      }),
      ...problemsOf({
        kind: "random",
        simulations: 1,
        ranges: { climate: { minimum: 0, maximum: 1 } },
      }),
      ...problemsOf({ kind: "random", simulations: 1, choices: { storeys: [] } }),
      ...problemsOf({ kind: "random", simulations: 1, choices: { storeys: [1, 1] } }),
      ...problemsOf({
        kind: "random",
        simulations: 1,
        fixed: { storeys: 1 },
        choices: { storeys: [1, 2] },
      }),
    ]).toMatchInlineSnapshot(`
      [
        "Parameter "windowRatio" is fixed at NaN, but must be a number from 0.05 to 0.9.",
        "Parameter "windowRatio" is fixed at 7, but must be a number from 0.05 to 0.9.",
        "Parameter "storeys" is fixed at 2.5, but must be a whole number from 1 to 8.",
        "Parameter "windowRatio" has a range from 0 to 0.5, outside of what the model allows: a number from 0.05 to 0.9.",
        "Parameter "climate" is one of "cold", "mild", "hot": it takes choices or a fixed value, not a range.",
        "Parameter "storeys" has an empty list of choices.",
        "Parameter "storeys" lists a choice twice: 1, 1.",
        "Parameter "storeys" has a fixed value and choices; keep one of them.",
      ]
    `);
  });

  test("is refused for sizes that are not possible", () => {
    expect([
      ...problemsOf({ kind: "random", simulations: 2.5 }),
      ...problemsOf({ kind: "random", simulations: Number.NaN }),
      ...problemsOf({ kind: "random", simulations: MAX_SIMULATIONS + 1 }),
      ...problemsOf({ kind: "sobol", simulations: MAX_SIMULATIONS, replicates: 2 }),
      ...problemsOf({ kind: "grid", levels: { windowRatio: 1e8, storeys: 8 } }),
      ...problemsOf({ kind: "grid", levels: { windowRatio: 1, storeys: 9 } }),
      ...problemsOf({ kind: "grid", levels: { shading: 2, albedo: 3 } }),
      ...problemsOf({
        kind: "grid",
        levels: { storeys: 2 },
        ranges: { windowRatio: { minimum: 0.1, maximum: 0.2 } },
      }),
    ]).toMatchInlineSnapshot(`
      [
        "2.5 simulations are not possible: it must be a whole number from 1 to 100,000,000.",
        "NaN simulations are not possible: it must be a whole number from 1 to 100,000,000.",
        "100,000,001 points are too many: at most 100,000,000 simulations.",
        "100,000,000 points × 2 replicates are too many: at most 100,000,000 simulations.",
        "4,800,000,000 points are too many: at most 100,000,000 simulations.",
        "Parameter "windowRatio" has 1 as its number of levels, which must be whole and at least 2.",
        "Parameter "storeys" has 9 levels, but only 8 whole numbers from 1 to 8.",
        "Parameter "windowRatio" has no levels, and no default. Give it levels or choices, or fix it.",
        "Parameter "storeys" has no levels, and no default. Give it levels or choices, or fix it.",
        "Parameter "shading" is true or false: it takes choices or a fixed value, not levels.",
        "Parameter "albedo" has levels but no range. Give it a range or choices.",
        "Parameter "windowRatio" has a range but no levels, which a grid needs.",
      ]
    `);
    expect(problemsOf({ kind: "random", simulations: MAX_SIMULATIONS })).toEqual([]);
  });

  test("is refused for a parameter that has neither range nor default", () => {
    const free: Column[] = [
      { name: "load", kind: "number", minimum: 0 },
      { name: "label", kind: "text" },
    ];
    expect(problemsOf({ kind: "sobol", simulations: 8 }, 42, free)).toMatchInlineSnapshot(`
      [
        "Parameter "load" can be a number from 0, and has no default. Give it a range or choices, or fix it.",
        "Parameter "label" can be any text, and has no default. Fix it or give it choices.",
      ]
    `);
    expect(
      problemsOf(
        {
          kind: "sobol",
          simulations: 8,
          ranges: { load: { minimum: 0, maximum: 9 } },
          choices: { label: ["a", "b"] },
        },
        42,
        free,
      ),
    ).toEqual([]);
  });

  test("is refused when Sobol has too many dimensions", () => {
    const many = Array.from({ length: 300 }, (_, k): Column => ({
      name: `p${k}`,
      kind: "boolean",
    }));
    expect(problemsOf({ kind: "sobol", simulations: 8 }, 42, many)).toEqual([
      "A Sobol sequence varies at most 256 parameters, not 300. Fix some, or use latin-hypercube.",
    ]);
    expect(problemsOf({ kind: "random", simulations: 8 }, 42, many)).toEqual([]);
  });

  test("does not take a property that every object has for a wish", () => {
    const odd: Column[] = [{ name: "constructor", kind: "boolean" }];
    expect(problemsOf({ kind: "random", simulations: 2, fixed: {} }, 42, odd)).toEqual([]);
  });
});

test("a design is described in one phrase", () => {
  const design = { total: 10_000, varied: Array.from({ length: 12 }, String) };
  const described = (settings: DesignSettings) => [
    describeDesign(settings),
    describeDesign(settings, design),
  ];
  expect([
    described({ kind: "latin-hypercube", simulations: 10_000 }),
    described({ kind: "sobol", simulations: 5000, replicates: 2 }),
    described({ kind: "random", simulations: 10_000 }),
    described({ kind: "grid", levels: { windowRatio: 5, storeys: 4 } }),
    described({ kind: "grid", levels: {} }),
  ]).toMatchInlineSnapshot(`
    [
      [
        "Latin hypercube of 10,000",
        "Latin hypercube of 10,000 over 12 parameters",
      ],
      [
        "Sobol sequence of 5,000, 2 replicates",
        "Sobol sequence of 5,000 over 12 parameters, 2 replicates",
      ],
      [
        "random sample of 10,000",
        "random sample of 10,000 over 12 parameters",
      ],
      [
        "grid of windowRatio × 5, storeys × 4",
        "grid of 10,000 over 12 parameters",
      ],
      [
        "grid",
        "grid of 10,000 over 12 parameters",
      ],
    ]
  `);
});
