import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fillTemplate, runCommand } from "./command.ts";

let scratch: string;
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "command-test-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const { signal } = new AbortController();
const sh = (script: string) => ["sh", "-c", script] as const;

describe("a template", () => {
  test("gives back every number as it was", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(Number(fillTemplate("{{ x }}", { x }, "deck"))).toBe(x === 0 ? 0 : x);
      }),
    );
    expect(fillTemplate("{{a}} {{b}} {{c}}", { a: 1_234_567.5, b: 1e-7, c: true }, "deck")).toBe(
      "1234567.5 1e-7 true",
    );
  });

  test("a value is text, never a pattern or a template", () => {
    expect(fillTemplate("{{a}}", { a: "$& {{b}}", b: "no" }, "deck")).toBe("$& {{b}}");
  });

  test("all placeholders without a value are named at once", () => {
    const fill = () =>
      fillTemplate("{{lenght}} {{width}} {{gap}}", { width: NaN, length: 1 }, "IN");
    expect(fill).toThrow(
      'The template "IN" asks for {{lenght}}, {{width}} (NaN), {{gap}}, which has no value.',
    );
    expect(() => fillTemplate("{{toString}}", {}, "IN")).toThrow("{{toString}}");
  });
});

test("files and stdin go in, stdout and files come out, the scratch folder goes", async () => {
  const result = await runCommand({
    command: sh(
      "cat; cat decks/a.in; pwd; printf %s 'left over' > more.out; cat decks/a.in > a.out",
    ),
    files: { "decks/a.in": "x={{x}}\n" },
    input: "y={{y}}\n",
    values: { x: 0.5, y: "text" },
    outputs: ["a.out"],
    signal,
    scratch,
  });
  const [y, x, folder] = result.stdout.split("\n");
  expect([y, x]).toEqual(["y=text", "x=0.5"]);
  expect(folder).toContain(scratch);
  expect(result.files).toEqual({ "a.out": "x=0.5\n" });
  expect(readdirSync(scratch)).toEqual([]);
});

test("a file is read where it is, and what is no text comes out as it was written", async () => {
  const mesh = join(scratch, "mesh.bin");
  writeFileSync(mesh, Buffer.from([0, 255, 128]));
  const { binaries, stdout } = await runCommand({
    command: sh("cat meshes/a.msh meshes/a.msh > twice.bin; test -L meshes/a.msh && printf link"),
    links: { "meshes/a.msh": mesh },
    binaries: ["twice.bin"],
    signal,
    scratch,
  });
  expect(stdout).toBe("link");
  expect([...binaries["twice.bin"]]).toEqual([0, 255, 128, 0, 255, 128]);
  expect([...readFileSync(mesh)]).toEqual([0, 255, 128]);
  rmSync(mesh);
});

test("numbers are printed with a point whatever the machine's locale", async () => {
  process.env["LC_ALL"] = "de_DE.UTF-8";
  try {
    const { stdout } = await runCommand({ command: ["printenv", "LC_ALL"], signal, scratch });
    expect(stdout).toBe("C\n");
  } finally {
    delete process.env["LC_ALL"];
  }
});

describe("a command that fails leaves its cause and no folder", () => {
  test.each([
    [sh("echo 'Singular matrix.' >&2; exit 4"), "crashed", "sh exited with 4: Singular matrix."],
    [sh("kill -SEGV $$"), "crashed", "sh was ended by SIGSEGV."],
    [sh("sleep 60 & wait"), "time limit", "It ran for more than 0.3 s."],
    [
      [process.execPath, "-e", "const k = []; for (;;) k.push(Buffer.alloc(5e6, 1))"],
      "memory limit",
      "grew over 150 MB.",
    ],
  ] as const)("%j", async (command, failureCause, message) => {
    const seconds = failureCause === "time limit" ? 0.3 : 20;
    await expect(
      runCommand({ command, signal, seconds, megabytes: 150, scratch }),
    ).rejects.toMatchObject({ failureCause, message: expect.stringContaining(message) });
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("an output file that is not there is named", async () => {
    await expect(
      runCommand({ command: ["true"], outputs: ["a.out"], signal, scratch }),
    ).rejects.toThrow('true wrote no file "a.out".');
  });

  test("a command that is not there fails no simulation", async () => {
    await expect(runCommand({ command: ["no-such-solver"], signal, scratch })).rejects.toThrow(
      'The program "no-such-solver" is not on this machine',
    );
  });

  test("a stop ends it with all that it started", async () => {
    const stop = new AbortController();
    const startedAt = performance.now();
    const running = runCommand({
      command: sh("sleep 60 & wait"),
      signal: stop.signal,
      scratch,
    });
    setTimeout(() => stop.abort(), 200);
    await expect(running).rejects.toThrow("aborted");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

test("what a process that was killed has left is cleaned up by the next, and nothing else", async () => {
  const root = join(scratch, "root");
  // No process has a number this large: the most that Linux can be set to is 2²².
  mkdirSync(join(root, "99999999-left", "deep"), { recursive: true });
  mkdirSync(join(root, `${process.ppid}-alive`));
  mkdirSync(join(root, "mine"));
  await runCommand({ command: ["true"], signal, scratch: root });
  await expect.poll(() => readdirSync(root).toSorted()).toEqual([`${process.ppid}-alive`, "mine"]);
  rmSync(root, { recursive: true });
});
