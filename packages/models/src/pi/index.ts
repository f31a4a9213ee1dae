/** The smallest model with chance in it: π as four times the share of random points that fall inside a quarter circle. */
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

export const pi = defineModel({
  name: "pi",
  description: "π by throwing random points at a quarter circle.",
  parameters: z.object({
    points: z.int().min(1).max(1_000_000).default(1000).describe("How many points are thrown."),
  }),
  results: z.object({
    estimate: z.number().describe("Four times the share of points inside; tends to π."),
    hits: z.int().describe("Points that fell inside the quarter circle."),
  }),
  simulate: ({ points }, { random }) => {
    let hits = 0;
    for (let i = 0; i < points; i++) if (random.uniform() ** 2 + random.uniform() ** 2 < 1) hits++;
    return { estimate: (4 * hits) / points, hits };
  },
});
