/** A sample of a model in Python: an epidemic by chance, computed by `model.py` beside this file with numpy. */
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

export const epidemic = defineModel({
  name: "epidemic",
  description: "An SIR epidemic by chance, in Python with numpy.",
  parameters: z.object({
    r0: z
      .number()
      .min(0.5)
      .max(10)
      .default(2)
      .describe("Infections that one case causes at first."),
    infectiousDays: z.number().min(1).max(30).default(5).describe("Mean infectious period, days."),
    population: z.int().min(100).max(100_000).default(10_000).describe("People."),
    infected: z.int().min(1).max(100).default(10).describe("Cases on day 0."),
    // Without a range: it is the same in a whole experiment unless told.
    runs: z.int().default(100).describe("Epidemics that are averaged."),
  }),
  results: z.object({
    meanShareInfected: z.number().describe("Share of the people infected in the end, 0 to 1."),
    outbreakShare: z.number().describe("Share of epidemics that reach a tenth of the people."),
    meanPeakShare: z.number().describe("Share of the people infectious on the worst day, 0 to 1."),
    meanPeakDay: z.number().describe("The worst day."),
    lastDay: z.int().describe("The day on which the last epidemic has ended."),
  }),
  // The first simulation of each process waits for Python and numpy to start.
  limits: { seconds: 30, attempts: 2, memory: "1 GB" },
  program: ["python3", "model.py"],
  folder: import.meta.dirname,
});
