import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { defineModel, type SimulationContext } from "./model.ts";
import { randomStream } from "./random.ts";
import { createReturnedFiles, noFiles } from "./returned-files.ts";
import { attemptSimulation } from "./simulation.ts";

/** One attempt at a model that does this with its files; it may return a kilobyte. */
function attempt(simulate: (files: SimulationContext["files"]) => void | Promise<void>) {
  const model = defineModel({
    name: "filing",
    parameters: z.object({}),
    results: z.object({ y: z.number() }),
    limits: { files: "1 MB" },
    simulate: (_, { files }) => {
      const written = simulate(files);
      return written instanceof Promise ? written.then(() => ({ y: 1 })) : { y: 1 };
    },
  });
  return attemptSimulation(
    model,
    {},
    {
      random: randomStream(1, 0),
      signal: new AbortController().signal,
      log: () => undefined,
      files: createReturnedFiles("1 MB", 1e6),
    },
  );
}

test("files come by name, with sizes and hashes in the results, whatever the order of writing", async () => {
  const { results, files } = await attempt((each) => {
    const buffer = Buffer.from("later");
    each.write("b.txt", buffer);
    buffer.fill("x");
    each.write("a.csv", "first");
    each.write("a.csv", "é");
  });
  expect(results).toEqual({
    y: 1,
    // printf é | sha256sum; printf later | sha256sum
    files:
      '[{"name":"a.csv","bytes":2,"sha256":"4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"},{"name":"b.txt","bytes":5,"sha256":"1d9283d848ea941ace1fe0d2378ef8b70056a0d4d1648b95a322d90163e78285"}]',
  });
  expect(files!.map(({ content }) => Buffer.from(content).toString())).toEqual(["é", "later"]);
});

test("a simulation that returns none says so, in a column that is never empty", async () => {
  expect((await attempt(() => undefined)).results).toEqual({ y: 1, files: "[]" });
});

test.each(["", "../up", "a/b", ".hidden", "-x", "a b", "é", "x".repeat(81)])(
  "the name %j is none, and fails its simulation",
  async (name) => {
    expect(await attempt((files) => files.write(name, ""))).toMatchObject({
      failure: { cause: "invalid results", message: expect.stringContaining(JSON.stringify(name)) },
    });
  },
);

test("more than the limit fails the simulation, even one that catches the error", async () => {
  const over = await attempt((files) => {
    files.write("a", Buffer.alloc(600_000));
    // The same name counts once.
    files.write("a", Buffer.alloc(700_000));
    try {
      files.write("hourly.csv", Buffer.alloc(400_000));
    } catch {
      // As if nothing had happened.
    }
  });
  expect(over.failure).toMatchObject({
    cause: "file limit",
    message: 'Its files hold more than 1 MB: "hourly.csv" brought them to 1.1 MB.',
  });
});

test("a file on the disk is kept as it is, and one over the limit is not even read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "returned-files-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "hourly.csv");
  writeFileSync(path, "0,1\n");
  const { files } = await attempt((each) => each.copy("a.csv", path));
  expect(files!.map(({ name, content }) => [name, String(content)])).toEqual([["a.csv", "0,1\n"]]);

  // More than a buffer can hold, and no room on the disk.
  truncateSync(path, 3e9);
  expect((await attempt((each) => each.copy("a.csv", path))).failure).toMatchObject({
    cause: "file limit",
    message: 'Its files hold more than 1 MB: "a.csv" brought them to 3000.0 MB.',
  });
});

test("a file that is written after the end belongs to nobody", async () => {
  const files = createReturnedFiles("1 MB", 1e6);
  files.take();
  expect(() => files.write("late", "x")).toThrow("after its simulation had ended");
  expect(() => files.copy("late", import.meta.filename)).toThrow("after its simulation had ended");
});

test("a model that declares no files is told how", () => {
  expect(() => noFiles.write("a.csv", "x")).toThrow('limits: { files: "10 MB" }');
  expect(() => noFiles.copy("a.csv", "x")).toThrow('limits: { files: "10 MB" }');
});
