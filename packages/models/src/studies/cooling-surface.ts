/**
 * A surrogate fitted where it is needed: what an office in Miami needs of cooling, as quadratic surfaces over boxes
 * of windows and glass. The box whose surface errs most is sampled again and halved, until none errs too much.
 */
import { defineStudy, isSameDesign, type DesignSettings } from "@hatchery/experiment";
import { fitQuadratic, type Point, type Surface } from "./least-squares.ts";

/** kWh per m² and year that a surface may err at a point which it was not fitted to; the offices need 52 to 312. */
const bound = 0.5;
const axes = ["windowRatio", "solarHeatGainCoefficient"] as const;
type Box = Record<(typeof axes)[number], { minimum: number; maximum: number }>;

const everything: Box = {
  windowRatio: { minimum: 0.1, maximum: 0.9 },
  solarHeatGainCoefficient: { minimum: 0.1, maximum: 0.8 },
};

/** A power of two, as Sobol sequences like; either half of a box has about 16 of them, for 6 coefficients. */
const sample = (box: Box): DesignSettings => ({
  kind: "sobol",
  simulations: 32,
  ranges: box,
  fixed: {
    climate: "miami",
    thermalMass: "medium",
    orientation: 180,
    wallUValue: 0.35,
    roofUValue: 0.25,
    windowUValue: 1.6,
    shading: 0.5,
    infiltration: 0.2,
    ventilation: 1.2,
    heatRecovery: 0.6,
    internalGains: 15,
    heatingSetpoint: 20,
    coolingSetpoint: 25,
    heatingCapacity: 500,
    coolingCapacity: 500,
  },
});

const lengthOf = (box: Box, axis: keyof Box) =>
  (box[axis].maximum - box[axis].minimum) / (everything[axis].maximum - everything[axis].minimum);

/** Across its longer side. */
function halves(box: Box): [Box, Box] {
  const [first, second] = axes;
  const axis = lengthOf(box, first) >= lengthOf(box, second) ? first : second;
  const { minimum, maximum } = box[axis];
  const middle = (minimum + maximum) / 2;
  return [
    { ...box, [axis]: { minimum, maximum: middle } },
    { ...box, [axis]: { minimum: middle, maximum } },
  ];
}

/** Every box that a step has sampled after the first is in halves. */
function boxesAfter(designs: readonly DesignSettings[]): Box[] {
  let boxes = [everything];
  for (const design of designs.slice(1)) {
    const sampled = "ranges" in design ? design.ranges : undefined;
    boxes = boxes.flatMap((box) => (isSameDesign(box, sampled) ? halves(box) : [box]));
  }
  return boxes;
}

/** The points inside a box, in its own coordinates. */
function pointsIn(box: Box, rows: readonly (readonly number[])[]): Point[] {
  const scaled = rows.map(([value, ...at]) => ({
    value: value!,
    at: axes.map((axis, a) => {
      const { minimum, maximum } = box[axis];
      return (2 * (at[a]! - minimum)) / (maximum - minimum) - 1;
    }),
  }));
  return scaled.filter(({ at }) => at.every((coordinate) => Math.abs(coordinate) <= 1));
}

export const coolingSurface = defineStudy({
  name: "cooling-surface",
  description: `Cooling of offices in Miami as quadratic surfaces that err by less than ${bound} kWh/m².`,
  model: "building-energy",
  seed: 1,
  freshSeeds: true,
  mostSteps: 40,
  async next({ step, steps, results }) {
    if (step === 0) return sample(everything);
    const { rows } = await results.query(
      `SELECT coolingKwhPerM2, ${axes.join(", ")} FROM results ORDER BY step, simulation`,
    );
    const pieces = boxesAfter(steps.map(({ design }) => design)).map((box) => ({
      box,
      surface: fitQuadratic(pointsIn(box, rows as number[][])),
    }));
    const error = ({ surface }: { surface: Surface }) => surface.largestError;
    const worst = pieces.reduce((a, b) => (error(b) > error(a) ? b : a));
    if (error(worst) > bound) return sample(worst.box);
    return {
      stop: `No surface errs by more than ${bound} kWh/m².`,
      answer: { largestError: error(worst), simulations: rows.length, pieces },
    };
  },
});
