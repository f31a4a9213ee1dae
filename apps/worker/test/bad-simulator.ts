/**
 * A program that does what a bad simulator does; `faulty-program.ts` has its models. For tests.
 * Imports nothing of the house: its start counts against the limit of its first simulation.
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

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
