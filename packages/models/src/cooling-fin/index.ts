/**
 * A sample of a simulator that is started once per simulation: `fin.awk` reads an input deck and writes output files,
 * as many old Fortran codes do. The deck's template is an input file, a temperature profile is returned as a file.
 * Needs nothing but awk, which every Unix has.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineModel, runCommand } from "@hatchery/experiment";
import { z } from "zod";

export const coolingFin = defineModel({
  name: "cooling-fin",
  description: "Heat from a straight cooling fin, by an awk script with input and output files.",
  parameters: z.object({
    length: z.number().min(0.005).max(0.2).default(0.05).describe("From base to tip, m."),
    thickness: z.number().min(0.0005).max(0.01).default(0.002).describe("Thickness, m."),
    conductivity: z.number().min(10).max(400).default(200).describe("Of the metal, W/(m K)."),
    film: z.number().min(5).max(200).default(25).describe("Heat transfer to the air, W/(m² K)."),
    base: z.number().min(40).max(150).default(80).describe("Temperature of the base, °C."),
    air: z.number().min(-20).max(35).default(20).describe("Temperature of the air, °C."),
    // Without a range: it is the same in a whole experiment unless told.
    cells: z.int().default(200).describe("Cells along the fin, at least 2."),
    profile: z.int().default(0).describe("1 returns the temperature of each cell as profile.csv."),
  }),
  inputs: {
    deck: {
      description: "The solver's input with {{name}} for each parameter, as in fin.deck",
      default: join(import.meta.dirname, "fin.deck"),
    },
  },
  results: z.object({
    heatWPerM: z.number().describe("Heat that leaves the fin, W per m of depth."),
    tipTemperature: z.number().describe("Temperature of the last cell, °C."),
    efficiency: z.number().describe("Share of the heat of a fin that is as hot as its base."),
  }),
  limits: { seconds: 10, attempts: 2, memory: "512 MB", files: "1 MB" },
  async simulate(parameters, { signal, inputs, files: returned }) {
    const { files, binaries } = await runCommand({
      command: ["awk", "-f", join(import.meta.dirname, "fin.awk"), "FIN.IN"],
      files: { "FIN.IN": await readFile(inputs.deck, "utf8") },
      values: parameters,
      outputs: ["FIN.OUT"],
      binaries: parameters.profile === 1 ? ["FIN.PRO"] : [],
      signal,
      seconds: 5,
      megabytes: 256,
    });
    if (parameters.profile === 1) returned.write("profile.csv", binaries["FIN.PRO"]);
    const table = new Map(
      files["FIN.OUT"].split("\n").map((line) => line.split(" ") as [string, string]),
    );
    // What is missing or is no number becomes NaN, which the results' schema refuses by the field's name.
    const read = (name: string) => Number(table.get(name) ?? Number.NaN);
    return {
      heatWPerM: read("HEAT"),
      tipTemperature: read("TIP"),
      efficiency: read("EFFICIENCY"),
    };
  },
});
