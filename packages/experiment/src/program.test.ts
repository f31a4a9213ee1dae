import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { defineModel, type Model } from "./model.ts";
import { randomStream } from "./random.ts";
import { createReturnedFiles } from "./returned-files.ts";
import { attemptSimulation } from "./simulation.ts";

/** A model whose program is this body of a Node function: `line` comes in, `write` goes out. */
function programModel(body: string, limits = { seconds: 5, memory: "1 GB" }): Model {
  const script = `
    let count = 0;
    const write = (text) => process.stdout.write(text + "\\n");
    require("readline").createInterface({ input: process.stdin }).on("line", (text) => {
      const line = JSON.parse(text);
      const { simulation, seed, parameters: { x } } = line;
      const answer = (results) => write(JSON.stringify({ results }));
      count++;
      ${body}
    });`;
  return defineModel({
    name: "external",
    parameters: z.object({ x: z.number().default(1) }),
    results: z.object({ y: z.number() }),
    limits,
    program: [process.execPath, "-e", script],
    folder: import.meta.dirname,
  });
}

function attempt(model: Model, simulation = 0, logged: string[] = [], x = 1) {
  return attemptSimulation(
    model,
    { x },
    {
      random: randomStream(42, simulation),
      signal: new AbortController().signal,
      log: (message) => logged.push(message),
    },
  );
}

describe("a model has exactly one of simulate and program", () => {
  const common = {
    name: "both",
    parameters: z.object({}),
    results: z.object({}),
  };
  const program = ["true"] as const;

  test("both, neither, and a program without its folder are refused", () => {
    const define = (rest: object) => () => defineModel({ ...common, ...rest } as never);
    expect(define({})).toThrow("either `simulate` or `program`");
    expect(define({ simulate: () => ({}), program, folder: "." })).toThrow("not both");
    expect(define({ program })).toThrow("`folder`");
    expect(define({ program: [], folder: "." })).toThrow("needs a command");
    expect(define({ program, folder: "." })).not.toThrow();
  });
});

test("one process answers many simulations, each with its number, its seed and its parameters", async () => {
  const model = programModel(`answer({ y: seed });`);
  const seeds = [await attempt(model, 0), await attempt(model, 1), await attempt(model, 0)];
  // Golden: seeds of experiment seed 42. A change changes the results of every program that uses its seed.
  expect(seeds.map(({ results }) => results?.["y"])).toEqual([
    2868360856161326, 8834809116085524, 2868360856161326,
  ]);

  const others = programModel(`answer({ y: simulation * 100 + x * 10 + count });`);
  const answers = [await attempt(others, 3, [], 2), await attempt(others, 4, [], 5)];
  expect(answers.map(({ results }) => results?.["y"])).toEqual([321, 452]);
});

describe("a program with files", () => {
  /** Answers after this body, in which `line` is what came in and `fs` is Node's. */
  function filingModel(body: string): Model {
    const script = `
      const fs = require("node:fs");
      require("readline").createInterface({ input: process.stdin }).on("line", (text) => {
        const line = JSON.parse(text);
        let files;
        ${body}
        process.stdout.write(JSON.stringify({ results: { y: 1 }, files }) + "\\n");
      });`;
    return defineModel({
      name: "filing",
      parameters: z.object({}),
      results: z.object({ y: z.number() }),
      inputs: { words: { description: "Any text." } },
      limits: { seconds: 5, files: "1 MB" },
      program: [process.execPath, "-e", script],
      folder: import.meta.dirname,
    });
  }

  const attemptFiling = (model: Model) =>
    attemptSimulation(
      model,
      {},
      {
        random: randomStream(42, 0),
        signal: new AbortController().signal,
        log: () => undefined,
        inputs: { words: fileURLToPath(import.meta.url) },
        files: createReturnedFiles("1 MB", 1e6),
      },
    );

  test("reads its inputs and returns what it puts into its folder, which is empty each time", async () => {
    const model = filingModel(`
      const there = fs.readdirSync(line.folder).join();
      fs.writeFileSync(line.folder + "/a.txt", there + fs.readFileSync(line.inputs.words, "utf8").slice(0, 6));
      files = ["a.txt"];`);
    for (let time = 0; time < 2; time++) {
      const { files } = await attemptFiling(model);
      expect(files!.map(({ name, content }) => [name, String(content)])).toEqual([
        ["a.txt", "import"],
      ]);
    }
  });

  test("finds it empty when a process before it has ended over the same simulation", async () => {
    const model = filingModel(`
      fs.writeFileSync(line.folder + "/from-" + process.pid, "");
      if (globalThis.hasAnswered) process.exit(1);
      globalThis.hasAnswered = true;
      files = fs.readdirSync(line.folder);`);
    for (let time = 0; time < 2; time++) expect((await attemptFiling(model)).files).toHaveLength(1);
  });

  test.each([
    ["is not there", 'files = ["b.txt"];', "invalid results", 'the file "b.txt", which is not in'],
    ["is elsewhere", 'files = ["../b"];', "invalid results", '"../b"'],
    ["is no list", 'files = "b.txt";', "invalid results", "must be a list"],
    [
      "is too large",
      'fs.writeFileSync(line.folder + "/b", Buffer.alloc(2e6)); files = ["b"];',
      "file limit",
      "more than 1 MB",
    ],
    [
      "is larger than memory",
      // It takes no room on the disk.
      'fs.writeFileSync(line.folder + "/b", ""); fs.truncateSync(line.folder + "/b", 3e9); files = ["b"];',
      "file limit",
      'more than 1 MB: "b" brought them to 3000.0 MB',
    ],
  ])("what it names and %s fails the simulation", async (_, body, cause, message) => {
    expect(await attemptFiling(filingModel(body))).toMatchObject({
      failure: { cause, message: expect.stringContaining(message) },
    });
  });
});

test("an answer that comes in pieces is one answer", async () => {
  const model = programModel(
    `process.stdout.write('{"results":'); setTimeout(() => write('{"y": 1.5}}\\r'), 50);`,
  );
  expect(await attempt(model)).toEqual({ results: { y: 1.5 } });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;

describe.skipIf(!hasPython)("the docs' program in python3", () => {
  const page = new URL("../../../docs/bring-your-own-simulator.md", import.meta.url);
  const program = /```python\n([^`]*)```/.exec(readFileSync(page, "utf8"))![1]!;

  async function attemptDecay(halfLives: number[], line = "pass") {
    const model = defineModel({
      name: "decay",
      parameters: z.object({ halfLife: z.number() }),
      results: z.object({ share: z.number() }),
      program: [
        "python3",
        "-c",
        program.replace("        share =", `        ${line}\n        share =`),
      ],
      folder: ".",
    });
    const logged: string[] = [];
    const attempts = [];
    for (const halfLife of halfLives)
      attempts.push(
        await attemptSimulation(
          model,
          { halfLife },
          {
            random: randomStream(1, 0),
            signal: new AbortController().signal,
            log: (message) => logged.push(message),
          },
        ),
      );
    return { attempts, logged };
  }

  test("answers, and is not garbled by a print", async () => {
    const { attempts } = await attemptDecay([1, 0.5], "print('noise')");
    expect(attempts).toEqual([{ results: { share: 0.5 } }, { results: { share: 0.25 } }]);
  });

  test("answers an exception with an error, logs where it was, and goes on", async () => {
    const { attempts, logged } = await attemptDecay([1, 0, 0.5]);
    expect(attempts).toEqual([
      { results: { share: 0.5 } },
      {
        failure: expect.objectContaining({
          cause: "threw",
          message: "ZeroDivisionError('division by zero')",
        }),
      },
      { results: { share: 0.25 } },
    ]);
    expect(logged.join("")).toContain("Traceback");
  });
});

describe("what a program does wrong is said as it is", () => {
  test.each([
    ["error", `write('{"error": "No convergence."}')`, "threw", "No convergence."],
    [
      "exit",
      `console.error("warning\\nSingular matrix."); process.exit(3)`,
      "crashed",
      "Its program exited with 3: Singular matrix.",
    ],
    ["exit 0", "process.exit(0)", "crashed", "Its program exited with 0."],
    ["kill", "process.kill(process.pid, 'SIGSEGV')", "crashed", "was ended by SIGSEGV"],
    ["text", `write("Iteration 1")`, "invalid results", "a line that is not JSON: Iteration 1"],
    ["NaN", `write('{"results": {"y": NaN}}')`, "invalid results", "not JSON: {"],
    ["a list", `write("[1]")`, "invalid results", 'neither "results" nor "error": [1]'],
    [
      "two lines",
      `process.stdout.write('{"results":{"y":1}}\\n{"results":{"y":2}}\\n')`,
      "invalid results",
      "more than one line",
    ],
    [
      "another's answer",
      `write('{"simulation":3,"results":{"y":1}}')`,
      "invalid results",
      "the answer to another simulation",
    ],
    ["a wrong type", `answer({ y: "1" })`, "invalid results", "y: "],
  ])("%s", async (_, body, cause, message) => {
    const model = programModel(`if (x === 0) { ${body} } else answer({ y: x });`);
    const outcomes = [];
    for (const x of [1, 0, 2]) outcomes.push(await attempt(model, 7, [], x));
    expect(outcomes).toEqual([
      { results: { y: 1 } },
      { failure: expect.objectContaining({ cause, message: expect.stringContaining(message) }) },
      { results: { y: 2 } },
    ]);
  });

  test("an endless simulation is ended at its limit, and a hungry one at its own", async () => {
    const endless = programModel("for (;;);", { seconds: 0.5, memory: "1 GB" });
    expect(await attempt(endless)).toMatchObject({
      failure: { cause: "time limit", message: "It ran for more than 0.5 s." },
    });
    const hungry = programModel(
      "const kept = []; for (;;) kept.push(Buffer.alloc(5_000_000, 1));",
      { seconds: 20, memory: "200 MB" },
    );
    expect(await attempt(hungry)).toMatchObject({
      failure: { cause: "memory limit", message: "Its program grew over 200 MB." },
    });
  });

  test("an answer that nothing asked for is never taken for the next simulation's", async () => {
    const model = programModel(
      `answer({ y: x }); if (x === 1) setTimeout(() => answer({ y: 99 }), 50);`,
    );
    const logged: string[] = [];
    expect(await attempt(model, 0, logged, 1)).toEqual({ results: { y: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await attempt(model, 1, logged, 2)).toEqual({ results: { y: 2 } });
    expect(logged).toEqual([expect.stringContaining("what nothing had asked for")]);
  });

  test("the last lines of stderr are logged with the simulation that failed", async () => {
    const logged: string[] = [];
    const model = programModel(
      `for (let k = 0; k < 50; k++) console.error("line " + k); process.exit(1);`,
    );
    await attempt(model, 0, logged);
    expect(logged).toHaveLength(1);
    expect(logged[0]!.split("\n")).toEqual([
      "stderr:",
      ...Array.from({ length: 20 }, (_, k) => `line ${k + 30}`),
    ]);
  });
});

describe("a simulation is not blamed for the end of a program that had answered others", () => {
  const shellModel = (script: string, folder = ".") =>
    defineModel({
      name: "shell",
      parameters: z.object({ x: z.number() }),
      results: z.object({ y: z.number() }),
      limits: { seconds: 1 },
      program: ["sh", "-c", script],
      folder,
    }) as unknown as Model;

  test.each([
    ["exits", "process.exit(0)", "exited with 0."],
    [
      "crashes",
      `console.error("Out of handles."); process.exit(3)`,
      "exited with 3: Out of handles.",
    ],
  ])("one that %s after its answer is started anew and asked again", async (_, end, how) => {
    const model = programModel(`if (count === 3) { ${end}; } answer({ y: x });`);
    const logged: string[] = [];
    for (const x of [1, 2, 3, 4, 5])
      expect(await attempt(model, x, logged, x)).toEqual({ results: { y: x } });
    const note = `The program was started anew: Its program ${how}`;
    expect(logged).toEqual([note, note]);
  });

  test("an error is an answer", async () => {
    const model = programModel(
      `if (count === 2) process.exit(1); if (x === 0) write('{"error":"No"}'); else answer({ y: x });`,
    );
    expect(await attempt(model, 0, [], 0)).toMatchObject({ failure: { message: "No" } });
    expect(await attempt(model, 1, [], 1)).toEqual({ results: { y: 1 } });
  });

  test("one that ends over the simulation in a new process too fails it", async () => {
    const model = programModel(
      `if (x === 0) { console.error("Bad mesh " + count); process.exit(3); } answer({ y: x });`,
    );
    const logged: string[] = [];
    expect(await attempt(model, 0, logged, 1)).toEqual({ results: { y: 1 } });
    expect(await attempt(model, 1, logged, 0)).toMatchObject({
      failure: { cause: "crashed", message: "Its program exited with 3: Bad mesh 1" },
    });
    expect(await attempt(model, 2, logged, 2)).toEqual({ results: { y: 2 } });
    expect(logged).toEqual([
      "The program was started anew: Its program exited with 3: Bad mesh 2",
      "stderr:\nBad mesh 1",
    ]);
  });

  test("one that had begun its answer fails it", async () => {
    const model = programModel(
      `if (count === 2) process.stdout.write('{"res', () => process.exit(3)); else answer({ y: x });`,
    );
    expect(await attempt(model, 0)).toEqual({ results: { y: 1 } });
    expect(await attempt(model, 1)).toMatchObject({ failure: { cause: "crashed" } });
  });

  test("both processes together have the time of one simulation", async () => {
    // A shell starts in no time. Simulation 1 takes 0.7 s of its first process, and would take as much of the second.
    const model = shellModel(`
      answer() { echo '{"results":{"y":1}}'; }
      read line
      case $line in *'"simulation":0,'*) answer;; *) sleep 0.7; answer;; esac
      read line
      sleep 0.7`);
    expect(await attempt(model, 0)).toEqual({ results: { y: 1 } });
    expect(await attempt(model, 1)).toMatchObject({ failure: { cause: "time limit" } });
  });

  test("one that is no longer there when it is started anew is said at once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "program-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const model = shellModel(
      `read line; echo '{"results":{"y":1}}'; read line; rmdir "$PWD"`,
      folder,
    );
    expect(await attempt(model, 0)).toEqual({ results: { y: 1 } });
    await expect(async () => attempt(model, 1)).rejects.toThrow(/program-test-.* it is not there/);
  });
});

describe("a program that cannot work here fails no simulation", () => {
  test.each([
    [["no-such-program"], ".", /"no-such-program" is not on this machine/],
    [["./no-such-program"], import.meta.dirname, /src\/no-such-program" is not there/],
    [["true"], "./no-such-folder", /folder ".\/no-such-folder": it is not there/],
    [["sh", "-c", "exec no-such-interpreter"], ".", /could not be started.*no-such-interpreter/],
    [["sh", "-c", `echo '{"unable": "No licence."}'; read x`], ".", /^No licence\.$/],
  ] as const)("%j in %s", async (program, folder, message) => {
    const model = defineModel({
      name: "unable",
      parameters: z.object({ x: z.number() }),
      results: z.object({}),
      program,
      folder,
    });
    // The function: an error that attemptSimulation throws on.
    await expect(async () => attempt(model as unknown as Model)).rejects.toThrow(message);
  });
});

test("an idle program keeps nobody from ending, and ends with them", async () => {
  const index = new URL("./index.ts", import.meta.url).href;
  const caller = `
    const { attemptSimulation, defineModel, randomStream } = await import(${JSON.stringify(index)});
    const { z } = await import(${JSON.stringify(import.meta.resolve("zod"))});
    const model = defineModel({
      name: "stubborn",
      parameters: z.object({}),
      results: z.object({ pid: z.number() }),
      // It answers once and then never looks at stdin again.
      program: [process.execPath, "-e", \`
        process.stdin.once("data", () => console.log(JSON.stringify({ results: { pid: process.pid } })));
        setInterval(() => undefined, 1_000);\`],
      folder: ".",
    });
    const { signal } = new AbortController();
    const { results, failure } = await attemptSimulation(model, {}, { random: randomStream(1, 0), signal });
    console.log(results?.pid ?? failure);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", caller], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect(stderr).toBe("");
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(1);
  try {
    // Elsewhere a program is told by the end of its stdin alone, which this one does not read.
    if (process.platform === "linux") await expect.poll(() => isRunning(pid)).toBe(false);
  } finally {
    if (process.platform !== "linux" || isRunning(pid)) process.kill(pid);
  }
});

function isRunning(pid: number): boolean {
  try {
    // A dead process that nobody buries, as in a container, is still there.
    return !/^State:\s+[XZ]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
