/** A model whose program does what a bad simulator does; this file is the model and, as a main module, the program. For tests. */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

const write = (line: string) => process.stdout.write(`${line}\n`);

const faults = {
  error: () => write('{"error": "No convergence."}'),
  exit: () => {
    process.stderr.write("Reading the mesh.\nMesh has no cells.\n");
    process.exit(3);
  },
  kill: () => process.kill(process.pid, "SIGKILL"),
  loop: () => {
    const pidFile = process.env["LOOP_PID_FILE"];
    if (pidFile !== undefined) writeFileSync(pidFile, String(process.pid));
    for (;;);
  },
  grow: () => {
    const kept: Buffer[] = [];
    for (;;) kept.push(Buffer.alloc(5_000_000, 1));
  },
  text: () => write("Iteration 1"),
  nan: () => write('{"results": {"value": NaN}}'),
  missing: () => write('{"results": {}}'),
  unable: () => write('{"unable": "No licence for the solver."}'),
} as const;

if (process.argv[1] === import.meta.filename) {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { simulation, parameters } = JSON.parse(line) as {
      simulation: number;
      parameters: { point: number; faults: string };
    };
    const { point, faults: list } = parameters;
    const kind = new Map(list.split(",").map((one) => one.split(":") as [string, string]));
    const fault = faults[kind.get(String(point)) as keyof typeof faults];
    if (fault !== undefined) return void fault();
    const results = { value: point * 2, program: process.pid };
    write(JSON.stringify({ simulation, results }));
  });
}

/** `value` is twice `point`, but where `faults` says so: "3:exit,7:loop". `program` is the process that answered. */
const faultyProgram = defineModel({
  name: "faulty-program",
  parameters: z.object({
    point: z.int().min(0).max(1_000_000),
    faults: z.string().default(""),
  }),
  results: z.object({ value: z.number(), program: z.int() }),
  limits: { seconds: 1, attempts: 2, memory: "200 MB" },
  program: [process.execPath, import.meta.filename],
  folder: import.meta.dirname,
});

const patientProgram = defineModel({
  name: "patient-program",
  limits: { seconds: 60 },
  parameters: faultyProgram.parameters,
  results: faultyProgram.results,
  program: [process.execPath, import.meta.filename],
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
