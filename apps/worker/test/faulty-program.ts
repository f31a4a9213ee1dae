/** Models whose program does what a bad simulator does. For tests. */
import { join } from "node:path";
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

const program = [process.execPath, join(import.meta.dirname, "bad-simulator.ts")] as const;

/** `value` is twice `point`, but where `faults` says so: "3:exit,7:loop". `program` is the process that answered. */
const faultyProgram = defineModel({
  name: "faulty-program",
  parameters: z.object({
    point: z.int().min(0).max(1_000_000),
    faults: z.string().default(""),
  }),
  results: z.object({ value: z.number(), program: z.int() }),
  limits: { seconds: 2, attempts: 2, memory: "200 MB" },
  program,
  folder: import.meta.dirname,
});

const patientProgram = defineModel({
  name: "patient-program",
  limits: { seconds: 60 },
  parameters: faultyProgram.parameters,
  results: faultyProgram.results,
  program,
  folder: import.meta.dirname,
});

const missingProgram = defineModel({
  name: "missing-program",
  parameters: faultyProgram.parameters,
  results: faultyProgram.results,
  program: ["no-such-simulator"],
  folder: import.meta.dirname,
});

export const models = {
  [faultyProgram.name]: faultyProgram,
  [patientProgram.name]: patientProgram,
  [missingProgram.name]: missingProgram,
};
