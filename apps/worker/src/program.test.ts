import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRowBuffer, type Rows } from "@hatchery/experiment";
import { models } from "../test/faulty-program.ts";
import { createSlot, type Slot } from "./slot.ts";

const model = models["faulty-program"]!;

beforeAll(() => {
  process.env["MODELS_MODULE"] = fileURLToPath(
    new URL("../test/faulty-program.ts", import.meta.url),
  );
});

const open: Slot[] = [];
afterEach(() => open.splice(0).forEach((slot) => slot.close()));

/** Runs `count` simulations of a program, of which some fail, and answers what became of each. */
async function outcomes(
  faults: string,
  { name = model.name, count = 20, seconds = 2, stop = new AbortController() } = {},
) {
  const slot = createSlot();
  open.push(slot);
  const logged: string[] = [];
  const buffer = createRowBuffer(model.parameterColumns, model.resultColumns);
  const end = await slot.run(
    {
      model: name,
      design: {
        kind: "grid",
        levels: { point: count },
        ranges: { point: { minimum: 0, maximum: count - 1 } },
        fixed: { faults },
      },
      seed: 1,
      limits: { seconds, attempts: 2, memoryBytes: 400e6 },
      store: "nowhere",
      ranges: [[0, count]],
    },
    { rows: (rows: Rows) => buffer.append(rows), log: (line) => logged.push(line) },
    stop.signal,
  );
  const rows = buffer.look();
  const failures = new Map(
    rows.failures.map(({ row, failure }) => [rows.simulation[row]!, failure]),
  );
  const [, , values, programs] = rows.values as Float64Array[];
  return { end, rows, failures, logged, values: values!, programs: programs! };
}

describe("a simulation that a program fails costs exactly itself", () => {
  test.each([
    ["error", "threw", /^No convergence\.$/, 2],
    ["exit", "crashed", /^Its program exited with 3: Mesh has no cells\.$/, 2],
    ["kill", "crashed", /SIGKILL/, 2],
    ["loop", "time limit", /more than 2 s/, 2],
    ["grow", "memory limit", /200 MB/, 2],
    ["text", "invalid results", /not JSON: Iteration 1/, 1],
    ["nan", "invalid results", /NaN/, 1],
    ["missing", "invalid results", /value/, 1],
  ])("one that does %s fails with the cause %s", async (fault, cause, message, attempts) => {
    const { end, rows, failures, values } = await outcomes(`7:${fault}`);
    expect(end).toBe("finished");
    expect([...rows.simulation]).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([...failures.keys()]).toEqual([7]);
    expect(failures.get(7)).toMatchObject({ cause, message: expect.stringMatching(message) });
    expect(rows.attempts[7]).toBe(attempts);
    values.forEach((value, i) => expect(value).toBe(i === 7 ? NaN : i * 2));
  });

  test("several in one chunk are each found", async () => {
    const { rows, failures } = await outcomes("0:exit,3:error,4:kill,11:nan,19:text");
    expect(rows.count).toBe(20);
    expect([...failures.keys()]).toEqual([0, 3, 4, 11, 19]);
  });

  test("the program is started anew after a crash, and only then", async () => {
    const { programs } = await outcomes("7:exit");
    expect(new Set(programs.subarray(0, 7)).size).toBe(1);
    expect(new Set(programs.subarray(8)).size).toBe(1);
    expect(programs[0]).not.toBe(programs[8]);
  });

  test("what it wrote to stderr is in the worker's log, with the simulation's number", async () => {
    const { logged } = await outcomes("7:exit");
    const lines = "simulation 7: stderr:\nReading the mesh.\nMesh has no cells.";
    expect(logged).toEqual([
      // The process that had answered those before it is not taken for the simulation's own.
      "simulation 7: The program was started anew: Its program exited with 3: Mesh has no cells.",
      lines,
      lines,
    ]);
  });
});

describe("a program that cannot work is said at once", () => {
  test("when it is not there", async () => {
    await expect(outcomes("", { name: "missing-program" })).rejects.toThrow(
      'The program "no-such-simulator" is not on this machine: no folder of PATH has it.',
    );
  });

  test("when it says so itself", async () => {
    await expect(outcomes("3:unable", {})).rejects.toThrow("No licence for the solver.");
  });
});

// Elsewhere an endless program outlives a slot that is killed.
test.runIf(process.platform === "linux")(
  "a killed slot leaves no program behind, not even an endless one",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "program-test-"));
    const file = join(folder, "pid");
    process.env["LOOP_PID_FILE"] = file;
    let pid = "";
    try {
      const stop = new AbortController();
      const cut = outcomes("1:loop", { name: "patient-program", seconds: 60, stop });
      await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true);
      pid = readFileSync(file, "utf8");
      expect(isRunning(pid)).toBe(true);
      stop.abort();
      process.kill(parentOf(pid), "SIGKILL");
      expect(await cut).toMatchObject({ end: "stopped" });
      await expect.poll(() => isRunning(pid)).toBe(false);
    } finally {
      if (pid !== "" && isRunning(pid)) process.kill(Number(pid), "SIGKILL");
      delete process.env["LOOP_PID_FILE"];
      rmSync(folder, { recursive: true });
    }
  },
);

/** The process's state is not "dead" or "waits to be buried", which nobody may do in a container. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+[XZ]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}
