import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createRowBuffer, type Rows } from "@hatchery/experiment";
import { models } from "../test/faulty-models.ts";
import { createSlot, type Slot, type SlotWork } from "./slot.ts";

const { faulty } = models;

const faultyModels = new URL("../test/faulty-models.ts", import.meta.url);

beforeEach(() => {
  vi.stubEnv("MODELS_MODULE", fileURLToPath(faultyModels));
});

const open: Slot[] = [];
afterEach(() => {
  open.splice(0).forEach((slot) => slot.close());
  vi.unstubAllEnvs();
});

/** `count` simulations, of which some misbehave. */
const workOf = (count: number, faults = "", milliseconds = 0): SlotWork => ({
  model: "faulty",
  design: {
    kind: "grid",
    levels: { point: count },
    ranges: { point: { minimum: 0, maximum: count - 1 } },
    fixed: { faults, milliseconds },
  },
  seed: 1,
  limits: { seconds: 1, attempts: 2, memoryBytes: 400e6 },
  store: "nowhere",
  ranges: [[0, count]],
});

/** Runs `count` simulations, of which some misbehave, and answers what became of each. */
function outcomes(
  faults: string,
  count = 20,
  stop = new AbortController().signal,
  milliseconds = 0,
) {
  return outcomesOf(workOf(count, faults, milliseconds), stop);
}

async function outcomesOf(work: SlotWork, stop = new AbortController().signal) {
  const slot = createSlot();
  open.push(slot);
  const buffer = createRowBuffer(faulty.parameterColumns, faulty.resultColumns);
  const end = await slot.run(
    work,
    { rows: (rows: Rows) => buffer.append(rows), log: () => undefined },
    stop,
  );
  const rows = buffer.look();
  const failures = new Map(
    rows.failures.map(({ row, failure }) => [rows.simulation[row]!, failure]),
  );
  return { end, rows, failures };
}

test("what a model prints is told to the run that it was printed in", async () => {
  const slot = createSlot();
  open.push(slot);
  for (const point of [2, 5]) {
    const said: string[] = [];
    const events = { rows: () => undefined, log: (line: string) => said.push(line) };
    await slot.run(workOf(10, `${point}:say`), events, new AbortController().signal);
    await expect.poll(() => said).toEqual([`point ${point}`]);
  }
});

describe("a simulation that misbehaves costs exactly itself", () => {
  test.each([
    ["throw", "threw", /No convergence/],
    ["reject", "threw", /Rejected later/],
    ["nan", "invalid results", /value/],
    ["missing", "invalid results", /value/],
    ["exit", "crashed", /exited with 3/],
    ["abort", "crashed", /SIGABRT/],
    ["kill", "crashed", /SIGKILL/],
    ["loop", "time limit", /more than 1 s/],
    ["grow", "memory limit", /400 MB/],
  ])("one that does %s fails with the cause %s", async (fault, cause, message) => {
    const { end, rows, failures } = await outcomes(`7:${fault}`);
    expect(end).toBe("finished");
    expect([...rows.simulation].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect([...failures.keys()]).toEqual([7]);
    expect(failures.get(7)).toMatchObject({ cause, message: expect.stringMatching(message) });
    expect(rows.attempts[rows.simulation.indexOf(7)]).toBe(
      fault === "nan" || fault === "missing" ? 1 : 2,
    );
  });

  test("several in one chunk are each found", async () => {
    const { rows, failures } = await outcomes("0:exit,3:throw,4:abort,11:nan,19:kill");
    expect(rows.count).toBe(20);
    expect([...failures.keys()].toSorted((a, b) => a - b)).toEqual([0, 3, 4, 11, 19]);
  });

  test("failures of one kind share a fingerprint, others do not", async () => {
    const { failures } = await outcomes("2:throw,5:throw,8:reject");
    expect(failures.get(2)!.fingerprint).toBe(failures.get(5)!.fingerprint);
    expect(failures.get(2)!.fingerprint).not.toBe(failures.get(8)!.fingerprint);
  });
});

test("a JavaScript heap that is full breaks the memory limit, whatever the process says after it", async () => {
  vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=100");
  const work = workOf(5, "3:heap");
  const limits = { seconds: 30, attempts: 1, memoryBytes: 2e9 };
  const { failures } = await outcomesOf({ ...work, limits });
  expect([...failures.keys()]).toEqual([3]);
  expect(failures.get(3)).toMatchObject({
    cause: "memory limit",
    message: "Its JavaScript heap was full.",
  });
});

test("what simulations leave in their process breaks no memory limit of those after them", async () => {
  const work = workOf(6, "0:hold,1:hold,2:hold,3:hold,4:grow", 150);
  const { end, rows, failures } = await outcomesOf({
    ...work,
    limits: { ...work.limits, seconds: 10 },
  });
  expect(end).toBe("finished");
  expect([...rows.simulation]).toEqual([0, 1, 2, 3, 4, 5]);
  expect([...failures.keys()]).toEqual([4]);
  expect([...rows.attempts]).toEqual([1, 1, 1, 1, 2, 1]);
});

test("the memory limit of a program is not that of the slot's own process", async () => {
  vi.stubEnv("MODELS_MODULE", fileURLToPath(new URL("../test/faulty-program.ts", import.meta.url)));
  const slot = createSlot();
  open.push(slot);
  const causes: string[] = [];
  const work: SlotWork = {
    ...workOf(3),
    model: "faulty-program",
    design: {
      kind: "grid",
      levels: { point: 3 },
      ranges: { point: { minimum: 0, maximum: 2 } },
      // One that runs until its time is over is looked at many times.
      fixed: { faults: "1:loop" },
    },
    // No process of Node is as small as that.
    limits: { seconds: 2, attempts: 1, memoryBytes: 10e6 },
  };
  const rows = ({ failures }: Rows) =>
    void causes.push(...failures.map(({ failure }) => failure.cause));
  await slot.run(work, { rows, log: () => undefined }, new AbortController().signal);
  expect(new Set(causes)).toEqual(new Set(["time limit"]));
});

test("the time that a machine sleeps is not held against what it was computing", async () => {
  const work = workOf(3, "1:sleep");
  const { rows, failures } = await outcomesOf({ ...work, limits: { ...work.limits, seconds: 2 } });
  expect([...failures]).toEqual([]);
  expect([...rows.attempts]).toEqual([1, 1, 1]);
});

test("a stop keeps what is done and ends at the next simulation", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 700);
  const { end, rows } = await outcomes("", 1_000, stop.signal, 20);
  expect(end).toBe("stopped");
  expect(rows.count).toBeGreaterThan(0);
  expect(rows.count).toBeLessThan(200);
  expect([...rows.simulation]).toEqual(Array.from({ length: rows.count }, (_, i) => i));
});

test("a simulation that ran when its worker was stopped has not failed", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 500);
  const { rows } = await outcomes("3:loop", 5, stop.signal, 300);
  expect(rows.failures).toEqual([]);
}, 30_000);

test("a model that is not there is said at once", async () => {
  const slot = createSlot();
  open.push(slot);
  const run = slot.run(
    {
      model: "unheard-of",
      design: { kind: "random", simulations: 1 },
      seed: 1,
      limits: { seconds: 1, attempts: 1, memoryBytes: 1e9 },
      store: "nowhere",
      ranges: [[0, 1]],
    },
    { rows: () => undefined, log: () => undefined },
    new AbortController().signal,
  );
  await expect(run).rejects.toThrow('no model "unheard-of". It has: faulty, absent');
});

test("a slot that was at work before a model was added computes that model too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "slot-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const module = join(folder, "models.mjs");
  vi.stubEnv("MODELS_MODULE", module);
  const slot = createSlot();
  open.push(slot);
  const events = { rows: () => undefined, log: () => undefined };
  const never = new AbortController().signal;

  writeFileSync(module, `export { models } from "${faultyModels.href}";`);
  expect(await slot.run(workOf(2), events, never)).toBe("finished");
  writeFileSync(
    module,
    `import { models as before } from "${faultyModels.href}";
    export const models = { ...before, added: before.faulty };`,
  );
  expect(await slot.run({ ...workOf(2), model: "added" }, events, never)).toBe("finished");
});

test("a design that the store lacks the rows of is said at once, and no simulation is blamed", async () => {
  const slot = createSlot();
  open.push(slot);
  const run = slot.run(
    {
      model: "faulty",
      design: {
        kind: "rows",
        source: { name: "points.csv", sha256: "0" },
        sha256: "0",
        rows: 3,
        columns: ["point"],
        varied: ["point"],
      },
      seed: 1,
      limits: { seconds: 1, attempts: 1, memoryBytes: 1e9 },
      store: "nowhere",
      ranges: [[0, 3]],
    },
    { rows: () => expect.unreachable(), log: () => undefined },
    new AbortController().signal,
  );
  await expect(run).rejects.toThrow("the rows of points.csv");
});

test("a process that is killed between two chunks, by the system for its memory, say, is replaced", async () => {
  const slot = createSlot();
  open.push(slot);
  const never = new AbortController().signal;
  const run = async () => {
    let rows = 0;
    const events = { rows: ({ count }: Rows) => (rows += count), log: () => undefined };
    return [await slot.run(workOf(20), events, never), rows];
  };
  expect(await run()).toEqual(["finished", 20]);
  const [slotProcess] = childProcesses("slot-process");
  process.kill(slotProcess!, "SIGKILL");
  // Not before this process knows of it too.
  await expect.poll(() => isAlive(slotProcess!)).toBe(false);
  await sleep(100);
  expect(await run()).toEqual(["finished", 20]);
});

describe("a slot whose models never finish loading", () => {
  const startRun = (stop = new AbortController().signal) => {
    vi.stubEnv("MODELS_MODULE", endlessModule());
    const slot = createSlot();
    open.push(slot);
    return {
      slot,
      run: slot.run(workOf(2), { rows: () => undefined, log: () => undefined }, stop),
    };
  };

  test("is stopped at once, and leaves no process behind", async () => {
    const stop = new AbortController();
    const { run } = startRun(stop.signal);
    const [starting] = childProcesses("slot-process");
    stop.abort();
    expect(await run).toBe("stopped");
    await expect.poll(() => isAlive(starting!)).toBe(false);
  });

  test("leaves no process behind when it is closed", async () => {
    const { slot, run } = startRun();
    const [starting] = childProcesses("slot-process");
    slot.close();
    open.splice(open.indexOf(slot), 1);
    await expect(run).rejects.toThrow("before it could start");
    await expect.poll(() => isAlive(starting!)).toBe(false);
  });

  test("says so after a minute", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { run } = startRun();
    vi.advanceTimersByTime(60_000);
    await expect(run).rejects.toThrow("The models did not load within 60 s.");
    await expect.poll(() => childProcesses("slot-process")).toEqual([]);
  });
});

/** A module that is never done with loading. */
function endlessModule(): string {
  const folder = mkdtempSync(join(tmpdir(), "slot-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const module = join(folder, "models.mjs");
  writeFileSync(module, "setInterval(() => undefined, 1_000); await new Promise(() => undefined);");
  return module;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Children of this process whose command has the word. */
function childProcesses(word: string): number[] {
  return execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, parent, ...args]) => Number(parent) === process.pid && args.join(" ").includes(word),
    )
    .map(([pid]) => Number(pid));
}
