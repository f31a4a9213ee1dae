import { createDesign, noFiles, type DesignSettings, type StudyStep } from "@hatchery/experiment";
import { expect, test } from "vitest";
import { buildingEnergy } from "../building-energy/index.ts";
import { coolingSurface } from "./cooling-surface.ts";
import { surfaceAt, type Surface } from "./least-squares.ts";

const { signal } = new AbortController();

async function coolingOf(given: Record<string, unknown>): Promise<number> {
  const parameters = buildingEnergy.parameters.parse(given);
  const context = {
    signal,
    random: undefined as never,
    log: () => undefined,
    inputs: {},
    files: noFiles,
  };
  return (await buildingEnergy.simulate(parameters, context)).coolingKwhPerM2;
}

interface Found {
  readonly largestError: number;
  readonly pieces: readonly {
    readonly box: Record<string, { readonly minimum: number; readonly maximum: number }>;
    readonly surface: Surface;
  }[];
}

/** The study without a stage. */
async function find(): Promise<{ found: Found; designs: DesignSettings[] }> {
  const rows: number[][] = [];
  const designs: DesignSettings[] = [];
  for (;;) {
    const step = designs.length;
    const answer = await coolingSurface.next({
      step,
      steps: designs.map((design) => ({ design }) as StudyStep),
      summary: undefined,
      results: { query: async () => ({ columns: [], rows }) },
    });
    if ("stop" in answer) return { found: answer.answer as unknown as Found, designs };
    if (answer.kind === "rows") throw new Error("A surface is sampled, not read.");
    const design = createDesign(buildingEnergy.parameterColumns, answer, 1 + step);
    for (let i = 0; i < design.total; i++) {
      const given = design.parameters(i);
      const { windowRatio, solarHeatGainCoefficient } = given as Record<string, number>;
      rows.push([await coolingOf(given), windowRatio!, solarHeatGainCoefficient!]);
    }
    designs.push(answer);
  }
}

test("the surfaces tell the cooling of offices that were not simulated", async () => {
  const { found, designs } = await find();
  expect(found.largestError).toBeLessThanOrEqual(0.5);
  expect(designs.length).toBeGreaterThan(2);
  expect(designs.length).toBeLessThan(coolingSurface.mostSteps);
  let worst = 0;
  for (let windowRatio = 0.12; windowRatio < 0.9; windowRatio += 0.061)
    for (let glass = 0.11; glass < 0.8; glass += 0.053) {
      const values = [windowRatio, glass];
      const place = (box: Found["pieces"][number]["box"]) =>
        Object.values(box).map(
          ({ minimum, maximum }, a) => (2 * (values[a]! - minimum)) / (maximum - minimum) - 1,
        );
      const piece = found.pieces.find(({ box }) => place(box).every((at) => Math.abs(at) <= 1))!;
      const given = { climate: "miami", windowRatio, solarHeatGainCoefficient: glass };
      const error = (await coolingOf(given)) - surfaceAt(piece.surface, place(piece.box));
      worst = Math.max(worst, Math.abs(error));
    }
  // At corners that no point lies beyond, a surface errs somewhat more than between its points.
  expect(worst).toBeLessThan(1);
});
